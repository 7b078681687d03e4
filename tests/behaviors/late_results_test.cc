// SPDX-License-Identifier: Apache-2.0
// What the network cannot say at once is told when it can, whatever stops in between; and what it
// never says is told too.
#include <gtest/gtest.h>

#include "tests/behaviors/stopped_store.h"
#include "tests/behaviors/writing_fixture.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using v1::CommandResult;
using v1::RequestCompleted;

class LateResultsTest : public WritingTest {
 protected:
  // Answers each command as pending, for now.
  void AnswerLater() {
    Answer([](const v1::Command& command) {
      CommandResult result;
      // An id alone is a question; its answer is another test's.
      if (command.kind_case() == v1::Command::KIND_NOT_SET) {
        return std::optional<CommandResult>();
      }
      result.set_state(CommandResult::STATE_PENDING);
      return std::optional(result);
    });
  }
  void Result(const std::string& command_id, CommandResult::State state,
              const std::string& message_id = {}, const std::string& reason = {}) {
    v1::AttachRequest request;
    CommandResult& result = *request.mutable_command_result();
    result.set_command_id(command_id);
    result.set_state(state);
    result.set_message_id(message_id);
    result.set_reason(reason);
    adapter_->Say(request);
  }
  // Sends what waits, under 'request_id'; the command's id.
  std::string SendPending(const Program& app, const std::string& request_id) {
    v1::SendMessageRequest request;
    request.set_request_id(request_id);
    request.set_text("Later");
    v1::SendMessageResponse response;
    const grpc::Status status = Send(app, request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    EXPECT_EQ(response.state(), v1::SEND_STATE_PENDING);
    return LastCommand().command_id();
  }
  // Waits for the end of a request, as the app is told it.
  static RequestCompleted CompletionOf(EventReader& reader, const std::string& request_id) {
    for (size_t count = 1; reader.WaitForEvents(count); ++count) {
      const v1::Event event = reader.events()[count - 1];
      if (event.has_request_completed() && event.request_completed().request_id() == request_id) {
        return event.request_completed();
      }
    }
    ADD_FAILURE() << "the stream ended without an outcome: " << Text(reader.WaitEnd());
    return {};
  }
  static size_t CompletionsIn(EventReader& reader) {
    size_t count = 0;
    for (const v1::Event& event : reader.events()) count += event.has_request_completed();
    return count;
  }
  void Reattach() {
    adapter_.reset();
    Attach();
  }
  // Restarts a broker that waits for so many answers to an app that is long gone.
  void RestartWithAwaited(size_t count) {
    adapter_.reset();
    harness_.Stop();
    ASSERT_NO_FATAL_FAILURE(ChangeStored(harness_, [&](broker::Database& database) {
      return database.Run(
          "WITH RECURSIVE numbers(number) AS "
          "(SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?) "
          "INSERT INTO pending_sends(principal, request_id, account, chat, state, message, "
          "command_id, time, error) SELECT zeroblob(32), 'r' || number, zeroblob(16), "
          "zeroblob(16), -1, zeroblob(16), 'c' || number, ?, x'' FROM numbers",
          count, absl::ToUnixSeconds(harness_.clock().Now()));
    }));
    harness_.Restart();
    gatekeeper_ = harness_.Reconnect(gatekeeper_);
    Attach();
  }
};

TEST_F(LateResultsTest, TheEndIsAnEventToThatAppAlone) {
  const Program app = Writer();
  const Program other = Writer("Other");
  EventReader reader(app);
  EventReader other_reader(other);
  ASSERT_TRUE(reader.WaitLive() && other_reader.WaitLive());
  AnswerLater();
  const std::string command = SendPending(app, "late");
  // It still waits.
  Result(command, CommandResult::STATE_PENDING);
  Result(command, CommandResult::STATE_SENT, "late-1");
  const RequestCompleted completed = CompletionOf(reader, "late");
  EXPECT_EQ(completed.outcome(), RequestCompleted::OUTCOME_DONE);
  EXPECT_FALSE(completed.message_id().empty());
  EXPECT_FALSE(completed.has_error());
  // Its id is that of the message when it comes; a second answer is nobody's.
  Result(command, CommandResult::STATE_FAILED);
  v1::Event event = MessageEvent("club", "late-1", "Later");
  event.mutable_message_created()->mutable_message()->set_sender_contact_id("self");
  Answer({});
  Report(event);
  EXPECT_EQ(Shown(app, completed.message_id()).text(), "Later");
  ASSERT_TRUE(other_reader.WaitForText("Later") && reader.WaitForText("Later"));
  EXPECT_EQ(CompletionsIn(reader), 1u);
  EXPECT_EQ(CompletionsIn(other_reader), 0u);
  // The same id has the same answer, and sends nothing again.
  v1::SendMessageRequest again;
  again.set_request_id("late");
  again.set_text("Later");
  v1::SendMessageResponse response;
  const size_t before = CommandCount();
  ASSERT_TRUE(Send(app, again, &response).ok());
  EXPECT_EQ(response.state(), v1::SEND_STATE_PENDING);
  EXPECT_EQ(CommandCount(), before);
}

TEST_F(LateResultsTest, AFailureIsToldWithItsReason) {
  const Program app = Writer();
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  AnswerLater();
  Result(SendPending(app, "refused"), CommandResult::STATE_FAILED, {}, "blocked by them");
  RequestCompleted completed = CompletionOf(reader, "refused");
  EXPECT_EQ(completed.outcome(), RequestCompleted::OUTCOME_FAILED);
  EXPECT_EQ(completed.error().reason(), "GATEKEEPER_REFUSED");
  EXPECT_EQ(completed.error().metadata().at("gatekeeper_reason"), "blocked by them");
  Result(SendPending(app, "for now"), CommandResult::STATE_FAILED_RETRIABLE, {}, "no network");
  completed = CompletionOf(reader, "for now");
  EXPECT_EQ(completed.outcome(), RequestCompleted::OUTCOME_FAILED_RETRIABLE);
  EXPECT_EQ(completed.error().reason(), "GATEKEEPER_RETRY");
  Result(SendPending(app, "lost"), CommandResult::STATE_UNKNOWN);
  EXPECT_EQ(CompletionOf(reader, "lost").outcome(), RequestCompleted::OUTCOME_UNKNOWN);
}

TEST_F(LateResultsTest, WhatIsNoMessageIsToldTheSameWay) {
  const Program app = Writer();
  const std::string own = Sent(app, "Mine");
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  AnswerLater();
  v1::EditMessageRequest request;
  request.set_request_id("edit");
  request.set_message_id(own);
  request.set_text("Changed");
  v1::EditMessageResponse response;
  ASSERT_TRUE(app->message->EditMessage(Patiently().get(), request, &response).ok());
  Result(LastCommand().command_id(), CommandResult::STATE_FAILED, {}, "too late");
  const RequestCompleted completed = CompletionOf(reader, "edit");
  EXPECT_EQ(completed.outcome(), RequestCompleted::OUTCOME_FAILED);
  EXPECT_EQ(completed.error().metadata().at("gatekeeper_reason"), "too late");
}

TEST_F(LateResultsTest, AnAnswerThatOvertakesItsQuestionIsNotLost) {
  const Program app = Writer();
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  Answer([this](const v1::Command& command) {
    Result(command.command_id(), CommandResult::STATE_PENDING);
    Result(command.command_id(), CommandResult::STATE_SENT, "quick");
    return std::optional<CommandResult>();
  });
  SendPending(app, "quick");
  EXPECT_EQ(CompletionOf(reader, "quick").outcome(), RequestCompleted::OUTCOME_DONE);
}

TEST_F(LateResultsTest, AnAdapterThatComesBackIsAskedByTheIdAlone) {
  const Program app = Writer();
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  AnswerLater();
  const std::string command = SendPending(app, "late");
  Reattach();
  ASSERT_TRUE(adapter_->WaitForCommands(1));
  EXPECT_EQ(LastCommand().command_id(), command);
  EXPECT_EQ(LastCommand().kind_case(), v1::Command::KIND_NOT_SET);
  Result(command, CommandResult::STATE_SENT, "late-1");
  EXPECT_EQ(CompletionOf(reader, "late").outcome(), RequestCompleted::OUTCOME_DONE);
  // What has ended is not asked for again.
  Reattach();
  Report(MessageEvent("club", "m2", "Hello"));
  EXPECT_EQ(CommandCount(), 0u);
}

TEST_F(LateResultsTest, ARestartOfTheBrokerLosesNothing) {
  for (const bool crash : {false, true}) {
    Program app = Writer(crash ? "Second" : "First");
    AnswerLater();
    const std::string command = SendPending(app, "late");
    crash ? harness_.RestartAsAfterCrash() : harness_.Restart();
    gatekeeper_ = harness_.Reconnect(gatekeeper_);
    Reattach();
    app = harness_.Reconnect(app);
    EventReader reader(app);
    ASSERT_TRUE(reader.WaitLive());
    ASSERT_TRUE(adapter_->WaitForCommands(1));
    EXPECT_EQ(LastCommand().command_id(), command);
    Result(command, CommandResult::STATE_FAILED, {}, "expired on the server");
    const RequestCompleted completed = CompletionOf(reader, "late");
    EXPECT_EQ(completed.outcome(), RequestCompleted::OUTCOME_FAILED);
    EXPECT_EQ(completed.error().metadata().at("gatekeeper_reason"), "expired on the server");
  }
}

TEST_F(LateResultsTest, OfMoreThanCanBeAwaitedTheAppIsToldThatNobodyKnows) {
  Program app = Writer();
  AnswerLater();
  const std::string first = SendPending(app, "first");
  RestartWithAwaited(broker::kLateResultsMax - 1);
  app = harness_.Reconnect(app);
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  SendPending(app, "too many");
  const RequestCompleted unknown = CompletionOf(reader, "too many");
  EXPECT_EQ(unknown.outcome(), RequestCompleted::OUTCOME_UNKNOWN);
  EXPECT_EQ(unknown.error().reason(), "OUTCOME_UNKNOWN");
  // Who waited already, waits; and leaves room for another.
  Result(first, CommandResult::STATE_SENT, "late-1");
  EXPECT_EQ(CompletionOf(reader, "first").outcome(), RequestCompleted::OUTCOME_DONE);
  Result(SendPending(app, "another"), CommandResult::STATE_SENT, "late-2");
  EXPECT_EQ(CompletionOf(reader, "another").outcome(), RequestCompleted::OUTCOME_DONE);
}

TEST_F(LateResultsTest, AMessageThatThePersonAllowedCanWaitForTheNetworkToo) {
  const Program app = harness_.App("Careful", {kChatsRead, kMessagesRead, kMessagesSendAsk});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  Answer([this](const v1::Command& command) {
    Result(command.command_id(), CommandResult::STATE_PENDING);
    Result(command.command_id(), CommandResult::STATE_SENT, "allowed");
    return std::optional<CommandResult>();
  });
  v1::SendMessageRequest request;
  request.set_request_id("asked");
  request.set_text("May I?");
  v1::SendMessageResponse response;
  ASSERT_TRUE(Send(app, request, &response).ok());
  EXPECT_EQ(response.state(), v1::SEND_STATE_PENDING);
  EXPECT_EQ(CompletionOf(reader, "asked").outcome(), RequestCompleted::OUTCOME_DONE);
  EXPECT_EQ(CompletionsIn(reader), 1u);
}

TEST_F(LateResultsTest, ThePersonIsShownWhatHasNoText) {
  std::string shown;
  const Program app = harness_.App("Careful", {kChatsRead, kMessagesSendAsk});
  harness_.Decide("Careful", [&](const auto& question) {
    shown = question.message_text;
    return fakes::ScriptedConsentPrompt::Refusal(question);
  });
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  v1::SendMessageRequest request;
  request.set_request_id("poll");
  request.set_kind(v1::MESSAGE_KIND_POLL);
  request.mutable_poll()->set_question("Shall we?");
  request.mutable_poll()->add_options()->set_text("Yes please");
  request.mutable_poll()->add_options()->set_text("No thanks");
  ASSERT_TRUE(Send(app, request).ok());
  EXPECT_EQ(CompletionOf(reader, "poll").outcome(), RequestCompleted::OUTCOME_REFUSED);
  for (const char* part : {"Shall we?", "Yes please", "No thanks"}) {
    EXPECT_NE(shown.find(part), std::string::npos) << part;
  }
}

// A day is long enough; the broker looks each time it does its upkeep.
class OverdueTest : public testing::Test {
 protected:
  BrokerHarness harness_{{}, absl::Milliseconds(20)};
};

TEST_F(OverdueTest, WhatNobodyAnswersIsToldAsUnknownAfterADay) {
  const Program gatekeeper = harness_.Gatekeeper();
  Adapter adapter(gatekeeper);
  ASSERT_TRUE(adapter.PushDurably({ChatEvent("club")}));
  adapter.Answer([](const v1::Command&) {
    CommandResult result;
    result.set_state(CommandResult::STATE_PENDING);
    return std::optional(result);
  });
  const Program app = harness_.App("Writer", {kChatsRead, kMessagesSend});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  const SendResult sent = SendText(harness_, app, ChatIdOf(app, "club"), "Hello?");
  ASSERT_TRUE(sent.status.ok()) << Text(sent.status);
  // Step by step, as time passes on a machine that runs.
  for (int hour = 0; hour < 25; ++hour) harness_.clock().Advance(absl::Hours(1));
  std::optional<RequestCompleted> completed;
  for (size_t count = 1; !completed.has_value() && reader.WaitForEvents(count); ++count) {
    const v1::Event event = reader.events()[count - 1];
    if (event.has_request_completed()) completed = event.request_completed();
  }
  ASSERT_TRUE(completed.has_value());
  EXPECT_EQ(completed->outcome(), RequestCompleted::OUTCOME_UNKNOWN);
  EXPECT_EQ(completed->error().reason(), "OUTCOME_UNKNOWN");
}

}  // namespace
}  // namespace postern::behaviors
