// SPDX-License-Identifier: Apache-2.0
// Programs of this build as processes of a test, each in a profile of its own on a real session
// bus.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/unique_fd.h"
#include "tests/fakes/scripted_person.h"
#include "tests/fakes/session_bus.h"

namespace postern::daemon_test {

using Environment = std::map<std::string, std::string>;
using Milliseconds = std::chrono::milliseconds;

// A machine that builds at the same time is slow; a daemon that is not there by then will not come.
inline constexpr Milliseconds kPatience = std::chrono::seconds(30);

// Where this build's programs are.
std::string ProgramPath(const std::string& name);
// The file from byte 'from' on; empty when there is none.
std::string ReadFile(const std::string& path, size_t from = 0);
void WriteFile(const std::string& path, const std::string& bytes, mode_t mode = 0600);

// Folders of one user: run/, data/, config/ (0700 all), under a short path. Removed at the end.
class Profile {
 public:
  // On the session's bus, or without one.
  explicit Profile(const fakes::SessionBus* session);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  const std::string& home() const { return home_; }
  std::string runtime_dir() const { return home_ + "/run"; }
  std::string socket() const { return home_ + "/run/postern/postern.sock"; }
  std::string data_dir() const { return home_ + "/data/postern"; }
  std::string clients_dir() const { return home_ + "/data/postern-clients"; }
  std::string config_file() const { return home_ + "/config/postern/posternd.toml"; }
  // Free to change; an empty value unsets.
  Environment& environment() { return environment_; }
  const Environment& environment() const { return environment_; }

 private:
  std::string home_;
  Environment environment_;
};

struct ProcessOptions {
  std::string program = "posternd";
  std::vector<std::string> arguments;
  // On top of the profile's.
  Environment environment;
  // Runs on this person's terminal, as its controlling one.
  fakes::ScriptedPerson* person = nullptr;
  // Standard input; /dev/null without.
  int input = -1;
  // A listening socket, handed over as systemd does.
  int activation_socket = -1;
  mode_t mask = 022;
  // Runs as this user; 0 is the test's own.
  uid_t user = 0;
};

// A running program. Standard output and error go to files of the profile. Ends with its owner.
class Process {
 public:
  // Never null; a program that cannot be started shows in its exit code 127.
  static std::unique_ptr<Process> Start(const Profile& profile, ProcessOptions options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // Waits for READY=1 over sd_notify. False when the process ended or the time passed.
  bool AwaitReady(Milliseconds timeout = kPatience) { return AwaitNotice("READY=1", timeout); }
  // Waits for a notification that contains 'text'.
  bool AwaitNotice(const std::string& text, Milliseconds timeout = kPatience);
  // Waits for the end. Returns the exit code, 128 + n for signal n, or -1 when the time passed.
  int Wait(Milliseconds timeout = kPatience);
  void Signal(int signal) const;
  // SIGTERM, and waits.
  int Stop();
  // SIGKILL, and waits.
  int Kill();
  bool running() const { return exit_code_ < 0; }
  // Whether its end wrote a core file.
  bool left_core() const { return left_core_; }

  std::string output() const { return ReadFile(output_path_); }
  std::string errors() const { return ReadFile(errors_path_); }
  const std::string& errors_path() const { return errors_path_; }

 private:
  Process() = default;
  bool Ended(Milliseconds timeout) const;

  pid_t pid_ = -1;
  int exit_code_ = -1;
  bool left_core_ = false;
  fakes::ScriptedPerson* person_ = nullptr;
  platform::UniqueFd pidfd_;
  platform::UniqueFd notices_;
  std::string notice_path_;
  std::string output_path_;
  std::string errors_path_;
};

// Runs a program to its end.
struct Ending {
  int code = -1;
  std::string output;
  std::string errors;
};
Ending RunToEnd(const Profile& profile, ProcessOptions options = {});

}  // namespace postern::daemon_test
