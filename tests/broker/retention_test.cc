// SPDX-License-Identifier: Apache-2.0
#include "broker/retention.h"

#include <gtest/gtest.h>

#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

constexpr auto kNever = [] { return false; };
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

class RetentionTest : public testing::Test {
 protected:
  RetentionTest() { Reopen(); }
  void Reopen() {
    opened_ = {};
    auto opened = OpenLog(folder_.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
  }
  void Append(absl::Duration age, uint64_t account = 1) {
    LogRecord record = MessageRecord(1, std::string(100, 'x'));
    record.record_time = kNow - age;
    record.account = IdOf<permissions::AccountId>(account);
    ASSERT_TRUE(opened_.log->Append(BatchOf({record})).ok());
  }
  std::vector<ErasedBy> Marks() {
    std::vector<ErasedBy> marks;
    const auto records = opened_.log->ReadAfter(0, 100);
    for (const RecordPointer& record : *records) {
      marks.push_back(record->erased_by);
    }
    return marks;
  }

  ScratchFolder folder_;
  OpenedLog opened_;
};

TEST_F(RetentionTest, WithoutALimitRemovesNothing) {
  Append(absl::Hours(100000));
  const auto result = RunRetention(*opened_.log, {}, kNow, kNever);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->erased + result->removed, 0u);
  EXPECT_EQ(Marks(), (std::vector<ErasedBy>{ErasedBy::kNothing}));
}

TEST_F(RetentionTest, StopsWhenAsked) {
  Append(absl::Hours(1));
  EXPECT_TRUE(
      absl::IsCancelled(RunRetention(*opened_.log, {}, kNow, [] { return true; }).status()));
}

TEST_F(RetentionTest, RemovesWhatIsOldAndShowsWhatWasPassed) {
  for (int day = 5; day >= 1; --day) Append(absl::Hours(24 * day));
  RetentionPolicies policies;
  policies.fallback.age = absl::Hours(24 * 3);
  const auto result = RunRetention(*opened_.log, policies, kNow, kNever);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->erased, 2u);
  EXPECT_EQ(result->removed, 2u);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(opened_.log->oldest_sequence(), 3u);
    EXPECT_EQ(opened_.log->event_count(), 3u);
    const auto records = opened_.log->ReadAfter(0, 10);
    ASSERT_TRUE(records.ok());
    EXPECT_EQ(records->front()->sequence, 3u);
    EXPECT_EQ(*opened_.log->VerifyAll(kNever), std::nullopt);
    Reopen();
  }
}

TEST_F(RetentionTest, KeepsTheNewestBytesOfEachAccount) {
  Append(absl::Hours(5), 2);
  for (int i = 0; i < 4; ++i) Append(absl::Hours(1), 1);
  RetentionPolicies policies;
  policies.accounts[IdOf<permissions::AccountId>(1)].bytes = 250;
  const auto result = RunRetention(*opened_.log, policies, kNow, kNever);
  ASSERT_TRUE(result.ok());
  // The other account's record stands before: the two that lost their content stay as marks.
  EXPECT_EQ(result->erased, 2u);
  EXPECT_EQ(result->removed, 0u);
  EXPECT_EQ(Marks(),
            (std::vector<ErasedBy>{ErasedBy::kNothing, ErasedBy::kRetention, ErasedBy::kRetention,
                                   ErasedBy::kNothing, ErasedBy::kNothing}));
}

TEST_F(RetentionTest, LeavesADeleteMarkUntilItsAgeComes) {
  Append(absl::Hours(1));
  Append(absl::Hours(1));
  ASSERT_TRUE(opened_.log->Erase({1}).ok());
  ASSERT_TRUE(RunRetention(*opened_.log, {}, kNow, kNever).ok());
  EXPECT_EQ(opened_.log->oldest_sequence(), 1u);
}

TEST_F(RetentionTest, AnEmptiedLogGoesOnCounting) {
  for (int i = 0; i < 3; ++i) Append(absl::Hours(48));
  RetentionPolicies policies;
  policies.fallback.age = absl::Hours(1);
  ASSERT_EQ(RunRetention(*opened_.log, policies, kNow, kNever)->removed, 3u);
  EXPECT_TRUE(opened_.log->ReadAfter(0, 10)->empty());
  Reopen();
  EXPECT_EQ(opened_.log->last_sequence(), 3u);
  EXPECT_EQ(opened_.log->oldest_sequence(), 4u);
  Append(absl::ZeroDuration());
  EXPECT_EQ(opened_.log->ReadAfter(0, 10)->front()->sequence, 4u);
  Reopen();
  EXPECT_EQ(*opened_.log->VerifyAll(kNever), std::nullopt);
}

}  // namespace
}  // namespace postern::broker
