// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <string>

namespace postern::assistant {

// The token that HTTP clients show: 64 hex digits in a file that only this user can read, made at
// the first use. FAILED_PRECONDITION when others could have read it.
absl::StatusOr<std::string> LoadToken(const std::string& state_directory);

std::string TokenPath(const std::string& state_directory);

// Compares in a time that does not depend on where they differ.
bool SameToken(const std::string& one, const std::string& other);

}  // namespace postern::assistant
