// SPDX-License-Identifier: Apache-2.0
// What each of the scopes that send opens, and what becomes of a message that waits for the person.
#include <gtest/gtest.h>

#include "tests/behaviors/echoing_network.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using permissions::QuestionKind;

class SendTest : public testing::Test {
 protected:
  // Enrols an app whose person says 'answer' to each message it wants to send.
  Program Asker(const std::string& name, const std::vector<permissions::Scope>& scopes,
                const Person& answer) {
    const Program app = harness_.App(name, scopes);
    harness_.Decide(name, answer);
    return app;
  }
  static std::optional<permissions::ConsentAnswer> Refuse(
      const permissions::ConsentQuestion& question) {
    return fakes::ScriptedConsentPrompt::Refusal(question);
  }
  static std::optional<permissions::ConsentAnswer> AllowIt(
      const permissions::ConsentQuestion& question) {
    return fakes::ScriptedConsentPrompt::AllowAll(question);
  }
  // Nobody answers.
  static std::optional<permissions::ConsentAnswer> SayNothing(const permissions::ConsentQuestion&) {
    return std::nullopt;
  }

  // Waits for the end of a request, as the app is told it.
  static v1::RequestCompleted CompletionOf(EventReader& reader, const std::string& request_id) {
    for (size_t count = 1; reader.WaitForEvents(count); ++count) {
      const v1::Event event = reader.events()[count - 1];
      if (event.has_request_completed() && event.request_completed().request_id() == request_id) {
        return event.request_completed();
      }
    }
    ADD_FAILURE() << "the stream ended without an outcome: " << Text(reader.WaitEnd());
    return {};
  }

  size_t QuestionsOf(QuestionKind kind) {
    size_t count = 0;
    for (const auto& question : harness_.asked()) count += question.kind == kind;
    return count;
  }

  BrokerHarness harness_;
  EchoingNetwork alice_{harness_, "alicechat", {"garden", "kitchen"}};
};

TEST_F(SendTest, WithoutAScopeThatSendsNothingIsSent) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead, kMessagesDraft});
  const SendResult result = SendText(harness_, app, ChatIdOf(app, "garden"), "Hello");
  EXPECT_EQ(result.status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(result.status), "SCOPE_REQUIRED");
  EXPECT_EQ(InfoOf(result.status).metadata().at("scope"), "messages:send.ask");
  EXPECT_TRUE(alice_.sent().empty());
}

TEST_F(SendTest, ReplySendsWhereSomebodyWroteWithinADayAndAsksElsewhere) {
  const Program app = Asker("Replier", {kChatsRead, kMessagesReply}, Refuse);
  const std::string garden = ChatIdOf(app, "garden");
  const std::string kitchen = ChatIdOf(app, "kitchen");
  alice_.Say("garden", "Is anybody home?");
  SendResult result = SendText(harness_, app, garden, "Yes");
  ASSERT_TRUE(result.status.ok()) << Text(result.status);
  EXPECT_EQ(result.response.state(), v1::SEND_STATE_SENT);
  // Its own message opens nothing, nor does what was said elsewhere.
  result = SendText(harness_, app, kitchen, "Yes");
  ASSERT_TRUE(result.status.ok()) << Text(result.status);
  EXPECT_EQ(result.response.state(), v1::SEND_STATE_PENDING);
  harness_.clock().Advance(absl::Hours(24) - absl::Seconds(1));
  EXPECT_EQ(SendText(harness_, app, garden, "Still").response.state(), v1::SEND_STATE_SENT);
  harness_.clock().Advance(absl::Seconds(1));
  EXPECT_EQ(SendText(harness_, app, garden, "Too late").response.state(), v1::SEND_STATE_PENDING);
  EXPECT_EQ(alice_.sent().size(), 2u);
}

TEST_F(SendTest, ThatSomebodyWroteIsKnownAfterARestart) {
  Program app = Asker("Replier", {kChatsRead, kMessagesReply}, Refuse);
  alice_.Say("garden", "Is anybody home?");
  EXPECT_TRUE(SendText(harness_, app, ChatIdOf(app, "garden"), "Yes").status.ok());
  harness_.Restart();
  alice_.Reattach(harness_);
  app = harness_.Reconnect(app);
  EXPECT_EQ(SendText(harness_, app, ChatIdOf(app, "garden"), "Hello?").response.state(),
            v1::SEND_STATE_SENT);
  EXPECT_EQ(SendText(harness_, app, ChatIdOf(app, "kitchen"), "Hello?").response.state(),
            v1::SEND_STATE_PENDING);
}

TEST_F(SendTest, ThePersonSeesTheVeryMessageAndItGoesOutOnce) {
  permissions::ConsentQuestion seen;
  const Program app = Asker("Careful", {kChatsRead, kMessagesSendAsk}, [&](const auto& question) {
    seen = question;
    return AllowIt(question);
  });
  const Program other = harness_.App("Other", {kChatsRead, kMessagesSend});
  EventReader reader(app);
  EventReader other_reader(other);
  ASSERT_TRUE(reader.WaitLive() && other_reader.WaitLive());
  v1::SendMessageRequest request;
  request.set_request_id("asked-1");
  request.set_chat_id(ChatIdOf(app, "garden"));
  request.set_text("Dinner at eight?\nYour place.");
  v1::SendMessageResponse response;
  grpc::Status status = app->message->SendMessage(Patiently().get(), request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.state(), v1::SEND_STATE_PENDING);
  const v1::RequestCompleted completed = CompletionOf(reader, "asked-1");
  EXPECT_EQ(completed.outcome(), v1::RequestCompleted::OUTCOME_DONE);
  EXPECT_FALSE(completed.message_id().empty());
  EXPECT_EQ(seen.kind, QuestionKind::kSendMessage);
  EXPECT_EQ(seen.message_text, request.text());
  EXPECT_EQ(seen.subject, "garden");
  ASSERT_EQ(alice_.sent().size(), 1u);
  EXPECT_EQ(alice_.sent()[0].text(), request.text());

  // The same id has the same answer, and asks nobody.
  status = app->message->SendMessage(Patiently().get(), request, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.state(), v1::SEND_STATE_PENDING);
  EXPECT_EQ(QuestionsOf(QuestionKind::kSendMessage), 1u);
  EXPECT_EQ(alice_.sent().size(), 1u);
  EXPECT_EQ(TimesInHistory(harness_, app, v1::ACCESS_VERB_SEND), 1u);

  // How it ended is for the app that asked, and for no other.
  alice_.Say("garden", "Fine");
  EXPECT_TRUE(SendText(harness_, other, ChatIdOf(other, "garden"), "Bye").status.ok());
  for (const v1::Event& event : other_reader.events()) {
    EXPECT_FALSE(event.has_request_completed());
  }
}

TEST_F(SendTest, WhatThePersonRefusesIsNotSent) {
  const Program app = Asker("Careful", {kChatsRead, kMessagesSendAsk}, Refuse);
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  v1::SendMessageRequest request;
  request.set_request_id("asked-1");
  request.set_chat_id(ChatIdOf(app, "garden"));
  request.set_text("Transfer everything to me");
  v1::SendMessageResponse response;
  ASSERT_TRUE(app->message->SendMessage(Patiently().get(), request, &response).ok());
  EXPECT_EQ(CompletionOf(reader, "asked-1").outcome(), v1::RequestCompleted::OUTCOME_REFUSED);
  EXPECT_TRUE(alice_.sent().empty());
}

TEST_F(SendTest, AQuestionThatAStopCutIsToldAsRefused) {
  Program app = Asker("Careful", {kChatsRead, kMessagesSendAsk}, SayNothing);
  v1::SendMessageRequest request;
  request.set_request_id("asked-1");
  request.set_chat_id(ChatIdOf(app, "garden"));
  request.set_text("Is anybody there?");
  v1::SendMessageResponse response;
  ASSERT_TRUE(app->message->SendMessage(Patiently().get(), request, &response).ok());
  harness_.Restart();
  alice_.Reattach(harness_);
  app = harness_.Reconnect(app);
  EventReader reader(app, FromOldest());
  EXPECT_EQ(CompletionOf(reader, "asked-1").outcome(), v1::RequestCompleted::OUTCOME_REFUSED);
  // The id is spent.
  const grpc::Status status = app->message->SendMessage(Patiently().get(), request, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.state(), v1::SEND_STATE_PENDING);
  EXPECT_TRUE(alice_.sent().empty());
}

TEST_F(SendTest, AnAccessThatWasTakenBackMeanwhileIsNotUsedByAYes) {
  std::string principal;
  const Program owner = harness_.Owner();
  const Program app = Asker("Careful", {kChatsRead, kMessagesSendAsk}, [&](const auto& question) {
    v1::ListGrantsRequest list;
    list.set_principal(principal);
    v1::ListGrantsResponse grants;
    EXPECT_TRUE(owner->owner->ListGrants(Patiently().get(), list, &grants).ok());
    v1::NarrowGrantRequest narrow;
    narrow.set_request_id("narrow");
    narrow.set_grant_id(grants.grants(0).grant().id());
    narrow.add_remove_scopes(v1::SCOPE_MESSAGES_SEND_ASK);
    v1::NarrowGrantResponse narrowed;
    const grpc::Status status = owner->owner->NarrowGrant(Patiently().get(), narrow, &narrowed);
    EXPECT_TRUE(status.ok()) << Text(status);
    return AllowIt(question);
  });
  principal = app.principal;
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  v1::SendMessageRequest request;
  request.set_request_id("asked-1");
  request.set_chat_id(ChatIdOf(app, "garden"));
  request.set_text("Hello");
  v1::SendMessageResponse response;
  ASSERT_TRUE(app->message->SendMessage(Patiently().get(), request, &response).ok());
  EXPECT_EQ(CompletionOf(reader, "asked-1").outcome(), v1::RequestCompleted::OUTCOME_REFUSED);
  EXPECT_TRUE(alice_.sent().empty());
}

TEST_F(SendTest, WhereNobodyCanBeAskedNothingWaits) {
  const Program app = harness_.App("Careful", {kChatsRead, kMessagesSendAsk});
  harness_.LeaveAlone();
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  v1::SendMessageRequest request;
  request.set_request_id("asked-1");
  request.set_chat_id(ChatIdOf(app, "garden"));
  request.set_text("Hello");
  v1::SendMessageResponse response;
  const grpc::Status status = app->message->SendMessage(Patiently().get(), request, &response);
  // Either at once, or once it was tried.
  if (status.ok()) {
    EXPECT_EQ(CompletionOf(reader, "asked-1").outcome(), v1::RequestCompleted::OUTCOME_REFUSED);
  } else {
    EXPECT_EQ(ReasonOf(status), "CONSENT_UNAVAILABLE");
  }
  EXPECT_TRUE(alice_.sent().empty());
}

}  // namespace
}  // namespace postern::behaviors
