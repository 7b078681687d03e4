// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/scripted_person.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace postern::fakes {
namespace {

using Clock = std::chrono::steady_clock;

int MillisecondsUntil(Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<int64_t>(0, left));
}

}  // namespace

ScriptedPerson::ScriptedPerson() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
  if (!master_.valid() || ::grantpt(master_.get()) != 0 || ::unlockpt(master_.get()) != 0) abort();
  const winsize size{24, 80, 0, 0};
  ::ioctl(master_.get(), TIOCSWINSZ, &size);
}

ScriptedPerson::~ScriptedPerson() {
  master_.Reset();
  if (child_ > 0 && Wait(std::chrono::seconds(2)) < 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
}

pid_t ScriptedPerson::Run(const std::vector<std::string>& arguments) {
  std::vector<char*> words;
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  return Run([&words] {
    ::execv(words.front(), words.data());
    return 127;
  });
}

pid_t ScriptedPerson::Run(const std::function<int()>& child) {
  std::array<char, 128> name{};
  if (child_ != 0 || ::ptsname_r(master_.get(), name.data(), name.size()) != 0) return -1;
  child_ = ::fork();
  if (child_ != 0) return child_;
  ::setsid();
  // The first terminal that a session's leader opens becomes its controlling one.
  const int slave = ::open(name.data(), O_RDWR);
  if (slave < 0) ::_exit(126);
  for (const int fd : {0, 1, 2}) ::dup2(slave, fd);
  if (slave > 2) ::close(slave);
  ::_exit(child());
}

int ScriptedPerson::Wait(std::chrono::milliseconds timeout) {
  if (child_ <= 0) return -1;
  const platform::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
  const auto deadline = Clock::now() + timeout;
  while (true) {
    // What it prints must be read, or it never gets to its end.
    std::array<pollfd, 2> fds = {pollfd{pidfd.get(), POLLIN, 0}, pollfd{master_.get(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), MillisecondsUntil(deadline)) <= 0) return -1;
    if (fds[0].revents != 0) break;
    // A terminal without a program on it hangs up: then there is only the process to wait for.
    if (!ReadMore(deadline)) {
      pollfd only{pidfd.get(), POLLIN, 0};
      if (::poll(&only, 1, MillisecondsUntil(deadline)) <= 0) return -1;
      break;
    }
  }
  while (ReadMore(Clock::now())) {
  }
  int status = 0;
  if (::waitpid(child_, &status, 0) != child_) return -1;
  child_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool ScriptedPerson::ReadMore(Clock::time_point deadline) {
  pollfd state{master_.get(), POLLIN, 0};
  if (!master_.valid() || ::poll(&state, 1, MillisecondsUntil(deadline)) <= 0) return false;
  std::array<char, 4096> buffer;
  const ssize_t size = ::read(master_.get(), buffer.data(), buffer.size());
  if (size <= 0) return false;
  screen_.append(buffer.data(), static_cast<size_t>(size));
  return true;
}

bool ScriptedPerson::Expect(std::string_view text, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    const size_t found = screen_.find(text, seen_);
    if (found != std::string::npos) {
      seen_ = found + text.size();
      return true;
    }
    if (!ReadMore(deadline)) return false;
  }
}

std::string ScriptedPerson::ExpectOneOf(const std::vector<std::string>& prompts) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (true) {
    size_t first = std::string::npos;
    std::string which;
    for (const std::string& prompt : prompts) {
      const size_t found = screen_.find(prompt, seen_);
      if (found < first) {
        first = found;
        which = prompt;
      }
    }
    // The prompt's end is where the agent waits.
    const size_t end = first == std::string::npos ? first : screen_.find_first_of(">.", first);
    if (end != std::string::npos) {
      seen_ = end + 1;
      return which;
    }
    if (!ReadMore(deadline)) return "";
  }
}

void ScriptedPerson::Type(std::string_view keys) {
  while (!keys.empty()) {
    const ssize_t size = ::write(master_.get(), keys.data(), keys.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    keys.remove_prefix(static_cast<size_t>(size));
  }
}

void ScriptedPerson::TypeLine(std::string_view line) {
  Type(line);
  Type("\n");
}

bool ScriptedPerson::Answer(const TypedAnswers& answers) {
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"Your name for it", answers.name},    {"Allow which", answers.scopes},
      {"Which chats", answers.chats},        {"Which accounts", answers.accounts},
      {"Which kinds (", answers.kinds},      {"With whom (", answers.people},
      {"Leave out which", answers.left_out}, {"How far back", answers.history},
      {"How many (", answers.sends},         {"How long (", answers.duration},
      {"While locked (", answers.locked},    {"Start it (", answers.start},
      {"Type \"allow\"", answers.word},
  };
  std::vector<std::string> prompts;
  for (const auto& [prompt, line] : lines) prompts.push_back(prompt);
  while (true) {
    const std::string prompt = ExpectOneOf(prompts);
    if (prompt.empty()) return false;
    const auto found = std::find_if(lines.begin(), lines.end(),
                                    [&](const auto& entry) { return entry.first == prompt; });
    TypeLine(found->second);
    if (found == lines.end() - 1) return true;
    // Numbers only tick; an empty line says that the picking is done.
    const bool picks = prompt == "Which chats" || prompt == "Leave out which";
    if (picks && !found->second.empty() &&
        found->second.find_first_not_of("0123456789 ,-") == std::string::npos) {
      if (ExpectOneOf({prompt}).empty()) return false;
      TypeLine("");
    }
  }
}

bool ScriptedPerson::RefuseWithEnter() {
  // The first Enter keeps the offered name, or refuses where none is offered; the next one refuses.
  if (ExpectOneOf({"Your name for it"}).empty()) return false;
  TypeLine("");
  if (ExpectOneOf({"Allow which", "Type \"allow\"", "Postern: refused"}).empty()) return false;
  TypeLine("");
  return true;
}

}  // namespace postern::fakes
