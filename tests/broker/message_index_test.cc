// SPDX-License-Identifier: Apache-2.0
#include "broker/message_index.h"

#include <gtest/gtest.h>

#include "broker/event_kinds.h"
#include "broker/retention.h"
#include "broker/storage_limits.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

using testing::Test;
using Sequences = std::vector<Sequence>;

permissions::MessageId MessageNumber(uint64_t number) {
  return IdOf<permissions::MessageId>(number);
}
permissions::ChatId ChatNumber(uint64_t number) { return IdOf<permissions::ChatId>(number); }

class MessageIndexTest : public Test {
 protected:
  MessageIndexTest() { Reopen(); }
  void Reopen() {
    index_.reset();
    opened_ = {};
    auto opened = OpenLog(folder_.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
    index_ = *MessageIndex::Open(*opened_.store, *opened_.log);
  }
  Sequence Append(LogRecord record) {
    auto sequence = opened_.log->Append(BatchOf({std::move(record)}));
    EXPECT_TRUE(sequence.ok());
    return *sequence;
  }
  void CatchUp() {
    const absl::Status status =
        index_->CatchUp(opened_.log->last_sequence(), absl::InfiniteDuration());
    ASSERT_TRUE(status.ok()) << status;
  }
  bool Erased(Sequence sequence) { return (*opened_.log->Read({sequence}))[0]->erased(); }

  ScratchFolder folder_;
  OpenedLog opened_;
  std::unique_ptr<MessageIndex> index_;
};

TEST_F(MessageIndexTest, KnowsNothingOfWhatIsNotThere) {
  Append(MessageRecord(1));
  CatchUp();
  EXPECT_TRUE(index_->ListChat(ChatNumber(9), 100, 10)->empty());
  EXPECT_TRUE(index_->RefsOf(MessageNumber(9))->empty());
  EXPECT_TRUE(index_->ListChat(ChatNumber(1), 100, 0)->empty());
}

TEST_F(MessageIndexTest, ListsAChatNewestFirstInPages) {
  for (uint64_t i = 1; i <= 10; ++i) Append(MessageRecord(i, "x", i % 2));
  CatchUp();
  EXPECT_EQ(*index_->ListChat(ChatNumber(1), 100, 3), (Sequences{9, 7, 5}));
  EXPECT_EQ(*index_->ListChat(ChatNumber(1), 5, 3), (Sequences{3, 1}));
}

TEST_F(MessageIndexTest, FindsAllThatNamesAMessage) {
  const Sequence created = Append(MessageRecord(5));
  const Sequence reaction = Append(MessageRecord(5, "+1", 1, 24));
  Append(MessageRecord(6));
  const Sequence edit = Append(MessageRecord(5, "better", 1, kMessageEdited));
  CatchUp();
  EXPECT_EQ(*index_->RefsOf(MessageNumber(5)), (Sequences{created, reaction, edit}));
  const std::vector<permissions::MessageId> many = {MessageNumber(7), MessageNumber(5)};
  EXPECT_EQ(*index_->RefsOf(many, reaction), (std::vector<Sequences>{{}, {reaction, edit}}));
  EXPECT_EQ(index_->ListChat(ChatNumber(1), 100, 10)->size(), 2u);
}

TEST_F(MessageIndexTest, ADeleteErasesMessageAndEditsAndNothingElse) {
  const Sequence created = Append(MessageRecord(5));
  CatchUp();
  const Sequence edit = Append(MessageRecord(5, "better", 1, kMessageEdited));
  const Sequence reaction = Append(MessageRecord(5, "+1", 1, 24));
  const Sequence other = Append(MessageRecord(6));
  Append(MessageRecord(5, "gone", 1, kMessageDeleted));
  CatchUp();
  EXPECT_TRUE(Erased(created));
  EXPECT_TRUE(Erased(edit));
  EXPECT_FALSE(Erased(reaction));
  EXPECT_FALSE(Erased(other));
}

TEST_F(MessageIndexTest, ADeleteThatCameFirstErasesTheMessageWhenItComes) {
  Append(MessageRecord(5, "", 1, kMessageExpired));
  CatchUp();
  Reopen();
  const Sequence created = Append(MessageRecord(5));
  const Sequence other = Append(MessageRecord(6));
  CatchUp();
  EXPECT_TRUE(Erased(created));
  EXPECT_FALSE(Erased(other));
}

TEST_F(MessageIndexTest, GoesOnAfterARestart) {
  std::vector<LogRecord> records;
  for (uint64_t i = 1; i <= 3 * kIndexSlice; ++i) records.push_back(MessageRecord(i));
  ASSERT_TRUE(opened_.log->Append(BatchOf(records)).ok());
  CatchUp();
  Reopen();
  EXPECT_EQ(index_->indexed_through(), 3u * kIndexSlice);
  const Sequence next = Append(MessageRecord(1, "+1", 1, 24));
  CatchUp();
  EXPECT_EQ(*index_->RefsOf(MessageNumber(1)), (Sequences{1, next}));
  EXPECT_EQ(index_->ListChat(ChatNumber(1), next, 1)->front(), 3u * kIndexSlice);
}

TEST_F(MessageIndexTest, DoesNotNameWhatRetentionRemoved) {
  for (uint64_t i = 1; i <= 10; ++i) Append(MessageRecord(i));
  CatchUp();
  ASSERT_TRUE(opened_.log->Erase({1, 2, 3}, ErasedBy::kRetention).ok());
  ASSERT_EQ(*opened_.log->TrimErased(10), 3u);
  EXPECT_EQ(index_->ListChat(ChatNumber(1), 100, 100)->back(), 4u);
  EXPECT_TRUE(index_->RefsOf(MessageNumber(2))->empty());
}

}  // namespace
}  // namespace postern::broker
