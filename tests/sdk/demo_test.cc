// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "clients/gatekeepers/demo/alice_chat.h"
#include "clients/gatekeepers/demo/script.h"

namespace postern::demo {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  const auto script = ParseScript(text);
  EXPECT_TRUE(absl::IsInvalidArgument(script.status()));
  return std::string(script.status().message());
}

constexpr char kCast[] = "person alice \"Alice\"\ndirect alice\n";

TEST(ScriptErrors, NameTheLine) {
  EXPECT_THAT(ErrorOf(std::string(kCast) + "+1 bob alice says m1 \"hi\""), HasSubstr("line 3"));
  EXPECT_THAT(ErrorOf(std::string(kCast) + "+1 alice alice edits m1 \"hi\""), HasSubstr("m1"));
  EXPECT_THAT(ErrorOf(std::string(kCast) + "+1 alice alice sings"), HasSubstr("sings"));
  EXPECT_THAT(ErrorOf(std::string(kCast) + "+x alice alice types"), HasSubstr("line 3"));
  EXPECT_THAT(ErrorOf("person alice \"Alice"), HasSubstr("line 1"));
  EXPECT_THAT(ErrorOf("direct alice"), HasSubstr("line 1"));
}

TEST(DefaultScriptTest, HasAllThatTheDemoPromises) {
  const auto script = ParseScript(DefaultScript());
  ASSERT_TRUE(script.ok()) << script.status();
  EXPECT_GE(script->people.size(), 6u) << "five and the user";
  int groups = 0;
  for (const auto& [id, name] : script->chats) groups += id.starts_with("group:");
  EXPECT_GE(groups, 2);
  std::set<int> kinds;
  bool photo = false, reply = false;
  for (const Step& step : script->steps) {
    kinds.insert(step.event.kind_case());
    const v1::Message& message = step.event.message_created().message();
    photo = photo || message.attachments_size() > 0;
    reply = reply || message.has_reply_to();
  }
  EXPECT_TRUE(photo);
  EXPECT_TRUE(reply);
  for (const int kind :
       {v1::Event::kMessageCreated, v1::Event::kMessageEdited, v1::Event::kMessageDeleted,
        v1::Event::kReactionSet, v1::Event::kReactionRemoved, v1::Event::kReceipt,
        v1::Event::kTyping, v1::Event::kCall}) {
    EXPECT_EQ(kinds.count(kind), 1u) << kind;
  }
}

TEST(PlayTest, SetsTheIdsOfARepetitionApart) {
  const auto script = *ParseScript(std::string(kCast) + "+1 alice alice says m1 \"hi\"");
  const Step& step = script.steps[0];
  EXPECT_EQ(Play(step, absl::UnixEpoch(), 0).message_created().message().id(), "m1");
  EXPECT_EQ(Play(step, absl::UnixEpoch(), 2).message_created().message().id(), "m1#2");
}

TEST(GenerateTest, GivesTheSameEventsForTheSameSeed) {
  const auto bytes = [](uint64_t seed) {
    std::string all;
    for (const Step& step : GenerateScript(200, 5, seed).steps)
      all += step.event.SerializeAsString();
    return all;
  };
  EXPECT_EQ(bytes(7), bytes(7));
  EXPECT_NE(bytes(7), bytes(8));
  EXPECT_EQ(GenerateScript(200, 5, 7).steps.size(), 200u);
  EXPECT_EQ(GenerateScript(200, 5, 7).chats.size(), 5u);
}

TEST(AliceChat, RefusesAChatItDoesNotHave) {
  v1::Command command;
  command.set_command_id("c1");
  command.mutable_send_message()->set_chat_id("direct:nobody");
  const Outcome outcome = CarryOut(command, {{"direct:alice", "Alice"}}, absl::UnixEpoch());
  EXPECT_EQ(outcome.result.state(), v1::CommandResult::STATE_FAILED);
  EXPECT_TRUE(outcome.events.empty());
}

TEST(AliceChat, ShowsWhatAnAppSendsAndTellsTheBroker) {
  v1::Command command;
  command.set_command_id("c1");
  command.mutable_send_message()->set_chat_id("direct:alice");
  command.mutable_send_message()->set_text("On my way");
  command.mutable_send_message()->set_app_display_name("Assistant");
  const Outcome outcome = CarryOut(command, {{"direct:alice", "Alice"}}, absl::UnixEpoch());
  EXPECT_EQ(outcome.result.state(), v1::CommandResult::STATE_SENT);
  EXPECT_EQ(outcome.line, "[Alice] You (via Assistant): On my way");
  ASSERT_EQ(outcome.events.size(), 1u);
  const v1::Message& message = outcome.events[0].message_created().message();
  EXPECT_EQ(message.id(), outcome.result.message_id());
  EXPECT_TRUE(message.from_owner());
}

}  // namespace
}  // namespace postern::demo
