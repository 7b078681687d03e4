// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::platform {

inline constexpr size_t kSha256Bytes = 32;

// Returns the SHA-256 of 'bytes', as raw bytes. For what comes in parts there are OpenSSL's own.
std::string Sha256(std::string_view bytes);

}  // namespace postern::platform
