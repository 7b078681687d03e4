// SPDX-License-Identifier: Apache-2.0
#include "permissions/hex.h"

#include <charconv>
#include <cstdint>

namespace postern::permissions {

std::optional<std::string> BytesOfHex(std::string_view hex) {
  constexpr size_t kDigits = 2;
  if (hex.size() % kDigits != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / kDigits);
  for (const char* at = hex.data(); at != hex.data() + hex.size(); at += kDigits) {
    uint8_t byte = 0;
    if (std::from_chars(at, at + kDigits, byte, 16).ptr != at + kDigits) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace postern::permissions
