// SPDX-License-Identifier: Apache-2.0
#include "broker/address.h"

#include <absl/strings/ascii.h>

#include <algorithm>

#include "broker/limits.h"

namespace postern::broker {

bool IsAddress(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  if (text.size() > kNameBytesMax || !absl::ascii_isalpha(static_cast<uint8_t>(text[0]))) {
    return false;
  }
  const std::string_view scheme = text.substr(0, colon);
  return std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<uint8_t>(c)) || c == '+' || c == '-' || c == '.';
  });
}

std::string AddressKey(std::string_view address) {
  std::string key(address);
  absl::AsciiStrToLower(&key);
  if (key.starts_with("tel:")) {
    std::erase_if(key, [](char c) {
      return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
    });
  }
  return key;
}

}  // namespace postern::broker
