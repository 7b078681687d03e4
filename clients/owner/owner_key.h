// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "clients/owner/paths.h"
#include "platform/secret_bytes.h"

namespace postern::owner {

// The owner's key and a certificate for it, both in PEM.
struct OwnerIdentity {
  platform::SecretBytes key_pem;
  std::string certificate_pem;
};

// The name of the owner's key where posternd keeps its keys.
inline constexpr char kOwnerKeyName[] = "owner-key";

// Reads the key that posternd made, and makes a certificate for it anew: who the owner is hangs on
// the key alone. Never prompts. FAILED_PRECONDITION, saying what to do, when the place of keys is
// locked, absent or holds no such key.
absl::StatusOr<OwnerIdentity> ReadOwnerIdentity(const Paths& paths);

}  // namespace postern::owner
