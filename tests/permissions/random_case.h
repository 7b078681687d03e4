// SPDX-License-Identifier: Apache-2.0
// Random grants, calls and events in the words of decide_model.h. The odds are chosen so that most
// rules decide something often: a model that is always asked the same teaches nothing.
#pragma once

#include <cstdint>
#include <random>

#include "tests/permissions/decide_model.h"

namespace postern::model {

// What the cases are about: times are some seconds around this.
inline constexpr Time kModelNow = 1'790'000'000;
inline constexpr int kAccounts = 2, kNetworks = 2, kChatCount = 4, kScopes = 28;

// Equal seeds give equal throws, on every machine.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  // From 0 to n.
  int Upto(int n) { return static_cast<int>(engine_() % static_cast<uint64_t>(n + 1)); }
  bool OneIn(int n) { return Upto(n - 1) == 0; }
  // Within ten seconds of 't'.
  Time Around(Time t) { return t + Upto(20) - 10; }
  // A set of numbers from 1 to 'count', each with a chance of one in 'n', or not one in 'n'.
  unsigned Some(int count, int n);
  unsigned Most(int count, int n) { return ~Some(count, n) & ((2u << count) - 2); }

 private:
  std::mt19937_64 engine_;
};

// Up to five grants, whose owner may have paused them.
App RandomApp(Dice& dice);
Grant RandomGrant(Dice& dice);
// A chat, an account, nothing in particular; also what nobody knows.
Thing RandomThing(Dice& dice);
Event RandomEvent(Dice& dice);
// Around the two ends of the time within which a reply is one.
Time RandomLastIncoming(Dice& dice, Time now);

}  // namespace postern::model
