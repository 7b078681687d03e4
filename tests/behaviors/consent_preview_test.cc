// SPDX-License-Identifier: Apache-2.0
// "What this app would see", before the person answers, is what the app then sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using broker::ConsentPreviewer;
using permissions::ChatChoice;
using permissions::ConsentAnswer;
using permissions::ConsentDecision;
using permissions::ConsentPreview;
using permissions::ConsentQuestion;
using permissions::View;
using testing::ElementsAre;

class ConsentPreviewTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(adapter_.PushDurably({ChatEvent("club", "Club"), ChatEvent("work", "Work"),
                                      MessageEvent("club", "1", "dinner at eight"),
                                      MessageEvent("club", "2", "bring \u202Esalad"),
                                      MessageEvent("work", "3", "the report")}));
  }

  // What the person is shown for 'draft' while "Reader" asks for 'scopes'; they then refuse.
  ConsentPreview PreviewOf(const std::vector<permissions::Scope>& scopes,
                           const Allowance& allowance,
                           const std::function<void(ConsentAnswer&)>& change = {}) {
    ConsentPreview preview;
    harness_.WatchQuestions([&](const ConsentQuestion& question, const ConsentPreviewer& of) {
      if (question.claimed_name != "Reader") return;
      ConsentAnswer draft = Allow(question, allowance);
      draft.decision = ConsentDecision::kDraft;
      draft.given_name.clear();
      if (change) change(draft);
      preview = of(draft);
    });
    harness_.Decide("Reader", fakes::ScriptedConsentPrompt::Refusal);
    harness_.clock().Advance(absl::Hours(1));
    const Program program = harness_.Connect("Reader");
    EXPECT_FALSE(harness_.Enroll(program, AppManifest("Reader", scopes)).granted());
    harness_.WatchQuestions(nullptr);
    harness_.Decide("Reader", nullptr);
    return preview;
  }

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
};

std::vector<std::string> TextsOf(const ConsentPreview& preview) {
  std::vector<std::string> texts;
  for (const permissions::PreviewLine& line : preview.lines) texts.push_back(line.text);
  return texts;
}

TEST_F(ConsentPreviewTest, ShowsTheMessagesOfTheChatsThatAreTicked) {
  const ConsentPreview preview = PreviewOf({kMessagesRead}, {.chats = {"Club"}});
  ASSERT_TRUE(preview.known);
  EXPECT_EQ(preview.chats, 1u);
  EXPECT_EQ(preview.messages, 2u);
  EXPECT_EQ(preview.readable_now, 0u) << "older messages are not asked for";
  // Cleaned: what turns text around is gone.
  EXPECT_THAT(TextsOf(preview), testing::UnorderedElementsAre("dinner at eight", "bring salad"));
  for (const permissions::PreviewLine& line : preview.lines) EXPECT_EQ(line.chat, "Club");
}

TEST_F(ConsentPreviewTest, SaysWhatCanBeReadAtOnce) {
  const ConsentPreview preview = PreviewOf({kMessagesRead, kMessagesHistory}, {.chats = {"Work"}});
  ASSERT_TRUE(preview.known);
  EXPECT_EQ(preview.readable_now, 1u);
  const ConsentPreview recent = PreviewOf(
      {kMessagesRead, kMessagesHistory}, {},
      [](ConsentAnswer& draft) { draft.history_start_time = absl::Now() + absl::Hours(24 * 365); });
  EXPECT_EQ(recent.messages, 3u);
  EXPECT_EQ(recent.readable_now, 0u);
}

TEST_F(ConsentPreviewTest, ShowsNoTextWhereOnlyTheOutlineIsTicked) {
  const ConsentPreview preview = PreviewOf({kMessagesMetadata, kMessagesRead},
                                           {.scopes = {kMessagesMetadata}, .chats = {"Work"}});
  ASSERT_TRUE(preview.known);
  ASSERT_EQ(preview.lines.size(), 1u);
  EXPECT_EQ(preview.lines.front().view, View::kMetadata);
  EXPECT_EQ(preview.lines.front().text, "");
}

TEST_F(ConsentPreviewTest, ShowsNoMessageWhereNoneCanBeSeen) {
  const ConsentPreview preview = PreviewOf({kChatsRead}, {});
  EXPECT_TRUE(preview.known);
  EXPECT_EQ(preview.chats, 2u);
  EXPECT_EQ(preview.messages, 0u);
  EXPECT_TRUE(preview.lines.empty());
}

TEST_F(ConsentPreviewTest, LeavesOutWhatIsExcluded) {
  const ConsentPreview preview = PreviewOf({kMessagesRead}, {}, [](ConsentAnswer& draft) {
    ASSERT_EQ(draft.chat_choice, ChatChoice::kAllAndNew);
    draft.excluded_chats = {0};
  });
  ASSERT_TRUE(preview.known);
  EXPECT_EQ(preview.chats, 1u);
}

TEST_F(ConsentPreviewTest, KnowsNothingOfADraftThatCouldNotBeAnswered) {
  EXPECT_FALSE(
      PreviewOf({kMessagesRead}, {}, [](ConsentAnswer& draft) { draft.scopes = {}; }).known);
  EXPECT_FALSE(PreviewOf({kMessagesRead}, {}, [](ConsentAnswer& draft) {
                 draft.scopes.Add(kExport);
               }).known);
}

TEST_F(ConsentPreviewTest, IsWhatTheAppThenSees) {
  const std::vector<permissions::Scope> scopes = {kChatsRead, kMessagesRead, kMessagesHistory};
  const ConsentPreview preview = PreviewOf(scopes, {.chats = {"Work"}});
  harness_.clock().Advance(absl::Hours(24 * 8));
  const Program app = harness_.App("Reader", scopes, {.chats = {"Work"}});
  v1::ListMessagesRequest request;
  request.set_chat_id(ChatIdOf(app, "Work"));
  v1::ListMessagesResponse response;
  ASSERT_TRUE(app->message->ListMessages(Patiently().get(), request, &response).ok());
  ASSERT_EQ(static_cast<size_t>(response.messages_size()), preview.lines.size());
  EXPECT_EQ(response.messages(0).text(), preview.lines.front().text);
  EXPECT_THAT(TextsOf(preview), ElementsAre("the report"));
}

}  // namespace
}  // namespace postern::behaviors
