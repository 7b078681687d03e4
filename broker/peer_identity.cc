// SPDX-License-Identifier: Apache-2.0
#include "broker/peer_identity.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <absl/status/status.h>

#include <cerrno>

namespace postern::broker {
namespace {

// The C library's headers of Debian 12 are older than the option (Linux 6.5).
#ifndef SO_PEERPIDFD
constexpr int kSoPeerPidfd = 77;
#else
constexpr int kSoPeerPidfd = SO_PEERPIDFD;
#endif

// For kernels before 6.5. The pid could have been given to another process since it connected, which
// SO_PEERPIDFD excludes: the best that such a kernel can do is a process that is alive now.
absl::StatusOr<platform::UniqueFd> OpenByPid(pid_t pid) {
  platform::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return absl::ErrnoToStatus(errno, "pidfd_open");
  pollfd state{pidfd.get(), POLLIN, 0};
  if (poll(&state, 1, 0) != 0) return absl::NotFoundError("the peer's process has ended");
  return pidfd;
}

}  // namespace

absl::StatusOr<ConnectionTable::Peer> IdentifyPeer(int socket) {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return absl::ErrnoToStatus(errno, "SO_PEERCRED");
  }
  ConnectionTable::Peer peer;
  peer.uid = credentials.uid;
  peer.pid = credentials.pid;
  int pidfd = -1;
  length = sizeof(pidfd);
  if (getsockopt(socket, SOL_SOCKET, kSoPeerPidfd, &pidfd, &length) == 0) {
    peer.pidfd.Reset(pidfd);
    return peer;
  }
  if (errno != ENOPROTOOPT) return absl::ErrnoToStatus(errno, "SO_PEERPIDFD");
  auto by_pid = OpenByPid(credentials.pid);
  if (!by_pid.ok()) return by_pid.status();
  peer.pidfd = *std::move(by_pid);
  return peer;
}

}  // namespace postern::broker
