// SPDX-License-Identifier: Apache-2.0
#include "permissions/consent_memory.h"

#include <gtest/gtest.h>

#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

Principal Key(int number) {
  Principal principal;
  principal.sha256[0] = 1;
  principal.sha256[30] = static_cast<uint8_t>(number >> 8);
  principal.sha256[31] = static_cast<uint8_t>(number);
  return principal;
}

TEST(ConsentMemory, AsksOnePrincipalOnceInFiveMinutes) {
  ConsentMemory memory;
  memory.RecordAsked(Key(1), kNow);
  EXPECT_FALSE(memory.MayAsk(Key(1), "app", kNow + absl::Minutes(5) - absl::Seconds(1)));
  EXPECT_TRUE(memory.MayAsk(Key(1), "app", kNow + absl::Minutes(5)));
  EXPECT_TRUE(memory.MayAsk(Key(2), "other", kNow));
}

TEST(ConsentMemory, ThreeRefusalsSilenceAnOriginForAWeekWhateverTheKey) {
  ConsentMemory memory;
  absl::Time now = kNow;
  for (int i = 0; i < 3; ++i, now += absl::Hours(2)) {
    ASSERT_TRUE(memory.MayAsk(Key(i), "spam", now));
    memory.RecordAsked(Key(i), now);
    memory.RecordRefused("spam", now);
  }
  const absl::Time last = now - absl::Hours(2);
  EXPECT_EQ(memory.MayAskFrom(Key(99), "spam", now), last + absl::Hours(24 * 7));
  EXPECT_TRUE(memory.MayAsk(Key(99), "other", now));
  EXPECT_TRUE(memory.MayAsk(Key(99), "spam", last + absl::Hours(24 * 7)));
}

TEST(ConsentMemory, AThousandNewKeysOfOneOriginAskThreeTimesAWeek) {
  ConsentMemory memory;
  absl::Time now = kNow;
  int asked = 0;
  for (int i = 0; i < 1000; ++i, now += absl::Seconds(1)) {
    if (!memory.MayAsk(Key(i), "spam", now)) continue;
    memory.RecordAsked(Key(i), now);
    memory.RecordRefused("spam", now);
    ++asked;
  }
  EXPECT_EQ(asked, 3);
}

TEST(ConsentMemory, AQuestionThatCouldNotBeShownIsTakenBack) {
  ConsentMemory memory;
  for (int i = 0; i < 10; ++i) {
    memory.RecordAsked(Key(1), kNow);
    memory.TakeBackAsked(Key(1));
  }
  EXPECT_EQ(memory, ConsentMemory());
  EXPECT_TRUE(memory.MayAsk(Key(1), "app", kNow));
  // There is nothing to take back.
  memory.TakeBackAsked(Key(1));
  EXPECT_EQ(memory, ConsentMemory());
}

TEST(ConsentMemory, AWindowThatWentAwayMakesItsOriginWaitAndNeverSilencesIt) {
  ConsentMemory memory;
  absl::Time now = kNow;
  for (int i = 0; i < 10; ++i, now += absl::Minutes(20)) {
    ASSERT_TRUE(memory.MayAsk(Key(i), "crasher", now));
    memory.RecordAsked(Key(i), now);
    memory.RecordUnanswered("crasher", now);
    EXPECT_EQ(memory.MayAskFrom(Key(100 + i), "crasher", now), now + absl::Minutes(5));
  }
  // It does not wipe what the user said either.
  memory.RecordRefused("crasher", now);
  memory.RecordRefused("crasher", now);
  memory.RecordUnanswered("crasher", now);
  memory.RecordRefused("crasher", now);
  EXPECT_EQ(memory.MayAskFrom(Key(99), "crasher", now), now + absl::Hours(24 * 7));
}

TEST(ConsentMemory, WhatWentAwayIsRememberedOverARestart) {
  ConsentMemory memory;
  memory.RecordUnanswered("crasher", kNow);
  const absl::StatusOr<ConsentMemory> again = ConsentMemory::FromJson(memory.ToJson());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, memory);
  EXPECT_FALSE(again->MayAsk(Key(1), "crasher", kNow));
}

TEST(ConsentMemory, AsksFiveTimesAnHourInAll) {
  ConsentMemory memory;
  for (int i = 0; i < 5; ++i) memory.RecordAsked(Key(i), kNow + absl::Minutes(i));
  EXPECT_EQ(memory.MayAskFrom(Key(9), "new", kNow + absl::Minutes(6)), kNow + absl::Hours(1));
  EXPECT_TRUE(memory.MayAsk(Key(9), "new", kNow + absl::Hours(1)));
}

TEST(ConsentMemory, AYesForgives) {
  ConsentMemory memory;
  memory.RecordRefused("app", kNow);
  memory.RecordRefused("app", kNow);
  memory.RecordAllowed("app");
  EXPECT_TRUE(memory.MayAsk(Key(1), "app", kNow));
}

TEST(ConsentMemory, AWrongClockSilencesNobodyForYears) {
  ConsentMemory memory;
  memory.RecordAsked(Key(1), kNow + absl::Hours(24 * 3650));
  for (int i = 0; i < 3; ++i) memory.RecordRefused("app", kNow + absl::Hours(24 * 3650));
  EXPECT_TRUE(memory.MayAsk(Key(1), "app", kNow));
  // Set back by a little, the wait goes on.
  ConsentMemory other;
  other.RecordAsked(Key(1), kNow + absl::Seconds(10));
  EXPECT_EQ(other.MayAskFrom(Key(1), "app", kNow), kNow + absl::Minutes(5));
}

TEST(ConsentMemory, IsBounded) {
  ConsentPace pace;
  pace.questions_per_hour = 1'000'000;
  ConsentMemory memory(pace);
  for (int i = 0; i < 1200; ++i) memory.RecordRefused("origin" + std::to_string(i), kNow);
  EXPECT_FALSE(memory.MayAsk(Key(1), "one more", kNow));
}

TEST(ConsentMemory, ComesBackFromJson) {
  ConsentMemory memory;
  memory.RecordAsked(Key(1), kNow);
  memory.RecordRefused("/usr/bin/python3 /home/bob/app.py", kNow);
  const auto again = ConsentMemory::FromJson(memory.ToJson());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, memory);
}

TEST(ConsentMemory, RefusesOtherJson) {
  const std::string good = ConsentMemory().ToJson();
  EXPECT_TRUE(ConsentMemory::FromJson(good).ok());
  for (const char* bad : {"", "null", "[]", "{}", "{\"asked\":[],\"questions\":[],\"refusals\":[]}",
                          "{\"asked\":{\"x\":1},\"questions\":[],\"refusals\":[]}",
                          "{\"asked\":{},\"questions\":[\"1\"],\"refusals\":[]}",
                          "{\"asked\":{},\"questions\":[],\"refusals\":[{\"count\":-1,\"last\":1,"
                          "\"origin\":\"x\"}]}"}) {
    EXPECT_EQ(ConsentMemory::FromJson(bad).status().code(), absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

}  // namespace
}  // namespace postern::permissions
