// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

namespace postern::platform {

// Closes what a process with other people's messages in its memory should not leave open: no core
// files, no ptrace and no reading of /proc/<pid> by other programs of this user, new files for the
// owner alone, no privileges gained by what it starts, and no environment variables that make a
// library write down keys or traffic or load code. Call first in main(), before any thread: it
// changes the environment. Calling it twice does no harm. Any error: the program should not go on.
absl::Status HardenProcess();

}  // namespace postern::platform
