// SPDX-License-Identifier: Apache-2.0
#include "broker/erase_asks.h"

#include <gtest/gtest.h>

#include "broker/limits.h"

namespace postern::broker {
namespace {

using Row = storage::v1::Erasure;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

uint64_t Open(const Row& row) {
  uint64_t open = 0;
  for (const Row::Asks& asks : row.asks()) open += asks.count();
  return open;
}

TEST(EraseAsks, CountsEachOnceInWhateverOrderTheyWereSent) {
  Row row;
  for (const Sequence sequence : {5, 9, 7, 5, 9, 7, 1}) AddAsk(row, sequence, kNow);
  EXPECT_EQ(Open(row), 4u);
  EXPECT_FALSE(AddAsk(row, 7, kNow));
  EXPECT_TRUE(ConfirmAsks(row, 7, kNow));
  EXPECT_EQ(Open(row), 1u);
  // What was confirmed is not asked again.
  EXPECT_FALSE(AddAsk(row, 5, kNow));
  EXPECT_TRUE(AddAsk(row, 8, kNow));
  EXPECT_EQ(Open(row), 2u);
}

TEST(EraseAsks, ConfirmingWhatWasNotAskedChangesNothing) {
  Row row;
  EXPECT_FALSE(ConfirmAsks(row, 100, kNow));
  EXPECT_FALSE(ConfirmAll(row, kNow));
  EXPECT_EQ(row.ByteSizeLong(), 0u);
  AddAsk(row, 50, kNow);
  EXPECT_FALSE(ConfirmAsks(row, 49, kNow));
  EXPECT_TRUE(ConfirmAsks(row, 50, kNow + absl::Seconds(5)));
  EXPECT_EQ(row.confirm_time(), absl::ToUnixMicros(kNow + absl::Seconds(5)));
}

TEST(EraseAsks, StaysBoundedAndForgetsNone) {
  Row row;
  constexpr Sequence kMany = 10'000;
  for (Sequence sequence = 1; sequence <= kMany; ++sequence) {
    ASSERT_TRUE(AddAsk(row, sequence * 2, kNow + absl::Seconds(sequence)));
    ASSERT_LE(row.asks_size(), kEraseAsksMax);
  }
  EXPECT_EQ(Open(row), kMany);
  EXPECT_EQ(row.asks(0).ask_time(), absl::ToUnixMicros(kNow + absl::Seconds(1)));
  // Sent once more, and none of them counts twice.
  for (Sequence sequence = 1; sequence <= kMany; ++sequence) {
    ASSERT_FALSE(AddAsk(row, sequence * 2, kNow));
  }
  // Rather too many open than too few.
  uint64_t before = Open(row);
  for (Sequence sequence = 100; sequence <= kMany * 2; sequence += 100) {
    ConfirmAsks(row, sequence, kNow);
    ASSERT_GE(Open(row), kMany - sequence / 2);
    ASSERT_LE(Open(row), before);
    before = Open(row);
  }
  EXPECT_EQ(Open(row), 0u);
}

TEST(EraseAsks, EverythingCoversWhatWasAskedOneByOne) {
  Row row;
  AddAsk(row, 3, kNow);
  row.set_everything_ask_time(absl::ToUnixMicros(kNow));
  EXPECT_TRUE(ConfirmAll(row, kNow));
  EXPECT_EQ(Open(row), 0u);
  EXPECT_TRUE(row.everything_confirmed());
  EXPECT_FALSE(AddAsk(row, 3, kNow));
  EXPECT_FALSE(ConfirmAll(row, kNow));
}

TEST(EraseAsks, AreTheseKindsOfEvents) {
  v1::Event event;
  EXPECT_FALSE(AsksToErase(event));
  event.mutable_message_created();
  EXPECT_FALSE(AsksToErase(event));
  event.mutable_message_deleted();
  EXPECT_TRUE(AsksToErase(event));
  event.mutable_message_expired();
  EXPECT_TRUE(AsksToErase(event));
  event.mutable_erase_asked();
  EXPECT_TRUE(AsksToErase(event));
}

}  // namespace
}  // namespace postern::broker
