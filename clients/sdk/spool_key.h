// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "platform/secret_bytes.h"
#include "platform/secret_store.h"

namespace postern::sdk {

// Returns the key of an adapter's spool, and makes one only when there is neither key nor spool.
// UNAVAILABLE when the store is locked or away (say so and try again: nothing was made);
// FAILED_PRECONDITION when the spool exists and its key is gone: a new key could not open it, and
// making one would look like an empty spool.
absl::StatusOr<platform::SecretBytes> LoadSpoolKey(platform::SecretStore& secrets,
                                                   const std::string& app_id,
                                                   const std::string& spool_path);

}  // namespace postern::sdk
