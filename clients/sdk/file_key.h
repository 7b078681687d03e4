// SPDX-License-Identifier: Apache-2.0
// The key of a file in which a program keeps something encrypted: a database of SQLCipher, say.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "platform/secret_bytes.h"
#include "platform/secret_store.h"

namespace postern::sdk {

// Returns the 32 bytes that the user's Secret Service keeps for the app's file at 'path', and makes
// them only when there is neither key nor file. UNAVAILABLE when the keyring is locked or away (say
// so and try again: nothing was made); FAILED_PRECONDITION when the file exists and its key is
// gone: a new key could not open it. May block for seconds.
absl::StatusOr<platform::SecretBytes> LoadFileKey(const std::string& app_id,
                                                  const std::string& path);

// The same from 'secrets', where the key is called 'name'; 'what' is the file, for people
// ("spool").
absl::StatusOr<platform::SecretBytes> LoadNamedFileKey(platform::SecretStore& secrets,
                                                       const std::string& name,
                                                       std::string_view what,
                                                       const std::string& path);

}  // namespace postern::sdk
