// SPDX-License-Identifier: Apache-2.0
#include "permissions/ids.h"

#include <absl/strings/escaping.h>

#include <algorithm>

namespace postern::permissions {

std::string Principal::ToHex() const {
  return absl::BytesToHexString({view().data(), view().size()});
}

Principal Principal::FromHex(std::string_view hex) {
  constexpr size_t kHexLength = 64;
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  if (hex.size() != kHexLength || !std::all_of(hex.begin(), hex.end(), is_hex)) return {};
  return FromRaw(absl::HexStringToBytes(absl::string_view(hex.data(), hex.size())));
}

}  // namespace postern::permissions
