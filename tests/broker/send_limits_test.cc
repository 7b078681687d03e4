// SPDX-License-Identifier: Apache-2.0
#include "broker/send_limits.h"

#include <gtest/gtest.h>

#include "broker/limits.h"
#include "broker/rpc_status.h"
#include "tests/broker/storage_fixture.h"
#include "tests/fakes/fake_clock.h"

namespace postern::broker {
namespace {

class SendLimitsTest : public testing::Test {
 protected:
  SendLimitsTest() {
    store_ = *OpenStore(folder_.path());
    limits_ = *SendLimits::Open(*store_, clock_);
  }
  // The daemon stops well.
  void Restart() {
    limits_.reset();
    limits_ = *SendLimits::Open(*store_, clock_);
  }
  // The daemon is killed: what it would have written back, comes too late for this test.
  void Crash() {
    auto survivor = *SendLimits::Open(*store_, clock_);
    crashed_.push_back(std::exchange(limits_, std::move(survivor)));
  }
  int TakeAll(uint8_t app, uint32_t per_hour) {
    int taken = 0;
    while (limits_->TakeSend(AppOf(app), per_hour).ok()) ++taken;
    return taken;
  }

  fakes::FakeClock clock_;
  ScratchFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SendLimits> limits_;
  std::vector<std::unique_ptr<SendLimits>> crashed_;
};

TEST_F(SendLimitsTest, RefusesWithTheTimeToWait) {
  EXPECT_EQ(TakeAll(1, 60), 60);
  const absl::Status refused = limits_->TakeSend(AppOf(1), 60);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_LIMIT_EXCEEDED);
  clock_.Advance(absl::Seconds(59));
  EXPECT_FALSE(limits_->TakeSend(AppOf(1), 60).ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(limits_->TakeSend(AppOf(1), 60).ok());
  // Another app has its own.
  EXPECT_EQ(TakeAll(2, 60), 60);
}

TEST_F(SendLimitsTest, AnAllowanceOfNoneIsNone) {
  EXPECT_EQ(TakeAll(1, 0), 0);
  EXPECT_FALSE(limits_->TakeNewChat(AppOf(1), 0).ok());
  EXPECT_FALSE(limits_->MayRead(AppOf(1), 0).ok());
}

TEST_F(SendLimitsTest, TwoAllowancesAreCountedApartAndGainNothingFromEachOther) {
  EXPECT_EQ(TakeAll(1, 20), 20);
  // One that appears later is not full: a grant that changes its number refills nothing.
  EXPECT_EQ(TakeAll(1, 25), 5);
  EXPECT_EQ(TakeAll(1, 10), 0);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(TakeAll(1, 20), 0);
    EXPECT_EQ(TakeAll(1, 25), 0);
  }
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(TakeAll(1, 20), 20);
  EXPECT_EQ(TakeAll(1, 10), 10);
}

TEST_F(SendLimitsTest, WhatIsGivenBackCanBeTakenAgain) {
  EXPECT_EQ(TakeAll(1, 3), 3);
  limits_->GiveBackSend(AppOf(1), 3);
  EXPECT_EQ(TakeAll(1, 3), 1);
  EXPECT_TRUE(limits_->TakeNewChat(AppOf(1), 1).ok());
  EXPECT_FALSE(limits_->TakeNewChat(AppOf(1), 1).ok());
  limits_->GiveBackNewChat(AppOf(1));
  EXPECT_TRUE(limits_->TakeNewChat(AppOf(1), 1).ok());
}

TEST_F(SendLimitsTest, SendsOutliveARestartToTheLetterAndACrashOnTheSafeSide) {
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(limits_->TakeSend(AppOf(1), 60).ok());
  Restart();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(limits_->TakeSend(AppOf(1), 60).ok());
  Crash();
  const int left = TakeAll(1, 60);
  EXPECT_LE(left, 20);
  EXPECT_GE(left, 20 - 7);
  Crash();
  EXPECT_EQ(TakeAll(1, 60), 0);
  // Time passes while the daemon is off.
  clock_.Advance(absl::Minutes(30));
  Restart();
  EXPECT_EQ(TakeAll(1, 60), 30);
}

TEST_F(SendLimitsTest, AClockThatWasSetBackRefillsNothing) {
  EXPECT_EQ(TakeAll(1, 60), 60);
  EXPECT_TRUE(limits_->TakeNewChat(AppOf(1), 1).ok());
  limits_->CountRead(AppOf(1), 100);
  clock_.Jump(-absl::Hours(24 * 365));
  Restart();
  EXPECT_EQ(TakeAll(1, 60), 0);
  EXPECT_FALSE(limits_->TakeNewChat(AppOf(1), 1).ok());
  EXPECT_FALSE(limits_->MayRead(AppOf(1), 100).ok());
  // And shuts nobody out for years.
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(TakeAll(1, 60), 60);
  EXPECT_TRUE(limits_->TakeNewChat(AppOf(1), 1).ok());
  EXPECT_TRUE(limits_->MayRead(AppOf(1), 100).ok());
}

TEST_F(SendLimitsTest, CountsTheDayFromItsFirstUse) {
  constexpr uint64_t kLimit = 1000;
  EXPECT_TRUE(limits_->MayRead(AppOf(1), kLimit).ok());
  limits_->CountRead(AppOf(1), kLimit - 1);
  EXPECT_TRUE(limits_->MayRead(AppOf(1), kLimit).ok());
  limits_->CountRead(AppOf(1), 500);
  EXPECT_FALSE(limits_->MayRead(AppOf(1), kLimit).ok());
  // A wider grant lets it go on.
  EXPECT_TRUE(limits_->MayRead(AppOf(1), 2 * kLimit).ok());
  Restart();
  EXPECT_FALSE(limits_->MayRead(AppOf(1), kLimit).ok());
  clock_.Advance(absl::Hours(24) - absl::Seconds(1));
  EXPECT_FALSE(limits_->MayRead(AppOf(1), kLimit).ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(limits_->MayRead(AppOf(1), kLimit).ok());
}

TEST_F(SendLimitsTest, ReadingOutlivesACrashOnTheSafeSide) {
  constexpr uint64_t kLimit = uint64_t{1} << 30;
  limits_->CountRead(AppOf(1), kLimit / 2);
  Crash();
  EXPECT_TRUE(limits_->MayRead(AppOf(1), kLimit).ok());
  limits_->CountRead(AppOf(1), kLimit / 2);
  EXPECT_FALSE(limits_->MayRead(AppOf(1), kLimit).ok());
}

TEST_F(SendLimitsTest, WritesHaveAPaceOfTheirOwn) {
  for (uint32_t i = 0; i < kWritesPerMinute; ++i) ASSERT_TRUE(limits_->TakeWrite(AppOf(1)).ok());
  EXPECT_FALSE(limits_->TakeWrite(AppOf(1)).ok());
  EXPECT_TRUE(limits_->TakeWrite(AppOf(2)).ok());
  EXPECT_TRUE(limits_->TakeLeaseCall(AppOf(1)).ok());
  clock_.Advance(absl::Minutes(1));
  EXPECT_TRUE(limits_->TakeWrite(AppOf(1)).ok());
}

}  // namespace
}  // namespace postern::broker
