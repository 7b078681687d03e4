// SPDX-License-Identifier: Apache-2.0
// Where things lie, and whether others could have touched them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>

#include "platform/secret_bytes.h"

namespace postern::sdk {

// $XDG_RUNTIME_DIR/postern/postern.sock; FAILED_PRECONDITION without XDG_RUNTIME_DIR.
absl::StatusOr<std::string> DefaultSocketPath();
// $XDG_DATA_HOME, else $HOME/.local/share; FAILED_PRECONDITION without either.
absl::StatusOr<std::string> DataHome();

// Who else may do what with a file that is read.
enum class FileTrust {
  kPrivate,      // nobody else may read or write it: a key
  kOnlyWeWrite,  // nobody else may write it: a certificate that is believed
};

// Reads a regular file of this user, at most 64 KiB. NOT_FOUND when there is none;
// FAILED_PRECONDITION, saying what is wrong, when it is a link, belongs to somebody else, or its
// mode or its folder's lets others do more than 'trust' allows.
absl::StatusOr<platform::SecretBytes> ReadTrustedFile(const std::string& path, FileTrust trust);

// Makes a folder (0700) and those above it. FAILED_PRECONDITION when it exists and is not ours
// alone.
absl::Status MakePrivateDirectory(const std::string& path);

// Writes a new file (0600), whole or not at all. ALREADY_EXISTS when there is one: it is never
// replaced.
absl::Status WriteNewPrivateFile(const std::string& path, std::span<const uint8_t> bytes);

}  // namespace postern::sdk
