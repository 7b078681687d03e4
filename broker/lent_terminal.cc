// SPDX-License-Identifier: Apache-2.0
#include "broker/lent_terminal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "platform/linux/message_channel.h"
#include "platform/linux/peer_evidence.h"
#include "platform/linux/terminal_lender.h"
#include "platform/peer_credentials.h"
#include "platform/runtime_dir.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using platform::UniqueFd;

bool IsOursAlone(const std::string& folder) {
  struct stat facts {};
  return ::lstat(folder.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) &&
         facts.st_uid == ::geteuid() && (facts.st_mode & 0077) == 0;
}

absl::StatusOr<UniqueFd> Connect(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  // A lender with one question already does not take another: not blocking, that is an error.
  if (!socket.valid() ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return absl::UnavailableError("no terminal is lent");
  }
  return socket;
}

}  // namespace

absl::StatusOr<LentTerminal> BorrowTerminal(const std::string& socket_path, int wake,
                                            absl::Duration timeout) {
  if (!platform::CheckSocketPath(socket_path).ok()) {
    return absl::UnavailableError("no terminal is lent");
  }
  const std::string folder = socket_path.substr(0, socket_path.rfind('/'));
  struct stat facts {};
  if (::lstat(folder.c_str(), &facts) != 0) return absl::UnavailableError("no terminal is lent");
  if (!IsOursAlone(folder)) return absl::PermissionDeniedError("the folder is open to others");

  LentTerminal lent;
  ASSIGN_OR_RETURN(lent.connection, Connect(socket_path));
  ASSIGN_OR_RETURN(const platform::PeerCredentials lender,
                   platform::ReadPeerCredentials(lent.connection.get()));
  if (lender.uid != ::geteuid()) return absl::PermissionDeniedError("lent by another user");
  const platform::PeerEvidence evidence = platform::GatherEvidence(lender.pidfd.get());
  if (!evidence.flatpak_id.empty() || !evidence.snap_name.empty()) {
    return absl::PermissionDeniedError("lent from within a sandbox");
  }
  ASSIGN_OR_RETURN(platform::ChannelMessage message,
                   platform::ReceiveFromChannel(lent.connection.get(), wake, timeout));
  if (message.bytes != platform::kLentTerminal || !::isatty(message.attached.get())) {
    return absl::UnavailableError("what was lent is no terminal");
  }
  lent.terminal = std::move(message.attached);
  return lent;
}

}  // namespace postern::broker
