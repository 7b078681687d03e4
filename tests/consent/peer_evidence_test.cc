// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/peer_evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "platform/unique_fd.h"

namespace postern::platform {
namespace {

using testing::EndsWith;
using testing::SizeIs;

UniqueFd PidfdOf(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

TEST(PeerEvidence, IsAllUnknownForAProcessThatIsGone) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  const UniqueFd pidfd = PidfdOf(child);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(GatherEvidence(pidfd.get()), PeerEvidence());
  EXPECT_EQ(OriginOf(GatherEvidence(pidfd.get())), "");
}

TEST(PeerEvidence, IsAllUnknownWithoutAProcess) { EXPECT_EQ(GatherEvidence(-1), PeerEvidence()); }

TEST(PeerEvidence, NamesTheProgramItsHashAndItsParents) {
  const PeerEvidence evidence = GatherEvidence(PidfdOf(::getpid()).get());
  EXPECT_EQ(evidence.pid, ::getpid());
  EXPECT_THAT(evidence.executable, EndsWith("consent_channel_test"));
  EXPECT_THAT(evidence.executable_sha256, SizeIs(64));
  ASSERT_FALSE(evidence.parents.empty());
  EXPECT_EQ(evidence.parents.front().pid, ::getppid());
}

TEST(PeerEvidence, NamesTheScriptThatAnInterpreterRuns) {
  const std::string script =
      testing::TempDir() + "postern_evidence_test." + std::to_string(::getpid()) + ".sh";
  FILE* file = ::fopen(script.c_str(), "w");
  ASSERT_NE(file, nullptr);
  // Says that it runs, then waits for its standard input to close.
  ::fputs("echo started; read line\n", file);
  ::fclose(file);
  int to_child[2];
  int from_child[2];
  ASSERT_EQ(::pipe(to_child), 0);
  ASSERT_EQ(::pipe(from_child), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(to_child[0], 0);
    ::dup2(from_child[1], 1);
    for (const int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(fd);
    ::execl("/bin/sh", "sh", script.c_str(), nullptr);
    ::_exit(127);
  }
  char byte = 0;
  ASSERT_EQ(::read(from_child[0], &byte, 1), 1);
  const PeerEvidence evidence = GatherEvidence(PidfdOf(child).get());
  for (const int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(fd);
  ::waitpid(child, nullptr, 0);
  ::unlink(script.c_str());
  EXPECT_EQ(evidence.script, script);
  EXPECT_THAT(evidence.script_sha256, SizeIs(64));
}

TEST(GatherEvidence, HashesNoMoreThanIsAskedFor) {
  const UniqueFd own = PidfdOf(::getpid());
  const PeerEvidence full = GatherEvidence(own.get());
  const PeerEvidence origin = GatherEvidence(own.get(), EvidenceDepth::kOrigin);
  const PeerEvidence quick = GatherEvidence(own.get(), EvidenceDepth::kQuick);
  EXPECT_THAT(full.executable_sha256, SizeIs(64));
  EXPECT_EQ(origin.executable_sha256, "");
  EXPECT_EQ(quick.executable_sha256, "");
  EXPECT_EQ(OriginOf(origin), OriginOf(full));
  EXPECT_TRUE(SameProgram(quick, full));
}

TEST(SameProgram, GoesByTheSandboxAndElseByExecutableAndScript) {
  PeerEvidence program;
  EXPECT_FALSE(SameProgram(program, program));  // nothing is known
  program.executable = "/usr/bin/python3";
  program.script = "/home/me/bridge.py";
  program.script_sha256 = "abc";
  PeerEvidence other = program;
  other.unit = "bridge.service";
  other.script_sha256 = "";
  EXPECT_TRUE(SameProgram(program, other));
  other.script = "/tmp/thief.py";
  EXPECT_FALSE(SameProgram(program, other));
  // Inside of a sandbox every application has an /app/bin/app.
  program = PeerEvidence();
  program.executable = "/app/bin/app";
  program.flatpak_id = "org.example.App";
  other = program;
  other.executable = "/app/bin/helper";
  EXPECT_TRUE(SameProgram(program, other));
  other.flatpak_id = "org.example.Thief";
  EXPECT_FALSE(SameProgram(program, other));
  other.flatpak_id = "";
  other.executable = program.executable;
  EXPECT_FALSE(SameProgram(program, other));
  program.flatpak_id = "";
  other.snap_name = "app";
  EXPECT_FALSE(SameProgram(program, other));
}

TEST(Origin, DoesNotFollowFromWhatAnyProgramCanChange) {
  PeerEvidence evidence;
  evidence.executable = "/usr/bin/app";
  evidence.unit = "run-r1234.scope";
  EXPECT_EQ(OriginOf(evidence), "executable:/usr/bin/app");
  evidence.unit = "user@1000.service";
  EXPECT_EQ(OriginOf(evidence), "executable:/usr/bin/app");
  evidence.unit = "translator.service";
  EXPECT_EQ(OriginOf(evidence), "unit:translator.service");
  evidence.flatpak_id = "org.example.App";
  EXPECT_EQ(OriginOf(evidence), "flatpak:org.example.App");
}

}  // namespace
}  // namespace postern::platform
