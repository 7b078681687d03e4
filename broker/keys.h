// SPDX-License-Identifier: Apache-2.0
// The daemon's own keys: read from the secret store, made when there are none and nothing depends
// on them yet, and never made anew while something does.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "permissions/ids.h"
#include "platform/secret_bytes.h"
#include "platform/secret_store.h"
#include "platform/tls_identity.h"

namespace postern::broker {

// Returns the database key. FAILED_PRECONDITION when a database exists and its key does not: the
// message says what can be done. UNAVAILABLE when the store cannot answer.
absl::StatusOr<platform::SecretBytes> DatabaseKey(platform::SecretStore& secrets,
                                                  bool database_exists);

// Returns the broker's identity, its certificate also in 'certificate_path' for clients to pin. A
// new one is made when there is none; programs that pinned an older one then refuse this broker,
// and say so.
absl::StatusOr<platform::TlsIdentity> BrokerIdentity(platform::SecretStore& secrets,
                                                     const std::string& certificate_path,
                                                     absl::Time now);

// Returns the principal of the owner's key, made when there is none.
absl::StatusOr<permissions::Principal> OwnerPrincipal(platform::SecretStore& secrets,
                                                      absl::Time now);

}  // namespace postern::broker
