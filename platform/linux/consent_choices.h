// SPDX-License-Identifier: Apache-2.0
// What the person has chosen so far, in either face, and the one way from there to the typed
// answer.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <cstdint>
#include <set>
#include <string>

#include "permissions/consent_question.h"
#include "platform/linux/consent_texts.h"

namespace postern::platform {

// Starts with nothing that allows. What a question does not ask for is not looked at.
struct Choices {
  // As typed.
  std::string name;
  permissions::ScopeSet scopes;
  permissions::ChatChoice chat_choice = permissions::ChatChoice::kListed;
  // Places in the question's list: for kListed what is open, else what stays closed.
  std::set<uint32_t> chats;
  std::set<uint32_t> excluded_chats;
  std::set<uint32_t> accounts;
  // Places in texts::KindChoices() and so on.
  size_t kinds = 0;
  size_t people = 0;
  size_t duration = texts::kDurationDefault;
  size_t history = texts::kHistoryDefault;
  size_t sends = texts::kSendsDefault;
  size_t extension = texts::kExtensionDefault;
  bool only_while_unlocked = false;
  bool may_start = false;
};

// The first thing that an answer still lacks.
enum class Missing : uint8_t { kNothing, kName, kScope, kChat, kAccount };
Missing WhatIsMissing(const permissions::ConsentQuestion& question, const Choices& choices);

// Fills in all that 'choices' allow at 'now' (the machine's time), and the decision: kAllow, or
// kDraft for a preview. 'answer' is a refusal of the question (RefusalOf).
void Allow(const permissions::ConsentQuestion& question, const Choices& choices, absl::Time now,
           permissions::ConsentDecision decision, permissions::ConsentAnswer& answer);

// Whether these scopes let an app send at all: then there is a limit to choose.
bool Sends(permissions::ScopeSet scopes);
// Whether these scopes let an app see messages: then there is something to preview.
bool SeesMessages(permissions::ScopeSet scopes);

// Returns the name to store: what the person typed, cleaned; else the name they gave earlier, else
// the claimed one, but "" when that one could be taken for another app's: then they must type one.
std::string NameFrom(const permissions::ConsentQuestion& question, absl::string_view typed);
// Returns until when a grant of ExtensionChoices()[choice] lasts.
permissions::Validity ExtensionFrom(const permissions::ConsentQuestion& question, size_t choice,
                                    absl::Time now);

}  // namespace postern::platform
