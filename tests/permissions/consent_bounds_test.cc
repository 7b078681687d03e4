// SPDX-License-Identifier: Apache-2.0
// The ends of ranges in what is asked, answered and remembered: first and last values, lists that
// are empty or full, entries that are broken inside.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "permissions/consent_memory.h"
#include "permissions/consent_question.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

ConsentQuestion Question() {
  ConsentQuestion question;
  question.question_id = NewQuestionId();
  question.required_scopes = {Scope::kMessagesRead, Scope::kMessagesHistory};
  question.destination.kind = DestinationKind::kStaysOnDevice;
  question.accounts = {{AccountNumber(1), "Bob", "xmpp"}};
  question.chats = {{ChatNumber(1), 0, "Alice", ChatType::kDirect}};
  return question;
}
ConsentAnswer AnswerTo(const ConsentQuestion& question) {
  ConsentAnswer answer;
  answer.question_id = question.question_id;
  answer.question_sha256 = Sha256Of(question);
  answer.decision = ConsentDecision::kAllow;
  answer.given_name = "Reader";
  answer.scopes = {Scope::kMessagesRead, Scope::kMessagesHistory};
  if (!question.chats.empty()) answer.chats = {0};
  return answer;
}

TEST(ConsentBounds, AQuestionWithoutAnIdHasNoAnswer) {
  ConsentQuestion question = Question();
  question.question_id.clear();
  EXPECT_EQ(CheckAnswer(question, AnswerTo(question), kNow).code(), kInvalid);
}

TEST(ConsentBounds, EvidenceIsNeitherMissingNorEndless) {
  const ConsentQuestion question = Question();
  for (const std::string& evidence : {std::string(), std::string(100'000, 'x')}) {
    ConsentAnswer answer = AnswerTo(question);
    answer.executable = evidence;
    EXPECT_EQ(CheckAnswer(question, answer, kNow).code(), kInvalid) << evidence.size();
    answer = AnswerTo(question);
    answer.origin = evidence;
    EXPECT_EQ(CheckAnswer(question, answer, kNow).code(), kInvalid) << evidence.size();
  }
}

TEST(ConsentBounds, WhereThereIsNothingToChooseNothingIsChosen) {
  ConsentQuestion question = Question();
  question.accounts.clear();
  question.chats.clear();
  const ConsentAnswer answer = AnswerTo(question);
  EXPECT_EQ(CheckAnswer(question, answer, kNow), absl::OkStatus());
  const absl::StatusOr<Grant> grant = GrantFrom(question, answer, kNow);
  ASSERT_TRUE(grant.ok()) << grant.status();
  EXPECT_TRUE(grant->selection.included_chats.empty());
}

TEST(ConsentBounds, HistoryMayBeginSomewhere) {
  const ConsentQuestion question = Question();
  ConsentAnswer answer = AnswerTo(question);
  answer.history_start_time = kNow - absl::Hours(24);
  const absl::StatusOr<Grant> grant = GrantFrom(question, answer, kNow);
  ASSERT_TRUE(grant.ok()) << grant.status();
  EXPECT_EQ(grant->history_start_time, kNow - absl::Hours(24));
}

TEST(ConsentBounds, AnAppThatWantsMoreAsksForAccessLikeANewOne) {
  ConsentQuestion question = Question();
  question.kind = QuestionKind::kWidenGrant;
  EXPECT_TRUE(AsksForAccess(question.kind));
  EXPECT_EQ(CheckAnswer(question, AnswerTo(question), kNow), absl::OkStatus());
}

TEST(ConsentBounds, WhatIsBrokenInsideOfAListIsRefused) {
  const std::string good = ToJson(Question());
  ASSERT_TRUE(QuestionFromJson(good).ok());
  const std::pair<const char*, const char*> cases[] = {
      {"\"network\":\"xmpp\"", "\"network\":7"},
      {"\"name\":\"Bob\"", "\"nome\":\"Bob\""},
      {"\"account\":0", "\"account\":1"},
      {"\"account\":0", "\"account\":-1"},
      {"\"name\":\"Alice\"", "\"name\":null"},
      {"\"id\":\"ee", "\"id\":\"eg"},
      {"\"id\":\"ee", "\"id\":\"e/"},
      {"\"id\":\"ee", "\"id\":\"EE"},
      {"\"id\":\"ee", "\"id\":\"eeee"},
  };
  for (const auto& [from, to] : cases) {
    const std::string bad = absl::StrReplaceAll(good, {{from, to}});
    ASSERT_NE(bad, good) << from;
    EXPECT_EQ(QuestionFromJson(bad).status().code(), kInvalid) << bad;
  }
}

Principal Key(size_t number) {
  Principal principal;
  principal.sha256[0] = 1;
  principal.sha256[1] = static_cast<uint8_t>(number >> 8);
  principal.sha256[2] = static_cast<uint8_t>(number);
  return principal;
}

// A memory that is full forgets nobody for a newcomer: who is new waits.
TEST(ConsentBounds, AFullMemoryMakesNewKeysWait) {
  ConsentMemory memory({.questions_per_hour = 10'000});
  for (size_t i = 0; i < ConsentMemory::kEntriesMax; ++i) memory.RecordAsked(Key(i), kNow);
  const Principal newcomer = Key(ConsentMemory::kEntriesMax);
  EXPECT_EQ(memory.MayAskFrom(newcomer, "x", kNow), kNow + absl::Minutes(5));
  memory.RecordAsked(newcomer, kNow);
  EXPECT_EQ(memory.MayAskFrom(newcomer, "x", kNow + absl::Minutes(4)), kNow + absl::Minutes(9));
  EXPECT_TRUE(memory.MayAsk(newcomer, "x", kNow + absl::Minutes(6)) ||
              memory.MayAskFrom(newcomer, "x", kNow + absl::Minutes(6)) <=
                  kNow + absl::Minutes(11));
}

TEST(ConsentBounds, MemoriesOfDifferentThingsDiffer) {
  ConsentMemory nothing, asked, refused;
  asked.RecordAsked(Key(1), kNow);
  refused.RecordRefused("x", kNow);
  EXPECT_FALSE(asked == nothing);
  EXPECT_FALSE(refused == nothing);
  // As asked, but for the key; as refused and asked, but for the hour's questions.
  ConsentMemory other_key;
  other_key.RecordAsked(Key(2), kNow);
  EXPECT_FALSE(asked == other_key);
  ConsentMemory twice = asked;
  twice.RecordAsked(Key(1), kNow);
  EXPECT_FALSE(asked == twice);
  EXPECT_TRUE(asked == asked);
}

TEST(ConsentBounds, ARememberedThingThatIsBrokenInsideIsRefused) {
  std::string asked;
  for (size_t i = 0; i <= ConsentMemory::kEntriesMax; ++i) {
    absl::StrAppend(&asked, i == 0 ? "" : ",", "\"", Key(i).ToHex(), "\":1");
  }
  const std::string bad[] = {
      absl::StrCat(R"({"asked":{)", asked, R"(},"questions":[],"refusals":[]})"),
      R"({"asked":{},"questions":[],"refusals":[{"count":1,"last":1}]})",
      R"({"asked":{},"questions":[],"refusals":[7]})",
  };
  for (const std::string& text : bad) {
    EXPECT_EQ(ConsentMemory::FromJson(text).status().code(), kInvalid) << text.substr(0, 80);
  }
}

}  // namespace
}  // namespace postern::permissions
