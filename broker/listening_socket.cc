// SPDX-License-Identifier: Apache-2.0
#include "broker/listening_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <cerrno>
#include <cstring>

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// Connections that wait while all slots are taken; more are told to try again by their own kernel
// call.
constexpr int kBacklog = 64;

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // An empty path or a leading NUL would be the abstract namespace, which has no permissions.
  if (path.empty() || path[0] != '/' || path.size() >= sizeof(address.sun_path) ||
      path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a socket's path is absolute and has fewer than ", sizeof(address.sun_path), " bytes"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

absl::Status RemoveDeadSocket(const std::string& path, const sockaddr_un& address) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? absl::OkStatus() : absl::ErrnoToStatus(errno, "look at the socket");
  }
  if (!S_ISSOCK(status.st_mode)) return absl::AlreadyExistsError("not a socket: " + path);
  const platform::UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return absl::ErrnoToStatus(errno, "socket");
  const int result =
      connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  // EAGAIN: somebody listens and is busy.
  if (result == 0 || errno != ECONNREFUSED) {
    return absl::AlreadyExistsError("somebody listens on " + path);
  }
  if (unlink(path.c_str()) != 0) return absl::ErrnoToStatus(errno, "remove the old socket");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<platform::UniqueFd> Listen(const std::string& path) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  RETURN_IF_ERROR(RemoveDeadSocket(path, address));
  platform::UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return absl::ErrnoToStatus(errno, "socket");
  // Linux gives the name in the file system the mode of the socket: no moment with a wider one, and
  // no change of the whole process's umask.
  if (fchmod(listener.get(), 0600) != 0 ||
      bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener.get(), kBacklog) != 0) {
    return absl::ErrnoToStatus(errno, "listen on " + path);
  }
  return listener;
}

absl::Status AdoptListener(const platform::UniqueFd& listener) {
  int family = 0;
  int type = 0;
  int listening = 0;
  socklen_t length = sizeof(int);
  if (getsockopt(listener.get(), SOL_SOCKET, SO_DOMAIN, &family, &length) != 0 ||
      getsockopt(listener.get(), SOL_SOCKET, SO_TYPE, &type, &length) != 0 ||
      getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0) {
    return absl::ErrnoToStatus(errno, "look at the inherited socket");
  }
  if (family != AF_UNIX || type != SOCK_STREAM || listening != 1) {
    return absl::InvalidArgumentError("the inherited socket does not listen on a Unix stream");
  }
  const int flags = fcntl(listener.get(), F_GETFL);
  if (flags < 0 || fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(listener.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "set up the inherited socket");
  }
  return absl::OkStatus();
}

}  // namespace postern::broker
