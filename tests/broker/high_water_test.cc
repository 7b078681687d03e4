// SPDX-License-Identifier: Apache-2.0
#include "broker/high_water_file.h"

#include <gtest/gtest.h>

#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

constexpr size_t kSlotDistance = 4096;

HighWaterMark MarkAt(uint64_t sequence) {
  HighWaterMark mark;
  mark.generation = 3;
  mark.sequence = sequence;
  mark.chain.fill(static_cast<uint8_t>(sequence));
  return mark;
}

class HighWaterTest : public testing::Test {
 protected:
  HighWaterTest() : path_(folder_.File("high-water")) {
    auto file = HighWaterFile::Create(path_, TestKey(), HighWaterMark{});
    EXPECT_TRUE(file.ok());
    EXPECT_TRUE((*file)->Write(MarkAt(1)).ok());
    EXPECT_TRUE((*file)->Write(MarkAt(2)).ok());
  }
  void Damage(size_t at) {
    std::string content = ReadWholeFile(path_);
    content[at] = static_cast<char>(content[at] ^ 0x10);
    WriteWholeFile(path_, content);
  }

  ScratchFolder folder_;
  const std::string path_;
};

TEST_F(HighWaterTest, RefusesAnotherKey) {
  EXPECT_TRUE(absl::IsDataLoss(HighWaterFile::Open(path_, TestKey(1)).status()));
}

TEST_F(HighWaterTest, RefusesWhenBothSlotsAreDamaged) {
  Damage(20);
  Damage(kSlotDistance + 20);
  EXPECT_TRUE(absl::IsDataLoss(HighWaterFile::Open(path_, TestKey()).status()));
}

TEST_F(HighWaterTest, SaysWhenThereIsNone) {
  EXPECT_TRUE(absl::IsNotFound(HighWaterFile::Open(folder_.File("other"), TestKey()).status()));
}

TEST_F(HighWaterTest, ReadsTheNewestMark) {
  auto file = HighWaterFile::Open(path_, TestKey());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->mark(), MarkAt(2));
  for (uint64_t sequence = 3; sequence < 8; ++sequence) {
    ASSERT_TRUE((*file)->Write(MarkAt(sequence)).ok());
    EXPECT_EQ((*HighWaterFile::Open(path_, TestKey()))->mark(), MarkAt(sequence));
  }
}

TEST_F(HighWaterTest, ATornWriteLeavesTheMarkBefore) {
  Damage(20);
  const HighWaterMark first = (*HighWaterFile::Open(path_, TestKey()))->mark();
  Damage(20);
  Damage(kSlotDistance + 20);
  auto file = HighWaterFile::Open(path_, TestKey());
  const HighWaterMark second = (*file)->mark();
  EXPECT_EQ(first.sequence + second.sequence, 3u);
  // And writing goes on, over the damaged slot in its turn.
  ASSERT_TRUE((*file)->Write(MarkAt(9)).ok());
  ASSERT_TRUE((*file)->Write(MarkAt(10)).ok());
  EXPECT_EQ((*HighWaterFile::Open(path_, TestKey()))->mark(), MarkAt(10));
}

}  // namespace
}  // namespace postern::broker
