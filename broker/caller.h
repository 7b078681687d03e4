// SPDX-License-Identifier: Apache-2.0
// Who makes a call. Services receive a Caller; none of them reads metadata or certificates.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <functional>

#include "permissions/ids.h"

namespace postern::broker {

// One accepted connection; never used again while the daemon runs. 0 is "none".
struct ConnectionId {
  uint64_t value = 0;
  auto operator<=>(const ConnectionId&) const = default;
};

// What the user made of a key.
enum class Standing {
  kUnknown,  // never allowed: may call Enroll and nothing else
  kRevoked,
  kApp,
  kGatekeeper,
  kOwner,
};

// Tells the standing of a key now. Called on gRPC's threads for every call and handshake: must be
// thread-safe and quick, and must not call the Door. The Door holds no lock while it calls.
using StandingOf = std::function<Standing(const permissions::Principal&)>;

// Whether the process behind 'pidfd' may use a key.
using Admits = std::function<bool(const permissions::Principal&, int pidfd)>;

struct Caller {
  permissions::Principal principal;
  Standing standing = Standing::kUnknown;
  ConnectionId connection;
  // From the kernel, at accept. The pid is for people to read: decide by Door::PidfdOf.
  uid_t uid = static_cast<uid_t>(-1);
  pid_t pid = 0;
  // Whether that pidfd is, by the kernel's word, the process that connected (Linux 6.5 and newer).
  bool pidfd_exact = false;
};

}  // namespace postern::broker
