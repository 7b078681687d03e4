// SPDX-License-Identifier: Apache-2.0
// Compares functions that decide with the models, on random cases.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "permissions/account_access.h"
#include "permissions/decide.h"
#include "permissions/event_scopes.h"
#include "permissions/limits.h"
#include "tests/permissions/random_case.h"

namespace postern::permissions {

// The functions under test: the real ones, or spoilt copies in place of some (mutation_test.cc).
struct Deciders {
  decltype(&Decide) decide = &Decide;
  decltype(&DecideSend) decide_send = &DecideSend;
  decltype(&LimitsFor) limits_for = &LimitsFor;
  decltype(&ViewOf) view_of = &ViewOf;
  decltype(&NextExpiry) next_expiry = &NextExpiry;
  decltype(&LapseTime) lapse_time = &LapseTime;
  decltype(&IsBrokerOnly) is_broker_only = &IsBrokerOnly;
  decltype(&DecidePerson) decide_person = &DecidePerson;
  decltype(&DecideNewChat) decide_new_chat = &DecideNewChat;
  decltype(&LimitsForNewChat) limits_for_new_chat = &LimitsForNewChat;
};

// The model's words in those of permissions/. Nothing is decided here.
Grant GrantFromModel(const model::Grant& grant);
ObjectFacts ObjectFromModel(const model::Thing& thing);
EventFacts EventFromModel(const model::Event& event);
absl::Time TimeFromModel(model::Time time);

// From 0 for the least to 3 for the most.
int RankOf(View view);

// What the cases were like.
struct Tally {
  int cases = 0;
  // Calls that were allowed and events that were seen, in whatever form.
  int allowed = 0;
  // Events seen as metadata or as withheld.
  int reduced = 0;
  // By scope: how many cases end otherwise without that scope.
  std::array<int, kScopeCount + 1> decisive{};
  // People who were shown, and who were not because the grants that reach their account leave chats
  // out; chats that might be started.
  int people = 0, people_kept_out = 0, new_chats = 0;
};

// Tries 'cases' random (grants, call or event, time), and each time a person and a new chat of an
// account besides. Returns the first difference in words, or "" when there is none. 'tally' may be
// null; to count costs more than to compare.
std::string FindDifference(const Deciders& deciders, uint64_t seed, int cases, Tally* tally);

}  // namespace postern::permissions
