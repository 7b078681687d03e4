// SPDX-License-Identifier: Apache-2.0
// What `postern` tells the shell. Scripts rely on these numbers: they do not change.
#pragma once

namespace postern::cli {

enum class ExitCode : int {
  kOk = 0,
  // Refused or failed; stderr says why and what to do next.
  kFailed = 1,
  // The command line makes no sense, or names something that does not exist or is ambiguous.
  kUsage = 2,
  // posternd does not run, or its socket does not answer.
  kNotRunning = 3,
  // This program is not enrolled, or the user has not allowed what it asked for, or took it back.
  kNotAllowed = 4,
  // The command worked, and something wants the user's attention (`status`, `doctor`).
  kWarnings = 5,
};

}  // namespace postern::cli
