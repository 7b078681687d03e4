// SPDX-License-Identifier: Apache-2.0
// Life on a laptop, in minutes of the injected clock: the machine sleeps, its clock is set, and
// what was connected goes on. The same with real processes that are stopped:
// tests/daemon/suspend_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/stall_watch.h"
#include "clients/sdk/backoff.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

class LaptopTest : public testing::Test {
 protected:
  // Names "0" to "count - 1", in order, from 'first' on.
  static std::vector<v1::Event> Messages(int first, int count) {
    std::vector<v1::Event> events;
    for (int i = first; i < first + count; ++i) {
      events.push_back(MessageEvent("club", "m" + std::to_string(i), std::to_string(i)));
    }
    return events;
  }
  static void ExpectInOrder(EventReader& reader, int count) {
    std::vector<std::string> expected;
    for (int i = 0; i < count; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(reader.texts(), expected);
  }

  BrokerHarness harness_{{}, absl::Milliseconds(20)};
  Adapter adapter_{harness_.Gatekeeper()};
  bool chats_ = adapter_.PushDurably({ChatEvent("club", "club")});
  Program app_ = harness_.App("Reader", {kChatsRead, kMessagesRead});
  OwnerCalls owner_{harness_};
};

TEST_F(LaptopTest, ANightsSleepEndsNeitherStreamNorAttachment) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably(Messages(0, 5)));
  ASSERT_TRUE(reader.WaitForReported(5));
  for (int night = 0; night < 3; ++night) {
    harness_.clock().Advance(absl::Hours(8));
    ASSERT_TRUE(adapter_.PushDurably(Messages(5 + night * 5, 5)));
    ASSERT_TRUE(reader.WaitForReported(static_cast<size_t>(10 + night * 5)));
  }
  EXPECT_FALSE(reader.ended());
  ExpectInOrder(reader, 20);
  // Sleeping is not setting the clock.
  EXPECT_FALSE(owner_.HasNotice(v1::OwnerNotice::KIND_CLOCK_JUMPED));
  EXPECT_TRUE(owner_.Status().warnings().empty());
}

TEST_F(LaptopTest, WhatGatheredWhileTheAppSleptComesInOneCatchUp) {
  v1::SubscribeRequest request;
  request.set_subscription("main");
  {
    EventReader reader(app_, request);
    ASSERT_TRUE(reader.WaitLive());
  }
  ASSERT_TRUE(adapter_.PushDurably(Messages(0, 200)));
  harness_.clock().Advance(absl::Minutes(45));
  ASSERT_TRUE(adapter_.PushDurably(Messages(200, 200)));
  EventReader reader(app_, request);
  ASSERT_TRUE(reader.WaitForReported(400));
  ExpectInOrder(reader, 400);
  // Full frames, not one for each event.
  size_t with_events = 0;
  for (const auto& frame : reader.frames()) with_events += frame.response.events().empty() ? 0 : 1;
  EXPECT_LE(with_events, 10u);
}

TEST_F(LaptopTest, ClockSetForwardAndBackDuringASleepLosesNothing) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably(Messages(0, 3)));
  int sent = 3;
  for (const absl::Duration jump : {absl::Hours(30), -absl::Hours(60), absl::Hours(30)}) {
    harness_.clock().Advance(absl::Minutes(10));
    harness_.clock().Jump(jump);
    ASSERT_TRUE(adapter_.PushDurably(Messages(sent, 1)));
    ASSERT_TRUE(reader.WaitForReported(static_cast<size_t>(++sent)));
  }
  EXPECT_FALSE(reader.ended());
  ExpectInOrder(reader, 6);
}

TEST_F(LaptopTest, TheNetworkGoesAndComesWithoutAnEventTwice) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  for (int i = 0; i < 10; ++i) {
    v1::Event away;
    away.mutable_account_state_changed()->set_state(i % 2 == 0 ? v1::ACCOUNT_STATE_OFFLINE
                                                               : v1::ACCOUNT_STATE_ONLINE);
    ASSERT_TRUE(adapter_.PushDurably({away}));
  }
  ASSERT_TRUE(adapter_.PushDurably(Messages(0, 3)));
  ASSERT_TRUE(reader.WaitForText("2"));
  ExpectInOrder(reader, 3);
}

// A reader is given up for the time in which it was watched.
TEST(StallWatch, CountsNoMoreThanWasMeantToPass) {
  broker::StallWatch watch;
  EXPECT_EQ(watch.Look(absl::Hours(100)), absl::ZeroDuration());
  watch.Plan(absl::Seconds(5));
  EXPECT_EQ(watch.Look(absl::Hours(100) + absl::Seconds(2)), absl::Seconds(2));
  watch.Plan(absl::Seconds(5));
  // The machine slept, or the daemon was stopped.
  EXPECT_EQ(watch.Look(absl::Hours(108)), absl::Seconds(5));
  watch.Plan(absl::ZeroDuration());
  EXPECT_EQ(watch.Look(absl::Hours(109)), absl::ZeroDuration());
}

TEST(Backoff, OnWakingIsBoundedAndSpread) {
  const sdk::BackoffOptions options;
  std::vector<absl::Duration> firsts;
  for (int app = 0; app < 50; ++app) {
    sdk::Backoff backoff(options);
    firsts.push_back(backoff.Next());
    absl::Duration last;
    for (int tries = 0; tries < 40; ++tries) {
      last = backoff.Next();
      ASSERT_LE(last, options.longest);
      ASSERT_GT(last, absl::ZeroDuration());
    }
    ASSERT_GE(last, options.longest * (1 - options.jitter));
    backoff.Reset();
    ASSERT_LE(backoff.Next(), options.first);
  }
  std::sort(firsts.begin(), firsts.end());
  EXPECT_GT(std::unique(firsts.begin(), firsts.end()) - firsts.begin(), 25)
      << "fifty apps would come back in one moment";
}

}  // namespace
}  // namespace postern::behaviors
