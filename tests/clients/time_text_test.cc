// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/time_text.h"

#include <gtest/gtest.h>

namespace postern::cli {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(ParseTime, RefusesWhatIsNoTime) {
  for (const char* text : {"", "soon", "7", "7weeks", "-1d", "0h", "99999999999d", "2026-13-01"}) {
    EXPECT_EQ(ParseTime(text, kNow).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseTime, RefusesThePast) {
  EXPECT_EQ(ParseTime("2001-01-01", kNow).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ParseTime, ReadsSpansDatesAndRfc3339) {
  EXPECT_EQ(*ParseTime("30min", kNow), kNow + absl::Minutes(30));
  EXPECT_EQ(*ParseTime("12h", kNow), kNow + absl::Hours(12));
  EXPECT_EQ(*ParseTime("7d", kNow), kNow + absl::Hours(7 * 24));
  EXPECT_EQ(*ParseTime("2040-01-02", kNow),
            absl::FromCivil(absl::CivilDay(2040, 1, 2), absl::LocalTimeZone()));
  EXPECT_EQ(*ParseTime("2040-01-02T03:04:05Z", kNow),
            absl::FromCivil(absl::CivilSecond(2040, 1, 2, 3, 4, 5), absl::UTCTimeZone()));
}

TEST(ParsePastTime, CountsSpansBackAndRefusesWhatHasNotCome) {
  EXPECT_EQ(*ParsePastTime("30min", kNow), kNow - absl::Minutes(30));
  EXPECT_EQ(*ParsePastTime("7d", kNow), kNow - absl::Hours(7 * 24));
  EXPECT_EQ(*ParsePastTime("2001-01-02", kNow),
            absl::FromCivil(absl::CivilDay(2001, 1, 2), absl::LocalTimeZone()));
  for (const char* text : {"2040-01-02", "yesterday", "7", "-1d"}) {
    EXPECT_EQ(ParsePastTime(text, kNow).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace postern::cli
