// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a Unix socket, as the kernel says it.
#pragma once

#include <absl/status/statusor.h>
#include <sys/types.h>

#include "platform/unique_fd.h"

namespace postern::platform {

// Starts as nobody: a struct of zeroes would be root.
struct PeerCredentials {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = -1;
  // The process itself; unlike the pid it is never given to another one.
  UniqueFd pidfd;
  // Whether 'pidfd' is the process that connected, by the kernel's word (Linux 6.5 and newer). Else
  // it was opened by pid after the fact, when the number may already have been another's: evidence
  // to be shown as uncertain.
  bool pidfd_exact = false;

  bool valid() const { return uid != static_cast<uid_t>(-1) && pid > 0 && pidfd.valid(); }
};

// Any failure is PERMISSION_DENIED: whoever cannot be identified is refused.
absl::StatusOr<PeerCredentials> ReadPeerCredentials(int connected_socket);

// Whether the process behind 'pidfd' still runs. False on any error.
bool IsAlive(const UniqueFd& pidfd);

}  // namespace postern::platform
