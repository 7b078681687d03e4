// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::permissions {

// The bytes that 'hex' writes in two digits each, capitals or not; nullopt when it is no hex.
std::optional<std::string> BytesOfHex(std::string_view hex);

}  // namespace postern::permissions
