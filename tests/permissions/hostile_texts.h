// SPDX-License-Identifier: Apache-2.0
// Names and purposes as a program would choose them to deceive, of every kind we know.
#pragma once

#include <string>
#include <vector>

namespace postern::permissions {

struct HostileText {
  // Which trick it is, e.g. "bidi".
  std::string kind;
  // Raw: may hold NUL and bytes that are no UTF-8.
  std::string text;
};

inline constexpr size_t kHostileKinds = 15;
inline constexpr size_t kHostileTextsOfAKind = 20;

// Names of apps that the user allowed; those of kind "look-alike" pretend to be one of them.
std::vector<std::string> AllowedNames();

// Returns kHostileTextsOfAKind of each kind, all different, in the same order each time.
std::vector<HostileText> HostileTexts();

}  // namespace postern::permissions
