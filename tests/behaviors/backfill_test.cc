// SPDX-License-Identifier: Apache-2.0
// Older history on an app's request: from the gatekeeper into the past of the chat, with progress
// for who asked and for nobody else, across lost connections and restarts.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/proto_time.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

v1::Event OldMessage(const std::string& id, absl::Time time) {
  v1::Event event = MessageEvent("club", id, id);
  event.set_backfill(true);
  *event.mutable_event_time() = broker::ToProto(time);
  *event.mutable_message_created()->mutable_message()->mutable_create_time() = event.event_time();
  return event;
}

// Between two of the broker's looks, and a little more.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(100);

class BackfillTest : public testing::Test {
 protected:
  BackfillTest() {
    EXPECT_TRUE(
        adapter_->PushDurably({ChatEvent("club", "club"), MessageEvent("club", "known", "known")}));
    adapter_->Answer([](const v1::Command&) { return Result(v1::CommandResult::STATE_PENDING); });
  }
  static v1::CommandResult Result(v1::CommandResult::State state, uint32_t messages = 0,
                                  bool complete = false) {
    v1::CommandResult result;
    result.set_state(state);
    result.set_backfilled_messages(messages);
    result.set_backfill_complete(complete);
    return result;
  }
  void Say(v1::CommandResult result, const std::string& command_id) {
    result.set_command_id(command_id);
    v1::AttachRequest request;
    *request.mutable_command_result() = result;
    adapter_->Say(request);
  }
  grpc::Status Request(const Program& app, const std::string& request_id, uint32_t messages_max = 0,
                       const std::string& chat = "club") {
    v1::RequestBackfillRequest request;
    request.set_request_id(request_id);
    request.set_chat_id(ChatIdOf(app, chat));
    request.set_messages_max(messages_max);
    v1::RequestBackfillResponse response;
    return app->chat->RequestBackfill(Patiently().get(), request, &response);
  }
  static std::vector<v1::Event> Of(EventReader& reader, v1::Event::KindCase kind) {
    std::vector<v1::Event> events;
    for (const v1::Event& event : reader.events()) {
      if (event.kind_case() == kind) events.push_back(event);
    }
    return events;
  }
  // Waits for the event that ends the request.
  std::optional<v1::RequestCompleted> WaitForEnd(EventReader& reader) {
    for (size_t count = 1; reader.WaitForEvents(count); ++count) {
      const auto ended = Of(reader, v1::Event::kRequestCompleted);
      if (!ended.empty()) return ended.front().request_completed();
    }
    return std::nullopt;
  }

  BrokerHarness harness_{{}, absl::Milliseconds(50)};
  Program gatekeeper_ = harness_.Gatekeeper();
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(gatekeeper_);
  const absl::Time start_ = harness_.clock().Now();
  Program app_ = harness_.App("Asker", {kChatsRead, kMessagesRead, kMessagesHistory},
                              {.history_from = start_ - absl::Hours(48)});
};

TEST_F(BackfillTest, BringsHistoryInAndTellsWhoAskedAndNobodyElse) {
  const Program other = harness_.App("Other", {kChatsRead, kMessagesRead, kMessagesHistory});
  EventReader reader(app_);
  EventReader others(other);
  ASSERT_TRUE(reader.WaitLive() && others.WaitLive());
  const grpc::Status status = Request(app_, "r1", 100);
  ASSERT_TRUE(status.ok()) << Text(status);
  ASSERT_EQ(adapter_->commands().size(), 1u);
  const v1::Command command = adapter_->commands()[0];
  EXPECT_EQ(command.backfill().chat_id(), "club");
  EXPECT_EQ(command.backfill().before_message_id(), "known");
  EXPECT_EQ(command.backfill().messages_max(), 100u);
  // The grant's own beginning goes along.
  EXPECT_EQ(broker::FromProto(command.backfill().start_time()), start_ - absl::Hours(48));

  // Not a wait in between: what the answer says was brought in is there when the app hears of it.
  adapter_->Push(
      {OldMessage("b2", start_ - absl::Hours(2)), OldMessage("b1", start_ - absl::Hours(3))});
  Say(Result(v1::CommandResult::STATE_PENDING, 2), command.command_id());
  adapter_->Push({OldMessage("b0", start_ - absl::Hours(4)),
                  OldMessage("before the grant's date", start_ - absl::Hours(72))});
  Say(Result(v1::CommandResult::STATE_SENT, 4, true), command.command_id());
  const std::optional<v1::RequestCompleted> end = WaitForEnd(reader);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->request_id(), "r1");
  EXPECT_EQ(end->outcome(), v1::RequestCompleted::OUTCOME_DONE);
  const std::vector<v1::Event> progress = Of(reader, v1::Event::kBackfillProgress);
  ASSERT_EQ(progress.size(), 2u);
  EXPECT_EQ(progress[0].backfill_progress().request_id(), "r1");
  EXPECT_EQ(progress[0].backfill_progress().messages(), 2u);
  EXPECT_FALSE(progress[0].backfill_progress().complete());
  EXPECT_EQ(progress[1].backfill_progress().messages(), 4u);
  EXPECT_TRUE(progress[1].backfill_progress().complete());
  EXPECT_TRUE(reader.texts().empty()) << "history woke a subscriber that did not ask for it";

  v1::ListMessagesRequest list;
  list.set_chat_id(ChatIdOf(app_, "club"));
  v1::ListMessagesResponse listed;
  ASSERT_TRUE(app_->message->ListMessages(Patiently().get(), list, &listed).ok());
  std::vector<std::string> texts;
  for (const v1::Message& message : listed.messages()) texts.push_back(message.text());
  EXPECT_EQ(texts, (std::vector<std::string>{"known", "b2", "b1", "b0"}));

  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "end", "end")}));
  ASSERT_TRUE(others.WaitForText("end"));
  EXPECT_TRUE(Of(others, v1::Event::kBackfillProgress).empty());
  EXPECT_TRUE(Of(others, v1::Event::kRequestCompleted).empty());
  // The same id: the same answer, and nothing is done again.
  EXPECT_TRUE(Request(app_, "r1", 100).ok());
  EXPECT_EQ(adapter_->commands().size(), 1u);
}

TEST_F(BackfillTest, RefusesBeforeAnythingGoesOut) {
  v1::RequestBackfillRequest request;
  v1::RequestBackfillResponse response;
  request.set_chat_id(ChatIdOf(app_, "club"));
  grpc::Status status = app_->chat->RequestBackfill(Patiently().get(), request, &response);
  EXPECT_EQ(InfoOf(status).metadata().at("field"), "request_id");
  const Program without = harness_.App("Without", {kChatsRead, kMessagesRead});
  EXPECT_EQ(ReasonOf(Request(without, "r1")), "SCOPE_REQUIRED");
  const Program other = harness_.App("Other", {kChatsRead, kMessagesRead, kMessagesHistory});
  ASSERT_TRUE(Request(app_, "r1").ok());
  // One at a time in a chat, whoever asks.
  status = Request(other, "r1");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(status);
  EXPECT_EQ(ReasonOf(status), "LIMIT_EXCEEDED");
  EXPECT_EQ(adapter_->commands().size(), 1u);

  v1::Event cannot;
  cannot.set_chat_id("club");
  cannot.mutable_capabilities_changed()->mutable_capabilities()->set_backfill(
      v1::CAPABILITY_LEVEL_REJECTED);
  ASSERT_TRUE(adapter_->PushDurably({cannot}));
  status = Request(app_, "r2");
  EXPECT_EQ(ReasonOf(status), "NOT_SUPPORTED_BY_CHAT") << Text(status);
  EXPECT_EQ(InfoOf(status).metadata().at("capability"), "backfill");
  ASSERT_TRUE(adapter_->PushDurably({ChatEvent("hall", "hall")}));
  adapter_.reset();
  status = Request(app_, "r3", 0, "hall");
  EXPECT_EQ(ReasonOf(status), "GATEKEEPER_OFFLINE") << Text(status);
}

TEST_F(BackfillTest, AnAppAsksForSoManyAtOnce) {
  for (size_t i = 0; i <= broker::kBackfillsPerAppMax; ++i) {
    const std::string chat = "hall" + std::to_string(i);
    ASSERT_TRUE(adapter_->PushDurably({ChatEvent(chat, chat)}));
    const grpc::Status status = Request(app_, "r" + std::to_string(i), 0, chat);
    if (i < broker::kBackfillsPerAppMax) {
      EXPECT_TRUE(status.ok()) << Text(status);
      continue;
    }
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(status);
    EXPECT_EQ(InfoOf(status).metadata().at("limit"), "backfills_per_app");
  }
  EXPECT_EQ(adapter_->commands().size(), broker::kBackfillsPerAppMax);
  // Another app has its own.
  const Program other = harness_.App("Other", {kChatsRead, kMessagesRead, kMessagesHistory});
  EXPECT_TRUE(Request(other, "r1").ok());
  // No request is for more than the most.
  EXPECT_TRUE(adapter_->WaitForCommands(broker::kBackfillsPerAppMax + 1));
  EXPECT_EQ(adapter_->commands().back().backfill().messages_max(),
            broker::kBackfillMessagesDefault);
}

TEST_F(BackfillTest, AGatekeeperThatCannotSaysSoAtOnce) {
  adapter_->Answer([](const v1::Command&) {
    v1::CommandResult result = Result(v1::CommandResult::STATE_FAILED);
    result.set_missing_capability("backfill");
    return result;
  });
  EXPECT_EQ(ReasonOf(Request(app_, "r1")), "NOT_SUPPORTED_BY_CHAT");
  adapter_->Answer(
      [](const v1::Command&) { return Result(v1::CommandResult::STATE_FAILED_RETRIABLE); });
  EXPECT_EQ(ReasonOf(Request(app_, "r2")), "GATEKEEPER_RETRY");
  // In its own words, as far as a status carries them, and never half a character.
  adapter_->Answer([](const v1::Command& command) {
    v1::CommandResult result = Result(v1::CommandResult::STATE_FAILED);
    std::string words;
    while (words.size() <= 2 * broker::kGatekeeperReasonMax) words += "€";
    if (command.backfill().messages_max() == 1) {
      result.set_missing_capability(words);
    } else {
      result.set_reason(words);
    }
    return result;
  });
  grpc::Status status = Request(app_, "r3");
  EXPECT_EQ(ReasonOf(status), "GATEKEEPER_REFUSED") << Text(status);
  const std::string most(InfoOf(status).metadata().at("gatekeeper_reason"));
  EXPECT_LE(most.size(), broker::kGatekeeperReasonMax);
  EXPECT_EQ(most.size() % std::string("€").size(), 0u);
  status = Request(app_, "r4", 1);
  EXPECT_EQ(ReasonOf(status), "NOT_SUPPORTED_BY_CHAT") << Text(status);
  EXPECT_EQ(InfoOf(status).metadata().at("capability"), most);
  // None of them stands in the way of the next.
  adapter_->Answer(
      [](const v1::Command&) { return Result(v1::CommandResult::STATE_SENT, 0, true); });
  EXPECT_TRUE(Request(app_, "r5").ok());
}

TEST_F(BackfillTest, GoesOnWhenAdapterAndDaemonComeBack) {
  ASSERT_TRUE(Request(app_, "r1", 100).ok());
  const std::string id = adapter_->commands()[0].command_id();
  adapter_->End();
  harness_.Restart();
  app_ = harness_.Reconnect(app_);
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  gatekeeper_ = harness_.Reconnect(gatekeeper_);
  adapter_ = Adapter::Again(gatekeeper_);
  // It is asked how the command stands, by its id.
  ASSERT_TRUE(adapter_->WaitForCommands(1));
  EXPECT_EQ(adapter_->commands()[0].command_id(), id);
  EXPECT_FALSE(adapter_->commands()[0].has_backfill());
  Say(Result(v1::CommandResult::STATE_SENT, 3, true), id);
  const std::optional<v1::RequestCompleted> end = WaitForEnd(reader);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->request_id(), "r1");
  EXPECT_EQ(end->outcome(), v1::RequestCompleted::OUTCOME_DONE);
}

TEST_F(BackfillTest, ACommandThatTheGatekeeperForgotGoesOutAgain) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  int answers = 0;
  adapter_->Answer([&answers](const v1::Command&) {
    return ++answers < 3 ? Result(v1::CommandResult::STATE_UNKNOWN)
                         : Result(v1::CommandResult::STATE_SENT, 0, true);
  });
  const grpc::Status status = Request(app_, "r1");
  ASSERT_TRUE(status.ok()) << Text(status);
  const std::optional<v1::RequestCompleted> end = WaitForEnd(reader);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->outcome(), v1::RequestCompleted::OUTCOME_DONE);
  ASSERT_EQ(adapter_->commands().size(), 3u);
  EXPECT_EQ(adapter_->commands()[2].SerializeAsString(),
            adapter_->commands()[0].SerializeAsString());
}

TEST_F(BackfillTest, AGatekeeperThatFallsSilentEndsIt) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(Request(app_, "r1").ok());
  // The broker must be there to see the silence: it counts from one look to the next.
  absl::Duration passed;
  for (size_t told = reader.events().size();
       passed < absl::Hours(12) && Of(reader, v1::Event::kRequestCompleted).empty();) {
    harness_.clock().Advance(broker::kUpkeepInterval);
    passed += broker::kUpkeepInterval;
    (void)reader.WaitForEvents(told + 1, kBetweenLooks);
  }
  EXPECT_GE(passed, broker::kBackfillSilenceMax);
  const std::optional<v1::RequestCompleted> end = WaitForEnd(reader);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->outcome(), v1::RequestCompleted::OUTCOME_FAILED_RETRIABLE);
  EXPECT_TRUE(Request(app_, "r2").ok());
}

// The gatekeeper slept too.
TEST_F(BackfillTest, AMachineThatSleptIsNoSilentGatekeeper) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(Request(app_, "r1").ok());
  const size_t told = reader.events().size();
  harness_.clock().Advance(2 * broker::kBackfillSilenceMax);
  (void)reader.WaitForEvents(told + 1, 5 * kBetweenLooks);
  EXPECT_TRUE(Of(reader, v1::Event::kRequestCompleted).empty());
  Say(Result(v1::CommandResult::STATE_SENT, 1, true), adapter_->commands()[0].command_id());
  const std::optional<v1::RequestCompleted> end = WaitForEnd(reader);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->outcome(), v1::RequestCompleted::OUTCOME_DONE);
}

}  // namespace
}  // namespace postern::behaviors
