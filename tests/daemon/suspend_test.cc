// SPDX-License-Identifier: Apache-2.0
// SIGSTOP, as a laptop's lid does it to everything: daemon, adapter or app stands still in the
// middle of the work and is let go again. Nothing is lost, nothing comes twice, and what gathered
// comes in one go, over the connections that were there before.
//
// How long they stand still is what the others do meanwhile, not a time. Minutes pass for a daemon
// that is stopped in stopped_daemon_test.cc, for an app or an adapter in
// tests/behaviors/laptop_test.cc.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "clients/gatekeepers/demo/script.h"
#include "tests/daemon/app_journal.h"
#include "tests/daemon/file_watch.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"
#include "tests/sanitized.h"

namespace postern::daemon_test {
namespace {

constexpr int kScriptEvents = 2400;
constexpr int kScriptChats = 5;
constexpr uint64_t kScriptSeed = 11;
// Slow enough that the script does not end while something stands still.
constexpr const char* kRate = kSanitized ? "100" : "400";
constexpr int kRounds = 2;
// What the adapter takes in while the daemon stands still, and the frames in which the app gets
// half of that (the other half leaves room for receipts, which it is not shown): one for each
// commit, and a commit takes what four batches of the adapter brought.
constexpr size_t kGathered = 200;
constexpr size_t kFramesAfterStopMax = kGathered / 4;

class Suspend : public SessionTest {
 protected:
  void SetUp() override {
    profile_ = std::make_unique<Profile>(&session());
    std::filesystem::create_directory(profile_->home() + "/journals");
    adapter_journal_ = profile_->home() + "/journals/adapter";
    app_journal_ = profile_->home() + "/journals/app";
    for (const demo::Step& step :
         demo::GenerateScript(kScriptEvents, kScriptChats, kScriptSeed).steps) {
      if (const std::string shown = ShownOf(step.event); !shown.empty()) expected_.push_back(shown);
    }
    const char* const program = ::getenv("POSTERN_CRASH_APP");
    ASSERT_NE(program, nullptr) << "run by ctest, which names the program";
    {
      // A person allows the adapter and the app; then the terminal is gone.
      fakes::ScriptedPerson person;
      const auto daemon = Process::Start(*profile_, {.person = &person});
      ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
      const auto adapter = Process::Start(
          *profile_,
          {.program = "postern-demo-gatekeeper",
           .arguments = {"--generate", "20", "--chats", "5", "--quiet", "--exit-at-end"}});
      ASSERT_TRUE(person.Answer({})) << person.screen() << adapter->errors();
      ASSERT_EQ(adapter->Wait(), 0) << adapter->errors();
      app_ = Process::Start(
          *profile_, {.program = program, .arguments = {"org.example.suspend", app_journal_}});
      ASSERT_TRUE(person.Answer({.scopes = kAllItsScopes})) << person.screen() << app_->errors();
      ASSERT_TRUE(app_->AwaitReady()) << app_->errors();
      ASSERT_EQ(daemon->Stop(), 0);
    }
    daemon_ = Process::Start(*profile_);
    ASSERT_TRUE(daemon_->AwaitReady()) << daemon_->errors();
    adapter_ = Process::Start(
        *profile_,
        {.program = "postern-demo-gatekeeper",
         .arguments = {"--generate", std::to_string(kScriptEvents), "--chats",
                       std::to_string(kScriptChats), "--seed", std::to_string(kScriptSeed),
                       "--rate", kRate, "--quiet", "--journal", adapter_journal_}});
    ASSERT_TRUE(AwaitApp(50)) << app_->errors() << adapter_->errors();
  }

  // What follows 'what' in the journal at 'path' grows by 'count' lines.
  static bool AwaitMore(const std::string& path, const std::string& what, size_t count) {
    FileWatch watch(path);
    return watch.Await([&](const std::string& bytes) { return Count(bytes, what) >= count; },
                       ReadFile(path).size());
  }
  bool AwaitApp(size_t events) { return AwaitMore(app_journal_, kEventWord, events); }
  bool AwaitAcks(size_t acks) { return AwaitMore(adapter_journal_, " acked\n", acks); }
  bool AwaitSubmitted(size_t events) { return AwaitMore(adapter_journal_, " submitted ", events); }

  // The app saw every message, edit and reaction of the script, in order and once, in one life.
  void ExpectAllOnce() {
    FileWatch watch(app_journal_);
    ASSERT_TRUE(watch.Await([&](const std::string& bytes) {
      return Count(bytes, kEventWord) >= expected_.size();
    })) << Count(ReadFile(app_journal_), kEventWord)
        << " of " << expected_.size() << app_->errors() << adapter_->errors();
    std::vector<std::string> seen;
    std::istringstream lines(ReadFile(app_journal_));
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind(kEventWord, 0) == 0) seen.push_back(line.substr(sizeof(kEventWord) - 1));
    }
    EXPECT_TRUE(seen == expected_) << "something is missing, doubled or out of order";
    EXPECT_EQ(Count(ReadFile(app_journal_), "start\n"), 1u);
    EXPECT_TRUE(app_->running()) << app_->errors();
    EXPECT_TRUE(daemon_->running()) << daemon_->errors();
  }
  // In how many frames the app was given the first 'events' events that its journal has from byte
  // 'from' on.
  size_t FramesOf(size_t from, size_t events) const {
    size_t frames = 0;
    std::istringstream lines(ReadFile(app_journal_, from));
    for (std::string line; events > 0 && std::getline(lines, line);) {
      if (line.rfind(kEventWord, 0) == 0) --events;
      if (line == kFrameLine) ++frames;
    }
    return frames;
  }
  // How often the adapter attached: a daemon or an adapter that stands still for a while is not
  // left.
  size_t Attachments() { return Count(ReadFile(adapter_journal_), "attached\n"); }

  std::unique_ptr<Profile> profile_;
  std::string adapter_journal_;
  std::string app_journal_;
  std::vector<std::string> expected_;
  std::unique_ptr<Process> daemon_;
  std::unique_ptr<Process> adapter_;
  std::unique_ptr<Process> app_;
};

TEST_F(Suspend, OfTheAppLosesNothing) {
  for (int i = 0; i < kRounds; ++i) {
    app_->Signal(SIGSTOP);
    ASSERT_TRUE(AwaitAcks(20)) << adapter_->errors();
    app_->Signal(SIGCONT);
    ASSERT_TRUE(AwaitApp(50)) << app_->errors();
  }
  ExpectAllOnce();
}

TEST_F(Suspend, OfTheDaemonLosesNothing) {
  for (int i = 0; i < kRounds; ++i) {
    daemon_->Signal(SIGSTOP);
    // The adapter goes on filling its spool.
    ASSERT_TRUE(AwaitSubmitted(kGathered)) << adapter_->errors();
    const size_t before = ReadFile(app_journal_).size();
    daemon_->Signal(SIGCONT);
    ASSERT_TRUE(AwaitApp(kGathered / 2)) << app_->errors() << daemon_->errors();
    // What gathered comes in frames of many, not one for each event. (What gathers while the app
    // stands still does not: the broker has written it to the app's socket long before.)
    const size_t frames = FramesOf(before, kGathered / 2);
    std::printf("  %zu events after a stop came in %zu frames\n", kGathered / 2, frames);
    EXPECT_LE(frames, kFramesAfterStopMax);
  }
  ExpectAllOnce();
  EXPECT_EQ(Attachments(), 1u) << adapter_->errors();
}

TEST_F(Suspend, OfTheAdapterLosesNothing) {
  for (int i = 0; i < kRounds; ++i) {
    adapter_->Signal(SIGSTOP);
    // All that it sent before is handed on; then nothing moves, and nobody gives up.
    const Ending status =
        RunToEnd(*profile_, {.program = "postern", .arguments = {"status", "--json"}});
    // Well, or with something to tell; 3 would be: not there.
    ASSERT_TRUE(status.code == 0 || status.code == 5) << status.errors << status.output;
    adapter_->Signal(SIGCONT);
    ASSERT_TRUE(AwaitApp(50)) << app_->errors();
  }
  ExpectAllOnce();
  EXPECT_EQ(Attachments(), 1u) << adapter_->errors();
}

TEST_F(Suspend, OfAllAtOnceLosesNothing) {
  for (int i = 0; i < kRounds; ++i) {
    // One after the other, so that something is on its way at each stop.
    app_->Signal(SIGSTOP);
    ASSERT_TRUE(AwaitAcks(20)) << adapter_->errors();
    daemon_->Signal(SIGSTOP);
    ASSERT_TRUE(AwaitSubmitted(50)) << adapter_->errors();
    adapter_->Signal(SIGSTOP);
    // Somebody comes while all of them sleep.
    const auto status =
        Process::Start(*profile_, {.program = "postern", .arguments = {"status", "--json"}});
    // They wake in another order than they fell asleep.
    for (const auto* process : {adapter_.get(), app_.get(), daemon_.get()}) {
      process->Signal(SIGCONT);
    }
    const int code = status->Wait();
    ASSERT_TRUE(code == 0 || code == 5) << status->errors();
    ASSERT_TRUE(AwaitApp(50)) << app_->errors();
  }
  ExpectAllOnce();
  EXPECT_EQ(Attachments(), 1u) << adapter_->errors();
}

}  // namespace
}  // namespace postern::daemon_test
