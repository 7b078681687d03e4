// SPDX-License-Identifier: Apache-2.0
// A terminal that a person lends for questions, where there is no display: `postern consent
// --agent` (platform/linux/terminal_lender.h).
//
// Only the terminal comes from there. The question is not given away: it is asked on that terminal
// by an agent that this daemon starts itself, from the executable beside it and with a clean
// environment. Which program lends is therefore not looked at; who may lend is.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "platform/unique_fd.h"

namespace postern::broker {

struct LentTerminal {
  // The lender waits until this is closed.
  platform::UniqueFd connection;
  platform::UniqueFd terminal;
};

// Waits until the terminal at 'socket_path' is handed over: its lender may first have to bring it
// to the foreground. UNAVAILABLE when nobody lends one, PERMISSION_DENIED when the folder is not
// this user's alone or the lender is another user or in a sandbox, CANCELLED when 'wake' becomes
// readable, DEADLINE_EXCEEDED after 'timeout'.
absl::StatusOr<LentTerminal> BorrowTerminal(const std::string& socket_path, int wake,
                                            absl::Duration timeout);

}  // namespace postern::broker
