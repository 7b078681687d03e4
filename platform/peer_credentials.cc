// SPDX-License-Identifier: Apache-2.0
#include "platform/peer_credentials.h"

#include <absl/status/status.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace postern::platform {
namespace {

absl::Status Deny() { return absl::PermissionDeniedError("the peer cannot be identified"); }

}  // namespace

absl::StatusOr<PeerCredentials> ReadPeerCredentials(int connected_socket) {
  struct ucred kernel = {-1, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  socklen_t size = sizeof(kernel);
  if (::getsockopt(connected_socket, SOL_SOCKET, SO_PEERCRED, &kernel, &size) != 0 ||
      size != sizeof(kernel)) {
    return Deny();
  }
  PeerCredentials peer;
  peer.uid = kernel.uid;
  peer.gid = kernel.gid;
  peer.pid = kernel.pid;
  int pidfd = -1;
  size = sizeof(pidfd);
  if (::getsockopt(connected_socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0 &&
      size == sizeof(pidfd)) {
    peer.pidfd.Reset(pidfd);
    peer.pidfd_exact = true;
  } else if (errno == ENOPROTOOPT && peer.pid > 0) {
    // A kernel before 6.5, such as Debian 12's own. Only this error: any other is about this peer.
    peer.pidfd.Reset(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
  }
  if (!peer.valid()) return Deny();
  if (::fcntl(peer.pidfd.get(), F_SETFD, FD_CLOEXEC) != 0) return Deny();
  return peer;
}

bool IsAlive(const UniqueFd& pidfd) {
  if (!pidfd.valid()) return false;
  // A pidfd becomes readable when its process ends.
  struct pollfd wait = {pidfd.get(), POLLIN, 0};
  return ::poll(&wait, 1, 0) == 0;
}

}  // namespace postern::platform
