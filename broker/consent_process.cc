// SPDX-License-Identifier: Apache-2.0
#include "broker/consent_process.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/linux/message_channel.h"
#include "platform/status_macros.h"

// The build says where it is installed; a build tree has the agent beside the daemon.
#ifndef POSTERN_LIBEXEC_DIR
#define POSTERN_LIBEXEC_DIR "/usr/libexec/postern"
#endif

extern char** environ;

namespace postern::broker {
namespace {

using platform::UniqueFd;

constexpr int kChannelFd = 3;
// Written to a process that starts: the agent reads at once or is broken.
constexpr absl::Duration kSendTimeout = absl::Seconds(10);
// The agent ends the question itself, at its time; this is for one that hangs.
constexpr absl::Duration kAnswerGrace = absl::Seconds(10);
// To put the terminal back after SIGTERM, before SIGKILL.
constexpr int kEndGraceMs = 1000;
constexpr int kExitUnavailable = 3;

// What the agent needs of our environment to reach the display, the session bus and the right
// language. Variables that load code into it (LD_PRELOAD, GTK_MODULES, GIO_EXTRA_MODULES) are not
// among them.
constexpr std::array<std::string_view, 26> kPassedVariables = {"HOME",
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
                                                               "GDK_SCALE",
                                                               "GDK_DPI_SCALE",
                                                               "GSK_RENDERER",
                                                               "GTK_A11Y",
                                                               "GTK_THEME",
                                                               "XDG_RUNTIME_DIR",
                                                               "XDG_CONFIG_HOME",
                                                               "XDG_DATA_HOME",
                                                               "XDG_DATA_DIRS",
                                                               "XDG_CURRENT_DESKTOP",
                                                               "XDG_SESSION_TYPE",
                                                               "DBUS_SESSION_BUS_ADDRESS",
                                                               "AT_SPI_BUS_ADDRESS",
                                                               "GSETTINGS_BACKEND",
                                                               "ASAN_OPTIONS"};

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

const char* FaceName(ConsentFace face) {
  switch (face) {
    case ConsentFace::kWindow:
      return "window";
    case ConsentFace::kTerminal:
      return "terminal";
    case ConsentFace::kAuto:
      break;
  }
  return "auto";
}

// A running agent. Ends it on destruction.
class Agent {
 public:
  // Returns a process with 'channel' as its descriptor 3 and no other of ours.
  static absl::StatusOr<Agent> Spawn(const std::string& path, ConsentFace face, UniqueFd channel) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    const absl::Cleanup destroy_actions = [&] { ::posix_spawn_file_actions_destroy(&actions); };
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    // Onto itself too: that clears close-on-exec.
    ::posix_spawn_file_actions_adddup2(&actions, channel.get(), kChannelFd);
    // Above all of that: sockets of apps and the database are not the agent's business.
    ::posix_spawn_file_actions_addclosefrom_np(&actions, kChannelFd + 1);

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

    std::string face_argument = absl::StrCat("--face=", FaceName(face));
    std::string name = "postern-consent";
    std::array<char*, 3> arguments = {name.data(), face_argument.data(), nullptr};
    std::vector<char*> environment = AgentEnvironment();
    pid_t pid = 0;
    if (::posix_spawn(&pid, path.c_str(), &actions, &attributes, arguments.data(),
                      environment.data()) != 0) {
      return absl::UnavailableError("postern-consent does not start");
    }
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return Agent(pid, std::move(pidfd));
  }

  Agent(Agent&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)) {}
  ~Agent() { End(); }

  // Returns its exit code, or -1 when a signal ended it. Asks it to end, and makes it.
  int End() {
    if (pid_ == 0) return -1;
    if (!Ended(0)) {
      ::kill(pid_, SIGTERM);
      if (!Ended(kEndGraceMs)) ::kill(pid_, SIGKILL);
    }
    return Reap();
  }

  // Returns its exit code as End, but lets it finish what it does after closing the channel.
  int Finish() {
    if (pid_ == 0) return -1;
    Ended(kEndGraceMs);
    return End();
  }

 private:
  Agent(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  bool Ended(int wait_ms) const {
    pollfd state{pidfd_.get(), POLLIN, 0};
    return pidfd_.valid() && ::poll(&state, 1, wait_ms) > 0;
  }

  int Reap() {
    int status = 0;
    pid_t reaped = 0;
    do {
      reaped = ::waitpid(pid_, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    pid_ = 0;
    return reaped > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  pid_t pid_;
  UniqueFd pidfd_;
};

ConsentOutcome NoAnswer(ConsentOutcome::Kind kind) { return {kind, {}}; }

// Reads until the answer comes, and answers drafts until then. Errors as ReceiveFromChannel, and
// INVALID_ARGUMENT when what came is no answer.
absl::StatusOr<permissions::ConsentAnswer> Listen(int channel,
                                                  const permissions::ConsentQuestion& question,
                                                  const ConsentCancellation& cancellation,
                                                  const ConsentPreviewer& preview) {
  const absl::Time deadline = platform::ChannelNow() + question.timeout + kAnswerGrace;
  for (int drafts = 0; drafts <= kPreviewDraftsMax; ++drafts) {
    ASSIGN_OR_RETURN(const platform::ChannelMessage message,
                     platform::ReceiveFromChannel(channel, cancellation.fd(),
                                                  deadline - platform::ChannelNow()));
    ASSIGN_OR_RETURN(permissions::ConsentAnswer answer, permissions::AnswerFromJson(message.bytes));
    if (answer.decision != permissions::ConsentDecision::kDraft) return answer;
    permissions::ConsentPreview shown;
    if (preview) shown = preview(answer);
    RETURN_IF_ERROR(platform::SendOnChannel(channel, permissions::ToJson(shown), -1,
                                            cancellation.fd(), kSendTimeout));
  }
  return absl::InvalidArgumentError("more drafts than a person makes");
}

bool IsExecutable(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

}  // namespace

ConsentCancellation::ConsentCancellation() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void ConsentCancellation::Cancel() {
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then it is cancelled already.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof(one));
}

bool ConsentCancellation::cancelled() const {
  pollfd state{event_.get(), POLLIN, 0};
  return ::poll(&state, 1, 0) > 0;
}

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

ConsentOutcome ConsentProcess::Ask(const permissions::ConsentQuestion& question, UniqueFd pidfd,
                                   const ConsentCancellation& cancellation,
                                   const ConsentPreviewer& preview) {
  using Kind = ConsentOutcome::Kind;
  if (cancellation.cancelled()) return NoAnswer(Kind::kCancelled);
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ends = platform::MakeChannel();
  if (!ends.ok()) return NoAnswer(Kind::kFailed);
  const UniqueFd channel = std::move(ends->first);
  absl::StatusOr<Agent> agent = Agent::Spawn(agent_, face_, std::move(ends->second));
  if (!agent.ok()) return NoAnswer(Kind::kUnavailable);

  const absl::Status sent = platform::SendOnChannel(channel.get(), permissions::ToJson(question),
                                                    pidfd.get(), cancellation.fd(), kSendTimeout);
  if (absl::IsCancelled(sent)) return NoAnswer(Kind::kCancelled);
  if (!sent.ok()) return NoAnswer(Kind::kFailed);
  // Ours was only for the agent; held longer it would keep nothing useful.
  pidfd.Reset();

  const absl::StatusOr<permissions::ConsentAnswer> answer =
      Listen(channel.get(), question, cancellation, preview);
  if (absl::IsCancelled(answer.status())) return NoAnswer(Kind::kCancelled);
  if (absl::IsDeadlineExceeded(answer.status())) return NoAnswer(Kind::kExpired);
  if (absl::IsUnavailable(answer.status())) {
    return NoAnswer(agent->Finish() == kExitUnavailable ? Kind::kUnavailable : Kind::kFailed);
  }
  // The agent is ours, and yet not believed: its answer must fit this very question.
  if (!answer.ok() || !permissions::CheckAnswer(question, *answer, absl::Now()).ok()) {
    return NoAnswer(Kind::kFailed);
  }
  agent->Finish();
  if (cancellation.cancelled()) return NoAnswer(Kind::kCancelled);
  const bool expired = answer->decision == permissions::ConsentDecision::kExpired;
  return {expired ? Kind::kExpired : Kind::kAnswered, *answer};
}

}  // namespace postern::broker
