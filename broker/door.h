// SPDX-License-Identifier: Apache-2.0
// The Door: the one way into the daemon. It listens, accepts, and knows for every call which key
// and which process made it.
//
// gRPC tells a handler the client's certificate, but not the connection: over a Unix socket every
// peer is called "unix:". So the Door accepts by itself, asks the kernel who is there, and hands
// the connection to gRPC through one of N acceptors, the slots. A slot has credentials of its own
// and one connection at a time, so what gRPC does on behalf of a slot is done for that connection:
// the chain pidfd -> connection -> slot -> key has no guess in it. A slot is used again only after
// gRPC has closed its descriptor, that is, when the last call of the connection before is over.
//
// Order of use: Open, Configure, ServerBuilder::BuildAndStart, Start; then Stop, Server::Shutdown,
// destroy the server, destroy the Door.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/caller.h"
#include "broker/door_limits.h"
#include "permissions/ids.h"
#include "platform/tls_identity.h"
#include "platform/unique_fd.h"

namespace postern::broker {

// Makes gRPC refuse everything older than TLS 1.3, for which it has no option. Call first in main:
// gRPC reads it once, when it starts.
void RequireTls13();

// Thread-safe, except for the order of use above.
class Door {
 public:
  // Why a connection was closed before its first call.
  enum class Refusal {
    kOtherUser,
    kUnidentified,  // the kernel would not say who it is
    kNoSlot,
    kHandshake,  // not finished in time, or failed
    kCertificate,
    kTooManyOfKey,
    kTooManyUnknown,
    kOtherProgram,  // not the program this key belongs to
  };

  struct Options {
    // Where to listen. Its directory was made and checked by the caller (0700, no symlink).
    std::string socket_path;
    // A listening socket inherited from the service manager; used instead of 'socket_path' when
    // valid.
    platform::UniqueFd listener;
    platform::TlsIdentity identity;
    // The only user that is served; any other gets no byte.
    uid_t served_uid = static_cast<uid_t>(-1);
    DoorLimits limits;
    StandingOf standing_of;
    // Whether this process may use that key; asked once a connection, when the key is proven, on a
    // thread of gRPC and with no lock held. Optional.
    Admits admits;
    // All optional, called on a thread of the Door or of gRPC with no lock held. While a
    // connection has ended and gRPC holds it still, which it does until the last call on it has
    // returned, on_closing is called every so often: whoever waits in a call is to look whether it
    // is cancelled. on_closed comes once gRPC has let go. Neither is called for a connection that
    // proved no key: it had no call, and anybody can open one after the other.
    std::function<void(Refusal, uid_t, pid_t)> on_refused;
    std::function<void()> on_closing;
    std::function<void(ConnectionId, const permissions::Principal&)> on_closed;
  };

  struct Counts {
    int slots = 0;
    int connections = 0;  // of these:
    int handshaking = 0;
    int closing = 0;
    uint64_t accepted_total = 0;
    uint64_t refused_total = 0;
  };

  // Binds and listens. ALREADY_EXISTS when a live daemon listens there.
  static absl::StatusOr<std::unique_ptr<Door>> Open(Options options);
  virtual ~Door() = default;

  // Registers the slots and sets every limit of the server. Call once, before BuildAndStart.
  virtual void Configure(grpc::ServerBuilder& builder) = 0;
  // Starts to accept. Call after BuildAndStart.
  virtual absl::Status Start() = 0;
  // Stops to accept and ends all connections; returns when the accept thread is gone. End streams
  // that deserve a reason before. on_closing and on_closed are not called from here on.
  virtual void Stop() = 0;

  // Returns who makes the call that 'context' belongs to, valid while the call runs.
  // UNAUTHENTICATED, reason CLIENT_CERTIFICATE_REQUIRED, when that is not known for sure.
  virtual absl::StatusOr<Caller> CallerOf(const grpc::ServerContext& context) const = 0;
  // Returns a pidfd of the process that connected, taken at accept. NOT_FOUND once the connection
  // is gone.
  virtual absl::StatusOr<platform::UniqueFd> PidfdOf(ConnectionId connection) const = 0;

  // Ends all connections of a key, stalled ones too; they see the end at once. Returns how many.
  virtual int CloseConnections(const permissions::Principal& principal) = 0;

  virtual Counts counts() const = 0;
  // Open connections of a key.
  virtual int ConnectionsOf(const permissions::Principal& principal) const = 0;
};

}  // namespace postern::broker
