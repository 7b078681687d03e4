// SPDX-License-Identifier: Apache-2.0
#include "broker/door.h"

#include <fcntl.h>
#include <grpc/grpc.h>
#include <grpcpp/resource_quota.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "broker/connection_table.h"
#include "broker/listening_socket.h"
#include "broker/rpc_status.h"
#include "broker/slot_credentials.h"
#include "platform/peer_credentials.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using platform::UniqueFd;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

using Acceptor = grpc::experimental::ExternalConnectionAcceptor;

// What an epoll event is about, where it is no connection's number.
constexpr uint64_t kListenerEvent = 0;
constexpr uint64_t kWakeEvent = UINT64_MAX;
constexpr int kEventsAtOnce = 64;

// gRPC does not tell when it has closed a descriptor, so closing slots are looked at again, ever
// more rarely: it takes microseconds, or as long as the slowest handler of the connection.
constexpr milliseconds kReapAgainFirst{1};
constexpr milliseconds kReapAgainMax{64};
// How long arrivals wait in the kernel's queue for a slot before they are turned away.
constexpr milliseconds kWaitForSlot{100};
// How long nothing is accepted when the process has no descriptors left.
constexpr milliseconds kDescriptorPause{100};

int SlotsFor(const DoorLimits& limits) {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return 1;
  const auto most = descriptors.rlim_cur == RLIM_INFINITY
                        ? limits.connections_max
                        : static_cast<int64_t>(std::min<rlim_t>(descriptors.rlim_cur, 1 << 20)) -
                              kDescriptorsReserved;
  const int64_t by_descriptors = descriptors.rlim_cur == RLIM_INFINITY
                                     ? limits.connections_max
                                     : most / kDescriptorsPerConnection;
  return static_cast<int>(std::clamp<int64_t>(by_descriptors, 1, limits.connections_max));
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

UniqueFd OpenReserve() { return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

void SetServerLimits(grpc::ServerBuilder& builder, const DoorLimits& limits) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(kRequestBytesMax));
  for (const auto algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP}) {
    builder.SetCompressionAlgorithmSupportStatus(algorithm, false);
  }
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kHttp2FrameBytesMax);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(kPingIntervalMin));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kPingStrikesMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(kIdleTimeMax));
  // Covers what comes after TLS too: the client's first HTTP/2 frames.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(limits.handshake_time));
  grpc::ResourceQuota quota("postern");
  quota.Resize(kGrpcMemoryBytesMax);
  quota.SetMaxThreads(kThreadsMax);
  builder.SetResourceQuota(quota);
}

class SlotDoor final : public Door {
 public:
  SlotDoor(Options options, UniqueFd listener, bool bound_here, UniqueFd epoll, UniqueFd wake)
      : options_(std::move(options)),
        listener_(std::move(listener)),
        bound_here_(bound_here),
        epoll_(std::move(epoll)),
        wake_(std::move(wake)),
        reserve_(OpenReserve()),
        slots_(SlotsFor(options_.limits)),
        table_(std::make_shared<ConnectionTable>(slots_, options_.limits, options_.standing_of,
                                                 options_.admits)) {}

  ~SlotDoor() override { Stop(); }

  void Configure(grpc::ServerBuilder& builder) override {
    SetServerLimits(builder, options_.limits);
    const TellRefusal tell = [this](Refusal refusal, uid_t uid, pid_t pid) {
      Tell(refusal, uid, pid);
    };
    for (int slot = 0; slot < slots_; ++slot) {
      acceptors_.push_back(builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          MakeSlotCredentials(options_.identity, slot, table_, options_.standing_of, tell)));
    }
  }

  absl::Status Start() override {
    if (acceptors_.empty() || thread_.joinable()) {
      return absl::FailedPreconditionError("the door is started once, after Configure");
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWakeEvent;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
      return absl::ErrnoToStatus(errno, "watch the wake-up");
    }
    event.events = 0;
    event.data.u64 = kListenerEvent;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event) != 0) {
      return absl::ErrnoToStatus(errno, "watch the listener");
    }
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  void Stop() override {
    stopping_.store(true);
    const uint64_t one = 1;
    // A full counter would be as good a wake-up.
    [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
    if (thread_.joinable()) thread_.join();
    table_->ShutEverything();
    if (bound_here_ && listener_.valid()) unlink(options_.socket_path.c_str());
    listener_.Reset();
  }

  absl::StatusOr<Caller> CallerOf(const grpc::ServerContext& context) const override {
    const auto auth = context.auth_context();
    std::optional<Caller> caller;
    if (auth != nullptr) caller = table_->Find(ConnectionOf(*auth));
    if (!caller) {
      return ReasonStatus(absl::StatusCode::kUnauthenticated,
                          v1::ERROR_REASON_CLIENT_CERTIFICATE_REQUIRED,
                          "the connection proves no key: connect with an ECDSA P-256 certificate");
    }
    caller->standing = options_.standing_of(caller->principal);
    return *caller;
  }

  absl::StatusOr<UniqueFd> PidfdOf(ConnectionId connection) const override {
    return table_->PidfdOf(connection);
  }
  int CloseConnections(const permissions::Principal& principal) override {
    return table_->ShutAll(principal);
  }
  int ConnectionsOf(const permissions::Principal& principal) const override {
    return table_->CountOf(principal);
  }
  Counts counts() const override {
    Counts counts = table_->counts();
    counts.refused_total = refused_total_.load();
    return counts;
  }

 private:
  void Tell(Refusal refusal, uid_t uid, pid_t pid) {
    ++refused_total_;
    if (options_.on_refused) options_.on_refused(refusal, uid, pid);
  }

  // The accept thread.
  void Run() {
    while (!stopping_.load()) {
      Listen();
      std::array<epoll_event, kEventsAtOnce> events;
      const int count = epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, WaitMilliseconds());
      bool arrivals = false;
      for (int i = 0; i < count; ++i) {
        const uint64_t about = events[static_cast<size_t>(i)].data.u64;
        if (about == kListenerEvent) {
          arrivals = true;
        } else if (about != kWakeEvent) {
          table_->HangUp(ConnectionId{about});
          reap_again_ = kReapAgainFirst;
        }
      }
      table_->ShutLate(steady_clock::now());
      ReapClosed();
      if (table_->has_proven_closing() && options_.on_closing) options_.on_closing();
      if (arrivals && !stopping_.load()) AcceptOne();
    }
  }

  // Watches the listener, unless accepting has to wait: an event nobody handles would spin.
  void Listen() {
    const bool listen = steady_clock::now() >= accept_after_;
    if (listen == listening_) return;
    epoll_event event{};
    event.events = listen ? EPOLLIN : 0;
    event.data.u64 = kListenerEvent;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_.get(), &event) == 0) listening_ = listen;
  }

  int WaitMilliseconds() {
    std::optional<steady_clock::time_point> until = table_->NextDeadline();
    const auto sooner = [&](steady_clock::time_point time) {
      if (!until || time < *until) until = time;
    };
    const auto now = steady_clock::now();
    if (!listening_) sooner(accept_after_);
    if (table_->has_closing()) {
      sooner(now + reap_again_);
      reap_again_ = std::min(reap_again_ * 2, kReapAgainMax);
    }
    if (!until) return -1;
    // Rounded up, so that waking is never just before the time.
    const auto wait = std::chrono::ceil<milliseconds>(*until - now).count();
    return static_cast<int>(std::clamp<int64_t>(wait, 0, 60'000));
  }

  void ReapClosed() {
    for (const ConnectionTable::Ended& ended : table_->Reap()) {
      if (ended.principal.empty()) {
        if (!ended.refusal_told) Tell(Refusal::kHandshake, ended.uid, ended.pid);
      } else if (options_.on_closed) {
        options_.on_closed(ended.connection, ended.principal);
      }
      StopWaiting();
    }
  }

  // Called when somebody waits, and takes one: with no slot free, others must not suffer for an
  // arrival that does not exist.
  void AcceptOne() {
    if (!table_->has_free() && WaitsForSlot()) return;
    UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.valid()) return Admit(std::move(socket));
    const int error = errno;
    if (error == EAGAIN || error == EINTR || error == ECONNABORTED) return;  // it has gone again
    if (error == EMFILE || error == ENFILE) TurnOneAway();
    accept_after_ = steady_clock::now() + kDescriptorPause;
  }

  // With all slots taken: true when arrivals shall wait in the kernel's queue for one that is about
  // to come free, false when the first of them is to be turned away.
  bool WaitsForSlot() {
    const auto now = steady_clock::now();
    if (!waiting_since_) waiting_since_ = now;
    if (!table_->has_closing() || now >= *waiting_since_ + kWaitForSlot) {
      if (made_room_ || !table_->ShutOneUnfinished()) {
        StopWaiting();
        return false;
      }
      made_room_ = true;
      waiting_since_ = now;
      reap_again_ = kReapAgainFirst;
    }
    accept_after_ = *waiting_since_ + kWaitForSlot;
    return true;
  }

  void StopWaiting() {
    waiting_since_.reset();
    made_room_ = false;
    accept_after_ = {};
  }

  // Without a descriptor nothing can be accepted, and the listener would stay ready for ever. The
  // reserve is given up for a moment, so that at least one arrival learns that it is not served.
  void TurnOneAway() {
    reserve_.Reset();
    const UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.valid()) Tell(Refusal::kNoSlot, static_cast<uid_t>(-1), 0);
  }

  void Admit(UniqueFd socket) {
    if (!reserve_.valid()) reserve_ = OpenReserve();
    auto peer = platform::ReadPeerCredentials(socket.get());
    // Closed before one byte is read or written.
    if (!peer.ok()) return Tell(Refusal::kUnidentified, static_cast<uid_t>(-1), 0);
    const uid_t uid = peer->uid;
    const pid_t pid = peer->pid;
    if (uid != options_.served_uid) return Tell(Refusal::kOtherUser, uid, pid);
    UniqueFd duplicate(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    if (!duplicate.valid()) return Tell(Refusal::kNoSlot, uid, pid);
    const int watched = duplicate.get();
    const auto deadline =
        steady_clock::now() + absl::ToChronoNanoseconds(options_.limits.handshake_time);
    const auto opened =
        table_->Take(*std::move(peer), std::move(duplicate), socket.get(), deadline);
    if (!opened) return Tell(Refusal::kNoSlot, uid, pid);
    epoll_event event{};
    // Once: the end of a connection comes once, and data is gRPC's.
    event.events = EPOLLRDHUP | EPOLLONESHOT;
    event.data.u64 = opened->connection.value;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watched, &event) != 0) {
      table_->HangUp(opened->connection);
      return;  // 'socket' closes here; the slot is found free by Reap.
    }
    Acceptor::NewConnectionParameters parameters;
    parameters.listener_fd = -1;
    parameters.fd = socket.Release();
    acceptors_[static_cast<size_t>(opened->slot)]->HandleNewConnection(&parameters);
  }

  const Options options_;
  UniqueFd listener_;
  const bool bound_here_;
  const UniqueFd epoll_;
  const UniqueFd wake_;
  UniqueFd reserve_;  // of the accept thread, once it runs
  const int slots_;
  const std::shared_ptr<ConnectionTable> table_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<uint64_t> refused_total_ = 0;

  // Of the accept thread alone.
  bool listening_ = false;
  steady_clock::time_point accept_after_;
  std::optional<steady_clock::time_point> waiting_since_;
  bool made_room_ = false;
  milliseconds reap_again_ = kReapAgainFirst;
};

}  // namespace

void RequireTls13() {
  // gRPC has no option for it. A list in which no TLS 1.2 suite can be agreed on (a pre-shared key
  // is never set) leaves the suites of TLS 1.3, which OpenSSL keeps in a list of its own.
  setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES128-GCM-SHA256", 1);
}

absl::StatusOr<std::unique_ptr<Door>> Door::Open(Options options) {
  RETURN_IF_ERROR(platform::CheckKeyMatchesCertificate(options.identity.key_pem,
                                                       options.identity.certificate_pem));
  UniqueFd listener = std::move(options.listener);
  const bool bound_here = !listener.valid();
  if (bound_here) {
    ASSIGN_OR_RETURN(listener, Listen(options.socket_path));
  } else {
    RETURN_IF_ERROR(AdoptListener(listener));
  }
  // Never given back: when the last user of gRPC goes, gRPC waits for a poller of its own, up to
  // ten seconds, and the daemon would take that long to stop.
  grpc_init();
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.valid() || !wake.valid()) return absl::ErrnoToStatus(errno, "epoll");
  return std::make_unique<SlotDoor>(std::move(options), std::move(listener), bound_here,
                                    std::move(epoll), std::move(wake));
}

}  // namespace postern::broker
