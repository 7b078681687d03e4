// SPDX-License-Identifier: Apache-2.0
// What concerns processes: the peer's, our own, and the one that manages us.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "platform/peer_credentials.h"
#include "platform/process_hardening.h"
#include "platform/service_manager.h"

namespace postern::platform {
namespace {

TEST(PeerCredentials, AreNobodysByDefault) {
  const PeerCredentials nobody;
  EXPECT_FALSE(nobody.valid());
  EXPECT_NE(nobody.uid, 0u);
  EXPECT_FALSE(IsAlive(nobody.pidfd));
}

TEST(PeerCredentials, DenyWhatCannotBeIdentified) {
  EXPECT_EQ(ReadPeerCredentials(-1).status().code(), absl::StatusCode::kPermissionDenied);
  const UniqueFd file(::open("/dev/null", O_RDONLY));
  EXPECT_EQ(ReadPeerCredentials(file.get()).status().code(), absl::StatusCode::kPermissionDenied);
  const UniqueFd unconnected(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(ReadPeerCredentials(unconnected.get()).status().code(),
            absl::StatusCode::kPermissionDenied);
  const UniqueFd other_family(::socket(AF_INET, SOCK_STREAM, 0));
  if (other_family.valid()) {
    EXPECT_EQ(ReadPeerCredentials(other_family.get()).status().code(),
              absl::StatusCode::kPermissionDenied);
  }
}

TEST(PeerCredentials, SeeAProcessEnd) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  auto self = ReadPeerCredentials(ours.get());
  ASSERT_TRUE(self.ok()) << self.status();
  EXPECT_EQ(self->uid, ::geteuid());
  EXPECT_EQ(self->pid, ::getpid());
  EXPECT_TRUE(IsAlive(self->pidfd));
  EXPECT_EQ(::fcntl(self->pidfd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);

  // A child that connects to a listening socket and waits to be ended.
  const std::string path = "/tmp/postern-peer-" + std::to_string(::getpid());
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const auto* generic = reinterpret_cast<const struct sockaddr*>(&address);
  ASSERT_EQ(::bind(listener.get(), generic, sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ::connect(fd, generic, sizeof(address));
    for (;;) ::pause();
  }
  const UniqueFd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ::unlink(path.c_str());
  auto peer = ReadPeerCredentials(connection.get());
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ(peer->pid, child);
  EXPECT_TRUE(IsAlive(peer->pidfd));
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(IsAlive(peer->pidfd));
}

// Runs 'body' in a child and returns its exit code: what it changes is the child's alone.
int InAChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Hardening, LeavesNoCoreNoPrivilegeAndNoKeyLog) {
  EXPECT_EQ(InAChild([] {
              ::setenv("SSLKEYLOGFILE", "/tmp/keys", 1);
              ::setenv("GRPC_TRACE", "all", 1);
              if (!HardenProcess().ok()) return 1;
              struct rlimit core = {1, 1};
              if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 2;
              if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 3;
              if (::umask(0) != 077) return 4;
              if (std::getenv("SSLKEYLOGFILE") != nullptr) return 5;
              if (std::getenv("GRPC_TRACE") != nullptr) return 6;
              return HardenProcess().ok() ? 0 : 7;
            }),
            0);
}

// Puts 'fd' where a service manager passes the first socket, and announces 'count' of them.
void Pass(int fd, int count, const char* names) {
  ::dup2(fd, 3);
  if (count > 1) ::dup2(fd, 4);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", names, 1);
}

int Listener(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto size = static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + path.size());
  if (::bind(fd, reinterpret_cast<const struct sockaddr*>(&address), size) != 0) return -1;
  ::listen(fd, 1);
  return fd;
}

std::string SocketPath() { return "/tmp/postern-activation-" + std::to_string(::getpid()); }

TEST(Activation, RefusesWhatIsNotAListeningSocketWithAPath) {
  EXPECT_EQ(InAChild([] {
              Pass(::open("/dev/null", O_RDWR), 1, "grpc");
              return absl::IsFailedPrecondition(TakeActivationSocket("grpc").status()) ? 0 : 1;
            }),
            0);
  EXPECT_EQ(InAChild([] {
              Pass(::socket(AF_UNIX, SOCK_STREAM, 0), 1, "grpc");
              return absl::IsFailedPrecondition(TakeActivationSocket("grpc").status()) ? 0 : 1;
            }),
            0);
  EXPECT_EQ(InAChild([] {
              const std::string abstract = std::string(1, '\0') + SocketPath();
              Pass(Listener(abstract), 1, "grpc");
              return absl::IsFailedPrecondition(TakeActivationSocket("grpc").status()) ? 0 : 1;
            }),
            0);
}

TEST(Activation, RefusesToGuessAmongSeveral) {
  EXPECT_EQ(InAChild([] {
              const int fd = Listener(SocketPath());
              ::unlink(SocketPath().c_str());
              Pass(fd, 2, "a:b");
              return absl::IsFailedPrecondition(TakeActivationSocket("grpc").status()) ? 0 : 1;
            }),
            0);
}

TEST(Activation, TakesTheOneThatIsNamedAndHidesItFromChildren) {
  EXPECT_EQ(InAChild([] {
              const int fd = Listener(SocketPath());
              ::unlink(SocketPath().c_str());
              Pass(fd, 2, "a:grpc");
              auto socket = TakeActivationSocket("grpc");
              if (!socket.ok() || !socket->has_value()) return 1;
              if ((*socket)->get() != 4) return 2;
              if ((::fcntl(4, F_GETFD) & FD_CLOEXEC) == 0) return 3;
              if (std::getenv("LISTEN_FDS") != nullptr) return 4;
              return ::fcntl(3, F_GETFD) == -1 ? 0 : 5;
            }),
            0);
}

TEST(Activation, IsNotNeeded) {
  EXPECT_EQ(InAChild([] {
              auto socket = TakeActivationSocket("grpc");
              NotifyReady("nobody listens");
              NotifyStopping();
              return socket.ok() && !socket->has_value() ? 0 : 1;
            }),
            0);
}

TEST(Notification, TellsReadinessAndStatusOnOneLineEach) {
  const std::string path = SocketPath();
  const UniqueFd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(receiver.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)),
            0);
  EXPECT_EQ(InAChild([&] {
              ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
              NotifyReady("waiting\nREADY=0");
              return 0;
            }),
            0);
  ::unlink(path.c_str());
  char text[256] = {};
  ASSERT_GT(::recv(receiver.get(), text, sizeof(text) - 1, MSG_DONTWAIT), 0);
  EXPECT_STREQ(text, "READY=1\nSTATUS=waiting READY=0");
}

}  // namespace
}  // namespace postern::platform
