// SPDX-License-Identifier: Apache-2.0
// AliceChat as a program: signals, screen, keyring, and the parts that do the work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clients/gatekeepers/demo/player.h"

namespace postern::demo {

// Exit codes, as --help and the README name them.
inline constexpr int kDone = 0;
inline constexpr int kUsage = 2;
inline constexpr int kNotAllowed = 3;
inline constexpr int kNoStorage = 4;

struct ProgramOptions {
  std::string script_path;
  std::string journal_path;
  PlayOptions play;
  bool exit_at_end = false;
  bool quiet = false;
  bool control = false;
  bool show_events = false;
  int generate = 0;
  int chats = 20;
  uint64_t seed = 1;
  std::vector<std::string> faults;
};

// Runs until the script is over and that is the end, a signal, or the broker's last word. Returns
// the exit code.
int RunProgram(const ProgramOptions& options);

}  // namespace postern::demo
