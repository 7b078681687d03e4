// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "platform/secret_bytes.h"
#include "platform/secret_store.h"

namespace postern::platform {

// Opens the secret store for machines without a session bus: one file, encrypted with a passphrase
// (scrypt, AES-256-GCM). Chosen in the configuration, never fallen back to. The passphrase comes
// from a file that only its owner can read, such as a systemd credential
// ($CREDENTIALS_DIRECTORY/...).
//
// 'path' is made when absent; its folder must exist. Several processes may use it at once.
// FAILED_PRECONDITION when the passphrase is empty or does not open what is there, or the file is
// not private; DATA_LOSS when it cannot be such a file. Takes about a quarter of a second and 64
// MiB for the key derivation. It cannot tell that somebody put an older copy of the file back.
absl::StatusOr<std::unique_ptr<SecretStore>> OpenPassphraseFileStore(std::string path,
                                                                     SecretBytes passphrase);

}  // namespace postern::platform
