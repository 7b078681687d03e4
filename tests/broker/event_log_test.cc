// SPDX-License-Identifier: Apache-2.0
#include "broker/event_log.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "broker/storage_limits.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

class EventLogTest : public testing::Test {
 protected:
  EventLogTest() { Reopen(); }
  void Reopen() {
    opened_ = {};
    auto opened = OpenLog(folder_.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
  }
  EventLog& log() { return *opened_.log; }
  Store& store() { return *opened_.store; }
  void AppendMany(int count, const std::string& body = "hello") {
    std::vector<LogRecord> records;
    for (int i = 0; i < count; ++i) {
      records.push_back(MessageRecord(static_cast<uint64_t>(i), absl::StrCat(body, i)));
    }
    ASSERT_TRUE(log().Append(BatchOf(std::move(records))).ok());
  }
  std::vector<Sequence> SequencesAfter(Sequence from) {
    std::vector<Sequence> sequences;
    while (true) {
      auto records = log().ReadAfter(from, 100);
      EXPECT_TRUE(records.ok()) << records.status();
      if (!records.ok() || records->empty()) return sequences;
      for (const RecordPointer& record : *records) sequences.push_back(record->sequence);
      from = sequences.back();
    }
  }

  ScratchFolder folder_;
  OpenedLog opened_;
};

TEST_F(EventLogTest, RefusesABatchAboveTheBound) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      log().Append(BatchOf(std::vector<LogRecord>(kAppendRecordsMax + 1))).status()));
  EXPECT_EQ(log().last_sequence(), 0u);
}

TEST_F(EventLogTest, RefusesToOpenWhenARowInTheMiddleIsGone) {
  AppendMany(10);
  ASSERT_TRUE(store()
                  .Write([](Database& database) {
                    return database.Run("DELETE FROM events WHERE sequence = 5");
                  })
                  .ok());
  opened_ = {};
  EXPECT_TRUE(absl::IsDataLoss(OpenLog(folder_.path()).status()));
}

TEST_F(EventLogTest, RefusesToOpenWhenTheLastRowsAreGone) {
  AppendMany(10);
  ASSERT_TRUE(store()
                  .Write([](Database& database) {
                    return database.Run("DELETE FROM events WHERE sequence > 8");
                  })
                  .ok());
  opened_ = {};
  EXPECT_TRUE(absl::IsDataLoss(OpenLog(folder_.path()).status()));
}

TEST_F(EventLogTest, RefusesToOpenWhenARowWasChanged) {
  AppendMany(10);
  ASSERT_TRUE(store()
                  .Write([](Database& database) {
                    return database.Run("UPDATE events SET body = ? WHERE sequence = 4",
                                        Blob{"forged"});
                  })
                  .ok());
  opened_ = {};
  EXPECT_TRUE(absl::IsDataLoss(OpenLog(folder_.path()).status()));
}

TEST_F(EventLogTest, VerifyFindsAChangeThatOpeningDoesNotLookAt) {
  AppendMany(2 * kCheckedAtOpen + 500);
  EXPECT_EQ(*log().VerifyAll([] { return false; }), std::nullopt);
  ASSERT_TRUE(store()
                  .Write([](Database& database) {
                    return database.Run("UPDATE events SET body = ? WHERE sequence = 17",
                                        Blob{"forged"});
                  })
                  .ok());
  Reopen();
  auto bad = log().VerifyAll([] { return false; });
  ASSERT_TRUE(bad.ok());
  EXPECT_EQ(*bad, std::optional<Sequence>(17));
  EXPECT_TRUE(absl::IsCancelled(log().VerifyAll([] { return true; }).status()));
}

TEST_F(EventLogTest, KeepsEveryFieldAcrossARestart) {
  LogRecord record = MessageRecord(3, std::string("bo\0dy", 5));
  record.record_time = absl::FromUnixMicros(1'700'000'000'123'456);
  record.backfill = true;
  record.ephemeral = true;
  record.origin.sha256.fill(9);
  ASSERT_EQ(*log().Append(BatchOf({record}, 77)), 1u);
  LogRecord bare;
  bare.kind = 44;
  ASSERT_EQ(*log().Append(BatchOf({bare})), 2u);
  for (int round = 0; round < 2; ++round) {
    auto records = log().ReadAfter(0, 10);
    ASSERT_TRUE(records.ok());
    ASSERT_EQ(records->size(), 2u);
    const LogRecord& read = *records->front();
    EXPECT_EQ(read.sequence, 1u);
    EXPECT_EQ(read.record_time, record.record_time);
    EXPECT_EQ(read.kind, record.kind);
    EXPECT_TRUE(read.backfill);
    EXPECT_TRUE(read.ephemeral);
    EXPECT_FALSE(read.erased());
    EXPECT_EQ(read.account, record.account);
    EXPECT_EQ(read.chat, record.chat);
    EXPECT_EQ(read.message, record.message);
    EXPECT_EQ(read.sender, record.sender);
    EXPECT_EQ(read.origin, record.origin);
    EXPECT_EQ(read.body, record.body);
    EXPECT_TRUE(records->back()->chat.empty());
    EXPECT_EQ(log().SourcePosition(record.account), 77u);
    Reopen();
  }
}

TEST_F(EventLogTest, ASourcePositionNeverGoesBackAndNeedsNoRecord) {
  const auto account = IdOf<permissions::AccountId>(1);
  EXPECT_EQ(log().SourcePosition(account), 0u);
  ASSERT_EQ(*log().Append(BatchOf({}, 9)), 0u);
  ASSERT_EQ(*log().Append(BatchOf({}, 4)), 0u);
  EXPECT_EQ(log().SourcePosition(account), 9u);
  Reopen();
  EXPECT_EQ(log().SourcePosition(account), 9u);
}

TEST_F(EventLogTest, ReadsTheSameFromTailAndDatabase) {
  // More than the tail holds, so that the start is read from the database.
  const int count = static_cast<int>(kTailRecordsMax) + 3000;
  for (int done = 0; done < count; done += 1000) AppendMany(std::min(1000, count - done));
  const std::vector<Sequence> sequences = SequencesAfter(0);
  ASSERT_EQ(sequences.size(), static_cast<size_t>(count));
  for (size_t i = 0; i < sequences.size(); ++i) ASSERT_EQ(sequences[i], i + 1);
  auto records = log().Read({1, 999999, static_cast<Sequence>(count)});
  ASSERT_TRUE(records.ok());
  EXPECT_EQ((*records)[0]->body, "hello0");
  EXPECT_EQ((*records)[1], nullptr);
  EXPECT_EQ((*records)[2]->sequence, static_cast<Sequence>(count));
  EXPECT_TRUE(log().ReadAfter(static_cast<Sequence>(count), 10)->empty());
  EXPECT_TRUE(log().ReadAfter(static_cast<Sequence>(count) + 50, 10)->empty());
}

TEST_F(EventLogTest, ThreadsShareCommitsAndLeaveNoGap) {
  constexpr int kThreads = 8;
  constexpr int kEach = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Sequence before = 0;
      for (int i = 0; i < kEach; ++i) {
        auto sequence = log().Append(BatchOf(
            {MessageRecord(static_cast<uint64_t>(t * kEach + i)), MessageRecord(1'000'000)}));
        ASSERT_TRUE(sequence.ok());
        ASSERT_GT(*sequence, before);
        before = *sequence;
      }
    });
  }
  std::thread reader([&] {
    Sequence at = 0;
    while (at < 2 * kThreads * kEach) {
      if (!log().WaitPast(at, absl::Seconds(10))) continue;
      auto records = log().ReadAfter(at, 64);
      ASSERT_TRUE(records.ok());
      for (const RecordPointer& record : *records) ASSERT_EQ(record->sequence, ++at);
    }
  });
  for (std::thread& thread : threads) thread.join();
  reader.join();
  EXPECT_EQ(log().event_count(), 2u * kThreads * kEach);
  Reopen();
  EXPECT_EQ(log().last_sequence(), 2u * kThreads * kEach);
  EXPECT_EQ(*log().VerifyAll([] { return false; }), std::nullopt);
}

TEST_F(EventLogTest, AFailedJobInASharedCommitTakesNobodyElseAlong) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        if (t % 2 == 0) {
          ASSERT_TRUE(log().Append(BatchOf({MessageRecord(1)})).ok());
        } else {
          ASSERT_TRUE(absl::IsInternal(store().Write([](Database& database) -> absl::Status {
            EXPECT_TRUE(database.Run("INSERT OR REPLACE INTO meta VALUES('x', 1)").ok());
            return absl::InternalError("on purpose");
          })));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(log().last_sequence(), 200u);
  Reopen();
  EXPECT_EQ(SequencesAfter(0).size(), 200u);
  int64_t rows = -1;
  ASSERT_TRUE(store()
                  .Read([&](Database& database) -> absl::Status {
                    rows = *database.QueryInteger("SELECT count(*) FROM meta WHERE key = 'x'");
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(rows, 0);
}

TEST_F(EventLogTest, WakeAllEndsAWaitAndIsNotMissed) {
  const uint64_t seen = log().wakes();
  log().WakeAll();
  // Came before the wait began: without 'seen' this would block.
  EXPECT_FALSE(log().WaitPast(0, absl::InfiniteDuration(), seen));
  std::thread waker([&] { log().WakeAll(); });
  EXPECT_FALSE(log().WaitPast(0, absl::InfiniteDuration(), seen + 1));
  waker.join();
  EXPECT_FALSE(log().WaitPast(0, absl::ZeroDuration()));
  AppendMany(1);
  EXPECT_TRUE(log().WaitPast(0, absl::ZeroDuration()));
}

TEST_F(EventLogTest, EraseTakesTheContentAndKeepsTheChain) {
  AppendMany(5);
  ASSERT_TRUE(log().Erase({2, 4, 99}).ok());
  for (int round = 0; round < 2; ++round) {
    auto records = log().ReadAfter(0, 10);
    ASSERT_TRUE(records.ok());
    ASSERT_EQ(records->size(), 5u);
    for (const RecordPointer& record : *records) {
      const bool erased = record->sequence == 2 || record->sequence == 4;
      EXPECT_EQ(record->erased_by, erased ? ErasedBy::kDelete : ErasedBy::kNothing);
      EXPECT_EQ(record->body.empty(), erased);
      EXPECT_FALSE(record->message.empty());
    }
    EXPECT_EQ(*log().VerifyAll([] { return false; }), std::nullopt);
    Reopen();
  }
}

}  // namespace
}  // namespace postern::broker
