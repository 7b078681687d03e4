// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/strings/string_view.h>

#include <string_view>

namespace postern::broker {

// The distribution builds Abseil for C++14, where absl::string_view is a type of its own.
inline absl::string_view AbslText(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace postern::broker
