// SPDX-License-Identifier: Apache-2.0
#include "broker/message_index.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "broker/event_kinds.h"
#include "broker/retention.h"
#include "broker/storage_limits.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

using testing::Test;
using Sequences = std::vector<Sequence>;
using Change = MessageIndex::Change;

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
  // The messages of a chat, newest first, by the records that made them.
  Sequences Listed(uint64_t chat, Place before = kPlaceEnd, int limit = 100) {
    Sequences sequences;
    const auto entries = *index_->ListChat(ChatNumber(chat), before, limit);
    for (const auto& entry : entries) sequences.push_back(entry.sequence);
    return sequences;
  }
  std::vector<Change> ChangesOf(Sequence created) {
    return index_->ChangesOf({&created, 1})->front();
  }
  bool Erased(Sequence sequence) { return (*opened_.log->Read({sequence}))[0]->erased(); }

  ScratchFolder folder_;
  OpenedLog opened_;
  std::unique_ptr<MessageIndex> index_;
};

TEST_F(MessageIndexTest, KnowsNothingOfWhatIsNotThere) {
  Append(MessageRecord(1));
  CatchUp();
  EXPECT_TRUE(Listed(9).empty());
  EXPECT_TRUE(index_->RefsOf(MessageNumber(9))->empty());
  EXPECT_EQ(*index_->CreatedOf(MessageNumber(9), 1), 0u);
  EXPECT_TRUE(ChangesOf(1).empty());
  EXPECT_TRUE(Listed(1, kPlaceEnd, 0).empty());
}

TEST_F(MessageIndexTest, ListsAChatNewestFirstInPages) {
  for (uint64_t i = 1; i <= 10; ++i) Append(MessageRecord(i, "x", i % 2));
  CatchUp();
  EXPECT_EQ(Listed(1, kPlaceEnd, 3), (Sequences{9, 7, 5}));
  const Place fifth = PlaceOf(*(*opened_.log->Read({5}))[0]);
  EXPECT_EQ(Listed(1, fifth, 3), (Sequences{3, 1}));
  const auto after = *index_->ListChatAfter(ChatNumber(1), fifth, 1);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after.front().sequence, 7u);
}

TEST_F(MessageIndexTest, PutsOlderHistoryWhereItBelongsInTime) {
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  const auto append = [&](uint64_t number, absl::Duration recorded, absl::Duration happened) {
    LogRecord record = MessageRecord(number);
    record.record_time = start + recorded;
    record.backfill = happened != recorded;
    if (record.backfill) record.backfill_time = start + happened;
    return Append(record);
  };
  const Sequence first = append(1, absl::Hours(10), absl::Hours(10));
  const Sequence second = append(2, absl::Hours(20), absl::Hours(20));
  const Sequence between = append(3, absl::Hours(30), absl::Hours(15));
  const Sequence oldest = append(4, absl::Hours(30), absl::Hours(1));
  // Nobody's clock makes history younger than its arrival.
  const Sequence lying = append(5, absl::Hours(30), absl::Hours(300));
  const Sequence news = append(6, absl::Hours(31), absl::Hours(31));
  CatchUp();
  const Sequences expected = {news, lying, second, between, first, oldest};
  EXPECT_EQ(Listed(1), expected);
  Reopen();
  EXPECT_EQ(Listed(1), expected);
  EXPECT_EQ((*opened_.log->Read({between}))[0]->backfill_time, start + absl::Hours(15));
}

TEST_F(MessageIndexTest, TiesChangesToTheirMessageWhicheverCameFirst) {
  const Sequence early = Append(MessageRecord(5, "better", 1, kMessageEdited));
  CatchUp();
  Reopen();
  const Sequence created = Append(MessageRecord(5));
  const Sequence other = Append(MessageRecord(6));
  const Sequence reaction = Append(MessageRecord(5, "+1", 1, 24));
  CatchUp();
  const Sequence late = Append(MessageRecord(5, "+2", 1, 24));
  CatchUp();
  EXPECT_EQ(ChangesOf(created),
            (std::vector<Change>{{early, kMessageEdited}, {reaction, 24}, {late, 24}}));
  EXPECT_TRUE(ChangesOf(other).empty());
  EXPECT_EQ(*index_->CreatedOf(MessageNumber(5), late), created);
}

TEST_F(MessageIndexTest, NeverLosesAnEditOrADeleteAmongManyReactions) {
  const Sequence created = Append(MessageRecord(5));
  for (int i = 0; i < 20; ++i) Append(MessageRecord(5, "better", 1, kMessageEdited));
  const Sequence last_edit = opened_.log->last_sequence();
  const Sequence deleted = Append(MessageRecord(5, "", 1, kMessageDeleted));
  std::vector<LogRecord> reactions(3 * kFoldedChangesMax, MessageRecord(5, "+1", 1, 24));
  ASSERT_TRUE(opened_.log->Append(BatchOf(reactions)).ok());
  CatchUp();
  const std::vector<Change> changes = ChangesOf(created);
  EXPECT_LE(changes.size(), kFoldedChangesMax + kFoldedEditsMax + 1);
  EXPECT_EQ(std::count(changes.begin(), changes.end(), Change{last_edit, kMessageEdited}), 1);
  EXPECT_EQ(std::count(changes.begin(), changes.end(), Change{deleted, kMessageDeleted}), 1);
  EXPECT_EQ(changes.back().sequence, opened_.log->last_sequence());
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
  EXPECT_EQ(Listed(1).size(), 2u);
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
  EXPECT_EQ(Listed(1).front(), 3u * kIndexSlice);
}

TEST_F(MessageIndexTest, DoesNotNameWhatRetentionRemoved) {
  for (uint64_t i = 1; i <= 10; ++i) Append(MessageRecord(i));
  CatchUp();
  ASSERT_TRUE(opened_.log->Erase({1, 2, 3}, ErasedBy::kRetention).ok());
  ASSERT_EQ(*opened_.log->TrimErased(10), 3u);
  EXPECT_EQ(Listed(1).back(), 4u);
  EXPECT_TRUE(index_->RefsOf(MessageNumber(2))->empty());
}

}  // namespace
}  // namespace postern::broker
