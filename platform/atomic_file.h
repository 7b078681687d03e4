// SPDX-License-Identifier: Apache-2.0
// Small files that must be whole and must be ours: keys, certificates, anchors.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <span>
#include <string>

#include "platform/secret_bytes.h"

namespace postern::platform {

// Replaces 'path' with a file of mode 0600 that holds 'content': after a crash there is the old
// file or the new one, on disk, never a part. The directory must exist. On error the old file
// stands.
absl::Status WriteFileAtomically(const std::string& path, std::span<const uint8_t> content);
absl::Status WriteFileAtomically(const std::string& path, const std::string& content);

// Reads a file that nobody else can read: a regular file, not a symbolic link, owned by this user
// or by root, with no permission for group or others. NOT_FOUND when absent; FAILED_PRECONDITION
// when it is not such a file; RESOURCE_EXHAUSTED when it is larger than 'size_max'.
absl::StatusOr<SecretBytes> ReadSecretFile(const std::string& path, size_t size_max);

// Reads a file that nobody else can write: as above, but others may read it.
absl::StatusOr<std::string> ReadTrustedFile(const std::string& path, size_t size_max);

}  // namespace postern::platform
