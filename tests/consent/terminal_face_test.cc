// SPDX-License-Identifier: Apache-2.0
// What a person types at the real agent on a real terminal, and what comes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <termios.h>

#include <csignal>
#include <memory>
#include <vector>

#include "tests/consent/asking.h"

namespace postern::consent_test {
namespace {

using broker::ConsentFace;
using broker::ConsentOutcome;
using fakes::ScriptedPerson;
using permissions::ChatChoice;
using permissions::ConsentDecision;
using permissions::Scope;
using permissions::ScopeSet;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Kind = ConsentOutcome::Kind;
using Withdraw = AskingProcess::Withdraw;

constexpr const char* kFirstPrompt = "Your name for it";
constexpr const char* kLastPrompt = "anything else refuses> ";

// A person with a question. Allow counts only a second after its prompt: several of them wait for
// that second together.
struct Asked {
  explicit Asked(const permissions::ConsentQuestion& what) : question(what), asking(person, what) {}

  const permissions::ConsentQuestion question;
  ScriptedPerson person;
  AskingProcess asking;
};

// Goes to the last prompt with a valid choice, and no further.
bool GoToTheWord(ScriptedPerson& person) {
  const std::pair<const char*, const char*> steps[] = {
      {kFirstPrompt, ""},    {"Allow which> ", "1 2"}, {"Which chats> ", "2"},
      {"Which chats> ", ""}, {"How long (", ""},       {"While locked (", ""}};
  for (const auto& [prompt, line] : steps) {
    if (!person.Expect(prompt)) return false;
    person.TypeLine(line);
  }
  return true;
}

class TerminalRefusal : public testing::Test {
 protected:
  void ExpectRefused(AskingProcess& asking) {
    const ConsentOutcome outcome = asking.Outcome();
    EXPECT_EQ(outcome.kind, Kind::kAnswered) << person_.screen();
    EXPECT_EQ(outcome.answer.decision, ConsentDecision::kRefuse);
    EXPECT_TRUE(outcome.answer.scopes.empty());
    EXPECT_THAT(person_.screen(), HasSubstr("refused. Nothing is allowed"));
  }
  ScriptedPerson person_;
};

TEST_F(TerminalRefusal, IsWhatEnterMeans) {
  AskingProcess asking(person_, TranslatorQuestion());
  ASSERT_TRUE(person_.RefuseWithEnter());
  ExpectRefused(asking);
}

TEST_F(TerminalRefusal, IsWhatEscapeControlCAndControlDMean) {
  for (const char* key : {"\x1b", "\x03", "\x04", "\x1c"}) {
    ScriptedPerson person;
    AskingProcess asking(person, TranslatorQuestion());
    ASSERT_TRUE(person.Expect(kFirstPrompt));
    ASSERT_TRUE(person.Expect("> "));
    person.Type(key);
    const ConsentOutcome outcome = asking.Outcome();
    EXPECT_EQ(outcome.kind, Kind::kAnswered) << person.screen();
    EXPECT_EQ(outcome.answer.decision, ConsentDecision::kRefuse);
  }
}

TEST_F(TerminalRefusal, IsWhatEveryOtherWordMeans) {
  const std::vector<const char*> words = {"",         "y",      "yes",      "ALLOW",
                                          "allow it", " allow", "allow\b\b"};
  std::vector<std::unique_ptr<Asked>> all;
  for (size_t i = 0; i < words.size(); ++i) {
    all.push_back(std::make_unique<Asked>(TranslatorQuestion()));
    ASSERT_TRUE(GoToTheWord(all.back()->person));
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const char* const word = words[i];
    ScriptedPerson& person = all[i]->person;
    ASSERT_TRUE(person.Expect(kLastPrompt));
    person.TypeLine(word);
    const ConsentOutcome outcome = all[i]->asking.Outcome();
    EXPECT_EQ(outcome.kind, Kind::kAnswered) << person.screen();
    EXPECT_EQ(outcome.answer.decision, ConsentDecision::kRefuse) << word;
  }
}

TEST_F(TerminalRefusal, IsWhatNoScopeAndNoChatMean) {
  AskingProcess asking(person_, TranslatorQuestion());
  ASSERT_TRUE(person_.Expect(kFirstPrompt));
  person_.TypeLine("");
  ASSERT_TRUE(person_.Expect("Allow which> "));
  person_.TypeLine("1");
  ASSERT_TRUE(person_.Expect("Which chats> "));
  // Ticked and unticked again.
  person_.TypeLine("2");
  ASSERT_TRUE(person_.Expect("Which chats> "));
  person_.TypeLine("2");
  ASSERT_TRUE(person_.Expect("Which chats> "));
  person_.TypeLine("");
  ExpectRefused(asking);
}

// A person who types in this terminal when the question comes, or pastes into it, must not allow.
TEST_F(TerminalRefusal, FollowsWhenTheWordWasTypedBeforeItWasAskedFor) {
  AskingProcess asking(person_, TranslatorQuestion());
  ASSERT_TRUE(GoToTheWord(person_));
  ASSERT_TRUE(person_.Expect("in the next second counts."));
  person_.TypeLine("allow");
  ASSERT_TRUE(person_.Expect(kLastPrompt));
  person_.TypeLine("");
  ExpectRefused(asking);
}

TEST_F(TerminalRefusal, FollowsWhenEverythingWasPastedAtOnce) {
  AskingProcess asking(person_, TranslatorQuestion());
  ASSERT_TRUE(person_.Expect(kFirstPrompt));
  person_.Type("\n1 2\n2\n\n\n\nallow\n");
  ASSERT_TRUE(person_.Expect(kLastPrompt));
  person_.TypeLine("");
  ExpectRefused(asking);
}

TEST(TerminalQuestion, ExpiresWithoutAnAnswer) {
  ScriptedPerson person;
  permissions::ConsentQuestion question = TranslatorQuestion();
  question.timeout = absl::Seconds(1);
  AskingProcess asking(person, question);
  const ConsentOutcome outcome = asking.Outcome();
  EXPECT_EQ(outcome.kind, Kind::kExpired) << person.screen();
  EXPECT_EQ(outcome.answer.decision, ConsentDecision::kExpired);
}

TEST(TerminalQuestion, GrantsNothingWhenTheAgentIsKilled) {
  ScriptedPerson person;
  AskingProcess asking(person, TranslatorQuestion());
  ASSERT_TRUE(GoToTheWord(person));
  ASSERT_TRUE(person.Expect(kLastPrompt));
  person.Type("allow");
  ASSERT_GT(asking.AgentPid(), 0);
  ::kill(asking.AgentPid(), SIGKILL);
  EXPECT_EQ(asking.Outcome().kind, Kind::kFailed) << person.screen();
}

TEST(TerminalQuestion, EndsWhenItIsWithdrawnAndPutsTheTerminalBack) {
  ScriptedPerson person;
  termios before{};
  ASSERT_EQ(::tcgetattr(person.terminal(), &before), 0);
  AskingProcess asking(person, TranslatorQuestion(), ConsentFace::kTerminal, Withdraw::kOnSignal);
  ASSERT_TRUE(person.Expect(kFirstPrompt));
  termios during{};
  ASSERT_EQ(::tcgetattr(person.terminal(), &during), 0);
  EXPECT_EQ(during.c_lflag & (ECHO | ICANON | ISIG), 0u);
  asking.WithdrawNow();
  EXPECT_EQ(asking.Outcome().kind, Kind::kCancelled);
  termios after{};
  ASSERT_EQ(::tcgetattr(person.terminal(), &after), 0);
  EXPECT_EQ(after.c_lflag, before.c_lflag);
  EXPECT_EQ(after.c_iflag, before.c_iflag);
}

TEST(TerminalQuestion, ShowsHostileStringsAsHarmlessText) {
  ScriptedPerson person;
  permissions::ConsentQuestion question = TranslatorQuestion();
  // Cleaned before they get here; the terminal must be safe even if they were not.
  question.claimed_name = "\x1b[2J\x1b]0;x\x07Signal\xE2\x80\xAE\xE2\x81\xA6";
  question.chats[0].name = "a\nWhich chats> \x1b[A";
  AskingProcess asking(person, question);
  if (person.RefuseWithEnter()) person.ExpectEnd();
  asking.Outcome();
  EXPECT_THAT(person.screen(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(person.screen(), Not(HasSubstr("\x07")));
  EXPECT_THAT(person.screen(), Not(HasSubstr("\xE2\x80\xAE")));
}

TEST(TerminalQuestion, ShowsWhoAsksAndWhereTheMessagesGo) {
  ScriptedPerson person;
  AskingProcess asking(person, TranslatorQuestion());
  ASSERT_TRUE(person.RefuseWithEnter());
  asking.Outcome();
  for (const char* shown : {"\"AliceTrans\"", "org.example.translator", "consent_terminal_test",
                            "Its SHA-256", "It may act in your name", "no longer be end-to-end",
                            "translate.example will be able to read them"}) {
    EXPECT_THAT(person.screen(), HasSubstr(shown));
  }
}

TEST(TerminalGrant, IsExactlyWhatWasTyped) {
  ScriptedPerson person;
  const permissions::ConsentQuestion question = TranslatorQuestion();
  AskingProcess asking(person, question);
  ASSERT_TRUE(person.Answer(
      {.name = "My translator", .scopes = "1 3", .chats = "2-3", .history = "2", .duration = "4"}))
      << person.screen();
  const ConsentOutcome outcome = asking.Outcome();
  ASSERT_EQ(outcome.kind, Kind::kAnswered) << person.screen();
  const permissions::ConsentAnswer& answer = outcome.answer;
  EXPECT_EQ(answer.decision, ConsentDecision::kAllow);
  EXPECT_EQ(answer.question_sha256, permissions::Sha256Of(question));
  EXPECT_EQ(answer.given_name, "My translator");
  EXPECT_EQ(answer.scopes, (ScopeSet{Scope::kChatsRead, Scope::kMessagesHistory}));
  EXPECT_EQ(answer.chat_choice, ChatChoice::kListed);
  EXPECT_THAT(answer.chats, ElementsAre(1u, 2u));
  EXPECT_EQ(answer.validity.kind, permissions::ValidityKind::kUntil);
  EXPECT_LT(absl::AbsDuration(answer.validity.expire_time - absl::Now() - absl::Hours(7 * 24)),
            absl::Minutes(1));
  EXPECT_LT(absl::AbsDuration(absl::Now() - answer.history_start_time - absl::Hours(30 * 24)),
            absl::Minutes(1));
  EXPECT_THAT(answer.origin, HasSubstr("consent_terminal_test"));
  EXPECT_THAT(person.screen(), HasSubstr("postern grants list"));
}

TEST(TerminalGrant, CanCoverAllChatsOfTheAccountsThatWereTyped) {
  ScriptedPerson person;
  AskingProcess asking(person, TranslatorQuestion());
  ASSERT_TRUE(person.Answer({.scopes = "2", .chats = "all and new", .accounts = "2"}));
  const ConsentOutcome outcome = asking.Outcome();
  ASSERT_EQ(outcome.kind, Kind::kAnswered) << person.screen();
  EXPECT_EQ(outcome.answer.chat_choice, ChatChoice::kAllAndNew);
  EXPECT_THAT(outcome.answer.accounts, ElementsAre(1u));
  EXPECT_EQ(outcome.answer.given_name, "AliceTrans");
}

TEST(TerminalGrant, IsNarrowedAsItWasTyped) {
  ScriptedPerson person;
  AskingProcess asking(person, TranslatorQuestion());
  ASSERT_TRUE(person.Answer({.scopes = "2 4",
                             .chats = "all",
                             .accounts = "1 2",
                             .kinds = "2",
                             .people = "3",
                             .left_out = "3",
                             .sends = "1",
                             .duration = "6",
                             .locked = "2"}));
  const ConsentOutcome outcome = asking.Outcome();
  ASSERT_EQ(outcome.kind, Kind::kAnswered) << person.screen();
  const permissions::ConsentAnswer& answer = outcome.answer;
  EXPECT_EQ(answer.scopes, (ScopeSet{Scope::kMessagesRead, Scope::kMessagesSend}));
  EXPECT_EQ(answer.chat_choice, ChatChoice::kAllExisting);
  EXPECT_THAT(answer.accounts, ElementsAre(0u, 1u));
  EXPECT_THAT(answer.excluded_chats, ElementsAre(2u));
  EXPECT_EQ(answer.chat_kinds, permissions::ChatKinds::kDirect);
  EXPECT_EQ(answer.people, permissions::People::kStrangers);
  EXPECT_EQ(answer.sends_per_hour, 5u);
  EXPECT_EQ(answer.validity, permissions::Validity{});
  EXPECT_TRUE(answer.only_while_unlocked);
  EXPECT_THAT(person.screen(), HasSubstr("but not: Work"));
}

TEST(TerminalGrant, LetsTheAppBeStartedOnlyWhereThatWasTyped) {
  permissions::ConsentQuestion question = TranslatorQuestion();
  question.systemd_unit = "translator.service";
  for (const bool yes : {false, true}) {
    ScriptedPerson person;
    AskingProcess asking(person, question);
    ASSERT_TRUE(person.Answer({.start = yes ? "2" : ""})) << person.screen();
    const ConsentOutcome outcome = asking.Outcome();
    ASSERT_EQ(outcome.kind, Kind::kAnswered) << person.screen();
    EXPECT_EQ(outcome.answer.may_start, yes);
    EXPECT_THAT(person.screen(), HasSubstr("translator.service"));
  }
  // Who names nothing to start is not asked about it.
  ScriptedPerson person;
  AskingProcess asking(person, TranslatorQuestion());
  ASSERT_TRUE(person.Answer({.start = "2"})) << person.screen();
  EXPECT_FALSE(asking.Outcome().answer.may_start);
  EXPECT_THAT(person.screen(), Not(HasSubstr("Start it")));
}

TEST(TerminalGrant, FollowsAPreviewOfWhatTheAppWouldSee) {
  ScriptedPerson person;
  AskingProcess asking(person, TranslatorQuestion(), ConsentFace::kTerminal, Withdraw::kNever,
                       AgentPath(), PreviewOfDraft);
  ASSERT_TRUE(GoToTheWord(person));
  ASSERT_TRUE(person.Expect("What it would see:"));
  ASSERT_TRUE(person.Expect("draft of chats:read messages:read")) << person.screen();
  ASSERT_TRUE(person.Expect(kLastPrompt));
  person.TypeLine("");
  EXPECT_EQ(asking.Outcome().answer.decision, ConsentDecision::kRefuse);
}

TEST(TerminalGrant, ShowsTheChatsThatWereAskedForFirst) {
  ScriptedPerson person;
  permissions::ConsentQuestion question = TranslatorQuestion();
  question.kind = permissions::QuestionKind::kWidenGrant;
  question.asked_chats = {2};
  question.held_scopes = {Scope::kReactionsRead};
  AskingProcess asking(person, question);
  ASSERT_TRUE(person.Expect("It may already:"));
  ASSERT_TRUE(person.Expect("See reactions to messages"));
  ASSERT_TRUE(person.Answer({.scopes = "2", .chats = "3"})) << person.screen();
  const ConsentOutcome outcome = asking.Outcome();
  EXPECT_THAT(outcome.answer.chats, ElementsAre(2u));
  const size_t asked = person.screen().find("[ ]    3  Work (group, alicechat, alice) - asked for");
  ASSERT_NE(asked, std::string::npos) << person.screen();
  EXPECT_LT(asked, person.screen().find("[ ]    1  Family"));
}

TEST(TerminalGrant, OfMoreTimeSetsTheTimeAlone) {
  ScriptedPerson person;
  const permissions::ConsentQuestion question = ExtendQuestion();
  AskingProcess asking(person, question);
  ASSERT_TRUE(person.Answer({.duration = "3"})) << person.screen();
  const ConsentOutcome outcome = asking.Outcome();
  ASSERT_EQ(outcome.kind, Kind::kAnswered) << person.screen();
  EXPECT_EQ(outcome.answer.decision, ConsentDecision::kAllow);
  EXPECT_EQ(outcome.answer.validity.expire_time, question.held_until + absl::Hours(30 * 24));
}

TEST(TerminalGrant, OfOneThingNeedsOnlyTheWord) {
  using permissions::QuestionKind;
  for (const bool allow : {true, false}) {
    std::vector<std::unique_ptr<Asked>> all;
    for (const permissions::ConsentQuestion& question :
         {SendQuestion(), ConfirmQuestion(QuestionKind::kUnseal, "Bob"),
          ConfirmQuestion(QuestionKind::kExport, "Family"),
          ConfirmQuestion(QuestionKind::kPurge, "account alice"),
          ConfirmQuestion(QuestionKind::kView, "Translator")}) {
      all.push_back(std::make_unique<Asked>(question));
    }
    for (const auto& one : all) {
      ASSERT_TRUE(one->person.Answer({.word = allow ? "allow" : "yes"})) << one->person.screen();
      const ConsentOutcome outcome = one->asking.Outcome();
      EXPECT_EQ(outcome.kind, Kind::kAnswered) << one->person.screen();
      EXPECT_EQ(outcome.answer.decision,
                allow ? ConsentDecision::kAllow : ConsentDecision::kRefuse);
      EXPECT_THAT(one->person.screen(), HasSubstr(one->question.subject));
    }
  }
}

TEST(TerminalQuestion, ShowsTheVeryMessageThatWouldBeSent) {
  ScriptedPerson person;
  AskingProcess asking(person, SendQuestion());
  ASSERT_TRUE(person.Answer({.word = ""}));
  asking.Outcome();
  EXPECT_THAT(person.screen(), HasSubstr("  | See you at eight."));
  EXPECT_THAT(person.screen(), HasSubstr("  | Bring salad \\u{202E}!")) << "nothing is hidden";
}

TEST(TerminalQuestion, SaysWhoSealedWhatIsToBeOpened) {
  ScriptedPerson person;
  permissions::ConsentQuestion question =
      ConfirmQuestion(permissions::QuestionKind::kUnseal, "Carol");
  question.subject_objected = true;
  AskingProcess asking(person, question);
  ASSERT_TRUE(person.Answer({.word = ""}));
  asking.Outcome();
  EXPECT_THAT(person.screen(), HasSubstr("they are told"));
}

TEST(TerminalGrant, OfAGatekeeperHasANameAndNothingElse) {
  ScriptedPerson person;
  AskingProcess asking(person, GatekeeperQuestion());
  ASSERT_TRUE(person.Answer({}));
  const ConsentOutcome outcome = asking.Outcome();
  ASSERT_EQ(outcome.kind, Kind::kAnswered) << person.screen();
  EXPECT_EQ(outcome.answer.decision, ConsentDecision::kAllow);
  EXPECT_EQ(outcome.answer.given_name, "AliceChat");
  EXPECT_TRUE(outcome.answer.scopes.empty());
}

TEST(TerminalGrant, NeedsATypedNameWhereTheClaimedOneLooksLikeAnother) {
  ScriptedPerson person;
  permissions::ConsentQuestion question = TranslatorQuestion();
  question.looks_like = {"AliceTrans"};
  AskingProcess asking(person, question);
  ASSERT_TRUE(person.RefuseWithEnter());
  EXPECT_EQ(asking.Outcome().answer.decision, ConsentDecision::kRefuse);
  EXPECT_THAT(person.screen(), Not(HasSubstr("Enter keeps")));
}

}  // namespace
}  // namespace postern::consent_test
