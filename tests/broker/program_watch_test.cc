// SPDX-License-Identifier: Apache-2.0
#include "broker/program_watch.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <filesystem>

#include "tests/broker/consent_desk_fixture.h"

extern char** environ;

namespace postern::broker {
namespace {

using platform::PeerEvidence;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A running copy of a program. Ends with the object.
class RunningCopy {
 public:
  explicit RunningCopy(const std::string& path) : path_(path) {
    std::filesystem::copy_file("/bin/sleep", path,
                               std::filesystem::copy_options::overwrite_existing);
    std::string name = "app";
    std::string seconds = "600";
    char* arguments[] = {name.data(), seconds.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, path.c_str(), nullptr, nullptr, arguments, environ), 0);
    pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~RunningCopy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  RunningCopy(const RunningCopy&) = delete;
  RunningCopy& operator=(const RunningCopy&) = delete;
  int pidfd() const { return pidfd_.get(); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  pid_t pid_ = -1;
  platform::UniqueFd pidfd_;
};

class ProgramWatchTest : public ConsentDeskTest {
 protected:
  // Enrols a process, as the agent and the desk do.
  void Enroll(const PeerEvidence& evidence) {
    v1::App app;
    app.set_principal(Key(1).ToHex());
    app.set_display_name("Reader");
    app.set_executable(evidence.executable.empty() ? "unknown" : evidence.executable);
    NoteProgram(evidence, app);
    ASSERT_TRUE(apps_->Enroll(app, Standing::kApp, {}).ok());
  }
  uint32_t Told() const {
    const auto notices = NoticesOf(v1::OwnerNotice::KIND_PROGRAM_CHANGED);
    return notices.empty() ? 0 : notices.front().count();
  }
  std::string OtherProgram() const { return apps_->Find(Key(1))->app.other_program(); }
};

TEST_F(ProgramWatchTest, ACopyOfTheProgramIsToldOfOnceForEachChange) {
  const RunningCopy mine(folder_.File("mine"));
  const RunningCopy copy(folder_.File("copy"));
  Enroll(platform::GatherEvidence(mine.pidfd(), platform::EvidenceDepth::kOrigin));
  ProgramWatch watch(*apps_, *notices_);
  EXPECT_TRUE(watch.Admits(Key(1), mine.pidfd()));
  EXPECT_EQ(Told(), 0u);
  // Used by the copy, again and again: let in, and told of once.
  const uint64_t epoch = apps_->epoch();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(watch.Admits(Key(1), copy.pidfd()));
  EXPECT_EQ(Told(), 1u);
  EXPECT_EQ(OtherProgram(), copy.path());
  EXPECT_THAT(NoticesOf(v1::OwnerNotice::KIND_PROGRAM_CHANGED).front().text(),
              HasSubstr(copy.path()));
  EXPECT_EQ(apps_->epoch(), epoch);
  // Also after a restart.
  Restart();
  ProgramWatch again(*apps_, *notices_);
  EXPECT_TRUE(again.Admits(Key(1), copy.pidfd()));
  EXPECT_EQ(Told(), 1u);
  // The program itself, and then the copy: another change.
  EXPECT_TRUE(again.Admits(Key(1), mine.pidfd()));
  EXPECT_THAT(OtherProgram(), IsEmpty());
  EXPECT_TRUE(again.Admits(Key(1), copy.pidfd()));
  EXPECT_EQ(Told(), 2u);
}

TEST_F(ProgramWatchTest, AProgramThatWasReplacedWhileItRunsIsTheSame) {
  const RunningCopy mine(folder_.File("mine"));
  Enroll(platform::GatherEvidence(mine.pidfd(), platform::EvidenceDepth::kOrigin));
  std::filesystem::remove(mine.path());
  ProgramWatch watch(*apps_, *notices_);
  EXPECT_TRUE(watch.Admits(Key(1), mine.pidfd()));
  EXPECT_EQ(Told(), 0u);
}

TEST_F(ProgramWatchTest, ASandboxedKeyIsRefusedToEverybodyElse) {
  PeerEvidence flatpak;
  flatpak.pid = 7;
  flatpak.executable = "/app/bin/reader";
  flatpak.flatpak_id = "org.example.Reader";
  Enroll(flatpak);
  PeerEvidence seen = flatpak;
  ProgramWatch watch(*apps_, *notices_, [&](int) { return seen; });
  EXPECT_TRUE(watch.Admits(Key(1), -1));
  // Another build of the same application.
  seen.executable = "/app/bin/reader-2";
  EXPECT_TRUE(watch.Admits(Key(1), -1));
  EXPECT_EQ(Told(), 0u);
  // Another application, a program of the host, one that hides what it is.
  for (const std::string& id : {"org.example.Thief", "", "snap"}) {
    seen = PeerEvidence();
    seen.pid = 8;
    seen.executable = id.empty() ? "/usr/bin/thief" : "/app/bin/reader";
    (id == "snap" ? seen.snap_name : seen.flatpak_id) = id;
    EXPECT_FALSE(watch.Admits(Key(1), -1)) << id;
  }
  seen = PeerEvidence();
  seen.pid = 9;
  EXPECT_FALSE(watch.Admits(Key(1), -1));
  EXPECT_GT(Told(), 0u);
  // Connected, handed the descriptor to a child, and ended.
  seen = PeerEvidence();
  EXPECT_FALSE(watch.Admits(Key(1), -1));
}

TEST_F(ProgramWatchTest, AnInterpretersScriptIsTheProgram) {
  PeerEvidence python;
  python.pid = 7;
  python.executable = "/usr/bin/python3.11";
  python.script = "/home/me/bridge.py";
  python.script_sha256 = "abc";
  Enroll(python);
  PeerEvidence seen = python;
  // An update of the script, and the quick look that does not hash.
  seen.script_sha256.clear();
  ProgramWatch watch(*apps_, *notices_, [&](int) { return seen; });
  EXPECT_TRUE(watch.Admits(Key(1), -1));
  EXPECT_EQ(Told(), 0u);
  seen.script = "/tmp/thief.py";
  EXPECT_TRUE(watch.Admits(Key(1), -1));
  EXPECT_EQ(Told(), 1u);
}

TEST_F(ProgramWatchTest, WhatWasUnknownAtEnrolmentOrNeverEnrolledIsLetAlone) {
  Enroll(PeerEvidence());
  PeerEvidence seen;
  seen.pid = 7;
  seen.executable = "/usr/bin/reader";
  ProgramWatch watch(*apps_, *notices_, [&](int) { return seen; });
  EXPECT_TRUE(watch.Admits(Key(1), -1));
  EXPECT_TRUE(watch.Admits(Key(2), -1));
  EXPECT_TRUE(watch.Admits(owner().principal, -1));
  EXPECT_EQ(Told(), 0u);
}

}  // namespace
}  // namespace postern::broker
