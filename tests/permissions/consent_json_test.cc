// SPDX-License-Identifier: Apache-2.0
// Questions, answers, previews and notices as JSON: they come back, and nothing else is read.
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "permissions/consent_preview.h"
#include "permissions/consent_question.h"
#include "permissions/desktop_notice.h"
#include "tests/permissions/make_question.h"

namespace postern::permissions {
namespace {

using nlohmann::json;

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
      // A time is a number or null.
      if (value.is_null() && other == json(1)) continue;
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
      if (other.is_number_integer() && value.is_number_integer()) continue;
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
      {"scopes", {"messages:read", 3}},
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
      {"question_sha256", std::string(64, 'g')},
      {"question_sha256", std::string(64, '/')},
      {"excluded_chats", {5000}},
      {"chat_kinds", "channels"},
      {"people", "friends"},
      {"sends_per_hour", kSendsPerHourMax + 1},
      {"sends_per_hour", -1},
      {"sends_per_hour", std::numeric_limits<uint64_t>::max()},
  };
  for (const auto& [name, value] : cases) {
    json spoilt = answer;
    spoilt[name] = value;
    EXPECT_EQ(code(spoilt), absl::StatusCode::kInvalidArgument) << name << value;
  }
  const json question = json::parse(ToJson(Question()));
  const std::pair<const char*, json> question_cases[] = {
      {"kind", "confirm"},
      {"held_scopes", {"messages:all"}},
      {"held_until", -1},
      {"asked_chats", {3}},
      {"asked_chats", {1, 0}},
      {"asked_chats", {1, 1}},
      {"message_text", std::string(kQuestionTextBytesMax + 1, 'x')},
      {"networks", {1}},
      {"timeout_seconds", 0},
      {"systemd_unit", "../evil.service"},
      {"systemd_unit", "x.timer"},
  };
  for (const auto& [name, value] : question_cases) {
    json spoilt = question;
    spoilt[name] = value;
    EXPECT_EQ(QuestionFromJson(spoilt.dump()).status().code(), absl::StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(ConsentJson, RefusesAllButTheCanonicalForm) {
  const std::string answer = ToJson(AnswerTo(Question())), question = ToJson(Question());
  ASSERT_TRUE(AnswerFromJson(answer).ok());
  ASSERT_TRUE(QuestionFromJson(question).ok());
  for (const std::string& good : {answer, question}) {
    std::string doubled = good;
    doubled.insert(1, "\"accounts\":[],");
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
                                 std::string(100'000, '['),
                                 std::string(5 << 20, ' ') + good};
    for (const std::string& text : cases) {
      EXPECT_EQ(AnswerFromJson(text).status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(QuestionFromJson(text).status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST(ConsentJson, AValueWithoutANameDoesNotReadBack) {
  const ConsentQuestion question = Question();
  std::vector<ConsentQuestion> questions(4, question);
  questions[0].kind = static_cast<QuestionKind>(99);
  questions[1].role = static_cast<Role>(99);
  questions[2].destination.kind = static_cast<DestinationKind>(99);
  questions[3].chats[0].type = static_cast<ChatType>(99);
  for (const ConsentQuestion& unknown : questions) {
    EXPECT_EQ(QuestionFromJson(ToJson(unknown)).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  std::vector<ConsentAnswer> answers(5, AnswerTo(question));
  answers[0].decision = static_cast<ConsentDecision>(99);
  answers[1].chat_choice = static_cast<ChatChoice>(99);
  answers[2].validity.kind = static_cast<ValidityKind>(99);
  answers[3].chat_kinds = static_cast<ChatKinds>(99);
  answers[4].people = static_cast<People>(99);
  for (const ConsentAnswer& unknown : answers) {
    EXPECT_EQ(AnswerFromJson(ToJson(unknown)).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ConsentJson, EveryKindOfQuestionComesBack) {
  ConsentQuestion question = ExtendQuestion();
  question.subject = "Bob";
  question.subject_objected = true;
  question.message_text = "Hello\nBob";
  question.systemd_unit = "translator@1.service";
  question.asked_chats = {0, 2};
  question.role = Role::kOwner;
  for (int kind = 1; kind <= static_cast<int>(QuestionKind::kView); ++kind) {
    question.kind = static_cast<QuestionKind>(kind);
    const auto again = QuestionFromJson(ToJson(question));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, question);
  }
}

ConsentPreview Preview() {
  ConsentPreview preview;
  preview.known = true;
  preview.chats = 2;
  preview.messages = 3;
  preview.lines = {{"Family", "Alice", "Hello", kNow, View::kWhole},
                   {"Family", "Bob", "", kNow, View::kMetadata},
                   {"Work", "Carol", "", kNow, View::kWithheld}};
  return preview;
}

TEST(ConsentPreviewJson, ComesBack) {
  const auto again = PreviewFromJson(ToJson(Preview()));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, Preview());
}

TEST(ConsentPreviewJson, RefusesWhatIsNotCanonical) {
  const json good = json::parse(ToJson(Preview()));
  const auto code = [](const json& value) { return PreviewFromJson(value.dump()).status().code(); };
  ASSERT_EQ(code(good), absl::StatusCode::kOk);
  EXPECT_EQ(PreviewFromJson("{").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PreviewFromJson(good.dump(2)).status().code(), absl::StatusCode::kInvalidArgument);
  ConsentPreview unknown = Preview();
  unknown.lines[0].view = static_cast<View>(99);
  EXPECT_EQ(PreviewFromJson(ToJson(unknown)).status().code(), absl::StatusCode::kInvalidArgument);
  for (const auto& [name, value] : good.items()) {
    json spoilt = good;
    spoilt.erase(name);
    EXPECT_EQ(code(spoilt), absl::StatusCode::kInvalidArgument) << name;
  }
  json nothing_seen = good;
  nothing_seen["lines"][0]["view"] = "nothing";
  EXPECT_EQ(code(nothing_seen), absl::StatusCode::kInvalidArgument);
  json no_text = good;
  no_text["lines"][0].erase("text");
  EXPECT_EQ(code(no_text), absl::StatusCode::kInvalidArgument);
  json long_list = good;
  for (size_t i = 0; i < kPreviewLinesMax; ++i) long_list["lines"].push_back(good["lines"][0]);
  EXPECT_EQ(code(long_list), absl::StatusCode::kInvalidArgument);
}

TEST(DesktopNoticeJson, ComesBackOrIsRefused) {
  const DesktopNotice notice{"Two apps repeated \u201cBob\u201d; one was stopped."};
  const auto again = NoticeFromJson(ToJson(notice));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, notice);
  for (const std::string& text :
       {std::string("{"), ToJson(DesktopNotice{""}), std::string("{\"text\": \"x\"}"),
        ToJson(DesktopNotice{std::string(kNoticeTextBytesMax + 1, 'x')})}) {
    EXPECT_EQ(NoticeFromJson(text).status().code(), absl::StatusCode::kInvalidArgument);
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
  answer.excluded_chats = {1};
  answer.chat_kinds = ChatKinds::kDirect;
  answer.people = People::kStrangers;
  answer.sends_per_hour = 3;
  answer.may_start = true;
  answer.decision = ConsentDecision::kDraft;
  const auto answer_again = AnswerFromJson(ToJson(answer));
  ASSERT_TRUE(answer_again.ok()) << answer_again.status();
  EXPECT_EQ(*answer_again, answer);
  EXPECT_NE(NewQuestionId(), NewQuestionId());
  EXPECT_EQ(NewQuestionId().size(), 32u);
}

}  // namespace
}  // namespace postern::permissions
