// SPDX-License-Identifier: Apache-2.0
#include "permissions/consent_question.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "permissions/display_text.h"
#include "permissions/id_cipher.h"
#include "platform/secret_bytes.h"

namespace postern::permissions {
namespace {

// Paths of executables are at most this long (PATH_MAX).
constexpr size_t kEvidenceBytesMax = 4096;

absl::Status Invalid(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(std::string(field), ": ", std::string(what)));
}

// Ascending, without doubles, and all below 'size'.
bool ArePlaces(const std::vector<uint32_t>& places, size_t size) {
  return std::adjacent_find(places.begin(), places.end(), std::greater_equal<>()) == places.end() &&
         (places.empty() || places.back() < size);
}

// What a refusal must look like: nothing in it that could be taken for a permission.
bool AllowsNothing(const ConsentAnswer& answer) {
  const ConsentAnswer none;
  return answer.scopes == none.scopes && answer.chat_choice == none.chat_choice &&
         answer.chats.empty() && answer.accounts.empty() && answer.validity == none.validity &&
         answer.history_start_time == none.history_start_time && !answer.only_while_unlocked;
}

absl::Status CheckSelection(const ConsentQuestion& question, const ConsentAnswer& answer) {
  if (!ArePlaces(answer.chats, question.chats.size())) return Invalid("chats", "not as offered");
  if (!ArePlaces(answer.accounts, question.accounts.size())) {
    return Invalid("accounts", "not as offered");
  }
  switch (answer.chat_choice) {
    case ChatChoice::kListed:
      if (!answer.accounts.empty()) return Invalid("accounts", "only with a choice of all chats");
      // Where there is nothing to choose yet, the app may be let in and ask for chats later.
      if (answer.chats.empty() && !question.accounts.empty())
        return Invalid("chats", "none chosen");
      return absl::OkStatus();
    case ChatChoice::kAllExisting:
    case ChatChoice::kAllAndNew:
      if (!answer.chats.empty()) return Invalid("chats", "only with a choice of listed chats");
      if (answer.accounts.empty()) return Invalid("accounts", "none chosen");
      return absl::OkStatus();
  }
  return Invalid("chat_choice", "not a known value");
}

absl::Status CheckTimes(const ConsentAnswer& answer, absl::Time now) {
  const bool finite = answer.validity.expire_time != absl::InfiniteFuture();
  if ((answer.validity.kind == ValidityKind::kUntil) != finite) {
    return Invalid("expire_time", "goes with 'until', and only with it");
  }
  if (answer.validity.expire_time <= now) return Invalid("expire_time", "has passed");
  if (answer.history_start_time != absl::InfinitePast() &&
      !answer.scopes.Has(Scope::kMessagesHistory)) {
    return Invalid("history_start_time", "only with messages:history");
  }
  return absl::OkStatus();
}

}  // namespace

std::string NewQuestionId() {
  std::array<uint8_t, 16> bytes;
  platform::FillRandom(bytes);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

absl::Status CheckAnswer(const ConsentQuestion& question, const ConsentAnswer& answer,
                         absl::Time now) {
  if (question.question_id.empty() || answer.question_id != question.question_id) {
    return Invalid("question_id", "of another question");
  }
  if (answer.question_sha256 != Sha256Of(question)) {
    return Invalid("question_sha256", "another text was shown than was asked");
  }
  if (answer.executable.empty() || answer.executable.size() > kEvidenceBytesMax) {
    return Invalid("executable", "missing or too long");
  }
  if (answer.origin.empty() || answer.origin.size() > kEvidenceBytesMax) {
    return Invalid("origin", "missing or too long");
  }
  if (answer.decision != ConsentDecision::kAllow) {
    if (!AllowsNothing(answer)) return Invalid("decision", "refuses, and yet allows something");
    return absl::OkStatus();
  }
  if (answer.given_name.empty() || CleanName(answer.given_name) != answer.given_name) {
    return Invalid("given_name", "missing or not cleaned");
  }
  if (question.kind == QuestionKind::kEnrollGatekeeper) {
    if (!AllowsNothing(answer))
      return Invalid("scopes", "a gatekeeper gets a role and nothing else");
    return absl::OkStatus();
  }
  const ScopeSet asked = question.required_scopes.Union(question.optional_scopes);
  if (!asked.HasAll(answer.scopes)) return Invalid("scopes", "more than was asked");
  if (answer.scopes.empty()) return Invalid("scopes", "none ticked");
  if (absl::Status status = CheckSelection(question, answer); !status.ok()) return status;
  return CheckTimes(answer, now);
}

absl::StatusOr<Grant> GrantFrom(const ConsentQuestion& question, const ConsentAnswer& answer,
                                absl::Time now) {
  if (absl::Status status = CheckAnswer(question, answer, now); !status.ok()) return status;
  if (answer.decision != ConsentDecision::kAllow) {
    return absl::FailedPreconditionError("the answer was not yes");
  }
  if (question.kind == QuestionKind::kEnrollGatekeeper) {
    return absl::FailedPreconditionError("a gatekeeper gets a role and no grant");
  }
  Grant grant;
  grant.id = NewGrantId();
  grant.principal = question.principal;
  grant.scopes = answer.scopes;
  grant.selection.chat_choice = answer.chat_choice;
  for (uint32_t place : answer.accounts) {
    grant.selection.accounts.insert(question.accounts[place].id);
  }
  for (uint32_t place : answer.chats) {
    const OfferedChat& chat = question.chats[place];
    grant.selection.included_chats.insert(chat.id);
    grant.selection.accounts.insert(question.accounts.at(chat.account).id);
  }
  if (answer.chat_choice == ChatChoice::kAllExisting) {
    // The chats that were shown, not those that exist by now: what was not seen was not chosen.
    for (const OfferedChat& chat : question.chats) {
      if (grant.selection.accounts.contains(question.accounts.at(chat.account).id)) {
        grant.selection.included_chats.insert(chat.id);
      }
    }
  }
  grant.validity = answer.validity;
  grant.create_time = now;
  grant.history_start_time = answer.history_start_time;
  grant.only_while_unlocked = answer.only_while_unlocked;
  grant.shown_sha256 = Sha256Of(answer);
  return grant;
}

}  // namespace postern::permissions
