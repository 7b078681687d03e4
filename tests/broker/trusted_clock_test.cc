// SPDX-License-Identifier: Apache-2.0
// Time goes on, whatever somebody does to the machine's clock.
#include "broker/trusted_clock.h"

#include <gtest/gtest.h>

#include <random>

#include "broker/limits.h"
#include "tests/broker/storage_fixture.h"
#include "tests/fakes/fake_clock.h"

namespace postern::broker {
namespace {

using Doubt = TrustedClock::Doubt;

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kYear = absl::Hours(24 * 365);

class TrustedClockTest : public testing::Test {
 protected:
  TrustedClockTest() {
    store_ = *Store::Open({.directory = folder_.path(),
                           .key = TestKey(),
                           .clock = &machine_,
                           .create = Create::kIfMissing});
    Start();
  }
  void Start() {
    clock_ = std::make_unique<TrustedClock>(machine_);
    ASSERT_TRUE(clock_->Load(*store_).ok());
  }
  // The daemon ends well, and starts again after 'off'.
  void Restart(absl::Duration off = absl::Minutes(1)) {
    ASSERT_TRUE(clock_->Save(*store_).ok());
    machine_.Advance(off);
    Start();
  }

  ScratchFolder folder_;
  fakes::FakeClock machine_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<TrustedClock> clock_;
};

TEST_F(TrustedClockTest, IsTheMachinesClockWhileThatGoesOn) {
  for (int i = 0; i < 50; ++i) {
    machine_.Advance(absl::Hours(31));
    EXPECT_EQ(clock_->Now(), machine_.Now());
    EXPECT_EQ(clock_->Confirmed(), machine_.Now());
    EXPECT_EQ(clock_->condition().doubt, Doubt::kNone);
  }
  // Off for a long holiday, in which Elapsed() of a machine that was off counts nothing.
  ASSERT_TRUE(clock_->Save(*store_).ok());
  machine_.Jump(30 * kDay);
  Start();
  EXPECT_EQ(clock_->Now(), machine_.Now());
  EXPECT_EQ(clock_->Confirmed(), machine_.Now());
}

TEST_F(TrustedClockTest, NeverGoesBackAndGoesOnFromWhereItWas) {
  for (const absl::Duration back : {absl::Minutes(15), kDay, 10 * kYear}) {
    const absl::Time before = clock_->Now();
    machine_.Jump(-back);
    EXPECT_EQ(clock_->Now(), before);
    EXPECT_EQ(clock_->condition().doubt, Doubt::kBehind);
    EXPECT_EQ(clock_->condition().by, back);
    machine_.Advance(absl::Hours(5));
    EXPECT_EQ(clock_->Now(), before + absl::Hours(5));
    Restart();
    EXPECT_GE(clock_->Now(), before + absl::Hours(5));
    EXPECT_EQ(clock_->condition().doubt, Doubt::kBehind);
    machine_.Jump(back);
    EXPECT_EQ(clock_->Now(), machine_.Now());
    EXPECT_EQ(clock_->condition().doubt, Doubt::kNone);
  }
}

TEST_F(TrustedClockTest, SmallCorrectionsAreNoNews) {
  machine_.Jump(-absl::Minutes(3));
  clock_->Now();
  EXPECT_EQ(clock_->condition().doubt, Doubt::kNone);
  machine_.Jump(absl::Minutes(50));
  EXPECT_EQ(clock_->Now(), machine_.Now());
  EXPECT_EQ(clock_->Confirmed(), machine_.Now());
  EXPECT_EQ(clock_->condition().doubt, Doubt::kNone);
}

TEST_F(TrustedClockTest, AJumpFarAheadIsShownAndNotConfirmedAndForgottenWhenItIsTakenBack) {
  const absl::Time before = clock_->Now();
  machine_.Jump(10 * kYear);
  EXPECT_EQ(clock_->Now(), before + 10 * kYear);
  EXPECT_EQ(clock_->Confirmed(), before);
  EXPECT_EQ(clock_->confirmed().Now(), before);
  EXPECT_EQ(clock_->condition().doubt, Doubt::kAhead);
  machine_.Advance(2 * kDay);
  EXPECT_EQ(clock_->Confirmed(), before + 2 * kDay);
  Restart();
  EXPECT_EQ(clock_->Now(), machine_.Now());
  EXPECT_EQ(clock_->condition().doubt, Doubt::kAhead);
  // Within the doubt, time does not go back either.
  const absl::Time ahead = clock_->Now();
  machine_.Jump(-absl::Minutes(30));
  EXPECT_EQ(clock_->Now(), ahead);
  machine_.Jump(absl::Minutes(30) - 10 * kYear);
  EXPECT_EQ(clock_->Now(), before + 2 * kDay + absl::Minutes(1));
  EXPECT_EQ(clock_->condition().doubt, Doubt::kNone);
  EXPECT_EQ(clock_->Confirmed(), clock_->Now());
}

TEST_F(TrustedClockTest, AJumpFarAheadBetweenTwoRunsIsInDoubtToo) {
  const absl::Time before = clock_->Now();
  ASSERT_TRUE(clock_->Save(*store_).ok());
  machine_.Jump(10 * kYear);
  Start();
  EXPECT_EQ(clock_->Now(), before + 10 * kYear);
  EXPECT_EQ(clock_->Confirmed(), before);
  machine_.Jump(-10 * kYear);
  EXPECT_EQ(clock_->Now(), before);
  EXPECT_EQ(clock_->condition().doubt, Doubt::kNone);
}

TEST_F(TrustedClockTest, AMachineThatLayInADrawerIsBelievedInTheEnd) {
  ASSERT_TRUE(clock_->Save(*store_).ok());
  machine_.Jump(2 * kYear);
  Start();
  absl::Duration run;
  while (clock_->condition().doubt == Doubt::kAhead && run < 2 * kClockProbation) {
    EXPECT_EQ(clock_->Now(), machine_.Now());
    machine_.Advance(absl::Hours(6));
    run += absl::Hours(6);
    clock_->Now();
    // It is switched off now and then; that does not count.
    Restart(absl::ZeroDuration());
  }
  EXPECT_EQ(run, kClockProbation);
  EXPECT_EQ(clock_->Confirmed(), machine_.Now());
}

TEST_F(TrustedClockTest, SecondJumpAheadStartsTheProbationAnew) {
  machine_.Jump(kYear);
  clock_->Now();
  machine_.Advance(kClockProbation - absl::Hours(1));
  clock_->Now();
  machine_.Jump(kYear);
  clock_->Now();
  machine_.Advance(absl::Hours(2));
  clock_->Now();
  EXPECT_EQ(clock_->condition().doubt, Doubt::kAhead);
}

// Whatever happens to the machine's clock: a time that was confirmed is never undercut, by this run
// or a later one, and setting the clock right is enough to be right.
TEST_F(TrustedClockTest, HoldsUnderRandomJumps) {
  std::mt19937 random(20261121);
  absl::Time truth = machine_.Now();
  absl::Time highest = absl::InfinitePast();
  // Ahead only by more than what a machine may rightly have been off for.
  const absl::Duration jumps[] = {-10 * kYear, -kDay, -absl::Hours(2), kYear, 10 * kYear};
  for (int i = 0; i < 2000; ++i) {
    const absl::Duration step = absl::Minutes(static_cast<int>(random() % 120));
    truth += step;
    machine_.Advance(step);
    if (random() % 3 == 0) machine_.Jump(jumps[random() % std::size(jumps)]);
    if (random() % 4 == 0) machine_.Jump(truth - machine_.Now());
    if (random() % 10 == 0) Restart(absl::ZeroDuration());
    EXPECT_GE(clock_->Now(), clock_->Confirmed());
    EXPECT_GE(clock_->Confirmed(), highest);
    highest = clock_->Confirmed();
    EXPECT_LE(clock_->Confirmed(), truth);
    EXPECT_GE(clock_->Now(), truth);
  }
  machine_.Jump(truth - machine_.Now());
  EXPECT_EQ(clock_->Now(), truth);
}

}  // namespace
}  // namespace postern::broker
