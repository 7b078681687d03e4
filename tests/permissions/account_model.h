// SPDX-License-Identifier: Apache-2.0
// The rules of access a second time, where there is no chat to ask about: people outside of chats,
// and chats that are not there yet.
#pragma once
#include <algorithm>

#include "tests/permissions/decide_model.h"

namespace postern::model {

constexpr int kCreate = 25;
constexpr int kOfDirect = 1, kOfGroup = 2;

// The best that grants with 'scope' say; those in force allow what they 'reach'.
template <typename Reaches>
Verdict BestOf(const App& app, int scope, Time now, Reaches reaches) {
  Verdict best = app.paused ? Verdict::kPaused : Verdict::kScopeMissing;
  for (const Grant& g : app.grants) {
    if (!Has(g, scope)) continue;
    const Verdict standing = StandingOf(app, g, now);
    const bool elsewhere = standing == Verdict::kAllowed && !reaches(g);
    best = std::max(best, elsewhere ? Verdict::kNotFound : standing);
  }
  return best;
}
// Who sees a person without sharing a chat sees everybody: not for a grant that leaves chats out.
inline Verdict DecidePerson(const App& app, int scope, const Thing& t, Time now) {
  return BestOf(app, scope, now, [&](const Grant& g) {
    const bool every_chat = g.choice == 3 && g.not_chats == 0 && g.kinds == 0 && g.people == 0;
    return every_chat && Covers(g, t);
  });
}
// No list can name it, so that lists say nothing.
inline bool CoversNewChat(const Grant& g, const Thing& t) {
  if (t.account == 0 || t.sealed) return false;
  if (!In(g.accounts, t.account) && !In(g.networks, t.network)) return false;
  if (t.type == kOfGroup) return g.kinds == 0 || g.kinds == kOfGroup;
  if (t.type != kOfDirect) return g.kinds == 0 && g.people == 0;  // what it would be, nobody knows
  const int person = t.contact ? 1 : 2;
  return (g.kinds == 0 || g.kinds == kOfDirect) && (g.people == 0 || g.people == person);
}
inline Verdict DecideNewChat(const App& app, const Thing& t, Time now) {
  return BestOf(app, kCreate, now, [&](const Grant& g) { return CoversNewChat(g, t); });
}
inline unsigned long LimitForNewChat(const App& app, const Thing& t, Time now, int which) {
  constexpr unsigned long kUsual[] = {60, 10, 1UL << 30};
  unsigned long most = 0;
  for (const Grant& g : app.grants) {
    const bool opens = !app.paused && Has(g, kCreate) && CoversNewChat(g, t) &&
                       StandingOf(app, g, now) == Verdict::kAllowed;
    if (opens) most = std::max(most, g.limits[which] == 0 ? kUsual[which] : g.limits[which]);
  }
  return most;
}

}  // namespace postern::model
