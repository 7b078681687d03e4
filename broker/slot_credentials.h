// SPDX-License-Identifier: Apache-2.0
// The TLS side of one slot: which client certificates it takes, and how a call learns its
// connection.
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/server_credentials.h>

#include <functional>
#include <memory>

#include "broker/caller.h"
#include "broker/connection_table.h"
#include "broker/door.h"
#include "platform/tls_identity.h"

namespace postern::broker {

using TellRefusal = std::function<void(Door::Refusal, uid_t, pid_t)>;

// Makes the credentials of slot number 'slot': a client certificate is required and its chain is
// not checked; its key must be P-256, and becomes the connection's principal in 'table'. 'tell' is
// called when a certificate is refused. 'table' must outlive the server.
std::shared_ptr<grpc::ServerCredentials> MakeSlotCredentials(const platform::TlsIdentity& identity,
                                                             int slot,
                                                             std::shared_ptr<ConnectionTable> table,
                                                             StandingOf standing_of,
                                                             TellRefusal tell);

// Returns the connection that a call's AuthContext names; the empty one when none is named.
ConnectionId ConnectionOf(const grpc::AuthContext& context);

}  // namespace postern::broker
