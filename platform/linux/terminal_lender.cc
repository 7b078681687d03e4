// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/terminal_lender.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "platform/linux/message_channel.h"
#include "platform/linux/translation.h"
#include "platform/peer_credentials.h"
#include "platform/runtime_dir.h"
#include "platform/status_macros.h"

namespace postern::platform {
namespace {

// posternd asks one question at a time.
constexpr int kBacklog = 1;
// The descriptor is there at once or posternd is gone.
constexpr absl::Duration kSendWait = absl::Seconds(5);
// There is no event for coming to the foreground.
constexpr int kForegroundPollMs = 200;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

absl::StatusOr<UniqueFd> Listen(const std::string& path) {
  RETURN_IF_ERROR(CheckSocketPath(path));
  ASSIGN_OR_RETURN(const UniqueFd folder, PrepareRuntimeDirectory(path.substr(0, path.rfind('/'))));
  const sockaddr_un address = AddressOf(path);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (socket.valid() && ::connect(socket.get(), raw, sizeof(address)) == 0) {
    return absl::AlreadyExistsError("another terminal waits for questions already");
  }
  ::unlink(path.c_str());
  socket.Reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket.valid() || ::bind(socket.get(), raw, sizeof(address)) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    return absl::FailedPreconditionError(absl::StrCat("cannot listen at ", path));
  }
  return socket;
}

class Lender {
 public:
  Lender(UniqueFd tty, UniqueFd listener, UniqueFd signals)
      : tty_(std::move(tty)), listener_(std::move(listener)), signals_(std::move(signals)) {}

  // Until a signal asks us to end.
  void Run() {
    Tell(Say(Text("Postern: questions come to this terminal. ^C ends this.")));
    while (WaitFor(listener_.get(), -1)) {
      const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.valid() || !Lend(peer.get())) continue;
      // It is posternd's until it hangs up.
      while (WaitFor(peer.get(), -1)) {
        char byte = 0;
        if (::recv(peer.get(), &byte, 1, MSG_DONTWAIT) <= 0) break;
      }
    }
  }

 private:
  // False when it was not lent.
  bool Lend(int peer) {
    const auto credentials = ReadPeerCredentials(peer);
    if (!credentials.ok() || credentials->uid != ::geteuid()) return false;
    bool told = false;
    // A shell that reads the terminal too would get half of the answer.
    while (::tcgetpgrp(tty_.get()) != ::getpgrp()) {
      if (!told) Tell(Say(Text("Postern: a program asks for access. To answer, type fg.")));
      told = true;
      if (WaitFor(peer, kForegroundPollMs)) return false;
      if (ended_) return false;
    }
    return SendOnChannel(peer, kLentTerminal, tty_.get(), signals_.get(), kSendWait).ok();
  }

  // True when 'fd' is ready; false when the time passed or a signal came.
  bool WaitFor(int fd, int wait_ms) {
    std::array<pollfd, 2> fds = {pollfd{fd, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), wait_ms);
    ended_ = ended_ || fds[1].revents != 0;
    return ready > 0 && !ended_ && fds[0].revents != 0;
  }

  void Tell(const std::string& text) const {
    const std::string line = absl::StrCat("\n", text, "\n");
    [[maybe_unused]] const ssize_t size = ::write(tty_.get(), line.data(), line.size());
  }

  const UniqueFd tty_;
  const UniqueFd listener_;
  const UniqueFd signals_;
  bool ended_ = false;
};

}  // namespace

absl::Status LendTerminal(const std::string& socket_path) {
  UniqueFd tty(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!tty.valid()) {
    return absl::FailedPreconditionError("there is no terminal here to ask on; start it in one");
  }
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  // Telling from the background must not stop us.
  std::signal(SIGTTOU, SIG_IGN);
  UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signal_fd.valid()) return absl::FailedPreconditionError("no signal descriptor");
  ASSIGN_OR_RETURN(UniqueFd listener, Listen(socket_path));
  const absl::Cleanup remove = [&] { ::unlink(socket_path.c_str()); };
  Lender(std::move(tty), std::move(listener), std::move(signal_fd)).Run();
  return absl::OkStatus();
}

}  // namespace postern::platform
