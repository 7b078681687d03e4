// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/consent_choices.h"

#include <absl/strings/ascii.h>

#include <algorithm>

#include "permissions/display_text.h"

namespace postern::platform {
namespace {

using permissions::ChatChoice;
using permissions::ChatKinds;
using permissions::ConsentAnswer;
using permissions::ConsentQuestion;
using permissions::QuestionKind;
using permissions::Scope;
using permissions::Validity;
using permissions::ValidityKind;

// Whole seconds, as the answer is written.
absl::Time WholeSeconds(absl::Time time) {
  return absl::FromUnixSeconds(absl::ToUnixSeconds(time));
}

Validity ValidityFrom(const texts::DurationChoice& chosen, absl::Time from) {
  Validity validity;
  validity.kind = chosen.kind;
  if (chosen.kind == ValidityKind::kUntil) {
    validity.expire_time = WholeSeconds(from + chosen.length);
  }
  return validity;
}

absl::Time HistoryStartFrom(size_t choice, absl::Time now) {
  const absl::Duration length = texts::HistoryChoices().at(choice).length;
  if (length == absl::InfiniteDuration()) return absl::InfinitePast();
  return WholeSeconds(now - length);
}

// With one account "all" says which; with several the person does.
std::set<uint32_t> AccountsOf(const ConsentQuestion& question, const Choices& choices) {
  if (question.accounts.size() == 1) return {0};
  return choices.accounts;
}

void FillSelection(const ConsentQuestion& question, const Choices& choices, ConsentAnswer& answer) {
  answer.chat_choice = choices.chat_choice;
  if (choices.chat_choice == ChatChoice::kListed) {
    answer.chats.assign(choices.chats.begin(), choices.chats.end());
    return;
  }
  const std::set<uint32_t> accounts = AccountsOf(question, choices);
  answer.accounts.assign(accounts.begin(), accounts.end());
  for (const uint32_t place : choices.excluded_chats) {
    if (accounts.contains(question.chats.at(place).account)) answer.excluded_chats.push_back(place);
  }
  answer.chat_kinds = texts::KindChoices().at(choices.kinds).kind;
  if (answer.chat_kinds != ChatKinds::kGroup) {
    answer.people = texts::PeopleChoices().at(choices.people).people;
  }
}

}  // namespace

bool Sends(permissions::ScopeSet scopes) {
  return !scopes.Intersection(permissions::ScopesOpening(Scope::kMessagesSendAsk)).empty();
}

bool SeesMessages(permissions::ScopeSet scopes) {
  return !scopes.Intersection(permissions::ScopesOpening(Scope::kMessagesMetadata)).empty();
}

Missing WhatIsMissing(const ConsentQuestion& question, const Choices& choices) {
  const bool for_access = permissions::AsksForAccess(question.kind);
  if (!for_access && question.kind != QuestionKind::kEnrollGatekeeper) return Missing::kNothing;
  if (NameFrom(question, choices.name).empty()) return Missing::kName;
  if (!for_access) return Missing::kNothing;
  if (choices.scopes.empty()) return Missing::kScope;
  if (question.accounts.empty()) return Missing::kNothing;
  if (choices.chat_choice == ChatChoice::kListed) {
    return choices.chats.empty() ? Missing::kChat : Missing::kNothing;
  }
  return AccountsOf(question, choices).empty() ? Missing::kAccount : Missing::kNothing;
}

void Allow(const ConsentQuestion& question, const Choices& choices, absl::Time now,
           permissions::ConsentDecision decision, ConsentAnswer& answer) {
  answer.decision = decision;
  if (question.kind == QuestionKind::kExtendGrant) {
    answer.validity = ExtensionFrom(question, choices.extension, now);
    return;
  }
  const bool for_access = permissions::AsksForAccess(question.kind);
  if (!for_access && question.kind != QuestionKind::kEnrollGatekeeper) return;
  answer.given_name = NameFrom(question, choices.name);
  if (!for_access) return;
  answer.scopes = choices.scopes;
  if (!question.accounts.empty()) FillSelection(question, choices, answer);
  answer.validity = ValidityFrom(texts::DurationChoices().at(choices.duration), now);
  if (answer.scopes.Has(Scope::kMessagesHistory)) {
    answer.history_start_time = HistoryStartFrom(choices.history, now);
  }
  answer.only_while_unlocked = choices.only_while_unlocked;
  answer.may_start = choices.may_start && !question.systemd_unit.empty();
  if (Sends(answer.scopes)) {
    answer.sends_per_hour = texts::SendsChoices().at(choices.sends).sends_per_hour;
  }
}

std::string NameFrom(const ConsentQuestion& question, absl::string_view typed) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(typed);
  if (!trimmed.empty()) return permissions::CleanName(std::string(trimmed));
  if (!question.known_name.empty()) return question.known_name;
  if (!question.looks_like.empty() || question.mixed_script) return "";
  return question.claimed_name;
}

Validity ExtensionFrom(const ConsentQuestion& question, size_t choice, absl::Time now) {
  // What has no end cannot be asked to last longer; the broker then refuses the answer.
  const absl::Time from =
      question.held_until == absl::InfiniteFuture() ? now : std::max(now, question.held_until);
  return ValidityFrom(texts::ExtensionChoices().at(choice), from);
}

}  // namespace postern::platform
