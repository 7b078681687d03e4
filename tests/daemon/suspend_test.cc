// SPDX-License-Identifier: Apache-2.0
// SIGSTOP, as a laptop's lid does it to everything: daemon, adapter or app stands still in the
// middle of the work and is let go again. Nothing is lost, nothing comes twice, and what gathered
// comes in one go, over the connections that were there before.
//
// How long they stand still is what the others do meanwhile, not a time: the minutes part runs on
// an injected clock (tests/behaviors/laptop_test.cc).
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "clients/gatekeepers/demo/script.h"
#include "tests/daemon/file_watch.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

constexpr int kScriptEvents = 2400;
constexpr int kScriptChats = 5;
constexpr uint64_t kScriptSeed = 11;
// Slow enough that the script does not end while something stands still.
constexpr char kRate[] = "400";
constexpr int kRounds = 2;

size_t Count(const std::string& bytes, const std::string& text) {
  size_t count = 0;
  for (size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1))
    ++count;
  return count;
}

class Suspend : public SessionTest {
 protected:
  void SetUp() override {
    profile_ = std::make_unique<Profile>(&session());
    std::filesystem::create_directory(profile_->home() + "/journals");
    adapter_journal_ = profile_->home() + "/journals/adapter";
    app_journal_ = profile_->home() + "/journals/app";
    for (const demo::Step& step :
         demo::GenerateScript(kScriptEvents, kScriptChats, kScriptSeed).steps) {
      if (step.event.has_message_created()) {
        expected_.push_back(step.event.message_created().message().text());
      }
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
      ASSERT_TRUE(person.Answer({})) << person.screen() << app_->errors();
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
  bool AwaitApp(size_t messages) { return AwaitMore(app_journal_, "event ", messages); }
  bool AwaitAcks(size_t acks) { return AwaitMore(adapter_journal_, " acked\n", acks); }
  bool AwaitSubmitted(size_t events) { return AwaitMore(adapter_journal_, " submitted ", events); }

  // The app saw every message of the script, in order and once, in one life.
  void ExpectAllOnce() {
    FileWatch watch(app_journal_);
    ASSERT_TRUE(watch.Await([&](const std::string& bytes) {
      return Count(bytes, "event ") >= expected_.size() + leading_;
    })) << Count(ReadFile(app_journal_), "event ")
        << " of " << expected_.size() + leading_ << app_->errors() << adapter_->errors();
    std::vector<std::string> seen;
    std::istringstream lines(ReadFile(app_journal_));
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("event ", 0) == 0) seen.push_back(line.substr(6));
    }
    ASSERT_EQ(seen.size(), expected_.size() + leading_);
    seen.erase(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(leading_));
    EXPECT_TRUE(seen == expected_) << "something is missing, doubled or out of order";
    EXPECT_EQ(Count(ReadFile(app_journal_), "start\n"), 1u);
    EXPECT_TRUE(app_->running()) << app_->errors();
    EXPECT_TRUE(daemon_->running()) << daemon_->errors();
  }
  // How often the adapter attached: a daemon or an adapter that stands still for a while is not
  // left.
  size_t Attachments() { return Count(ReadFile(adapter_journal_), "attached\n"); }

  std::unique_ptr<Profile> profile_;
  std::string adapter_journal_;
  std::string app_journal_;
  std::vector<std::string> expected_;
  // Messages that were there before the script, for an app that reads from the oldest.
  size_t leading_ = 0;
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
    ASSERT_TRUE(AwaitSubmitted(200)) << adapter_->errors();
    daemon_->Signal(SIGCONT);
    ASSERT_TRUE(AwaitApp(50)) << app_->errors() << daemon_->errors();
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
    for (const auto* process : {app_.get(), daemon_.get(), adapter_.get()}) {
      process->Signal(SIGSTOP);
    }
    // They wake in another order than they fell asleep.
    for (const auto* process : {adapter_.get(), app_.get(), daemon_.get()}) {
      process->Signal(SIGCONT);
    }
    ASSERT_TRUE(AwaitApp(50)) << app_->errors();
  }
  ExpectAllOnce();
}

}  // namespace
}  // namespace postern::daemon_test
