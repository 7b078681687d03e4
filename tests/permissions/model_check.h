// SPDX-License-Identifier: Apache-2.0
// Compares functions that decide with the model, on random cases.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "permissions/decide.h"
#include "permissions/event_scopes.h"
#include "permissions/limits.h"
#include "tests/permissions/random_case.h"

namespace postern::permissions {

// The functions under test: those of decide.h, or spoilt copies of them (mutation_test.cc).
struct Deciders {
  decltype(&Decide) decide = nullptr;
  decltype(&DecideSend) decide_send = nullptr;
  decltype(&LimitsFor) limits_for = nullptr;
  decltype(&ViewOf) view_of = nullptr;
  decltype(&NextExpiry) next_expiry = nullptr;
  decltype(&LapseTime) lapse_time = nullptr;
  decltype(&IsBrokerOnly) is_broker_only = nullptr;
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
};

// Tries 'cases' random (grants, call or event, time). Returns the first difference in words, or ""
// when there is none.
std::string FindDifference(const Deciders& deciders, uint64_t seed, int cases, Tally& tally);

}  // namespace postern::permissions
