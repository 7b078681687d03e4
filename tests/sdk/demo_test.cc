// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
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
  // Each known by a word that the others do not have.
  const std::map<std::string, std::string> words = {
      {"Eight works", "en"}, {"¿A qué", "es"}, {"Ich kann", "de"}, {"Il va", "fr"}, {"天気", "ja"}};
  std::set<std::string> languages;
  for (const Step& step : script->steps) {
    kinds.insert(step.event.kind_case());
    const v1::Message& message = step.event.message_created().message();
    photo = photo || message.attachments_size() > 0;
    reply = reply || message.has_reply_to();
    for (const auto& [word, language] : words) {
      if (message.text().find(word) != std::string::npos) languages.insert(language);
    }
  }
  EXPECT_TRUE(photo);
  EXPECT_TRUE(reply);
  EXPECT_GE(languages.size(), 4u);
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

// One AliceChat with a 1:1 chat, a group, and something to talk about.
class AliceChatTest : public ::testing::Test {
 protected:
  AliceChatTest() {
    for (const Step& step : script_.setup) world_.Apply(step.event);
    for (const Step& step : script_.steps) world_.Apply(Play(step, kNow, 0));
    for (const auto& [id, file] : script_.files) files_.AddGenerated(id, file);
  }
  Outcome Carry(const v1::Command& command) {
    v1::Command named = command;
    if (named.command_id().empty()) named.set_command_id("c" + std::to_string(++commands_));
    return alice_.CarryOut(named, kNow).back();
  }
  // An app's own message, for what can be done to one.
  std::string Sent(const std::string& text) {
    v1::Command command;
    command.mutable_send_message()->set_chat_id("direct:alice");
    command.mutable_send_message()->set_text(text);
    return Carry(command).result.message_id();
  }

  static constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
  const Script script_ = *ParseScript(
      "person alice \"Alice\"\nperson bob \"Bob\"\ndirect alice\ndirect bob\n"
      "group club \"Club\" alice bob\n"
      "-200 alice alice says h1 \"old\"\n-100 alice alice says h2 \"less old\"\n"
      "+0 alice alice says m1 \"hi\"\n"
      "+0 alice club poll p1 \"When?\" \"Friday\" \"Sunday\"\n"
      "+0 bob bob can poll rejected\n+0 bob bob can reply dropped\n"
      "+0 bob bob can allowed_reactions 👍\n+0 bob bob can text_bytes_max 5\n"
      "+0 bob bob can edit_age_max 60\n");
  World world_;
  Files files_;
  Faults faults_;
  AliceChat alice_{script_, world_, files_, faults_, kNow};
  int commands_ = 0;
};
using Alice = AliceChatTest;

TEST_F(Alice, RefusesAChatItDoesNotHave) {
  v1::Command command;
  command.mutable_send_message()->set_chat_id("direct:nobody");
  const Outcome outcome = Carry(command);
  EXPECT_EQ(outcome.result.state(), v1::CommandResult::STATE_FAILED);
  EXPECT_TRUE(outcome.events.empty());
}

TEST_F(Alice, ShowsWhatAnAppSendsAndTellsTheBroker) {
  v1::Command command;
  command.mutable_send_message()->set_chat_id("direct:alice");
  command.mutable_send_message()->set_text("On my way");
  command.mutable_send_message()->set_app_display_name("Assistant");
  const Outcome outcome = Carry(command);
  EXPECT_EQ(outcome.result.state(), v1::CommandResult::STATE_SENT);
  EXPECT_EQ(outcome.line, "[Alice] You (via Assistant): On my way");
  ASSERT_EQ(outcome.events.size(), 1u);
  const v1::Message& message = outcome.events[0].message_created().message();
  EXPECT_EQ(message.id(), outcome.result.message_id());
  EXPECT_TRUE(message.from_owner());
}

TEST_F(Alice, TakesWhatIsDoneToAnAppsMessageOfAnEarlierRun) {
  v1::Command command;
  command.mutable_set_reaction()->set_chat_id("direct:alice");
  command.mutable_set_reaction()->set_message_id("sent:earlier");
  command.mutable_set_reaction()->set_emoji("👍");
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_SENT);
  // Now there is something of it, without a sender.
  command.Clear();
  command.mutable_edit_message()->set_chat_id("direct:alice");
  command.mutable_edit_message()->set_message_id("sent:earlier");
  command.mutable_edit_message()->set_text("better");
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_SENT);
  v1::Command remove;
  remove.mutable_delete_message()->set_chat_id("direct:alice");
  remove.mutable_delete_message()->set_message_id("sent:earlier");
  remove.mutable_delete_message()->set_for_everyone(true);
  EXPECT_EQ(Carry(remove).result.state(), v1::CommandResult::STATE_SENT);
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_FAILED);
  EXPECT_EQ(Carry(remove).result.state(), v1::CommandResult::STATE_FAILED);
}

TEST_F(Alice, NamesTheCapabilityThatAChatLacks) {
  v1::Command command;
  command.mutable_send_message()->set_chat_id("direct:bob");
  command.mutable_send_message()->set_kind(v1::MESSAGE_KIND_POLL);
  EXPECT_EQ(Carry(command).result.missing_capability(), "poll");
  command.mutable_send_message()->set_kind(v1::MESSAGE_KIND_TEXT);
  command.mutable_send_message()->set_text("longer");
  EXPECT_EQ(Carry(command).result.missing_capability(), "text_bytes_max");
  command.Clear();
  command.mutable_set_reaction()->set_chat_id("direct:bob");
  command.mutable_set_reaction()->set_message_id("m");
  command.mutable_set_reaction()->set_emoji("🎈");
  EXPECT_EQ(Carry(command).result.missing_capability(), "allowed_reactions");
}

TEST_F(Alice, LeavesOutWhatAChatDropsAndSendsTheRest) {
  v1::Command command;
  command.mutable_send_message()->set_chat_id("direct:bob");
  command.mutable_send_message()->set_text("yes");
  command.mutable_send_message()->set_reply_to_message_id("b1");
  const Outcome outcome = Carry(command);
  ASSERT_EQ(outcome.result.state(), v1::CommandResult::STATE_SENT);
  EXPECT_FALSE(outcome.events[0].message_created().message().has_reply_to());
}

TEST_F(Alice, KnowsEveryCommandOfTheContract) {
  const google::protobuf::OneofDescriptor* const kinds =
      v1::Command::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    v1::Command command;
    command.set_command_id("c");
    command.GetReflection()->MutableMessage(&command, kinds->field(i));
    EXPECT_FALSE(NeededCapabilities(command).empty() && !command.has_send_message() &&
                 !command.has_update_chat() && !command.has_delete_message())
        << kinds->field(i)->name();
    EXPECT_NE(Carry(command).result.missing_capability(), "command") << kinds->field(i)->name();
  }
}

TEST_F(Alice, EditsOnlyWhatIsOursAndThere) {
  v1::Command command;
  command.mutable_edit_message()->set_chat_id("direct:alice");
  command.mutable_edit_message()->set_text("better");
  command.mutable_edit_message()->set_message_id("m1");
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_FAILED) << "Alice wrote it";
  command.mutable_edit_message()->set_message_id(Sent("good"));
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_SENT);
  EXPECT_EQ(world_.FindMessage("direct:alice", command.edit_message().message_id())->text(),
            "better");
}

TEST_F(Alice, DeletesForTheUserAloneOrForAll) {
  v1::Command command;
  v1::DeleteMessageCommand& remove = *command.mutable_delete_message();
  remove.set_chat_id("direct:alice");
  remove.set_message_id(Sent("for the others"));
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_SENT);
  EXPECT_TRUE(world_.FindMessage("direct:alice", remove.message_id())->deleted());
  EXPECT_EQ(world_.ViewOf("direct:alice")->messages.at(remove.message_id()).text(),
            "for the others");
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_FAILED) << "it is gone";
  remove.set_message_id(Sent("for nobody"));
  remove.set_for_everyone(true);
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_SENT);
  EXPECT_TRUE(world_.ViewOf("direct:alice")->messages.at(remove.message_id()).deleted());
}

TEST_F(Alice, TakesAVoteOnceForEachPerson) {
  v1::Command command;
  command.mutable_vote_poll()->set_chat_id("group:club");
  command.mutable_vote_poll()->set_message_id("p1");
  command.mutable_vote_poll()->add_option_ids("1");
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_SENT);
  command.mutable_vote_poll()->set_option_ids(0, "2");
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_SENT);
  const auto poll = world_.FindMessage("group:club", "p1");
  ASSERT_EQ(poll->poll().votes_size(), 1);
  EXPECT_EQ(poll->poll().votes(0).option_ids(0), "2");
  command.mutable_vote_poll()->add_option_ids("1");
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_FAILED) << "one choice each";
}

TEST_F(Alice, BringsOlderHistoryOldestFirstAndSaysWhenThatIsAll) {
  v1::Command command;
  command.set_command_id("b");
  command.mutable_backfill()->set_chat_id("direct:alice");
  command.mutable_backfill()->set_messages_max(1);
  Outcome outcome = Carry(command);
  ASSERT_EQ(outcome.events.size(), 1u);
  EXPECT_EQ(outcome.events[0].message_created().message().id(), "h2") << "the newest of them";
  EXPECT_TRUE(outcome.events[0].backfill());
  EXPECT_FALSE(outcome.result.backfill_complete());
  command.mutable_backfill()->set_before_message_id("h2");
  outcome = Carry(command);
  ASSERT_EQ(outcome.events.size(), 1u);
  EXPECT_EQ(outcome.events[0].message_created().message().id(), "h1");
  EXPECT_TRUE(outcome.result.backfill_complete());
}

TEST_F(Alice, RefusesSendsAsTheFaultsSay) {
  v1::Command command;
  command.mutable_send_message()->set_chat_id("direct:alice");
  command.mutable_send_message()->set_text("x");
  faults_.Next(Fault::kRefuseNow, 1);
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_FAILED_RETRIABLE);
  faults_.Next(Fault::kRefuse, 1);
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_FAILED);
  EXPECT_EQ(Carry(command).result.state(), v1::CommandResult::STATE_SENT);
}

TEST_F(Alice, ShowsInAChatsHeaderWhichAppsCanSeeIt) {
  v1::Disclosure disclosure;
  disclosure.set_chat_id("group:club");
  EXPECT_EQ(alice_.DisclosureLine(disclosure), "[Club] no app can see this chat");
  v1::DisclosedApp& staying = *disclosure.add_apps();
  staying.set_display_name("Organizer");
  EXPECT_EQ(alice_.DisclosureLine(disclosure), "[Club] 1 app can see this chat: Organizer");
  v1::DisclosedApp& leaving = *disclosure.add_apps();
  leaving.set_display_name("Translator");
  leaving.set_leaves_device(true);
  leaving.set_service("translate.example");
  v1::DisclosedApp& counting = *disclosure.add_apps();
  counting.set_display_name("Statistics");
  counting.set_metadata_only(true);
  counting.set_service("count.example");
  const std::string all = alice_.DisclosureLine(disclosure);
  EXPECT_EQ(all,
            "[Club] 3 apps can see this chat: Organizer, Translator (text leaves this device to "
            "translate.example), Statistics (who writes and when leaves this device to "
            "count.example)");
  // The broker says it anew at each attach; the screen says it once.
  EXPECT_EQ(alice_.ChangeHeader(disclosure), all);
  EXPECT_EQ(alice_.ChangeHeader(disclosure), "");
  disclosure.clear_apps();
  EXPECT_EQ(alice_.ChangeHeader(disclosure), "[Club] no app can see this chat");
  disclosure.set_chat_id("direct:nobody");
  EXPECT_EQ(alice_.ChangeHeader(disclosure), "") << "there is no such chat";
}

TEST(FilesTest, AreTheSameFromAnyOffset) {
  const GeneratedFile file{1000, 7, Beginning("image/jpeg")};
  const std::string whole = GenerateBytes(file, "attachment:x", 0, 1000);
  EXPECT_EQ(whole.substr(0, 3), "\xff\xd8\xff") << "what looks at it sees a picture";
  EXPECT_EQ(whole.substr(2, 100), GenerateBytes(file, "attachment:x", 2, 100));
  EXPECT_EQ(whole.substr(333, 100), GenerateBytes(file, "attachment:x", 333, 100));
  EXPECT_NE(whole, GenerateBytes({1000, 8, file.beginning}, "attachment:x", 0, 1000));
  EXPECT_NE(whole, GenerateBytes(file, "attachment:y", 0, 1000));
}

TEST(FilesTest, AreThereOnceTheyAreWhole) {
  Files files;
  v1::Attachment announced;
  announced.set_size_bytes(6);
  ASSERT_TRUE(files.Append("u", 0, "abc", announced).ok());
  EXPECT_FALSE(files.Has("u"));
  EXPECT_TRUE(absl::IsNotFound(files.Read("u", 0, 3).status()));
  ASSERT_TRUE(files.Append("u", 3, "def", announced).ok());
  ASSERT_TRUE(files.Finish("u", announced).ok());
  EXPECT_TRUE(files.Has("u"));
  EXPECT_EQ(*files.Read("u", 2, 3), "cde");
  EXPECT_TRUE(absl::IsOutOfRange(files.Read("u", 7, 1).status()));
  // What was given up is begun anew, from its first byte.
  ASSERT_TRUE(files.Append("v", 0, "abc", announced).ok());
  files.GiveUp("v");
  EXPECT_TRUE(absl::IsInvalidArgument(files.Append("v", 3, "def", announced)));
  EXPECT_TRUE(absl::IsInvalidArgument(files.Finish("w", announced))) << "nothing came";
  EXPECT_TRUE(absl::IsNotFound(files.AddFromPath("x", "/nowhere/at/all")));
}

TEST(TimesTest, AreWhatTheContractTakesAlsoBefore1970) {
  google::protobuf::Timestamp stamp;
  for (const int64_t millis : {-1500, -1, 0, 1, 1500}) {
    const absl::Time time = absl::FromUnixMillis(millis);
    SetTime(stamp, time);
    EXPECT_GE(stamp.nanos(), 0) << millis;
    EXPECT_EQ(TimeOf(stamp), time) << millis;
  }
}

TEST(FilesTest, ThrowAwayWhatIsNotAsAnnounced) {
  Files files;
  v1::Attachment announced;
  announced.set_size_bytes(3);
  announced.set_sha256(std::string(32, 'x'));
  ASSERT_TRUE(files.Append("u", 0, "abc", announced).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(files.Finish("u", announced)));
  EXPECT_TRUE(absl::IsNotFound(files.Read("u", 0, 3).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(files.Append("u", 0, "abcd", announced)));
  EXPECT_TRUE(absl::IsInvalidArgument(files.Append("u", 1, "a", announced)));
}

// The kinds that only the broker says.
bool IsBrokerOnly(const std::string& kind) {
  return kind == "erase_asked" || kind == "grant_changed" || kind == "lease_changed" ||
         kind == "disclosure_changed" || kind == "request_completed";
}

// Every example of the folder's README is a line that a script may hold, and together they say
// every kind of event and of message.
TEST(ScriptReadme, ExamplesSayEveryKindOfEventAndOfMessage) {
  std::ifstream readme(POSTERN_DEMO_README);
  std::string script, line;
  bool inside = false;
  while (std::getline(readme, line)) {
    if (line.rfind("```", 0) == 0) {
      inside = line == "```script";
    } else if (inside) {
      script += line + "\n";
    }
  }
  const auto parsed = ParseScript(script);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  std::set<int> kinds, message_kinds;
  for (const auto* steps : {&parsed->setup, &parsed->steps, &parsed->history}) {
    for (const Step& step : *steps) {
      kinds.insert(step.event.kind_case());
      if (step.event.has_message_created()) {
        message_kinds.insert(step.event.message_created().message().kind());
      }
    }
  }
  const google::protobuf::OneofDescriptor* const all =
      v1::Event::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < all->field_count(); ++i) {
    if (IsBrokerOnly(all->field(i)->name())) continue;
    EXPECT_EQ(kinds.count(all->field(i)->number()), 1u) << all->field(i)->name();
  }
  for (int kind = v1::MESSAGE_KIND_TEXT; kind <= v1::MESSAGE_KIND_UNSUPPORTED; ++kind) {
    EXPECT_EQ(message_kinds.count(kind), 1u) << v1::MessageKind_Name(kind);
  }
}

}  // namespace
}  // namespace postern::demo
