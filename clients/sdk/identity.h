// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "clients/sdk/options.h"
#include "platform/secret_bytes.h"

namespace postern::sdk {

// What a channel to the broker is made of: who we are, where the broker is, whom we believe.
struct Identity {
  platform::SecretBytes key_pem;
  std::string certificate_pem;
  std::string principal;  // lower-case hex
  std::string broker_certificate_pem;
  std::string socket_path;
};

// Loads the program's key from <state_directory>/key.pem, or makes one (0600) at the first run, and
// the broker's pinned certificate. UNAVAILABLE, saying what to do, when posternd has not made
// that yet; FAILED_PRECONDITION when it is not where 'options' name it or others could have written
// it, when others could have read the key, or key and certificate do not belong together.
absl::StatusOr<Identity> LoadIdentity(const std::string& app_id, const ClientOptions& options);

// The same with a key that the caller holds: no state directory is touched.
absl::StatusOr<Identity> IdentityFromKey(const platform::SecretBytes& key_pem,
                                         const std::string& certificate_pem,
                                         const ClientOptions& options);

// Makes the state directory (0700) of 'app_id' when it is missing, and returns its path.
absl::StatusOr<std::string> MakeStateDirectory(const std::string& app_id,
                                               const ClientOptions& options);

}  // namespace postern::sdk
