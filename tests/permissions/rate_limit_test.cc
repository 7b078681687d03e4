// SPDX-License-Identifier: Apache-2.0
#include "permissions/rate_limit.h"

#include <gtest/gtest.h>

namespace postern::permissions {
namespace {

TEST(TokenBucket, RefusesOneMoreThanItHolds) {
  TokenBucket bucket(60, absl::Hours(1));
  for (int i = 0; i < 60; ++i) EXPECT_EQ(bucket.Take(absl::Seconds(100)), absl::ZeroDuration());
  const absl::Duration wait = bucket.Take(absl::Seconds(100));
  EXPECT_GT(wait, absl::Seconds(59));
  EXPECT_LE(wait, absl::Seconds(61));
}

TEST(TokenBucket, RefusesForEverWhatItNeverHolds) {
  TokenBucket bucket(60, absl::Hours(1));
  EXPECT_EQ(bucket.Take({}, 61), absl::InfiniteDuration());
  TokenBucket none(0, absl::Hours(1));
  EXPECT_EQ(none.Take({}), absl::InfiniteDuration());
}

TEST(TokenBucket, GainsNothingFromAClockThatGoesBack) {
  TokenBucket bucket(1, absl::Hours(1));
  EXPECT_EQ(bucket.Take(absl::Hours(10)), absl::ZeroDuration());
  EXPECT_GT(bucket.Take(absl::Hours(1)), absl::ZeroDuration());
  EXPECT_GT(bucket.Take(absl::Hours(10)), absl::ZeroDuration());
}

TEST(TokenBucket, AWiderLimitIsNoRefill) {
  TokenBucket bucket(2, absl::Hours(1));
  bucket.Take({}, 2);
  bucket.Resize(2, absl::Hours(1));
  EXPECT_GT(bucket.Take({}), absl::ZeroDuration());
  bucket.Resize(3, absl::Hours(1));
  EXPECT_EQ(bucket.Take({}), absl::ZeroDuration());
  EXPECT_GT(bucket.Take({}), absl::ZeroDuration());
}

TEST(TokenBucket, LetsThroughWhoWaitsAsLongAsTold) {
  TokenBucket bucket(7, absl::Hours(1));
  absl::Duration now;
  int taken = 0;
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration wait = bucket.Take(now);
    if (wait == absl::ZeroDuration()) {
      ++taken;
      continue;
    }
    now += wait;
    ASSERT_EQ(bucket.Take(now), absl::ZeroDuration());
    ++taken;
  }
  EXPECT_LE(taken, 7 + static_cast<int>(absl::ToDoubleHours(now) * 7) + 1);
}

TEST(TokenBucket, TakesBackWhatWasNotDone) {
  TokenBucket bucket(1, absl::Hours(1));
  bucket.Take({});
  bucket.GiveBack();
  bucket.GiveBack();
  EXPECT_EQ(bucket.Take({}), absl::ZeroDuration());
  EXPECT_GT(bucket.Take({}), absl::ZeroDuration());
}

TEST(TokenBucket, SaysWhatIsMissing) {
  TokenBucket bucket(4, absl::Hours(1));
  EXPECT_EQ(bucket.missing(), 0);
  bucket.Take({}, 3);
  EXPECT_EQ(bucket.missing(), 3);
  bucket.Take(absl::Minutes(15), 0);
  EXPECT_EQ(bucket.missing(), 2);
}

}  // namespace
}  // namespace postern::permissions
