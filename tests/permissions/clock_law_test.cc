// SPDX-License-Identifier: Apache-2.0
// Clocks jump. What permissions/ can promise of it, being told the time: as time goes on, access
// only ends; nothing remembers a wrong time; and no wrong time opens what the right one does not,
// but what a clock that was turned back has not yet closed. That the broker's clock is not turned
// back: broker/trusted_clock.h.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "permissions/decide.h"
#include "permissions/limits.h"
#include "tests/permissions/make_grant.h"
#include "tests/permissions/model_check.h"

namespace postern::permissions {
namespace {

constexpr absl::Duration kYear = absl::Hours(24 * 365);
const absl::Duration kJumps[] = {-absl::Hours(24), -10 * kYear, 10 * kYear};
constexpr EventKind kMessageCreated = 20;

Verdict ReadAt(const Grant& grant, absl::Time now) {
  return Decide({.grants = {&grant, 1}}, Scope::kMessagesRead, ChatFacts(1), now);
}
View SeeAt(const Grant& grant, absl::Time now) {
  return ViewOf({.grants = {&grant, 1}}, EventIn(1, kMessageCreated), now);
}
Grant Until(absl::Time end) {
  Grant grant = GrantOf({Scope::kMessagesRead});
  grant.validity = {ValidityKind::kUntil, end};
  return grant;
}

TEST(ClockLaw, NothingThatEndedComesAlive) {
  for (const GrantState state : {GrantState::kExpired, GrantState::kRevoked}) {
    Grant grant = Until(kNow + absl::Hours(1));
    grant.state = state;
    for (const absl::Duration jump : kJumps) {
      EXPECT_EQ(ReadAt(grant, kNow + jump), ReadAt(grant, kNow)) << jump;
      EXPECT_NE(ReadAt(grant, kNow + jump), Verdict::kAllowed) << jump;
      EXPECT_EQ(SeeAt(grant, kNow + jump), View::kNothing) << jump;
      EXPECT_EQ(LimitsFor({.grants = {&grant, 1}}, Scope::kMessagesRead, ChatFacts(1), kNow + jump),
                Limits{});
    }
  }
}

TEST(ClockLaw, NothingValidDiesForGood) {
  const Grant for_a_day = Until(kNow + absl::Hours(24));
  const Grant until_revoked = GrantOf({Scope::kMessagesRead});
  for (const absl::Duration jump : kJumps) {
    EXPECT_EQ(ReadAt(until_revoked, kNow + jump), Verdict::kAllowed) << jump;
    EXPECT_EQ(SeeAt(until_revoked, kNow + jump), View::kWhole) << jump;
    // Ten years on it has ended; put right again, it has not.
    EXPECT_EQ(ReadAt(for_a_day, kNow + jump),
              jump > absl::ZeroDuration() ? Verdict::kExpired : Verdict::kAllowed);
    EXPECT_EQ(ReadAt(for_a_day, kNow), Verdict::kAllowed) << jump;
    EXPECT_EQ(SeeAt(for_a_day, kNow), View::kWhole) << jump;
  }
}

TEST(ClockLaw, AMessageFromTheFutureOpensNoReply) {
  const Grant grant = GrantOf({Scope::kMessagesReply});
  const Access access = {.grants = {&grant, 1}};
  const SendFacts facts = {ChatFacts(1), kNow - absl::Hours(1)};
  EXPECT_EQ(DecideSend(access, facts, kNow).mode, SendMode::kSend);
  for (const absl::Duration jump : kJumps) {
    EXPECT_EQ(DecideSend(access, facts, kNow + jump).mode, SendMode::kAsk) << jump;
  }
  EXPECT_EQ(DecideSend(access, facts, kNow).mode, SendMode::kSend);
}

TEST(ClockLaw, AnIdleGrantLapsesOnceAndAClockPutRightKeepsIt) {
  const Grant grant = GrantOf({Scope::kMessagesRead});
  const absl::Time lapse = LapseTime(grant, kNow);
  EXPECT_LT(kNow, lapse);
  EXPECT_LT(kNow - absl::Hours(24), lapse);
  EXPECT_LT(kNow - 10 * kYear, lapse);
  EXPECT_GT(kNow + 10 * kYear, lapse);
  // Used while the clock was ten years ahead: it does not count as idle when that is put right.
  EXPECT_LT(kNow, LapseTime(grant, kNow + 10 * kYear));
}

// Once the time has come it does not go: with a clock that never runs back, nothing that expired
// comes alive, whatever is asked.
TEST(ClockLaw, TimeOnlyEnds) {
  constexpr int kCases = 20'000;
  model::Dice dice(38);
  int ended = 0;
  for (int i = 0; i < kCases; ++i) {
    const model::App app = RandomApp(dice);
    std::vector<Grant> grants;
    for (const model::Grant& grant : app.grants) grants.push_back(GrantFromModel(grant));
    const Access access = {.grants = grants, .leaves_device = app.leaves_device};
    const ObjectFacts object = ObjectFromModel(RandomThing(dice));
    const EventFacts event = EventFromModel(RandomEvent(dice));
    const Scope scope = static_cast<Scope>(1 + dice.Upto(kScopeCount - 1));
    const absl::Time before = TimeFromModel(dice.Around(model::kModelNow));
    const bool allowed = Decide(access, scope, object, before) == Verdict::kAllowed;
    const View view = ViewOf(access, event, before);
    const Limits limits = LimitsFor(access, scope, object, before);
    for (const absl::Duration later : {absl::Seconds(dice.Upto(10)), absl::Hours(24), 10 * kYear}) {
      const absl::Time now = before + later;
      const bool still = Decide(access, scope, object, now) == Verdict::kAllowed;
      ASSERT_LE(still, allowed) << "case " << i;
      const View seen = ViewOf(access, event, now);
      ASSERT_LE(RankOf(seen), RankOf(view)) << "case " << i;
      const Limits now_limits = LimitsFor(access, scope, object, now);
      ASSERT_LE(now_limits.sends_per_hour, limits.sends_per_hour) << "case " << i;
      ASSERT_LE(now_limits.bytes_per_day, limits.bytes_per_day) << "case " << i;
      ended += still != allowed || seen != view;
    }
    // And back: nothing remembers.
    ASSERT_EQ(ViewOf(access, event, before), view) << "case " << i;
  }
  EXPECT_GT(ended, kCases / 50);
}

}  // namespace
}  // namespace postern::permissions
