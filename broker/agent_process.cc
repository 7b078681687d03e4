// SPDX-License-Identifier: Apache-2.0
#include "broker/agent_process.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string_view>
#include <utility>

// The build says where it is installed; a build tree has the agent beside the daemon.
#ifndef POSTERN_LIBEXEC_DIR
#define POSTERN_LIBEXEC_DIR "/usr/libexec/postern"
#endif

extern char** environ;

namespace postern::broker {
namespace {

using platform::UniqueFd;

constexpr int kChannelFd = 3;
constexpr int kTerminalFd = 4;
// Descriptors are first moved out of the way of the two above.
constexpr int kAboveAgentFds = 10;
// To put the terminal back after SIGTERM, before SIGKILL.
constexpr int kEndGraceMs = 1000;

// What the agent needs of our environment to reach the display, the session bus and the right
// language. Variables that load code into it (LD_PRELOAD, GTK_MODULES, GIO_EXTRA_MODULES) are not
// among them; the ADW ones choose colours, and with GDK_DEBUG or GDK_DISABLE people do without a
// graphics driver that is broken.
constexpr std::array<std::string_view, 33> kPassedVariables = {
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "DISPLAY",
    "XAUTHORITY",
    "WAYLAND_DISPLAY",
    "GDK_BACKEND",
    "GDK_DEBUG",
    "GDK_DISABLE",
    "GDK_SCALE",
    "GDK_DPI_SCALE",
    "GSK_RENDERER",
    "GTK_A11Y",
    "GTK_THEME",
    "ADW_DEBUG_COLOR_SCHEME",
    "ADW_DEBUG_HIGH_CONTRAST",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_DATA_DIRS",
    "XDG_CURRENT_DESKTOP",
    "XDG_SESSION_TYPE",
    "DBUS_SESSION_BUS_ADDRESS",
    "AT_SPI_BUS_ADDRESS",
    "GSETTINGS_BACKEND",
    "ASAN_OPTIONS",
    "LSAN_OPTIONS",
    "TSAN_OPTIONS",
    "UBSAN_OPTIONS",
};

std::vector<char*> AgentEnvironment() {
  std::vector<char*> passed;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string_view name = text.substr(0, text.find('='));
    bool pass = name.starts_with("LC_");
    for (const std::string_view allowed : kPassedVariables) pass = pass || name == allowed;
    if (pass) passed.push_back(*variable);
  }
  passed.push_back(nullptr);
  return passed;
}

bool IsExecutable(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

UniqueFd MovedUp(const UniqueFd& fd) {
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kAboveAgentFds));
}

}  // namespace

absl::StatusOr<std::string> FindConsentAgent() {
  std::string self(PATH_MAX, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
  if (size > 0) {
    self.resize(static_cast<size_t>(size));
    const std::string beside = absl::StrCat(self.substr(0, self.rfind('/')), "/postern-consent");
    if (IsExecutable(beside)) return beside;
  }
  const std::string installed = POSTERN_LIBEXEC_DIR "/postern-consent";
  if (IsExecutable(installed)) return installed;
  return absl::NotFoundError("postern-consent is neither beside posternd nor installed");
}

absl::StatusOr<AgentProcess> AgentProcess::Spawn(const std::string& path,
                                                 std::vector<std::string> arguments,
                                                 UniqueFd channel, UniqueFd terminal) {
  const UniqueFd moved_channel = MovedUp(channel);
  if (!moved_channel.valid()) return absl::UnavailableError("no descriptor for postern-consent");
  const UniqueFd moved_terminal = MovedUp(terminal);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  const absl::Cleanup destroy_actions = [&] { ::posix_spawn_file_actions_destroy(&actions); };
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, moved_channel.get(), kChannelFd);
  if (moved_terminal.valid()) {
    ::posix_spawn_file_actions_adddup2(&actions, moved_terminal.get(), kTerminalFd);
  }
  // Above all of that: sockets of apps and the database are not the agent's business.
  ::posix_spawn_file_actions_addclosefrom_np(
      &actions, moved_terminal.valid() ? kTerminalFd + 1 : kChannelFd + 1);

  // Our threads block signals that the agent must see.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  const absl::Cleanup destroy_attributes = [&] { ::posix_spawnattr_destroy(&attributes); };
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::string name = "postern-consent";
  std::vector<char*> words = {name.data()};
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  std::vector<char*> environment = AgentEnvironment();
  pid_t pid = 0;
  if (::posix_spawn(&pid, path.c_str(), &actions, &attributes, words.data(), environment.data()) !=
      0) {
    return absl::UnavailableError("postern-consent does not start");
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return AgentProcess(pid, std::move(pidfd));
}

AgentProcess::AgentProcess(AgentProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)) {}

int AgentProcess::End() {
  if (pid_ == 0) return -1;
  if (!Ended(0)) {
    ::kill(pid_, SIGTERM);
    if (!Ended(kEndGraceMs)) ::kill(pid_, SIGKILL);
  }
  return Reap();
}

int AgentProcess::Finish() {
  if (pid_ == 0) return -1;
  Ended(kEndGraceMs);
  return End();
}

bool AgentProcess::Ended(int wait_ms) const {
  pollfd state{pidfd_.get(), POLLIN, 0};
  return pidfd_.valid() && ::poll(&state, 1, wait_ms) > 0;
}

int AgentProcess::Reap() {
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  pid_ = 0;
  return reaped > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace postern::broker
