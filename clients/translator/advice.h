// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <string>

namespace postern::translator {

// Exit codes, also in --help. The systemd unit starts it again but after kUsage and kNotAllowed: a
// person has to do something first.
enum ExitCode {
  kDone = 0,
  kFailed = 1,  // also what passes by itself
  kUsage = 2,
  kNotRunning = 3,
  kNotAllowed = 4,
};

// An error as one line for the user, with the next step. Never quotes a message.
struct Advice {
  ExitCode exit_code;
  std::string line;
};
// 'folder' is where this program's key lies: to be asked anew means to remove it. Empty where that
// is said elsewhere.
Advice AdviceFor(const absl::Status& status, const std::string& folder = {});

}  // namespace postern::translator
