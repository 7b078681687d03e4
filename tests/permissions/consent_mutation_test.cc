// SPDX-License-Identifier: Apache-2.0
// A million texts in place of an answer, each an answer that was changed. None ends the program;
// what is read is canonical; and what is granted was offered and stands in the text, as another
// reader reads it.
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "permissions/consent_question.h"
#include "tests/permissions/make_grant.h"
#include "tests/sanitized.h"

namespace postern::permissions {
namespace {

using nlohmann::json;

constexpr int kParts = 4;
constexpr int kMutations = kSanitized ? 100'000 : 1'000'000;

ConsentQuestion Question() {
  ConsentQuestion question;
  question.question_id = "00112233445566778899aabbccddeeff";
  question.principal.sha256[0] = 1;
  question.required_scopes = {Scope::kMessagesRead};
  question.optional_scopes = {Scope::kMessagesHistory, Scope::kMessagesReply};
  question.destination.kind = DestinationKind::kStaysOnDevice;
  question.systemd_unit = "translator.service";
  question.accounts = {{AccountNumber(1), "Bob", "xmpp"}, {AccountNumber(2), "Bob", "whatsapp"}};
  question.chats = {{ChatNumber(1), 0, "Alice", ChatType::kDirect},
                    {ChatNumber(2), 1, "Family", ChatType::kGroup},
                    {ChatNumber(3), 1, "Carol", ChatType::kDirect}};
  return question;
}

// One of each choice of chats, and a refusal.
std::vector<std::string> Answers(const ConsentQuestion& question) {
  ConsentAnswer answer;
  answer.question_id = question.question_id;
  answer.question_sha256 = Sha256Of(question);
  answer.decision = ConsentDecision::kRefuse;
  std::vector<std::string> answers{ToJson(answer)};
  answer.decision = ConsentDecision::kAllow;
  answer.given_name = "Reader";
  answer.scopes = {Scope::kMessagesRead};
  answer.chats = {0, 2};
  answers.push_back(ToJson(answer));
  answer.chats = {};
  answer.chat_choice = ChatChoice::kAllExisting;
  answer.accounts = {1};
  answer.excluded_chats = {1};
  answer.validity = {ValidityKind::kUntil, kNow + absl::Hours(24)};
  answers.push_back(ToJson(answer));
  answer.chat_choice = ChatChoice::kAllAndNew;
  answer.chat_kinds = ChatKinds::kDirect;
  answer.people = People::kContacts;
  answer.scopes = {Scope::kMessagesHistory, Scope::kMessagesReply};
  answer.history_start_time = kNow - absl::Hours(24);
  answer.sends_per_hour = 5;
  answers.push_back(ToJson(answer));
  return answers;
}

// Changes answers: bytes, pieces, and words for other words, which often gives an answer again.
class Mutator {
 public:
  Mutator(uint64_t seed, std::vector<std::string> answers)
      : engine_(seed), answers_(std::move(answers)) {}

  std::string Next() {
    std::string text = answers_[Below(answers_.size())];
    for (size_t changes = 1 + Below(3); changes > 0 && !text.empty(); --changes) Change(text);
    return text;
  }

 private:
  size_t Below(size_t n) { return engine_() % n; }

  void Change(std::string& text) {
    constexpr std::string_view kSigns = "0123456789-.,:\"\\[]{}eE tfn\x7f";
    constexpr size_t kPieceMax = 40;
    const size_t at = Below(text.size()), length = 1 + Below(kPieceMax);
    switch (Below(7)) {
      case 0:
        text[at] = static_cast<char>(engine_());
        break;
      case 1:
        text[at] = kSigns[Below(kSigns.size())];
        break;
      case 2:
        text.insert(at, 1, kSigns[Below(kSigns.size())]);
        break;
      case 3:
        text.erase(at, length);
        break;
      case 4:
        text.insert(at, text.substr(at, length));
        break;
      case 5: {
        const std::string& other = answers_[Below(answers_.size())];
        text.replace(at, length, other, std::min(at, other.size()), length);
        break;
      }
      default:
        ReplaceWord(text, at);
    }
  }

  void ReplaceWord(std::string& text, size_t at) {
    constexpr std::string_view kWords[] = {
        "\"allow\"",
        "\"refuse\"",
        "\"draft\"",
        "\"listed\"",
        "\"all_existing\"",
        "\"all_and_new\"",
        "\"both\"",
        "\"direct\"",
        "\"group\"",
        "\"all\"",
        "\"contacts\"",
        "\"messages:read\"",
        "\"export\"",
        "\"once\"",
        "\"messages:history\"",
        "\"until\"",
        "\"chats:create\"",
        "\"messages:reply\"",
        "[]",
        "[0]",
        "[1]",
        "[0,1]",
        "[0,2]",
        "[0,1,2]",
        "[2]",
        "[3]",
        "null",
        "true",
        "false",
        "[\"messages:read\",\"messages:history\"]",
        "1790000001",
        "0",
        "[\"messages:read\",\"export\"]",
    };
    // Whichever of some is there.
    std::string_view word;
    size_t place = std::string::npos;
    for (int tries = 0; tries < 5 && place == std::string::npos; ++tries) {
      word = kWords[Below(std::size(kWords))];
      place = text.find(word, at);
    }
    if (place == std::string::npos) return;
    text.replace(place, word.size(), kWords[Below(std::size(kWords))]);
  }

  std::mt19937_64 engine_;
  const std::vector<std::string> answers_;
};

bool Holds(const json& list, const json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

absl::Time TimeIn(const json& value, absl::Time none) {
  return value.is_null() ? none : absl::FromUnixSeconds(value.get<int64_t>());
}

// Whether the text ticks something that opens 'scope'.
bool Ticks(const json& says, Scope scope) {
  for (const Scope opening : ScopesOpening(scope).ToVector()) {
    if (Holds(says["scopes"], std::string(ScopeName(opening)))) return true;
  }
  return false;
}

// Whether the text ticks the chat at 'place', whose person is nobody's contact.
bool TicksChat(const json& says, const ConsentQuestion& question, size_t place) {
  if (says["chat_choice"] == "listed") return Holds(says["chats"], place);
  const OfferedChat& chat = question.chats[place];
  const bool direct = chat.type == ChatType::kDirect;
  return Holds(says["accounts"], chat.account) && !Holds(says["excluded_chats"], place) &&
         says["chat_kinds"] != (direct ? "group" : "direct") &&
         !(direct && says["people"] == "contacts");
}

// Returns what the grant holds that was not asked or not ticked, or nothing.
std::string NotTicked(const Grant& grant, const ConsentQuestion& question, const json& says) {
  if (says["decision"] != "allow") return "a grant from no yes";
  const ScopeSet asked = question.required_scopes.Union(question.optional_scopes);
  for (int number = 1; number <= kScopeCount; ++number) {
    const Scope scope = static_cast<Scope>(number);
    const bool ticked = Ticks(says, scope);
    if (grant.scopes.Has(scope) && !asked.Has(scope)) return "a scope that was not asked";
    for (size_t place = 0; place < question.chats.size(); ++place) {
      const OfferedChat& chat = question.chats[place];
      const ObjectFacts object = {.account = question.accounts[chat.account].id,
                                  .network = question.accounts[chat.account].network,
                                  .chat = chat.id,
                                  .chat_type = chat.type};
      const bool opens = Decide({.grants = {&grant, 1}}, scope, object, kNow) == Verdict::kAllowed;
      // A grant that is for the unlocked session, or for a time, opens what it opens here too.
      if (opens != (ticked && TicksChat(says, question, place))) {
        return absl::StrCat("chat ", place, " under ", std::string(ScopeName(scope)), ": ", opens);
      }
    }
  }
  if (grant.validity.expire_time != TimeIn(says["expire_time"], absl::InfiniteFuture()) ||
      grant.history_start_time != TimeIn(says["history_start_time"], absl::InfinitePast())) {
    return "another time";
  }
  if (grant.limits.sends_per_hour != says["sends_per_hour"] ||
      grant.only_while_unlocked != says["only_while_unlocked"] ||
      grant.may_start != says["may_start"]) {
    return "another limit";
  }
  return "";
}

struct Outcome {
  int read = 0;
  int granted = 0;
  std::string fault;
};

Outcome TryMutations(uint64_t seed, int count) {
  const ConsentQuestion question = Question();
  Mutator mutator(seed, Answers(question));
  Outcome outcome;
  for (int i = 0; i < count && outcome.fault.empty(); ++i) {
    const std::string text = mutator.Next();
    const absl::StatusOr<ConsentAnswer> answer = AnswerFromJson(text);
    if (!answer.ok()) continue;
    ++outcome.read;
    if (ToJson(*answer) != text) outcome.fault = "not canonical: " + absl::CEscape(text);
    const absl::StatusOr<Grant> grant = GrantFrom(question, *answer, kNow);
    if (!grant.ok()) continue;
    ++outcome.granted;
    const std::string fault = NotTicked(*grant, question, json::parse(text));
    if (!fault.empty()) outcome.fault = fault + ": " + absl::CEscape(text);
  }
  return outcome;
}

TEST(ConsentMutation, NoneGrantsWhatWasNotTicked) {
  std::vector<std::future<Outcome>> parts;
  for (int i = 0; i < kParts; ++i) {
    parts.push_back(std::async(std::launch::async, TryMutations,
                               20'261'122 + static_cast<uint64_t>(i), kMutations / kParts));
  }
  int read = 0, granted = 0;
  for (std::future<Outcome>& part : parts) {
    const Outcome outcome = part.get();
    EXPECT_EQ(outcome.fault, "");
    read += outcome.read;
    granted += outcome.granted;
  }
  std::cout << kMutations << " changed answers: " << read << " read, " << granted << " granted\n";
  // Texts of which none is an answer would teach nothing.
  EXPECT_GE(read, kMutations / 50);
  EXPECT_GE(granted, kMutations / 100);
}

}  // namespace
}  // namespace postern::permissions
