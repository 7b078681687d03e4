// SPDX-License-Identifier: Apache-2.0
// What happens to the storage and must not lose an acknowledged event: being killed, flipped bits,
// a full disk. The acknowledgements are counted outside the process that is killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <thread>

#include "broker/event_log.h"
#include "platform/unique_fd.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

std::string BodyAt(Sequence sequence) { return absl::StrCat("event ", sequence); }

// Checks that the log holds every event up to 'acked', each with its content.
void ExpectWhole(EventLog& log, Sequence acked) {
  EXPECT_GE(log.last_sequence(), acked);
  Sequence at = 0;
  while (at < log.last_sequence()) {
    const auto records = log.ReadAfter(at, 1000);
    ASSERT_TRUE(records.ok()) << records.status();
    for (const RecordPointer& record : *records) {
      ASSERT_EQ(record->sequence, ++at);
      ASSERT_EQ(record->body, BodyAt(at));
    }
  }
  const auto bad = log.VerifyAll([] { return false; });
  ASSERT_TRUE(bad.ok());
  EXPECT_EQ(*bad, std::nullopt);
}

// Appends for ever and tells each acknowledged sequence to 'acks'. Runs in a child.
[[noreturn]] void AppendUntilKilled(const std::string& directory, int acks) {
  auto opened = OpenLog(directory);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", std::string(opened.status().message()).c_str());
    ::_exit(3);
  }
  Sequence next = opened->log->last_sequence() + 1;
  while (true) {
    // The position says the same as the sequence, so that both are checked.
    const auto sequence = opened->log->Append(BatchOf({MessageRecord(next, BodyAt(next))}, next));
    if (!sequence.ok() || *sequence != next) ::_exit(4);
    if (::write(acks, &next, sizeof(next)) != sizeof(next)) ::_exit(5);
    ++next;
  }
}

TEST(StorageFault, FiftyKillsLoseNothingThatWasAcknowledged) {
  constexpr int kKills = 50;
  const ScratchFolder folder;
  std::mt19937 random(1);
  Sequence acked = 0;
  int survived_unacked = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      AppendUntilKilled(folder.path(), ends[1]);
    }
    platform::UniqueFd acks(ends[0]);
    ::close(ends[1]);
    // Killed at once after some acknowledgement: the child is inside the next append.
    const int wanted = 1 + static_cast<int>(random() % 40);
    Sequence sequence = 0;
    int seen = 0;
    while (seen < wanted && ::read(acks.get(), &sequence, sizeof(sequence)) == sizeof(sequence)) {
      acked = sequence;
      ++seen;
    }
    ::kill(child, SIGKILL);
    while (::read(acks.get(), &sequence, sizeof(sequence)) == sizeof(sequence)) acked = sequence;
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);
    ASSERT_EQ(seen, wanted);
    auto opened = OpenLog(folder.path(), Create::kNever);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ExpectWhole(*opened->log, acked);
    EXPECT_EQ(opened->log->SourcePosition(IdOf<permissions::AccountId>(1)),
              opened->log->last_sequence());
    // At most the one append that was under way when it was killed.
    EXPECT_LE(opened->log->last_sequence(), acked + 1);
    survived_unacked += opened->log->last_sequence() > acked ? 1 : 0;
    acked = opened->log->last_sequence();
  }
  std::printf("%d kills, %d of them between durable and acknowledged, %d events\n", kKills,
              survived_unacked, static_cast<int>(acked));
}

// A copy of a database as a crash leaves it: with a WAL that is not yet in the file.
class FlipTest : public testing::Test {
 protected:
  static constexpr Sequence kInDatabase = 400;
  static constexpr Sequence kInWal = 60;

  FlipTest() {
    const ScratchFolder folder;
    {
      auto opened = OpenLog(folder.path());
      EXPECT_TRUE(opened.ok());
      Append(*opened->log, kInDatabase);
    }
    auto opened = OpenLog(folder.path());
    EXPECT_TRUE(opened.ok());
    for (Sequence i = 0; i < kInWal; ++i) Append(*opened->log, 1);
    for (const char* name : {"events.db", "events.db-wal", "high-water"}) {
      files_.emplace_back(name, ReadWholeFile(folder.File(name)));
    }
  }
  static void Append(EventLog& log, Sequence count) {
    std::vector<LogRecord> records;
    for (Sequence i = 0; i < count; ++i) {
      const Sequence sequence = log.last_sequence() + 1 + i;
      records.push_back(MessageRecord(sequence, BodyAt(sequence)));
    }
    EXPECT_TRUE(log.Append(BatchOf(std::move(records))).ok());
  }

  enum class Outcome { kSame, kError };
  // Opens a copy with one bit flipped. Anything but the same data or an error fails the test.
  Outcome OpenFlipped(size_t file, size_t bit) {
    const ScratchFolder folder;
    for (size_t i = 0; i < files_.size(); ++i) {
      std::string content = files_[i].second;
      if (i == file) {
        content[bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << (bit % 8)));
      }
      WriteWholeFile(folder.File(files_[i].first), content);
    }
    auto opened = OpenLog(folder.path(), Create::kNever);
    if (!opened.ok()) return Outcome::kError;
    const auto bad = opened->log->VerifyAll([] { return false; });
    if (!bad.ok() || bad->has_value()) return Outcome::kError;
    Sequence at = 0;
    while (at < opened->log->last_sequence()) {
      const auto records = opened->log->ReadAfter(at, 1000);
      if (!records.ok()) return Outcome::kError;
      for (const RecordPointer& record : *records) {
        EXPECT_EQ(record->sequence, ++at);
        EXPECT_EQ(record->body, BodyAt(at));
      }
    }
    EXPECT_EQ(at, kInDatabase + kInWal)
        << "less data, no error: bit " << bit << " of " << files_[file].first;
    return Outcome::kSame;
  }
  void Flip(size_t file, int count) {
    std::mt19937_64 random(7 + file);
    int same = 0;
    for (int i = 0; i < count; ++i) {
      same += OpenFlipped(file, random() % (files_[file].second.size() * 8)) == Outcome::kSame;
    }
    std::printf("%s: %d flips, %d harmless, %d refused\n", files_[file].first.c_str(), count, same,
                count - same);
  }

  std::vector<std::pair<std::string, std::string>> files_;
};

TEST_F(FlipTest, AFlippedBitInTheDatabaseIsHarmlessOrAnError) { Flip(0, 100); }
TEST_F(FlipTest, AFlippedBitInTheWalIsHarmlessOrAnError) { Flip(1, 100); }
TEST_F(FlipTest, AFlippedBitInTheHighWaterFileIsHarmlessOrAnError) { Flip(2, 20); }

TEST_F(FlipTest, ALostWalIsAnError) {
  const ScratchFolder folder;
  WriteWholeFile(folder.File(files_[0].first), files_[0].second);
  WriteWholeFile(folder.File(files_[2].first), files_[2].second);
  EXPECT_TRUE(absl::IsDataLoss(OpenLog(folder.path()).status()));
}

// The limit on file sizes stands for the full disk where a small file system cannot be mounted;
// both make the same write fail.
TEST(StorageFault, AFullDiskRefusesAndGoesOnOnceThereIsSpace) {
  const ScratchFolder folder;
  const bool mounted =
      ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=16m,mode=700") == 0;
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_IGN);
  {
    auto opened = OpenLog(folder.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    EventLog& log = *opened->log;
    if (mounted) {
      // Leaves room for some commits.
      WriteWholeFile(folder.File("ballast"), std::string(12 << 20, 'b'));
    } else {
      rlimit small = before;
      small.rlim_cur = 2 << 20;
      ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    }
    const std::string body(60'000, 'x');
    absl::Status status;
    Sequence acked = 0;
    for (int i = 0; i < 1000 && status.ok(); ++i) {
      const auto sequence = log.Append(BatchOf({MessageRecord(1, body)}));
      status = sequence.status();
      if (sequence.ok()) acked = *sequence;
    }
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_GT(acked, 0u);
    EXPECT_EQ(log.last_sequence(), acked);
    EXPECT_TRUE(opened->store->health().ok());
    // Reads go on.
    EXPECT_EQ(log.ReadAfter(acked - 1, 1)->size(), 1u);
    EXPECT_FALSE(log.Append(BatchOf({MessageRecord(1, body)})).ok());

    if (mounted) {
      ASSERT_EQ(::unlink(folder.File("ballast").c_str()), 0);
    } else {
      ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    }
    for (int i = 0; i < 20; ++i) {
      const auto sequence = log.Append(BatchOf({MessageRecord(1, body)}));
      ASSERT_TRUE(sequence.ok()) << sequence.status();
      ASSERT_EQ(*sequence, ++acked);
    }
    EXPECT_EQ(*log.VerifyAll([] { return false; }), std::nullopt);
    opened->log.reset();
    opened->store.reset();
    auto again = OpenLog(folder.path());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->log->last_sequence(), acked);
  }
  if (mounted) {
    EXPECT_EQ(::umount(folder.path().c_str()), 0);
  }
}

}  // namespace
}  // namespace postern::broker
