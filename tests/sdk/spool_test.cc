// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/spool.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include "clients/sdk/file_key.h"
#include "clients/sdk/spool_key.h"
#include "platform/secret_bytes.h"
#include "tests/fakes/memory_secret_store.h"
#include "tests/sdk/temporary_folder.h"

namespace postern::sdk {
namespace {

constexpr uint64_t kRoomy = 1u << 30;

class SpoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> Open(uint64_t bytes_max = kRoomy) {
    auto spool = Spool::Open(path_, key_, bytes_max);
    EXPECT_TRUE(spool.ok()) << spool.status();
    return *std::move(spool);
  }
  static std::vector<SpooledEvent> Events(int count, const std::string& text = "event") {
    std::vector<SpooledEvent> events;
    for (int i = 0; i < count; ++i) events.push_back({0, absl::StrCat(text, i), ""});
    return events;
  }
  static uint64_t Append(Spool& spool, std::vector<SpooledEvent> events) {
    return *spool.Append(events);
  }
  std::string AllFiles() const {
    std::ostringstream all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.is_regular_file()) all << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    }
    return all.str();
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/spool.db";
  const platform::SecretBytes key_ = platform::RandomSecret(32);
};

using SpoolOpening = SpoolTest;
using SpoolAppending = SpoolTest;
using SpoolCommands = SpoolTest;
using SpoolKey = SpoolTest;

TEST_F(SpoolOpening, RefusesAnotherKeyAndChangesNothing) {
  Append(*Open(), Events(3));
  const auto other = Spool::Open(path_, platform::RandomSecret(32), kRoomy);
  EXPECT_TRUE(absl::IsFailedPrecondition(other.status())) << other.status();
  EXPECT_EQ(Open()->ReadAfter(0, kRoomy)->size(), 3u);
}

TEST_F(SpoolOpening, RefusesWhatIsNotASpool) {
  std::ofstream(path_) << std::string(16384, 'x');
  ::chmod(path_.c_str(), 0600);
  EXPECT_TRUE(absl::IsFailedPrecondition(Spool::Open(path_, key_, kRoomy).status()));
}

TEST_F(SpoolOpening, RefusesAFileThatOthersCanRead) {
  Append(*Open(), Events(1));
  ::chmod(path_.c_str(), 0644);
  EXPECT_TRUE(absl::IsFailedPrecondition(Spool::Open(path_, key_, kRoomy).status()));
}

TEST_F(SpoolOpening, RefusesASecondProcess) {
  const auto spool = Open();
  Append(*spool, Events(1));
  EXPECT_TRUE(absl::IsFailedPrecondition(Spool::Open(path_, key_, kRoomy).status()));
}

TEST_F(SpoolAppending, RefusesWhatDoesNotFitAndKeepsTheRest) {
  const auto spool = Open(100);
  Append(*spool, Events(5));
  auto large = Events(1, std::string(200, 'x'));
  EXPECT_TRUE(absl::IsResourceExhausted(spool->Append(large).status()));
  EXPECT_EQ(spool->last_position(), 5u);
  ASSERT_TRUE(spool->Prune(5).ok());
  EXPECT_EQ(spool->waiting_bytes(), 0u);
  EXPECT_EQ(Append(*spool, Events(1)), 6u);
}

TEST_F(SpoolAppending, LeavesNoPlaintextInAnyFile) {
  const std::string canary = "canary-in-the-coal-mine";
  const auto spool = Open();
  std::vector<SpooledEvent> events = {{0, canary, canary}};
  ASSERT_TRUE(spool->Append(events, canary).ok());
  ASSERT_TRUE(spool->BeginCommand(canary).ok());
  EXPECT_EQ(AllFiles().find(canary), std::string::npos);
  EXPECT_EQ(AllFiles().find("SQLite format 3"), std::string::npos);
  // The same search finds it where it is.
  std::ofstream(folder_.path() + "/control") << canary;
  EXPECT_NE(AllFiles().find(canary), std::string::npos);
}

TEST_F(SpoolAppending, GivesPositionsOnceForEver) {
  EXPECT_EQ(Append(*Open(), Events(3)), 3u);
  {
    const auto spool = Open();
    ASSERT_TRUE(spool->Prune(3).ok());
    EXPECT_TRUE(spool->ReadAfter(0, kRoomy)->empty());
  }
  EXPECT_EQ(Append(*Open(), Events(1)), 4u);
}

TEST_F(SpoolAppending, KeepsTheBookmarkWithTheEvents) {
  auto events = Events(2);
  ASSERT_TRUE(Open()->Append(events, "page 7").ok());
  EXPECT_EQ(Open()->bookmark(), "page 7");
}

TEST_F(SpoolAppending, ReadsBatchesInOrderWithinTheirBound) {
  const auto spool = Open();
  Append(*spool, Events(10, std::string(100, 'x')));
  const auto batch = *spool->ReadAfter(2, 500);
  ASSERT_EQ(batch.size(), 3u);
  EXPECT_EQ(batch[0].position, 3u);
  EXPECT_EQ(batch[2].position, 5u);
  EXPECT_EQ(spool->ReadAfter(9, 1)->size(), 1u) << "one always fits";
}

TEST_F(SpoolAppending, ThreadsThatAppendTogetherGetDifferentPositions) {
  const auto spool = Open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) Append(*spool, Events(2));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(spool->last_position(), 400u);
  EXPECT_EQ(spool->ReadAfter(0, kRoomy)->size(), 400u);
}

TEST_F(SpoolAppending, MovesAboveWhatTheBrokerKnowsWhenTheSpoolIsNew) {
  const auto spool = Open();
  Append(*spool, Events(2));
  EXPECT_TRUE(*spool->Align(10, "gap"));
  const auto events = *spool->ReadAfter(10, kRoomy);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].position, 11u);
  EXPECT_EQ(events[0].event, "gap");
  EXPECT_EQ(events[2].position, 13u);
  EXPECT_EQ(Append(*spool, Events(1)), 14u);
  EXPECT_FALSE(*spool->Align(12, "gap")) << "an ordinary reconnect moves nothing";
}

// What a spool promises, held against kill -9: whatever Append reported is there, nothing doubles,
// and the positions have no hole.
TEST_F(SpoolAppending, LosesNothingItReportedWhenTheProcessIsKilled) {
  constexpr int kKills = 20;
  uint64_t reported = 0;
  for (int kill_number = 0; kill_number < kKills; ++kill_number) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto spool = Open();
      for (;;) {
        const uint64_t last = Append(*spool, Events(3));
        if (::write(pipe_ends[1], &last, sizeof(last)) != sizeof(last)) ::_exit(1);
      }
    }
    ::close(pipe_ends[1]);
    // Kills after a number of reports that differs each time, at whatever it is doing then.
    for (int reports = 0; reports < 1 + kill_number * 3; ++reports) {
      uint64_t last = 0;
      ASSERT_EQ(::read(pipe_ends[0], &last, sizeof(last)), static_cast<ssize_t>(sizeof(last)));
      reported = std::max(reported, last);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    uint64_t last = 0;
    while (::read(pipe_ends[0], &last, sizeof(last)) == static_cast<ssize_t>(sizeof(last))) {
      reported = std::max(reported, last);
    }
    ::close(pipe_ends[0]);
    const auto spool = Open();
    const auto events = *spool->ReadAfter(0, kRoomy);
    ASSERT_GE(events.size(), reported);
    ASSERT_EQ(events.size(), spool->last_position());
    for (size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].position, i + 1);
  }
}

TEST_F(SpoolAppending, PrintsHowFastItIs) {
  constexpr int kCount = 50'000;
  constexpr int kBatch = 500;
  const auto spool = Open();
  const std::string text(400, 'x');
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kCount; i += kBatch) Append(*spool, Events(kBatch, text));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::cout << "spool: " << static_cast<int>(kCount / took.count()) << " events/s in batches of "
            << kBatch << "\n";
  EXPECT_EQ(spool->last_position(), static_cast<uint64_t>(kCount));
}

TEST_F(SpoolCommands, AreBegunOnceAndAnsweredOnce) {
  const auto spool = Open();
  std::vector<SpooledEvent> none;
  EXPECT_TRUE(absl::IsNotFound(spool->AnswerCommand("c1", "r", true, none).status()));
  EXPECT_EQ(spool->BeginCommand("c1")->state, CommandRecord::State::kNew);
  EXPECT_EQ(spool->BeginCommand("c1")->state, CommandRecord::State::kRunning);
  ASSERT_TRUE(spool->AnswerCommand("c1", "pending", false, none).ok());
  EXPECT_EQ(spool->BeginCommand("c1")->state, CommandRecord::State::kRunning);
  std::vector<SpooledEvent> made = {{0, "message", "c1"}};
  ASSERT_TRUE(spool->AnswerCommand("c1", "sent", true, made).ok());
  EXPECT_EQ(spool->BeginCommand("c1")->state, CommandRecord::State::kAnswered);
  EXPECT_EQ(spool->BeginCommand("c1")->result, "sent");
  EXPECT_TRUE(absl::IsFailedPrecondition(spool->AnswerCommand("c1", "again", true, none).status()));
  EXPECT_EQ(spool->ReadAfter(0, kRoomy)->at(0).command_id, "c1");
}

TEST_F(SpoolCommands, ThatWereCutAreFoundAgain) {
  ASSERT_TRUE(Open()->BeginCommand("c1").ok());
  EXPECT_THAT(*Open()->OpenCommands(), ::testing::ElementsAre("c1"));
}

TEST_F(SpoolKey, IsNeverMadeWhileTheKeyringIsLocked) {
  fakes::MemorySecretStore secrets;
  secrets.SetState(platform::SecretStoreState::kLocked);
  EXPECT_TRUE(absl::IsUnavailable(LoadSpoolKey(secrets, "org.example.a", path_).status()));
  EXPECT_EQ(secrets.stores(), 0);
}

TEST_F(SpoolKey, IsNeverMadeWhileASpoolExists) {
  Append(*Open(), Events(1));
  fakes::MemorySecretStore secrets;
  EXPECT_TRUE(absl::IsFailedPrecondition(LoadSpoolKey(secrets, "org.example.a", path_).status()));
  EXPECT_EQ(secrets.stores(), 0);
}

TEST_F(SpoolKey, IsAnotherThanThatOfAnAppsOwnFile) {
  fakes::MemorySecretStore secrets;
  const auto spool = LoadSpoolKey(secrets, "org.example.a", path_);
  const auto file = LoadNamedFileKey(secrets, "file-key:org.example.a", "file", path_);
  ASSERT_TRUE(spool.ok() && file.ok());
  EXPECT_FALSE(std::equal(file->span().begin(), file->span().end(), spool->span().begin()));
}

TEST_F(SpoolKey, IsMadeOnceAndFoundAgain) {
  fakes::MemorySecretStore secrets;
  const auto first = LoadSpoolKey(secrets, "org.example.a", path_);
  const auto second = LoadSpoolKey(secrets, "org.example.a", path_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(secrets.stores(), 1);
  EXPECT_TRUE(std::equal(first->span().begin(), first->span().end(), second->span().begin()));
}

}  // namespace
}  // namespace postern::sdk
