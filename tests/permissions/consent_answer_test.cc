// SPDX-License-Identifier: Apache-2.0
// What an answer may say to its question, and the grant that comes of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string_view>

#include "permissions/consent_question.h"
#include "tests/permissions/make_question.h"

namespace postern::permissions {
namespace {

// An answer that is spoilt in one field.
struct Spoilt {
  const char* field;
  std::function<void(ConsentAnswer&)> spoil;
};

void ExpectInvalid(const ConsentQuestion& question, const ConsentAnswer& answer,
                   std::string_view field) {
  const absl::Status status = CheckAnswer(question, answer, kNow);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
  EXPECT_EQ(std::string(status.message()).rfind(std::string(field) + ": ", 0), 0u)
      << field << " " << status;
}

// Each of 'cases' makes nothing of 'answer', and is refused by the field's name.
void ExpectEachRefused(const ConsentQuestion& question, const ConsentAnswer& answer,
                       std::initializer_list<Spoilt> cases) {
  for (const auto& [field, spoil] : cases) {
    ConsentAnswer spoilt = answer;
    spoil(spoilt);
    ExpectInvalid(question, spoilt, field);
    EXPECT_FALSE(GrantFrom(question, spoilt, kNow).ok()) << field;
  }
}

TEST(ConsentAnswer, RefusesWhatDoesNotAnswerThisQuestion) {
  const ConsentQuestion question = Question();
  ExpectEachRefused(
      question, AnswerTo(question),
      {{"question_id", [](ConsentAnswer& a) { a.question_id[0] = 'f'; }},
       {"question_id", [](ConsentAnswer& a) { a.question_id = ""; }},
       {"question_sha256", [](ConsentAnswer& a) { a.question_sha256[31] ^= 1; }},
       {"executable", [](ConsentAnswer& a) { a.executable = ""; }},
       {"origin", [](ConsentAnswer& a) { a.origin = std::string(5000, 'x'); }},
       {"given_name", [](ConsentAnswer& a) { a.given_name = ""; }},
       {"given_name", [](ConsentAnswer& a) { a.given_name = "a\u202e"; }},
       {"scopes", [](ConsentAnswer& a) { a.scopes = {}; }},
       {"scopes", [](ConsentAnswer& a) { a.scopes.Add(Scope::kExport); }},
       {"scopes", [](ConsentAnswer& a) { a.scopes.Add(Scope::kMessagesReply); }},
       {"chats", [](ConsentAnswer& a) { a.chats = {}; }},
       {"chats", [](ConsentAnswer& a) { a.chats = {3}; }},
       {"chats",
        [](ConsentAnswer& a) {
          a.chats = {1, 1};
        }},
       {"chats",
        [](ConsentAnswer& a) {
          a.chats = {2, 0};
        }},
       {"accounts", [](ConsentAnswer& a) { a.accounts = {0}; }},
       {"chats", [](ConsentAnswer& a) { a.chat_choice = ChatChoice::kAllAndNew; }},
       {"accounts",
        [](ConsentAnswer& a) {
          a.chat_choice = ChatChoice::kAllAndNew;
          a.chats = {};
        }},
       {"accounts",
        [](ConsentAnswer& a) {
          a.chat_choice = ChatChoice::kAllExisting;
          a.chats = {};
          a.accounts = {2};
        }},
       {"expire_time",
        [](ConsentAnswer& a) {
          a.validity = {ValidityKind::kUntil, kNow};
        }},
       {"expire_time", [](ConsentAnswer& a) { a.validity.kind = ValidityKind::kUntil; }},
       {"expire_time", [](ConsentAnswer& a) { a.validity.expire_time = kNow + absl::Hours(1); }},
       {"history_start_time", [](ConsentAnswer& a) { a.history_start_time = kNow; }},
       {"excluded_chats", [](ConsentAnswer& a) { a.excluded_chats = {1}; }},
       {"chat_kinds", [](ConsentAnswer& a) { a.chat_kinds = ChatKinds::kGroup; }},
       {"people", [](ConsentAnswer& a) { a.people = People::kContacts; }},
       {"sends_per_hour", [](ConsentAnswer& a) { a.sends_per_hour = 5; }},
       {"sends_per_hour",
        [](ConsentAnswer& a) {
          a.scopes.Add(Scope::kMessagesSend);
          a.sends_per_hour = kSendsPerHourMax + 1;
        }},
       {"may_start", [](ConsentAnswer& a) { a.may_start = true; }},
       {"chat_choice", [](ConsentAnswer& a) { a.chat_choice = static_cast<ChatChoice>(9); }},
       {"decision", [](ConsentAnswer& a) { a.decision = ConsentDecision::kRefuse; }},
       {"decision", [](ConsentAnswer& a) { a.decision = ConsentDecision::kExpired; }},
       {"decision", [](ConsentAnswer& a) { a.decision = ConsentDecision::kDraft; }}});
}

TEST(ConsentAnswer, NarrowsAllChatsOnlyWithinWhatWasOffered) {
  const ConsentQuestion question = Question();
  ConsentAnswer all = AnswerTo(question);
  all.chats = {};
  all.chat_choice = ChatChoice::kAllAndNew;
  all.accounts = {1};
  ASSERT_TRUE(CheckAnswer(question, all, kNow).ok());
  ExpectEachRefused(question, all,
                    {{"excluded_chats", [](ConsentAnswer& a) { a.excluded_chats = {0}; }},
                     {"excluded_chats", [](ConsentAnswer& a) { a.excluded_chats = {3}; }},
                     {"excluded_chats",
                      [](ConsentAnswer& a) {
                        a.excluded_chats = {2, 1};
                      }},
                     {"people", [](ConsentAnswer& a) {
                        a.chat_kinds = ChatKinds::kGroup;
                        a.people = People::kStrangers;
                      }}});
}

// Each selection of a choice of all chats, into the grant as it was ticked.
TEST(ConsentAnswer, GrantsTheSelectionThatWasTicked) {
  const ConsentQuestion question = Question();
  for (const ChatChoice choice : {ChatChoice::kAllExisting, ChatChoice::kAllAndNew}) {
    for (const People people : {People::kAll, People::kContacts, People::kStrangers}) {
      ConsentAnswer answer = AnswerTo(question);
      answer.scopes.Add(Scope::kMessagesSend);
      answer.chats = {};
      answer.chat_choice = choice;
      answer.accounts = {0, 1};
      answer.excluded_chats = {1};
      answer.chat_kinds = ChatKinds::kDirect;
      answer.people = people;
      answer.sends_per_hour = 7;
      answer.only_while_unlocked = true;
      const auto grant = GrantFrom(question, answer, kNow);
      ASSERT_TRUE(grant.ok()) << grant.status();
      EXPECT_EQ(grant->selection.chat_choice, choice);
      EXPECT_EQ(grant->selection.excluded_chats, (absl::flat_hash_set<ChatId>{ChatNumber(2)}));
      EXPECT_FALSE(grant->selection.included_chats.contains(ChatNumber(2)));
      EXPECT_EQ(grant->selection.included_chats.size(),
                choice == ChatChoice::kAllExisting ? 2u : 0);
      EXPECT_EQ(grant->selection.chat_kinds, ChatKinds::kDirect);
      EXPECT_EQ(grant->selection.people, people);
      EXPECT_EQ(grant->limits, (Limits{7, 0, 0}));
      EXPECT_TRUE(grant->only_while_unlocked);
    }
  }
}

TEST(ConsentAnswer, LetsTheUnitBeStartedThatTheQuestionNamedAndOnlyIfTicked) {
  ConsentQuestion question = Question();
  question.systemd_unit = "translator.service";
  for (const bool may_start : {false, true}) {
    ConsentAnswer answer = AnswerTo(question);
    answer.may_start = may_start;
    const auto grant = GrantFrom(question, answer, kNow);
    ASSERT_TRUE(grant.ok()) << grant.status();
    EXPECT_EQ(grant->may_start, may_start);
  }
  ConsentAnswer refusal = AnswerTo(question);
  refusal.decision = ConsentDecision::kRefuse;
  refusal.scopes = {};
  refusal.chats = {};
  refusal.may_start = true;
  ExpectInvalid(question, refusal, "decision");
}

ConsentAnswer ExtensionTo(const ConsentQuestion& question) {
  ConsentAnswer answer;
  answer.question_id = question.question_id;
  answer.question_sha256 = Sha256Of(question);
  answer.decision = ConsentDecision::kAllow;
  answer.validity = {ValidityKind::kUntil, kNow + absl::Hours(48)};
  return answer;
}

TEST(ConsentAnswer, AnExtensionGivesTimeAndNothingElse) {
  const ConsentQuestion question = ExtendQuestion();
  ExpectEachRefused(
      question, ExtensionTo(question),
      {{"scopes", [](ConsentAnswer& a) { a.scopes = {Scope::kMessagesRead}; }},
       {"scopes", [](ConsentAnswer& a) { a.chats = {0}; }},
       {"scopes", [](ConsentAnswer& a) { a.only_while_unlocked = true; }},
       {"scopes", [](ConsentAnswer& a) { a.may_start = true; }},
       {"given_name", [](ConsentAnswer& a) { a.given_name = "x"; }},
       {"expire_time", [](ConsentAnswer& a) { a.validity.expire_time = kNow + absl::Hours(24); }},
       {"expire_time", [](ConsentAnswer& a) { a.validity.expire_time = kNow - absl::Hours(1); }},
       {"expire_time", [](ConsentAnswer& a) { a.validity.kind = ValidityKind::kUntilRevoked; }},
       {"validity",
        [](ConsentAnswer& a) {
          a.validity = {ValidityKind::kOnce, absl::InfiniteFuture()};
        }},
       {"validity", [](ConsentAnswer& a) {
          a.validity = {ValidityKind::kWhileRunning, absl::InfiniteFuture()};
        }}});
  ConsentQuestion for_ever = question;
  for_ever.held_until = absl::InfiniteFuture();
  ConsentAnswer answer = ExtensionTo(for_ever);
  answer.validity = {};
  ExpectInvalid(for_ever, answer, "expire_time");
  EXPECT_FALSE(GrantFrom(question, ExtensionTo(question), kNow).ok());
}

TEST(ConsentAnswer, AnExtensionChangesTheTimeOfAGrantThatStands) {
  const ConsentQuestion question = ExtendQuestion();
  Grant held = GrantOf({Scope::kMessagesRead});
  held.id.bytes[0] = 7;
  held.principal = question.principal;
  held.validity = {ValidityKind::kUntil, question.held_until};
  for (const absl::Time until : {kNow + absl::Hours(48), absl::InfiniteFuture()}) {
    ConsentAnswer answer = ExtensionTo(question);
    answer.validity.expire_time = until;
    if (until == absl::InfiniteFuture()) answer.validity.kind = ValidityKind::kUntilRevoked;
    const auto grant = ExtendedGrant(held, question, answer, kNow);
    ASSERT_TRUE(grant.ok()) << grant.status();
    Grant expected = held;
    expected.validity = answer.validity;
    expected.shown_sha256 = Sha256Of(answer);
    EXPECT_EQ(*grant, expected);
  }
  held.state = GrantState::kSuspended;
  const auto suspended = ExtendedGrant(held, question, ExtensionTo(question), kNow);
  ASSERT_TRUE(suspended.ok());
  EXPECT_EQ(suspended->state, GrantState::kSuspended);
}

TEST(ConsentAnswer, AnExtensionBringsNothingBackToLife) {
  const ConsentQuestion question = ExtendQuestion();
  Grant held = GrantOf({Scope::kMessagesRead});
  held.principal = question.principal;
  const auto code = [&](const Grant& grant, const ConsentQuestion& asked, ConsentAnswer answer) {
    return ExtendedGrant(grant, asked, answer, kNow).status().code();
  };
  ASSERT_EQ(code(held, question, ExtensionTo(question)), absl::StatusCode::kOk);
  for (const GrantState state : {GrantState::kRevoked, GrantState::kExpired}) {
    Grant ended = held;
    ended.state = state;
    EXPECT_EQ(code(ended, question, ExtensionTo(question)), absl::StatusCode::kFailedPrecondition);
  }
  Grant ended = held;
  ended.validity = {ValidityKind::kUntil, kNow};
  EXPECT_EQ(code(ended, question, ExtensionTo(question)), absl::StatusCode::kFailedPrecondition);
  Grant of_another = held;
  of_another.principal.sha256[0] ^= 1;
  EXPECT_EQ(code(of_another, question, ExtensionTo(question)),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(held, Question(), AnswerTo(Question())), absl::StatusCode::kFailedPrecondition);
  ConsentAnswer refusal = ExtensionTo(question);
  refusal.decision = ConsentDecision::kRefuse;
  EXPECT_EQ(code(held, question, refusal), absl::StatusCode::kInvalidArgument);
  refusal.validity = {};
  EXPECT_EQ(code(held, question, refusal), absl::StatusCode::kFailedPrecondition);
}

TEST(ConsentAnswer, AYesToOneThingCarriesNothing) {
  for (const QuestionKind kind :
       {QuestionKind::kSendMessage, QuestionKind::kUnseal, QuestionKind::kExport,
        QuestionKind::kPurge, QuestionKind::kView}) {
    ConsentQuestion question = ExtendQuestion();
    question.kind = kind;
    ConsentAnswer answer = ExtensionTo(question);
    ExpectInvalid(question, answer, "scopes");
    answer.validity = {};
    EXPECT_EQ(CheckAnswer(question, answer, kNow), absl::OkStatus());
    EXPECT_EQ(GrantFrom(question, answer, kNow).status().code(),
              absl::StatusCode::kFailedPrecondition);
    answer.given_name = "x";
    ExpectInvalid(question, answer, "given_name");
  }
}

TEST(ConsentAnswer, RefusesWhenTheQuestionChangedWhileItWasShown) {
  const ConsentQuestion shown = Question();
  ConsentQuestion swapped = shown;
  swapped.required_scopes.Add(Scope::kExport);
  EXPECT_FALSE(CheckAnswer(swapped, AnswerTo(shown), kNow).ok());
}

TEST(ConsentAnswer, ARefusalGrantsNothing) {
  const ConsentQuestion question = Question();
  for (ConsentDecision decision : {ConsentDecision::kRefuse, ConsentDecision::kExpired}) {
    ConsentAnswer answer;
    answer.question_id = question.question_id;
    answer.question_sha256 = Sha256Of(question);
    answer.decision = decision;
    EXPECT_EQ(CheckAnswer(question, answer, kNow), absl::OkStatus());
    EXPECT_EQ(GrantFrom(question, answer, kNow).status().code(),
              absl::StatusCode::kFailedPrecondition);
  }
}

TEST(ConsentAnswer, AGatekeeperGetsARoleAndNoGrant) {
  ConsentQuestion question = Question();
  question.kind = QuestionKind::kEnrollGatekeeper;
  question.role = Role::kGatekeeper;
  ConsentAnswer answer = AnswerTo(question);
  EXPECT_FALSE(CheckAnswer(question, answer, kNow).ok());
  answer.scopes = {};
  answer.chats = {};
  EXPECT_EQ(CheckAnswer(question, answer, kNow), absl::OkStatus());
  EXPECT_EQ(GrantFrom(question, answer, kNow).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ConsentAnswer, GrantsExactlyWhatWasTicked) {
  const ConsentQuestion question = Question();
  ConsentAnswer answer = AnswerTo(question);
  answer.validity = {ValidityKind::kUntil, kNow + absl::Hours(24)};
  const auto grant = GrantFrom(question, answer, kNow);
  ASSERT_TRUE(grant.ok()) << grant.status();
  EXPECT_EQ(grant->principal, question.principal);
  EXPECT_EQ(grant->scopes, ScopeSet{Scope::kMessagesRead});
  EXPECT_EQ(grant->selection.chat_choice, ChatChoice::kListed);
  EXPECT_EQ(grant->selection.included_chats,
            (absl::flat_hash_set<ChatId>{ChatNumber(1), ChatNumber(3)}));
  EXPECT_EQ(grant->selection.accounts,
            (absl::flat_hash_set<AccountId>{AccountNumber(1), AccountNumber(2)}));
  EXPECT_TRUE(grant->selection.networks.empty());
  EXPECT_EQ(grant->validity, answer.validity);
  EXPECT_EQ(grant->create_time, kNow);
  EXPECT_EQ(grant->state, GrantState::kActive);
  EXPECT_EQ(grant->shown_sha256, Sha256Of(answer));
  EXPECT_FALSE(grant->id.empty());
}

TEST(ConsentAnswer, AllExistingMeansTheChatsThatWereShown) {
  const ConsentQuestion question = Question();
  ConsentAnswer answer = AnswerTo(question);
  answer.chats = {};
  answer.chat_choice = ChatChoice::kAllExisting;
  answer.accounts = {1};
  const auto grant = GrantFrom(question, answer, kNow);
  ASSERT_TRUE(grant.ok()) << grant.status();
  EXPECT_EQ(grant->selection.included_chats,
            (absl::flat_hash_set<ChatId>{ChatNumber(2), ChatNumber(3)}));
  EXPECT_EQ(grant->selection.accounts, (absl::flat_hash_set<AccountId>{AccountNumber(2)}));
}

// The subset law: whatever the answer, the grant opens no scope and no chat that was not asked.
TEST(ConsentAnswer, NeverGrantsMoreThanWasAsked) {
  std::mt19937 engine(11);
  const auto scopes = [&] {
    ScopeSet set;
    for (int n = 0; n < 3; ++n) set.Add(static_cast<Scope>(1 + engine() % kScopeCount));
    return set;
  };
  int granted = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    ConsentQuestion question = Question();
    question.required_scopes = scopes();
    question.optional_scopes = scopes();
    ConsentAnswer answer = AnswerTo(question);
    const ScopeSet asked = question.required_scopes.Union(question.optional_scopes);
    answer.scopes = engine() % 2 ? scopes() : asked.Intersection(scopes().Union(scopes()));
    answer.chats.clear();
    for (uint32_t place = 0; place < 4; ++place) {
      if (engine() % 3 == 0) answer.chats.push_back(place);
    }
    const auto grant = GrantFrom(question, answer, kNow);
    if (!grant.ok()) {
      ++refused;
      continue;
    }
    ++granted;
    ASSERT_TRUE(asked.HasAll(grant->scopes));
    ASSERT_EQ(grant->scopes, answer.scopes);
    for (const ChatId& chat : grant->selection.included_chats) {
      ASSERT_TRUE(std::any_of(question.chats.begin(), question.chats.end(),
                              [&](const OfferedChat& offered) { return offered.id == chat; }));
    }
    ASSERT_EQ(grant->selection.included_chats.size(), answer.chats.size());
  }
  EXPECT_GT(granted, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace postern::permissions
