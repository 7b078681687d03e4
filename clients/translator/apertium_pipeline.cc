// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/apertium_pipeline.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace postern::translator {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What a message may grow to; more is a fault of the programs.
constexpr size_t kOutputBytesMax = 1024 * 1024;
constexpr std::string_view kMarks = "[]{}^$/\\@<>";
// A full stop, and an empty superblank that tells it from one of the writer's.
constexpr char kEnd[] = ".[]";

bool Pipe(int (&ends)[2]) { return ::pipe2(ends, O_CLOEXEC) == 0; }

void Close(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// Starts one program between two file descriptors; returns 0 or an errno. What it says on standard
// error could quote the text, so nobody hears it.
int Spawn(const Stage& stage, int input, int output, pid_t& pid) {
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  // We ignore SIGPIPE, and that would be inherited.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

  std::vector<char*> arguments;
  for (const std::string& word : stage) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // Without a UTF-8 locale they take bytes for letters.
  std::string locale = "LC_ALL=C.UTF-8";
  std::string path = absl::StrCat("PATH=", ::getenv("PATH") ? ::getenv("PATH") : "/usr/bin:/bin");
  char* environment[] = {locale.data(), path.data(), nullptr};
  const int error =
      ::posix_spawnp(&pid, stage[0].c_str(), &files, &attributes, arguments.data(), environment);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return error;
}

size_t LinkLength(std::string_view text) {
  if (!absl::StartsWith({text.data(), text.size()}, "https://") &&
      !absl::StartsWith({text.data(), text.size()}, "http://")) {
    return 0;
  }
  return std::min(text.find_first_of(" \t\r\n"), text.size());
}

void AppendEscaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (kMarks.find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c == '\0' ? ' ' : c);
  }
}

}  // namespace

std::string ToStream(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t blank = LinkLength(text.substr(at));
    if (blank == 0 && (text[at] == '\n' || text[at] == '\r')) blank = 1;
    if (blank > 0) out.push_back('[');
    AppendEscaped(text.substr(at, std::max<size_t>(blank, 1)), out);
    if (blank > 0) out.push_back(']');
    at += std::max<size_t>(blank, 1);
  }
  return out + kEnd;
}

std::string FromStream(std::string_view stream) {
  if (absl::EndsWith({stream.data(), stream.size()}, kEnd)) stream.remove_suffix(sizeof kEnd - 1);
  std::string out;
  for (size_t at = 0; at < stream.size(); ++at) {
    if (stream[at] == '\\' && at + 1 < stream.size()) {
      out.push_back(stream[++at]);
    } else if (stream[at] != '[' && stream[at] != ']') {
      out.push_back(stream[at]);
    }
  }
  return out;
}

absl::StatusOr<std::unique_ptr<ApertiumPipeline>> ApertiumPipeline::Start(
    const std::vector<Stage>& stages) {
  std::unique_ptr<ApertiumPipeline> pipeline(new ApertiumPipeline);
  int first[2];
  if (!Pipe(first)) return absl::ResourceExhaustedError("there is no room for another pipe");
  pipeline->input_ = first[1];
  int from = first[0];
  for (const Stage& stage : stages) {
    int next[2];
    if (!Pipe(next)) {
      Close(from);
      return absl::ResourceExhaustedError("there is no room for another pipe");
    }
    pid_t pid = 0;
    const int error = Spawn(stage, from, next[1], pid);
    Close(from);
    Close(next[1]);
    from = next[0];
    if (error != 0) {
      Close(from);
      return absl::FailedPreconditionError(
          absl::StrCat("Apertium's program “", stage[0],
                       "” cannot be started. `apt install --reinstall apertium` brings it back."));
    }
    pipeline->programs_.push_back(pid);
  }
  pipeline->output_ = from;
  // Ours alone: the programs' ends stay as they are.
  for (const int fd : {pipeline->input_, pipeline->output_}) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  return pipeline;
}

ApertiumPipeline::~ApertiumPipeline() {
  Close(input_);
  Close(output_);
  for (const pid_t pid : programs_) ::kill(pid, SIGKILL);
  for (const pid_t pid : programs_) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

absl::StatusOr<std::string> ApertiumPipeline::Translate(std::string_view text,
                                                        absl::Duration limit) {
  const auto end = SteadyClock::now() + absl::ToChronoNanoseconds(limit);
  std::string in = ToStream(text);
  in.push_back('\0');
  size_t written = 0;
  std::string out;
  // Writing and reading at once: a long text does not fit into the pipes.
  for (;;) {
    // Rounded up: no text is given up before its time.
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - SteadyClock::now()).count();
    if (left <= 0) return absl::DeadlineExceededError("Apertium got stuck on this text.");
    pollfd both[2] = {{output_, POLLIN, 0}, {input_, POLLOUT, 0}};
    const int ready = ::poll(both, written < in.size() ? 2 : 1, static_cast<int>(left));
    if (ready < 0 && errno != EINTR) return absl::UnavailableError("Apertium cannot be read.");
    if (ready <= 0) continue;
    if (both[1].revents != 0) {
      const ssize_t count = ::write(input_, in.data() + written, in.size() - written);
      if (count < 0 && errno != EAGAIN && errno != EINTR) {
        return absl::UnavailableError("One of Apertium's programs ended.");
      }
      written += static_cast<size_t>(std::max<ssize_t>(count, 0));
    }
    if (both[0].revents != 0) {
      char buffer[16 * 1024];
      const ssize_t count = ::read(output_, buffer, sizeof buffer);
      if (count == 0) return absl::UnavailableError("One of Apertium's programs ended.");
      out.append(buffer, static_cast<size_t>(std::max<ssize_t>(count, 0)));
      if (const size_t nul = out.find('\0'); nul != std::string::npos) {
        return FromStream(std::string_view(out).substr(0, nul));
      }
      if (out.size() > kOutputBytesMax) {
        return absl::DeadlineExceededError("Apertium's answer has no end.");
      }
    }
  }
}

}  // namespace postern::translator
