// SPDX-License-Identifier: Apache-2.0
// A running postern-consent: the program that shows things to the person. It is the one beside this
// executable, or the installed one: no option, environment variable or configuration names another,
// because whoever could would answer for the person.
#pragma once

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "platform/unique_fd.h"

namespace postern::broker {

// How it says that there is nowhere to show anything.
inline constexpr int kAgentExitUnavailable = 3;

// Returns the path of the agent: beside /proc/self/exe, else in the libexec directory that was
// compiled in. NOT_FOUND when neither is there.
absl::StatusOr<std::string> FindConsentAgent();

// Owns the process and ends it on destruction. One thread.
class AgentProcess {
 public:
  // Starts 'path' with 'arguments' after its name, 'channel' as its descriptor 3, 'terminal' (if it
  // is one) as its 4, and no other descriptor of ours; of the environment it gets a short list.
  // UNAVAILABLE when it does not start.
  static absl::StatusOr<AgentProcess> Spawn(const std::string& path,
                                            std::vector<std::string> arguments,
                                            platform::UniqueFd channel,
                                            platform::UniqueFd terminal = platform::UniqueFd());
  AgentProcess(AgentProcess&& other) noexcept;
  ~AgentProcess() { End(); }

  // Asks it to end, and makes it. Returns its exit code, or -1 when a signal ended it.
  int End();
  // As End, but lets it finish what it does after closing the channel.
  int Finish();

 private:
  AgentProcess(pid_t pid, platform::UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  bool Ended(int wait_ms) const;
  int Reap();

  pid_t pid_;
  platform::UniqueFd pidfd_;
};

}  // namespace postern::broker
