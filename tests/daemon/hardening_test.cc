// SPDX-License-Identifier: Apache-2.0
// Other programs of the same user cannot look into the daemon, and a crash writes nothing down.
// Without a session bus, so that it can run as any user: root may look into everything.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <filesystem>

#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A user that nobody is.
constexpr uid_t kOrdinaryUser = 12345;

// How many of a process's four secrets another program of 'user' can read: memory, environment,
// executable, root folder. In a process of its own, since a user cannot be changed back.
int ReadableSecrets(pid_t pid, uid_t user) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (user != 0 && (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0)) {
      ::_exit(100);
    }
    const std::string process = "/proc/" + std::to_string(pid);
    int readable = 0;
    for (const char* file : {"/mem", "/environ"}) {
      readable += ::open((process + file).c_str(), O_RDONLY | O_CLOEXEC) >= 0 ? 1 : 0;
    }
    for (const char* link : {"/exe", "/root"}) {
      char target[PATH_MAX];
      readable += ::readlink((process + link).c_str(), target, sizeof(target)) > 0 ? 1 : 0;
    }
    ::_exit(readable);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

void GiveAway(const std::string& folder, uid_t user) {
  if (user == 0) return;
  ASSERT_EQ(::chown(folder.c_str(), user, user), 0);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    ASSERT_EQ(::lchown(entry.path().c_str(), user, user), 0);
  }
}

TEST(Hardening, OtherProgramsOfTheUserCannotLookIntoIt) {
  const uid_t user = ::geteuid() == 0 ? kOrdinaryUser : 0;
  const Profile profile(nullptr);
  // Where that user may start them.
  const std::string programs = profile.home() + "/bin";
  fs::create_directory(programs);
  for (const char* name : {"posternd", "postern-consent"}) {
    fs::copy_file(ProgramPath(name), programs + "/" + name);
  }
  WriteFile(profile.home() + "/passphrase", "of no worth");
  WriteFile(profile.config_file(), "[secrets]\nstore = \"passphrase-file\"\npassphrase_file = \"" +
                                       profile.home() + "/passphrase\"\n");
  ASSERT_NO_FATAL_FAILURE(GiveAway(profile.home(), user));
  const auto daemon = Process::Start(profile, {.program = programs + "/posternd", .user = user});
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  EXPECT_EQ(ReadableSecrets(daemon->pid(), user), 0);
  EXPECT_THAT(ReadFile("/proc/" + std::to_string(daemon->pid()) + "/status"),
              HasSubstr("NoNewPrivs:\t1"));

  // The same looks at a program that does not close itself see all four.
  const auto control =
      Process::Start(profile, {.program = "/bin/sleep", .arguments = {"60"}, .user = user});
  int seen = 0;
  for (int attempt = 0; attempt < 1000 && seen != 4; ++attempt) {  // until it has been started
    seen = ReadableSecrets(control->pid(), user);
  }
  EXPECT_EQ(seen, 4);

  daemon->Signal(SIGSEGV);
  EXPECT_EQ(daemon->Wait(), 128 + SIGSEGV);
  EXPECT_FALSE(daemon->left_core());
}

}  // namespace
}  // namespace postern::daemon_test
