// SPDX-License-Identifier: Apache-2.0
#include "permissions/consent_question.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

using nlohmann::json;

ConsentQuestion Question() {
  ConsentQuestion question;
  question.question_id = "00112233445566778899aabbccddeeff";
  question.principal.sha256[0] = 1;
  question.claimed_name = "Übersetzer \"quoted\"";
  question.purpose = "Translates.";
  question.app_id = "org.example.translator";
  question.required_scopes = {Scope::kChatsRead, Scope::kMessagesRead};
  question.optional_scopes = {Scope::kMessagesHistory, Scope::kMessagesSend};
  question.destination = {DestinationKind::kLeavesDevice, "translate.example"};
  question.looks_like = {"Translator"};
  question.accounts = {{AccountNumber(1), "Bob", "xmpp"}, {AccountNumber(2), "Bob", "whatsapp"}};
  question.chats = {{ChatNumber(1), 0, "Alice", ChatType::kDirect},
                    {ChatNumber(2), 1, "Family", ChatType::kGroup},
                    {ChatNumber(3), 1, "Carol", ChatType::kDirect}};
  return question;
}

ConsentAnswer AnswerTo(const ConsentQuestion& question) {
  ConsentAnswer answer;
  answer.question_id = question.question_id;
  answer.question_sha256 = Sha256Of(question);
  answer.decision = ConsentDecision::kAllow;
  answer.given_name = "My translator";
  answer.scopes = {Scope::kMessagesRead};
  answer.chats = {0, 2};
  return answer;
}

TEST(ConsentAnswer, RefusesWhatDoesNotAnswerThisQuestion) {
  const ConsentQuestion question = Question();
  using Spoil = std::function<void(ConsentAnswer&)>;
  const std::pair<const char*, Spoil> cases[] = {
      {"question_id", [](ConsentAnswer& a) { a.question_id[0] = 'f'; }},
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
      {"decision", [](ConsentAnswer& a) { a.decision = ConsentDecision::kRefuse; }},
      {"decision", [](ConsentAnswer& a) { a.decision = ConsentDecision::kExpired; }},
  };
  for (const auto& [field, spoil] : cases) {
    ConsentAnswer answer = AnswerTo(question);
    spoil(answer);
    const absl::Status status = CheckAnswer(question, answer, kNow);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_EQ(std::string(status.message()).rfind(std::string(field) + ": ", 0), 0u)
        << field << " " << status;
    EXPECT_FALSE(GrantFrom(question, answer, kNow).ok());
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
  int granted = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    ConsentQuestion question = Question();
    const auto scopes = [&] {
      ScopeSet set;
      for (int n = 0; n < 3; ++n) set.Add(static_cast<Scope>(1 + engine() % kScopeCount));
      return set;
    };
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

TEST(ConsentJson, RefusesEveryMissingUnknownAndMistypedField) {
  const json question = json::parse(ToJson(Question()));
  const json answer = json::parse(ToJson(AnswerTo(Question())));
  const auto question_code = [](const json& value) {
    return QuestionFromJson(value.dump()).status().code();
  };
  const auto answer_code = [](const json& value) {
    return AnswerFromJson(value.dump()).status().code();
  };
  const json wrong[] = {nullptr, 1, -1, 1.5, "x", true, json::array(), json::object()};
  for (const auto& [name, value] : question.items()) {
    json spoilt = question;
    spoilt.erase(name);
    EXPECT_EQ(question_code(spoilt), absl::StatusCode::kInvalidArgument) << name;
    for (const json& other : wrong) {
      if (other.type() == value.type()) continue;
      if (other.is_number_integer() && value.is_number_integer()) continue;
      spoilt[name] = other;
      EXPECT_EQ(question_code(spoilt), absl::StatusCode::kInvalidArgument) << name << other;
    }
  }
  for (const auto& [name, value] : answer.items()) {
    json spoilt = answer;
    spoilt.erase(name);
    EXPECT_EQ(answer_code(spoilt), absl::StatusCode::kInvalidArgument) << name;
    for (const json& other : wrong) {
      if (other.type() == value.type()) continue;
      // A time is a number or null.
      if (value.is_null() && other == json(1)) continue;
      spoilt[name] = other;
      EXPECT_EQ(answer_code(spoilt), absl::StatusCode::kInvalidArgument) << name << other;
    }
  }
  json more = answer;
  more["note"] = "";
  EXPECT_EQ(answer_code(more), absl::StatusCode::kInvalidArgument);
}

TEST(ConsentJson, RefusesUnknownScopesAndValues) {
  json answer = json::parse(ToJson(AnswerTo(Question())));
  const auto code = [](const json& value) { return AnswerFromJson(value.dump()).status().code(); };
  const std::pair<const char*, json> cases[] = {
      {"scopes", {"messages:read", "messages:all"}},
      {"scopes", {"messages:read", "messages:read"}},
      {"scopes", {"messages:read", "chats:read"}},
      {"decision", "yes"},
      {"chat_choice", "everything"},
      {"validity", "for_ever"},
      {"expire_time", 253402300800},
      {"chats", {-1}},
      {"chats", {5000}},
      {"chats", {0.0}},
      {"question_sha256", "00"},
      {"question_sha256", std::string(64, 'F')},
  };
  for (const auto& [name, value] : cases) {
    json spoilt = answer;
    spoilt[name] = value;
    EXPECT_EQ(code(spoilt), absl::StatusCode::kInvalidArgument) << name << value;
  }
}

TEST(ConsentJson, RefusesAllButTheCanonicalForm) {
  const std::string good = ToJson(AnswerTo(Question()));
  ASSERT_TRUE(AnswerFromJson(good).ok());
  std::string doubled = good;
  doubled.insert(1, "\"scopes\":[],");
  const std::string cases[] = {"",
                               "{",
                               "null",
                               " " + good,
                               good + " ",
                               good + good,
                               doubled,
                               good.substr(0, good.size() - 1),
                               good + std::string(1, '\0'),
                               json::parse(good).dump(2),
                               std::string(100'000, '[')};
  for (const std::string& text : cases) {
    EXPECT_EQ(AnswerFromJson(text).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(QuestionFromJson(text).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ConsentJson, AByteChangedIsRefusedOrMeansSomethingElse) {
  const std::string good = ToJson(AnswerTo(Question()));
  const ConsentAnswer answer = AnswerTo(Question());
  std::mt19937 engine(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = good;
    changed[engine() % changed.size()] = static_cast<char>(engine());
    if (changed == good) continue;
    const auto read = AnswerFromJson(changed);
    if (read.ok()) EXPECT_NE(*read, answer);
  }
}

TEST(ConsentJson, ComesBack) {
  const ConsentQuestion question = Question();
  const auto question_again = QuestionFromJson(ToJson(question));
  ASSERT_TRUE(question_again.ok()) << question_again.status();
  EXPECT_EQ(*question_again, question);
  EXPECT_EQ(Sha256Of(*question_again), Sha256Of(question));
  ConsentAnswer answer = AnswerTo(question);
  answer.validity = {ValidityKind::kUntil, kNow};
  answer.history_start_time = kNow;
  answer.only_while_unlocked = true;
  const auto answer_again = AnswerFromJson(ToJson(answer));
  ASSERT_TRUE(answer_again.ok()) << answer_again.status();
  EXPECT_EQ(*answer_again, answer);
  EXPECT_NE(NewQuestionId(), NewQuestionId());
  EXPECT_EQ(NewQuestionId().size(), 32u);
}

}  // namespace
}  // namespace postern::permissions
