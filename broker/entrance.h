// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <memory>

#include "broker/broker_options.h"
#include "broker/door.h"
#include "broker/kept_parts.h"
#include "broker/lease_table.h"
#include "broker/live_streams.h"
#include "broker/method_gate.h"
#include "broker/program_watch.h"
#include "broker/session_grants.h"
#include "platform/tls_identity.h"

namespace postern::broker {

// The door, and what goes by who is connected. In order of construction; destroyed the other way
// round. It stays where it is: its parts refer to it.
struct Entrance {
  Entrance() = default;
  Entrance(const Entrance&) = delete;
  Entrance& operator=(const Entrance&) = delete;

  // Binds the socket and ends the grants of connections that are gone; nothing is accepted before
  // door->Start(). Takes the listener out of 'options'. 'kept' must outlive it. Errors are
  // Door::Open's and the store's. Call once; use nothing of it when it failed.
  absl::Status Open(BrokerOptions& options, platform::TlsIdentity identity, KeptParts& kept);

  std::unique_ptr<ProgramWatch> programs;
  std::unique_ptr<Door> door;
  std::unique_ptr<LeaseTable> leases;
  std::unique_ptr<SessionGrants> session_grants;
  std::unique_ptr<MethodGate> gate;
  std::unique_ptr<LiveStreams> streams;
};

}  // namespace postern::broker
