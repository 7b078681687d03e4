// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/driver.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace postern::conformance {
namespace {

// A far end with a server of its own takes a while to put everything away.
constexpr int kEndMilliseconds = 20'000;
constexpr int kTermMilliseconds = 5'000;

bool AwaitEnd(int pidfd, int milliseconds) {
  pollfd end{pidfd, POLLIN, 0};
  return ::poll(&end, 1, milliseconds) > 0;
}

// The processes whose parent we are.
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    std::ifstream status(entry.path() / "status");
    for (std::string word; status >> word;) {
      if (word != "PPid:") continue;
      pid_t parent = 0;
      if (status >> parent && parent == ::getpid()) children.push_back(pid);
      break;
    }
  }
  return children;
}

// Ends what the program left behind: a keyring that turned into a daemon, an adapter that was
// forgotten. They come back to us, who are their reaper.
void EndOrphans() {
  for (const pid_t pid : Children()) {
    const platform::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    ::kill(pid, SIGTERM);
    if (!AwaitEnd(pidfd.get(), kTermMilliseconds)) ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Driver>> Driver::Start(const std::vector<std::string>& command,
                                                      const std::vector<std::string>& environment,
                                                      const std::string& errors_path) {
  std::array<int, 2> in{}, out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) {
    return absl::UnavailableError("no more files can be opened");
  }
  auto driver = std::unique_ptr<Driver>(new Driver());
  platform::UniqueFd child_in(in[0]), child_out(out[1]);
  driver->input_.Reset(in[1]);
  driver->output_.Reset(out[0]);
  platform::UniqueFd errors(
      ::open(errors_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  // A program that ended closes the pipe: that is an error of a write, not our end.
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  driver->pid_ = ::fork();
  if (driver->pid_ < 0) return absl::UnavailableError("no more programs can be started");
  if (driver->pid_ == 0) {
    ::setsid();
    ::dup2(child_in.get(), STDIN_FILENO);
    ::dup2(child_out.get(), STDOUT_FILENO);
    if (errors.valid()) ::dup2(errors.get(), STDERR_FILENO);
    for (const std::string& variable : environment) ::putenv(::strdup(variable.c_str()));
    ::signal(SIGPIPE, SIG_DFL);
    ::execvp(words.front(), words.data());
    ::_exit(127);
  }
  driver->pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, driver->pid_, 0)));
  return driver;
}

Driver::~Driver() {
  if (pid_ <= 0) return;
  input_.Reset();
  if (!AwaitEnd(pidfd_.get(), kEndMilliseconds)) {
    // Its session is its own: the adapter that it started is in it.
    ::kill(-pid_, SIGTERM);
    if (!AwaitEnd(pidfd_.get(), kTermMilliseconds)) ::kill(-pid_, SIGKILL);
  }
  ::waitpid(pid_, nullptr, 0);
  EndOrphans();
}

absl::StatusOr<Json> Driver::Ask(const Json& request, absl::Duration timeout) {
  std::string line = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  line += '\n';
  for (size_t at = 0; at < line.size();) {
    const ssize_t written = ::write(input_.get(), line.data() + at, line.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return absl::UnavailableError("the far end's program has ended");
    at += static_cast<size_t>(written);
  }
  const absl::Time deadline = absl::Now() + timeout;
  for (;;) {
    if (const size_t end = unread_.find('\n'); end != std::string::npos) {
      Json answer = Json::parse(unread_.substr(0, end), nullptr, false);
      unread_.erase(0, end + 1);
      if (!answer.is_object()) {
        return absl::InvalidArgumentError("the far end's program did not answer with an object");
      }
      return answer;
    }
    if (unread_.size() > kAnswerBytesMax) {
      return absl::InvalidArgumentError("the far end's program answers without end");
    }
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError("the far end's program did not answer in time");
    }
    pollfd ready{output_.get(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) <= 0) continue;
    std::array<char, 65536> bytes;
    const ssize_t got = ::read(output_.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return absl::UnavailableError("the far end's program has ended");
    unread_.append(bytes.data(), static_cast<size_t>(got));
  }
}

}  // namespace postern::conformance
