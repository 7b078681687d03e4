// SPDX-License-Identifier: Apache-2.0
#include "permissions/ids.h"

#include <absl/strings/escaping.h>

#include "permissions/hex.h"

namespace postern::permissions {

std::string Principal::ToHex() const {
  return absl::BytesToHexString({view().data(), view().size()});
}

Principal Principal::FromHex(std::string_view hex) {
  const auto raw = BytesOfHex(hex);
  return raw.has_value() ? FromRaw(*raw) : Principal();
}

}  // namespace postern::permissions
