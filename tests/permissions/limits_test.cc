// SPDX-License-Identifier: Apache-2.0
#include "permissions/limits.h"

#include <gtest/gtest.h>

#include <vector>

#include "permissions/decide.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

constexpr Limits kNothing = {};
constexpr Limits kDefaults = {kSendsPerHourDefault, kNewChatsPerDayDefault, kBytesPerDayDefault};

Grant Sender(Limits limits = {}) {
  Grant grant = GrantOf({Scope::kMessagesSend});
  grant.limits = limits;
  return grant;
}
Limits Sends(const std::vector<Grant>& grants, const ObjectFacts& object) {
  return LimitsFor({.grants = grants}, Scope::kMessagesSend, object, kNow);
}

TEST(Limits, AreNothingWhereNothingIsAllowed) {
  EXPECT_EQ(Sends({}, ChatFacts(1)), kNothing);
  EXPECT_EQ(Sends({GrantOf({Scope::kMessagesRead})}, ChatFacts(1)), kNothing);
  Grant revoked = Sender();
  revoked.state = GrantState::kRevoked;
  EXPECT_EQ(Sends({revoked}, ChatFacts(1)), kNothing);
  Grant elsewhere = Sender();
  elsewhere.selection.excluded_chats = {ChatNumber(1)};
  EXPECT_EQ(Sends({elsewhere}, ChatFacts(1)), kNothing);
  const std::vector<Grant> grants = {Sender()};
  EXPECT_EQ(LimitsFor({.grants = grants, .paused = true}, Scope::kMessagesSend, ChatFacts(1), kNow),
            kNothing);
}

TEST(Limits, AreTheDefaultsWhereAGrantNamesNone) {
  EXPECT_EQ(Sends({Sender()}, ChatFacts(1)), kDefaults);
  Limits some = kDefaults;
  some.new_chats_per_day = 3;
  EXPECT_EQ(Sends({Sender({.new_chats_per_day = 3})}, ChatFacts(1)), some);
}

TEST(Limits, AreTheLargestOfEachNumberAmongTheGrantsThatOpenIt) {
  const Grant fewer = Sender({5, 9, 100}), more = Sender({7, 2, 50});
  EXPECT_EQ(Sends({fewer, more}, ChatFacts(1)), (Limits{7, 9, 100}));
  EXPECT_EQ(Sends({more, fewer}, ChatFacts(1)), (Limits{7, 9, 100}));
  Grant elsewhere = Sender({500, 500, 500});
  elsewhere.selection.chat_choice = ChatChoice::kListed;
  elsewhere.selection.included_chats = {ChatNumber(2)};
  EXPECT_EQ(Sends({fewer, elsewhere}, ChatFacts(1)), (Limits{5, 9, 100}));
  // Of anything at all, as lists ask.
  EXPECT_EQ(Sends({fewer, elsewhere}, {}), (Limits{500, 500, 500}));
}

TEST(Limits, ComeWithTheScopeThatOpened) {
  Grant asks = GrantOf({Scope::kMessagesSendAsk});
  asks.limits = {50, 50, 50};
  EXPECT_EQ(Sends({Sender({5, 5, 5}), asks}, ChatFacts(1)), (Limits{5, 5, 5}));
}

}  // namespace
}  // namespace postern::permissions
