// SPDX-License-Identifier: Apache-2.0
// "See it as the app sees it": the owner is shown what a subscriber of that app gets, byte for
// byte, and what it was handed already, whatever became of its grants since.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

v1::SubscribeRequest Everything() {
  v1::SubscribeRequest request = FromOldest();
  request.set_include_own(true);
  request.set_include_backfill(true);
  return request;
}

std::vector<std::string> Bytes(const std::vector<v1::Event>& events) {
  std::vector<std::string> bytes;
  for (const v1::Event& event : events) bytes.push_back(event.SerializeAsString());
  return bytes;
}

std::vector<std::string> TextsOf(const std::vector<v1::Event>& events) {
  std::vector<std::string> texts;
  for (const v1::Event& event : events) {
    if (event.has_message_created()) texts.push_back(event.message_created().message().text());
  }
  return texts;
}

class ViewAsAppTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(adapter_.PushDurably({ChatEvent("club", "Club"), ChatEvent("work", "Work")}));
  }

  // All pages, oldest first. 'pages' counts them.
  std::vector<v1::Event> View(v1::ViewAsAppRequest request, int* pages = nullptr) {
    std::vector<v1::Event> all;
    v1::ViewAsAppResponse response;
    do {
      const grpc::Status status = owner_->owner->ViewAsApp(Patiently().get(), request, &response);
      EXPECT_TRUE(status.ok()) << Text(status);
      if (!status.ok()) break;
      all.insert(all.end(), response.events().begin(), response.events().end());
      for (const v1::ViewedName& name : response.names()) names_[name.id()] = name.name();
      request.set_page_token(response.next_page_token());
      if (pages != nullptr) ++*pages;
    } while (!response.next_page_token().empty());
    std::reverse(all.begin(), all.end());
    return all;
  }

  v1::ViewAsAppRequest Of(const Program& app) {
    v1::ViewAsAppRequest request;
    request.set_principal(app.principal);
    return request;
  }
  std::vector<v1::Event> Seen(const Program& app) {
    v1::ViewAsAppRequest request = Of(app);
    request.set_already_seen(true);
    return View(request);
  }

  std::string OwnersChat(const std::string& name) {
    v1::ListOwnedChatsResponse chats;
    EXPECT_TRUE(owner_->owner->ListOwnedChats(Patiently().get(), {}, &chats).ok());
    for (const v1::Chat& chat : chats.chats()) {
      if (chat.name() == name) return chat.id();
    }
    return "";
  }

  std::string GrantOf(const Program& app) {
    v1::ListGrantsRequest request;
    request.set_principal(app.principal);
    v1::ListGrantsResponse grants;
    EXPECT_TRUE(owner_->owner->ListGrants(Patiently().get(), request, &grants).ok());
    return grants.grants_size() == 1 ? grants.grants(0).grant().id() : "";
  }

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
  Program owner_ = harness_.Owner();
  std::map<std::string, std::string> names_;
};

// The owner's key, which any program on the session bus can read, shows no text by itself.
TEST_F(ViewAsAppTest, ShowsOnlyWhatThePersonLetsThatProgramShow) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m", "for the person's eyes")}));
  v1::ViewAsAppResponse response;
  const auto view = [&](const Program& owner) {
    response.Clear();
    return ReasonOf(owner->owner->ViewAsApp(Patiently().get(), Of(app), &response));
  };
  const auto asked = [&] {
    const std::vector<permissions::ConsentQuestion> questions = harness_.asked();
    return std::count_if(questions.begin(), questions.end(), [](const auto& question) {
      return question.kind == permissions::QuestionKind::kView;
    });
  };
  harness_.Decide("", fakes::ScriptedConsentPrompt::Refusal);
  EXPECT_EQ(view(owner_), "CONSENT_REFUSED");
  EXPECT_THAT(response.events(), IsEmpty());
  EXPECT_THAT(response.names(), IsEmpty());
  EXPECT_EQ(asked(), 1);
  EXPECT_EQ(harness_.asked().back().subject, "Reader");

  harness_.Decide("", fakes::ScriptedConsentPrompt::AllowAll);
  EXPECT_EQ(view(owner_), "");
  EXPECT_THAT(response.events(), testing::Not(IsEmpty()));
  EXPECT_EQ(view(owner_), "");
  EXPECT_EQ(asked(), 2);
  const Program another = harness_.Owner();
  EXPECT_EQ(view(another), "");
  EXPECT_EQ(asked(), 3);
  harness_.session().Set(platform::SessionPresence::kLocked);
  EXPECT_EQ(view(owner_), "CONSENT_UNAVAILABLE");
  EXPECT_THAT(response.events(), IsEmpty());
  harness_.session().Set(platform::SessionPresence::kPresent);
  EXPECT_EQ(view(owner_), "");
  EXPECT_EQ(asked(), 4);
  harness_.LeaveAlone();
  EXPECT_EQ(view(another), "CONSENT_UNAVAILABLE");
}

TEST_F(ViewAsAppTest, ShowsByteForByteWhatASubscriberGets) {
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "ancient", "ancient")}));
  harness_.clock().Advance(absl::Hours(1));
  const absl::Time from = harness_.clock().Now();
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "old", "old")}));
  harness_.clock().Advance(absl::Hours(1));
  const std::vector<std::pair<Program, size_t>> apps = {
      {harness_.App("Whole", {kChatsRead, kMessagesRead, kMessagesHistory, kReactionsRead}), 10},
      {harness_.App("New only", {kMessagesRead}), 5},
      {harness_.App("Metadata", {kMessagesMetadata}), 5},
      {harness_.App("One chat", {kMessagesRead, kReactionsRead}, {.chats = {"Work"}}), 1},
      {harness_.App("From a date", {kMessagesRead, kMessagesHistory}, {.history_from = from}), 6},
      {harness_.App("Typing", {kTypingRead}), 1}};
  v1::Event reply = MessageEvent("club", "reply", "re");
  reply.mutable_message_created()->mutable_message()->mutable_reply_to()->set_message_id("ancient");
  reply.mutable_message_created()->mutable_message()->mutable_reply_to()->set_excerpt("ancient");
  ASSERT_TRUE(adapter_.PushDurably(
      {MessageEvent("club", "one", "one"), MessageEvent("work", "two", "two"),
       EditEvent("club", "one", "uno"), ReactionEvent("club", "one", "+1"), TypingEvent("club"),
       reply, DeleteEvent("club", "old"), MessageEvent("club", "end", "end")}));

  for (const auto& [app, least] : apps) {
    SCOPED_TRACE(app.name);
    const std::vector<v1::Event> view = View(Of(app));
    EXPECT_GE(view.size(), least);
    EventReader reader(app, Everything());
    ASSERT_TRUE(reader.WaitForEvents(view.size()));
    EXPECT_EQ(Bytes(view), Bytes(reader.events()));
  }
}

TEST_F(ViewAsAppTest, ShowsImportedHistoryAndTheAppsOwnWordsAsAStreamThatAsksForThem) {
  const Program app =
      harness_.App("Translator", {kMessagesRead, kMessagesHistory, kMessagesSend, kChatsRead});
  v1::Event imported = MessageEvent("club", "imported", "imported");
  imported.set_backfill(true);
  imported.mutable_event_time()->set_seconds(1'600'000'000);
  ASSERT_TRUE(adapter_.PushDurably({imported, MessageEvent("club", "end", "end")}));
  const std::vector<v1::Event> view = View(Of(app));
  EXPECT_THAT(TextsOf(view), ElementsAre("imported", "end"));
  EventReader reader(app, Everything());
  ASSERT_TRUE(reader.WaitForEvents(view.size()));
  EXPECT_EQ(Bytes(view), Bytes(reader.events()));
}

TEST_F(ViewAsAppTest, PagesAddUpAndAreNewestFirst) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  std::vector<v1::Event> events;
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) {
    texts.push_back(std::to_string(i));
    events.push_back(MessageEvent(i % 2 == 0 ? "club" : "work", texts.back(), texts.back()));
  }
  ASSERT_TRUE(adapter_.PushDurably(events));
  v1::ViewAsAppRequest request = Of(app);
  request.set_page_size(7);
  int pages = 0;
  EXPECT_EQ(TextsOf(View(request, &pages)), texts);
  EXPECT_GE(pages, 29);
}

TEST_F(ViewAsAppTest, ShowsOneChatByTheOwnersNameForIt) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  ASSERT_TRUE(
      adapter_.PushDurably({MessageEvent("club", "1", "one"), MessageEvent("work", "2", "two")}));
  v1::ViewAsAppRequest request = Of(app);
  request.set_chat_id(OwnersChat("Work"));
  const std::vector<v1::Event> view = View(request);
  EXPECT_THAT(TextsOf(view), ElementsAre("two"));
  // The app may not list chats and so does not know what this one is called; the owner does.
  EXPECT_NE(view[0].chat_id(), request.chat_id());
  EXPECT_EQ(names_[view[0].chat_id()], "Work");
  // A page token does not go on with another request.
  request.set_page_size(1);
  request.clear_chat_id();
  v1::ViewAsAppResponse first;
  ASSERT_TRUE(owner_->owner->ViewAsApp(Patiently().get(), request, &first).ok());
  request.set_page_token(first.next_page_token());
  request.set_chat_id(OwnersChat("Work"));
  EXPECT_EQ(ReasonOf(owner_->owner->ViewAsApp(Patiently().get(), request, &first)),
            "INVALID_PAGE_TOKEN");
}

TEST_F(ViewAsAppTest, ShowsNothingWhileNothingMayBeSeen) {
  const Program app = harness_.App("Reader", {kMessagesRead, kMessagesHistory});
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "one")}));
  EXPECT_THAT(View(Of(app)), SizeIs(1));
  v1::PauseResponse paused;
  ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
  EXPECT_THAT(View(Of(app)), IsEmpty());
}

TEST_F(ViewAsAppTest, KnowsOnlyApps) {
  v1::ViewAsAppRequest request;
  v1::ViewAsAppResponse response;
  request.set_principal("nobody");
  EXPECT_EQ(ReasonOf(owner_->owner->ViewAsApp(Patiently().get(), request, &response)),
            "INVALID_FIELD");
  request.set_principal(std::string(64, 'a'));
  EXPECT_EQ(ReasonOf(owner_->owner->ViewAsApp(Patiently().get(), request, &response)), "NOT_FOUND");
}

class AlreadySeen : public ViewAsAppTest {
 protected:
  // What the app read so far, by a stream that is over.
  void Read(const Program& app, const std::string& last_text) {
    EventReader reader(app, Everything());
    ASSERT_TRUE(reader.WaitForText(last_text));
  }
};

TEST_F(AlreadySeen, IsWhatWasHandedOverAndNoMore) {
  const Program app = harness_.App("Reader", {kMessagesRead, kMessagesHistory});
  EXPECT_THAT(Seen(app), IsEmpty());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "one")}));
  // It could; it has not.
  EXPECT_THAT(Seen(app), IsEmpty());
  Read(app, "one");
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "2", "two")}));
  EXPECT_THAT(TextsOf(Seen(app)), ElementsAre("one"));
  EXPECT_THAT(TextsOf(View(Of(app))), ElementsAre("one", "two"));
}

TEST_F(AlreadySeen, SurvivesNarrowingAndRevocation) {
  const Program app = harness_.App("Reader", {kMessagesRead, kMessagesMetadata});
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "one")}));
  Read(app, "one");
  harness_.clock().Advance(absl::Minutes(5));
  v1::NarrowGrantRequest narrow;
  narrow.set_request_id(harness_.NewRequestId());
  narrow.set_grant_id(GrantOf(app));
  narrow.add_remove_scopes(v1::SCOPE_MESSAGES_READ);
  v1::NarrowGrantResponse narrowed;
  const grpc::Status status = owner_->owner->NarrowGrant(Patiently().get(), narrow, &narrowed);
  ASSERT_TRUE(status.ok()) << Text(status);
  harness_.clock().Advance(absl::Minutes(5));
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "2", "two")}));
  {
    EventReader reader(app);
    ASSERT_TRUE(reader.WaitLive());
    ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "3", "three")}));
    // That its grant changed is told too.
    const auto has_message = [&] {
      const std::vector<v1::Event> events = reader.events();
      return std::any_of(events.begin(), events.end(),
                         [](const v1::Event& event) { return event.has_message_created(); });
    };
    for (size_t count = 1; !has_message(); ++count) ASSERT_TRUE(reader.WaitForEvents(count));
  }
  // The first in its words, the third in its outline, the second not at all.
  EXPECT_THAT(TextsOf(Seen(app)), ElementsAre("one", ""));

  harness_.clock().Advance(absl::Minutes(5));
  v1::RevokeAppRequest revoke;
  revoke.set_request_id(harness_.NewRequestId());
  revoke.set_principal(app.principal);
  v1::RevokeAppResponse revoked;
  ASSERT_TRUE(owner_->owner->RevokeApp(Patiently().get(), revoke, &revoked).ok());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "4", "four")}));
  EXPECT_THAT(View(Of(app)), IsEmpty());
  EXPECT_THAT(TextsOf(Seen(app)), ElementsAre("one", ""));
}

TEST_F(AlreadySeen, OfAGrantThatCameLaterIsOnlyWhatCameAfterIt) {
  const Program app = harness_.App("Reader", {kMessagesMetadata});
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "one")}));
  {
    EventReader reader(app, Everything());
    ASSERT_TRUE(reader.WaitForEvents(1));
  }
  harness_.clock().Advance(absl::Minutes(5));
  harness_.Widen(app, {kMessagesRead, kMessagesHistory}, {});
  // It may read the words now, and has not.
  EXPECT_THAT(TextsOf(View(Of(app))), ElementsAre("one"));
  EXPECT_THAT(TextsOf(Seen(app)), ElementsAre(""));
  Read(app, "one");
  EXPECT_THAT(TextsOf(Seen(app)), ElementsAre("one"));
}

TEST_F(AlreadySeen, CountsMessagesThatWereListed) {
  const Program app = harness_.App("Reader", {kMessagesRead, kMessagesHistory, kChatsRead});
  ASSERT_TRUE(
      adapter_.PushDurably({MessageEvent("club", "1", "one"), MessageEvent("work", "2", "two"),
                            MessageEvent("club", "3", "three")}));
  v1::ListMessagesRequest list;
  list.set_chat_id(ChatIdOf(app, "Club"));
  v1::ListMessagesResponse listed;
  ASSERT_TRUE(app->message->ListMessages(Patiently().get(), list, &listed).ok());
  ASSERT_EQ(listed.messages_size(), 2);
  EXPECT_THAT(TextsOf(Seen(app)), ElementsAre("one", "three"));
}

TEST_F(AlreadySeen, CountsTheEditThatWasFoldedIntoAMessage) {
  ASSERT_TRUE(adapter_.PushDurably(
      {MessageEvent("club", "1", "one"), MessageEvent("club", "2", "unread"),
       EditEvent("club", "1", "uno"), MessageEvent("club", "3", "unread too")}));
  const Program app = harness_.App("Reader", {kMessagesRead, kMessagesHistory, kMessagesSearch});
  const auto texts = [&] {
    std::vector<std::string> seen;
    for (const v1::Event& event : Seen(app)) {
      seen.push_back(event.has_message_edited() ? event.message_edited().text()
                                                : event.message_created().message().text());
    }
    return seen;
  };
  v1::SearchMessagesRequest search;
  search.set_query("uno");
  v1::SearchMessagesResponse found;
  const grpc::Status status = app->message->SearchMessages(Patiently().get(), search, &found);
  ASSERT_TRUE(status.ok()) << Text(status);
  ASSERT_EQ(found.messages_size(), 1);
  EXPECT_THAT(texts(), ElementsAre("one", "uno"));
  // What it reads by the id adds nothing else of the chat.
  v1::GetMessageRequest get;
  get.set_message_id(found.messages(0).id());
  v1::GetMessageResponse got;
  ASSERT_TRUE(app->message->GetMessage(Patiently().get(), get, &got).ok());
  EXPECT_EQ(got.message().text(), "uno");
  EXPECT_THAT(texts(), ElementsAre("one", "uno"));
}

TEST_F(AlreadySeen, OutlivesARestart) {
  Program app = harness_.App("Reader", {kMessagesRead});
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "one")}));
  Read(app, "one");
  adapter_.End();
  harness_.Restart();
  owner_ = harness_.Owner();
  EXPECT_THAT(TextsOf(Seen(app)), ElementsAre("one"));
}

TEST_F(AlreadySeen, LookingDoesNotCountAsTheAppsReading) {
  const Program app = harness_.App("Reader", {kMessagesRead, kMessagesHistory});
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "one")}));
  ASSERT_THAT(View(Of(app)), SizeIs(1));
  EXPECT_THAT(Seen(app), IsEmpty());
  v1::ListAccessHistoryRequest request;
  request.set_principal(app.principal);
  request.add_verbs(v1::ACCESS_VERB_READ);
  v1::ListAccessHistoryResponse history;
  const grpc::Status status =
      owner_->owner->ListAccessHistory(Patiently().get(), request, &history);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_THAT(history.entries(), IsEmpty());
}

}  // namespace
}  // namespace postern::behaviors
