// SPDX-License-Identifier: Apache-2.0
// What somebody meant who mistyped a word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::cli {

// Returns the one of 'words' that 'typed' is nearest to: it begins with it, or is at most two
// letters off. Empty when none is near, or several are equally so.
std::string NearestTo(std::string_view typed, const std::vector<std::string>& words);

}  // namespace postern::cli
