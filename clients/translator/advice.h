// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <string>

namespace postern::translator {

// Exit codes, also in --help.
enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNotRunning = 3,
  kNotAllowed = 4,
};

// An error as one line for the user, with the next step. Never quotes a message.
struct Advice {
  ExitCode exit_code;
  std::string line;
};
Advice AdviceFor(const absl::Status& status);

}  // namespace postern::translator
