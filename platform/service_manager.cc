// SPDX-License-Identifier: Apache-2.0
#include "platform/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace postern::platform {
namespace {

// Frees what sd_listen_fds_with_names gives.
struct Names {
  char** names = nullptr;
  ~Names() {
    for (char** name = names; name != nullptr && *name != nullptr; ++name) ::free(*name);
    ::free(names);
  }
};

// A status line is one line.
std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

bool HasPath(int fd) {
  struct sockaddr_un address = {};
  socklen_t size = sizeof(address);
  // An abstract name begins with a zero and has no permissions: anybody may connect, even from a
  // container that shares the network namespace.
  return ::getsockname(fd, reinterpret_cast<struct sockaddr*>(&address), &size) == 0 &&
         size > offsetof(struct sockaddr_un, sun_path) && address.sun_path[0] == '/';
}

}  // namespace

absl::StatusOr<std::optional<UniqueFd>> TakeActivationSocket(const std::string& name) {
  Names owner;
  const int count = ::sd_listen_fds_with_names(/*unset_environment=*/1, &owner.names);
  if (count < 0) return absl::FailedPreconditionError("the passed sockets cannot be read");
  if (count == 0) return std::nullopt;
  std::vector<UniqueFd> passed;
  int chosen = count == 1 ? 0 : -1;
  int matches = 0;
  for (int i = 0; i < count; ++i) {
    passed.emplace_back(SD_LISTEN_FDS_START + i);
    if (name == owner.names[i]) {
      chosen = i;
      ++matches;
    }
  }
  if (chosen < 0 || matches > 1) {
    return absl::FailedPreconditionError("more than one socket was passed; name one of them '" +
                                         name + "' with FileDescriptorName=");
  }
  UniqueFd socket = std::move(passed[static_cast<size_t>(chosen)]);
  if (::sd_is_socket_unix(socket.get(), SOCK_STREAM, /*listening=*/1, nullptr, 0) <= 0 ||
      !HasPath(socket.get())) {
    return absl::FailedPreconditionError(
        "the passed socket is not a listening Unix stream socket with a path; use "
        "ListenStream=/path");
  }
  if (::fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return absl::FailedPreconditionError("the passed socket cannot be kept from children");
  }
  return std::optional<UniqueFd>(std::move(socket));
}

void NotifyReady(const std::string& status) {
  ::sd_notifyf(0, "READY=1\nSTATUS=%s", OneLine(status).c_str());
}

void NotifyStatus(const std::string& status) {
  ::sd_notifyf(0, "STATUS=%s", OneLine(status).c_str());
}

void NotifyStopping() { ::sd_notify(0, "STOPPING=1"); }

}  // namespace postern::platform
