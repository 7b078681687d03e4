// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "clients/owner/paths.h"
#include "platform/secret_store.h"

namespace postern::owner {

// Opens the store where posternd keeps its keys: the Secret Service, or the passphrase file that
// posternd.toml names. Reads that file as posternd does; without one the Secret Service is meant.
// FAILED_PRECONDITION, saying what to do, when the configuration or the passphrase cannot be read.
absl::StatusOr<std::unique_ptr<platform::SecretStore>> OpenOwnerSecrets(const Paths& paths);

}  // namespace postern::owner
