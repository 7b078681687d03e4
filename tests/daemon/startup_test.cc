// SPDX-License-Identifier: Apache-2.0
// A start that works, its place that no other takes, and its end.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;
using platform::UniqueFd;

constexpr int kAlreadyRunning = 5;
constexpr int kTogether = 20;

class Startup : public SessionTest {};

UniqueFd Connect(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fd.Reset();
  }
  return fd;
}

UniqueFd ListenAt(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ::fchmod(fd.get(), 0600);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd.get(), 16) != 0) {
    fd.Reset();
  }
  return fd;
}

TEST_F(Startup, SecondDaemonEndsAtOnceAndHarmsNothing) {
  const Profile profile(&session());
  const auto first = Process::Start(profile);
  ASSERT_TRUE(first->AwaitReady()) << first->errors();
  const Ending second = RunToEnd(profile);
  EXPECT_EQ(second.code, kAlreadyRunning);
  EXPECT_THAT(second.errors, IsOneLine("another posternd is running"));
  EXPECT_TRUE(Connect(profile.socket()).valid());
  EXPECT_EQ(first->Stop(), 0);
}

TEST_F(Startup, OfManyStartedTogetherExactlyOneLives) {
  const Profile profile(&session());
  std::vector<std::unique_ptr<Process>> all;
  for (int i = 0; i < kTogether; ++i) all.push_back(Process::Start(profile));
  // The one that lives never ends by itself, so the others are told by their end.
  int refused = 0;
  Process* living = nullptr;
  for (const auto& process : all) {
    if (process->AwaitReady()) {
      EXPECT_EQ(living, nullptr) << "two serve";
      living = process.get();
    } else {
      EXPECT_EQ(process->Wait(), kAlreadyRunning) << process->errors();
      ++refused;
    }
  }
  EXPECT_EQ(refused, kTogether - 1);
  ASSERT_NE(living, nullptr);
  EXPECT_EQ(living->Stop(), 0);
}

TEST_F(Startup, SigtermAndSigintEndItCleanly) {
  const Profile profile(&session());
  for (const int signal : {SIGTERM, SIGINT}) {
    const auto daemon = Process::Start(profile);
    ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
    ASSERT_TRUE(fs::exists(profile.socket()));
    daemon->Signal(signal);
    EXPECT_TRUE(daemon->AwaitNotice("STOPPING=1"));
    EXPECT_EQ(daemon->Wait(), 0);
    EXPECT_FALSE(fs::exists(profile.socket()));
  }
}

TEST_F(Startup, SocketOfAKilledDaemonIsReplaced) {
  const Profile profile(&session());
  const auto first = Process::Start(profile);
  ASSERT_TRUE(first->AwaitReady()) << first->errors();
  EXPECT_EQ(first->Kill(), 128 + SIGKILL);
  ASSERT_TRUE(fs::exists(profile.socket()));
  const auto second = Process::Start(profile);
  ASSERT_TRUE(second->AwaitReady()) << second->errors();
  EXPECT_TRUE(Connect(profile.socket()).valid());
  EXPECT_EQ(second->Stop(), 0);
}

TEST_F(Startup, WhatIsNotADeadSocketIsNeverRemoved) {
  const Profile profile(&session());
  WriteFile(profile.socket(), "mine");
  ::chmod((profile.runtime_dir() + "/postern").c_str(), 0700);
  const Ending ending = RunToEnd(profile);
  EXPECT_NE(ending.code, 0);
  EXPECT_THAT(ending.errors, IsOneLine("postern.sock")) << ending.errors;
  EXPECT_EQ(ReadFile(profile.socket()), "mine");
}

TEST_F(Startup, TakesTheSocketOfTheServiceManagerAndLeavesItThere) {
  const Profile profile(&session());
  const std::string path = profile.runtime_dir() + "/handed-over.sock";
  const UniqueFd listener = ListenAt(path);
  ASSERT_TRUE(listener.valid());
  const UniqueFd early = Connect(path);  // waits in the queue, as systemd's first caller does
  ASSERT_TRUE(early.valid());
  const auto daemon = Process::Start(profile, {.activation_socket = listener.get(), .mask = 077});
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  EXPECT_FALSE(fs::exists(profile.socket())) << "it binds none of its own";
  EXPECT_TRUE(Connect(path).valid());
  EXPECT_EQ(daemon->Stop(), 0);
  EXPECT_TRUE(fs::exists(path)) << "it is the service manager's";
}

TEST_F(Startup, RefusesAPassedSocketThatAnybodyCouldReach) {
  const Profile profile(&session());
  UniqueFd network(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(network.get(), 1), 0);
  const auto daemon = Process::Start(profile, {.activation_socket = network.get()});
  EXPECT_EQ(daemon->Wait(), 4);
  EXPECT_THAT(daemon->errors(), IsOneLine("ListenStream="));
}

TEST_F(Startup, WorksUnderSystemdSocketActivate) {
  const std::string activator = "/usr/bin/systemd-socket-activate";
  if (::access(activator.c_str(), X_OK) != 0) GTEST_SKIP() << "systemd is not installed";
  const Profile profile(&session());
  const std::string path = profile.runtime_dir() + "/activated.sock";
  std::vector<std::string> arguments = {"--listen=" + path, "--fdname=postern"};
  for (const auto& [name, value] : profile.environment()) {
    if (!value.empty()) arguments.push_back("--setenv=" + name + "=" + value);
  }
  arguments.push_back("--setenv=NOTIFY_SOCKET");
  arguments.push_back(ProgramPath("posternd"));
  const auto daemon =
      Process::Start(profile, {.program = activator, .arguments = arguments, .mask = 077});
  UniqueFd caller;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!caller.valid() && std::chrono::steady_clock::now() < deadline) caller = Connect(path);
  ASSERT_TRUE(caller.valid());
  EXPECT_TRUE(daemon->AwaitReady()) << daemon->errors();
  EXPECT_EQ(daemon->Stop(), 0);
}

TEST_F(Startup, LeavesNothingOpenToOthersWhateverTheUmask) {
  const Profile profile(&session());
  const auto daemon = Process::Start(profile, {.mask = 0});
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  int seen = 0;
  for (const std::string& folder : {profile.data_dir(), profile.runtime_dir() + "/postern"}) {
    struct stat top;
    ASSERT_EQ(::lstat(folder.c_str(), &top), 0);
    EXPECT_EQ(top.st_mode & 07777, 0700u) << folder;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      struct stat status;
      ASSERT_EQ(::lstat(entry.path().c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 077, 0u) << entry.path();
      ++seen;
    }
  }
  EXPECT_GE(seen, 5) << "database, its log, high-water mark, lock, certificate, socket";
  EXPECT_EQ(daemon->Stop(), 0);
}

}  // namespace
}  // namespace postern::daemon_test
