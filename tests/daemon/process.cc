// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

extern char** environ;

namespace postern::daemon_test {
namespace {

using platform::UniqueFd;
using Clock = std::chrono::steady_clock;

// SD_LISTEN_FDS_START.
constexpr int kFirstPassedFd = 3;

// Tells the files of one process from those of the next.
int NextNumber() {
  static std::atomic<int> number{0};
  return ++number;
}

std::vector<std::string> Variables(const Environment& environment) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (environment.find(text.substr(0, text.find('='))) == environment.end()) {
      variables.push_back(text);
    }
  }
  for (const auto& [name, value] : environment) {
    if (!value.empty()) variables.push_back(name + "=" + value);
  }
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

UniqueFd BindDatagram(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (!fd.valid() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    std::abort();
  }
  return fd;
}

}  // namespace

std::string ProgramPath(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* const folder = ::getenv("POSTERN_BIN");
  if (folder == nullptr) std::abort();  // run by ctest, which names the folder
  return std::string(folder) + "/" + name;
}

std::string ReadFile(const std::string& path, size_t from) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void WriteFile(const std::string& path, const std::string& bytes, mode_t mode) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  ::chmod(path.c_str(), mode);
}

Profile::Profile(const fakes::SessionBus* session) {
  // /tmp and not TMPDIR: a socket's path has 107 bytes.
  char home[] = "/tmp/postern-daemon-XXXXXX";
  if (::mkdtemp(home) == nullptr) std::abort();
  home_ = home;
  for (const char* folder : {"/run", "/data", "/config", "/config/postern"}) {
    ::mkdir((home_ + folder).c_str(), 0700);
  }
  environment_ = {{"DISPLAY", ""}, {"WAYLAND_DISPLAY", ""}, {"DBUS_SESSION_BUS_ADDRESS", ""}};
  if (session != nullptr) {
    for (const auto& [name, value] : session->Environment()) environment_[name] = value;
  }
  environment_["HOME"] = home_;
  environment_["XDG_RUNTIME_DIR"] = home_ + "/run";
  environment_["XDG_DATA_HOME"] = home_ + "/data";
  environment_["XDG_CONFIG_HOME"] = home_ + "/config";
  environment_["XDG_CACHE_HOME"] = home_ + "/cache";
}

Profile::~Profile() {
  std::error_code ignored;
  std::filesystem::remove_all(home_, ignored);
}

std::unique_ptr<Process> Process::Start(const Profile& profile, ProcessOptions options) {
  auto process = std::unique_ptr<Process>(new Process());
  const std::string name = profile.home() + "/" +
                           std::filesystem::path(options.program).filename().string() + "-" +
                           std::to_string(NextNumber());
  process->notice_path_ = name + ".notices";
  process->output_path_ = name + ".out";
  process->errors_path_ = name + ".err";
  process->person_ = options.person;
  process->notices_ = BindDatagram(process->notice_path_);
  ::chmod(process->notice_path_.c_str(), options.user == 0 ? 0700 : 0777);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const UniqueFd output(
      ::open(process->output_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const UniqueFd errors(
      ::open(process->errors_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));

  std::vector<std::string> words = {ProgramPath(options.program)};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  Environment environment = profile.environment();
  environment["NOTIFY_SOCKET"] = process->notice_path_;
  for (const auto& [variable, value] : options.environment) environment[variable] = value;
  std::vector<std::string> variables = Variables(environment);
  // Its own pid is known only after the fork: the place is kept.
  std::string listen_pid(32, '\0');
  if (options.activation_socket >= 0) {
    variables.push_back("LISTEN_FDS=1");
    variables.push_back("LISTEN_FDNAMES=postern");
  }
  std::vector<char*> arguments = Pointers(words);
  std::vector<char*> pointers = Pointers(variables);
  pointers.insert(pointers.end() - 1, listen_pid.data());
  if (options.activation_socket < 0) pointers.erase(pointers.end() - 2);

  const pid_t parent = ::getpid();
  const auto child = [&]() -> int {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) return 127;
    // Without a person there is no terminal either, not even that of who runs the test.
    if (options.person == nullptr) ::setsid();
    ::umask(options.mask);
    // A terminal that no process has open hangs up.
    if (options.person != nullptr && options.input >= 0 && ::dup(STDIN_FILENO) < 0) return 126;
    if (options.person == nullptr || options.input >= 0) {
      ::dup2(options.input >= 0 ? options.input : null.get(), STDIN_FILENO);
    }
    ::dup2(output.get(), STDOUT_FILENO);
    ::dup2(errors.get(), STDERR_FILENO);
    if (options.activation_socket >= 0) {
      std::snprintf(listen_pid.data(), listen_pid.size(), "LISTEN_PID=%d", ::getpid());
      if (options.activation_socket == kFirstPassedFd) {
        ::fcntl(kFirstPassedFd, F_SETFD, 0);
      } else {
        ::dup2(options.activation_socket, kFirstPassedFd);
      }
    }
    if (options.user != 0) {
      if (::setresgid(options.user, options.user, options.user) != 0 ||
          ::setresuid(options.user, options.user, options.user) != 0) {
        return 126;
      }
    }
    ::execve(arguments[0], arguments.data(), pointers.data());
    return 127;
  };
  if (options.person != nullptr) {
    process->pid_ = options.person->Run(child);
  } else {
    process->pid_ = ::fork();
    if (process->pid_ == 0) ::_exit(child());
  }
  if (process->pid_ <= 0) std::abort();
  process->pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, process->pid_, 0)));
  return process;
}

Process::~Process() {
  if (running()) Kill();
  ::unlink(notice_path_.c_str());
}

bool Process::Ended(Milliseconds timeout) const {
  pollfd state{pidfd_.get(), POLLIN, 0};
  return ::poll(&state, 1, static_cast<int>(timeout.count())) > 0;
}

bool Process::AwaitNotice(const std::string& text, Milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - Clock::now());
    pollfd state[] = {{notices_.get(), POLLIN, 0}, {pidfd_.get(), POLLIN, 0}};
    if (left.count() <= 0 || ::poll(state, 2, static_cast<int>(left.count())) <= 0) return false;
    // What it said before it ended still counts.
    if (state[0].revents == 0) return false;
    char notice[4096];
    const ssize_t size = ::recv(notices_.get(), notice, sizeof(notice), 0);
    if (size > 0 && std::string_view(notice, size).find(text) != std::string_view::npos)
      return true;
  }
}

int Process::Wait(Milliseconds timeout) {
  if (!running()) return exit_code_;
  if (person_ != nullptr) {
    exit_code_ = person_->Wait(timeout);
    return exit_code_;
  }
  if (!Ended(timeout)) return -1;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  left_core_ = WIFSIGNALED(status) && WCOREDUMP(status);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

void Process::Signal(int signal) const {
  if (running()) ::kill(pid_, signal);
}

int Process::Stop() {
  Signal(SIGTERM);
  return Wait();
}

int Process::Kill() {
  Signal(SIGKILL);
  return Wait();
}

Ending RunToEnd(const Profile& profile, ProcessOptions options) {
  const auto process = Process::Start(profile, std::move(options));
  Ending ending;
  ending.code = process->Wait();
  ending.output = process->output();
  ending.errors = process->errors();
  return ending;
}

}  // namespace postern::daemon_test
