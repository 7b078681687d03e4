// SPDX-License-Identifier: Apache-2.0
// Which SQLCipher the log may be kept with.
#pragma once

#include <absl/status/status.h>

#include <string_view>

namespace postern::broker {

// What is said after every refusal of the linked library.
inline constexpr char kUseSqlcipher[] =
    "; postern needs SQLCipher 4.6 or newer, linked before any other SQLite";

// Holds what "PRAGMA cipher_version" says, as "4.6.1 community", against the oldest that will do.
// FAILED_PRECONDITION when it is older, or no version.
absl::Status CheckCipherVersion(std::string_view version);

}  // namespace postern::broker
