// SPDX-License-Identifier: Apache-2.0
// Lending the terminal in front of a person to posternd, where there is no display: what
// `postern consent --agent` runs. The lender shows nothing of a question and answers nothing.
// posternd asks on the lent terminal through an agent that it starts itself.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace postern::platform {

// Said over the socket beside the terminal's descriptor.
inline constexpr const char* kLentTerminal = "terminal";

// Returns where terminals are lent, for the user whose sockets are under 'runtime_dir'
// (Paths::runtime_dir). In a folder of its own, so that who is given the broker's socket is not
// given this one.
inline std::string TerminalSocketPath(const std::string& runtime_dir) {
  return runtime_dir + "-consent/terminal.sock";
}

// Lends the controlling terminal to each question that comes, until SIGINT, SIGTERM or SIGHUP.
// FAILED_PRECONDITION when there is no controlling terminal or the folder cannot be made;
// ALREADY_EXISTS when another terminal is being lent.
absl::Status LendTerminal(const std::string& socket_path);

}  // namespace postern::platform
