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
  ConsentAnswer none;
  none.question_id = answer.question_id;
  none.question_sha256 = answer.question_sha256;
  none.decision = answer.decision;
  none.executable = answer.executable;
  none.origin = answer.origin;
  none.given_name = answer.given_name;
  return answer == none;
}

absl::Status CheckListedChats(const ConsentQuestion& question, const ConsentAnswer& answer) {
  if (!answer.accounts.empty()) return Invalid("accounts", "only with a choice of all chats");
  if (!answer.excluded_chats.empty()) {
    return Invalid("excluded_chats", "only with a choice of all chats");
  }
  if (answer.chat_kinds != ChatKinds::kBoth) {
    return Invalid("chat_kinds", "only with a choice of all chats");
  }
  if (answer.people != People::kAll) return Invalid("people", "only with a choice of all chats");
  // Where there is nothing to choose yet, the app may be let in and ask for chats later.
  if (answer.chats.empty() && !question.accounts.empty()) return Invalid("chats", "none chosen");
  return absl::OkStatus();
}

absl::Status CheckAllChats(const ConsentQuestion& question, const ConsentAnswer& answer) {
  if (!answer.chats.empty()) return Invalid("chats", "only with a choice of listed chats");
  if (answer.accounts.empty()) return Invalid("accounts", "none chosen");
  for (const uint32_t place : answer.excluded_chats) {
    if (!std::binary_search(answer.accounts.begin(), answer.accounts.end(),
                            question.chats[place].account)) {
      return Invalid("excluded_chats", "of an account that was not chosen");
    }
  }
  if (answer.people != People::kAll && answer.chat_kinds == ChatKinds::kGroup) {
    return Invalid("people", "speaks of 1:1 chats, and only groups were chosen");
  }
  return absl::OkStatus();
}

absl::Status CheckSelection(const ConsentQuestion& question, const ConsentAnswer& answer) {
  if (!ArePlaces(answer.chats, question.chats.size())) return Invalid("chats", "not as offered");
  if (!ArePlaces(answer.accounts, question.accounts.size())) {
    return Invalid("accounts", "not as offered");
  }
  if (!ArePlaces(answer.excluded_chats, question.chats.size())) {
    return Invalid("excluded_chats", "not as offered");
  }
  switch (answer.chat_choice) {
    case ChatChoice::kListed:
      return CheckListedChats(question, answer);
    case ChatChoice::kAllExisting:
    case ChatChoice::kAllAndNew:
      return CheckAllChats(question, answer);
  }
  return Invalid("chat_choice", "not a known value");
}

absl::Status CheckValidity(const Validity& validity, absl::Time now) {
  const bool finite = validity.expire_time != absl::InfiniteFuture();
  if ((validity.kind == ValidityKind::kUntil) != finite) {
    return Invalid("expire_time", "goes with 'until', and only with it");
  }
  if (validity.expire_time <= now) return Invalid("expire_time", "has passed");
  return absl::OkStatus();
}

absl::Status CheckAccess(const ConsentQuestion& question, const ConsentAnswer& answer,
                         absl::Time now) {
  const ScopeSet asked = question.required_scopes.Union(question.optional_scopes);
  if (!asked.HasAll(answer.scopes)) return Invalid("scopes", "more than was asked");
  if (answer.scopes.empty()) return Invalid("scopes", "none ticked");
  if (absl::Status status = CheckSelection(question, answer); !status.ok()) return status;
  if (answer.history_start_time != absl::InfinitePast() &&
      !answer.scopes.Has(Scope::kMessagesHistory)) {
    return Invalid("history_start_time", "only with messages:history");
  }
  if (answer.sends_per_hour > kSendsPerHourMax) return Invalid("sends_per_hour", "too many");
  if (answer.sends_per_hour != 0 &&
      answer.scopes.Intersection(ScopesOpening(Scope::kMessagesSendAsk)).empty()) {
    return Invalid("sends_per_hour", "only with a scope that sends");
  }
  if (answer.may_start && question.systemd_unit.empty()) {
    return Invalid("may_start", "the app names no unit to start");
  }
  return CheckValidity(answer.validity, now);
}

absl::Status CheckExtension(const ConsentQuestion& question, const ConsentAnswer& answer,
                            absl::Time now) {
  ConsentAnswer time_only = answer;
  time_only.validity = {};
  if (!AllowsNothing(time_only)) return Invalid("scopes", "an extension gives time and no more");
  if (absl::Status status = CheckValidity(answer.validity, now); !status.ok()) return status;
  const bool for_a_time = answer.validity.kind == ValidityKind::kUntil ||
                          answer.validity.kind == ValidityKind::kUntilRevoked;
  if (!for_a_time) return Invalid("validity", "an extension has an end, or none");
  if (answer.validity.expire_time <= question.held_until) {
    return Invalid("expire_time", "not later than what is held");
  }
  return absl::OkStatus();
}

}  // namespace

bool AsksForAccess(QuestionKind kind) {
  return kind == QuestionKind::kEnrollApp || kind == QuestionKind::kWidenGrant;
}

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
  if (answer.decision == ConsentDecision::kDraft) return Invalid("decision", "is a draft");
  if (answer.decision != ConsentDecision::kAllow) {
    if (!AllowsNothing(answer)) return Invalid("decision", "refuses, and yet allows something");
    return absl::OkStatus();
  }
  const bool gives_name =
      AsksForAccess(question.kind) || question.kind == QuestionKind::kEnrollGatekeeper;
  if (!gives_name && !answer.given_name.empty()) return Invalid("given_name", "was not asked");
  if (gives_name &&
      (answer.given_name.empty() || CleanName(answer.given_name) != answer.given_name)) {
    return Invalid("given_name", "missing or not cleaned");
  }
  if (AsksForAccess(question.kind)) return CheckAccess(question, answer, now);
  if (question.kind == QuestionKind::kExtendGrant) return CheckExtension(question, answer, now);
  if (!AllowsNothing(answer)) return Invalid("scopes", "more than was asked");
  return absl::OkStatus();
}

absl::StatusOr<Grant> GrantFrom(const ConsentQuestion& question, const ConsentAnswer& answer,
                                absl::Time now) {
  if (absl::Status status = CheckAnswer(question, answer, now); !status.ok()) return status;
  if (answer.decision != ConsentDecision::kAllow) {
    return absl::FailedPreconditionError("the answer was not yes");
  }
  if (!AsksForAccess(question.kind)) {
    return absl::FailedPreconditionError("no access was asked for");
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
  for (const uint32_t place : answer.excluded_chats) {
    grant.selection.included_chats.erase(question.chats[place].id);
    grant.selection.excluded_chats.insert(question.chats[place].id);
  }
  grant.selection.chat_kinds = answer.chat_kinds;
  grant.selection.people = answer.people;
  grant.validity = answer.validity;
  grant.limits.sends_per_hour = answer.sends_per_hour;
  grant.create_time = now;
  grant.history_start_time = answer.history_start_time;
  grant.only_while_unlocked = answer.only_while_unlocked;
  grant.may_start = answer.may_start;
  grant.shown_sha256 = Sha256Of(answer);
  return grant;
}

absl::StatusOr<Grant> ExtendedGrant(const Grant& held, const ConsentQuestion& question,
                                    const ConsentAnswer& answer, absl::Time now) {
  if (absl::Status status = CheckAnswer(question, answer, now); !status.ok()) return status;
  if (answer.decision != ConsentDecision::kAllow) {
    return absl::FailedPreconditionError("the answer was not yes");
  }
  if (question.kind != QuestionKind::kExtendGrant || question.principal != held.principal) {
    return absl::FailedPreconditionError("the question was about another grant");
  }
  if (!Stands(held) || held.validity.expire_time <= now) {
    return absl::FailedPreconditionError("the grant has ended; the app must ask anew");
  }
  Grant grant = held;
  grant.validity = answer.validity;
  grant.shown_sha256 = Sha256Of(answer);
  return grant;
}

}  // namespace postern::permissions
