// SPDX-License-Identifier: Apache-2.0
// Makes strings from strangers fit to be shown to the user, and finds names that only look like
// others.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::permissions {

// What fits on one line of a dialog; longer names serve to push other text out of sight.
inline constexpr size_t kNameGraphemesMax = 40;
inline constexpr size_t kPurposeGraphemesMax = 200;
// More than any living orthography stacks on one base; beyond it is Zalgo.
inline constexpr int kCombiningMarksMax = 4;
// What is shown when nothing is left of a name.
inline constexpr std::string_view kUnnamed = "(unnamed)";

// Returns 'text' as valid UTF-8 in NFC on one line: no control, format, private-use, unassigned or
// invisible characters, whitespace collapsed and trimmed, piles of marks cut, at most
// 'graphemes_max' graphemes (an ellipsis is the last one when it was cut). Never empty: kUnnamed
// when nothing is left. It is not escaped for markup, and may hold right-to-left letters: show it
// as plain text in a place of its own.
std::string CleanText(std::string_view text, size_t graphemes_max);
inline std::string CleanName(std::string_view name) { return CleanText(name, kNameGraphemesMax); }
inline std::string CleanPurpose(std::string_view purpose) {
  return CleanText(purpose, kPurposeGraphemesMax);
}

// Returns those of 'others' that people could take 'name' for: equal but for case, or made of
// characters that look the same (UTS #39 skeletons).
std::vector<std::string> LooksLike(std::string_view name, std::span<const std::string> others);
// Whether 'name' mixes scripts that no language mixes, e.g. Latin with one Cyrillic letter (UTS #39
// "highly restrictive" does not hold).
bool IsMixedScript(std::string_view name);

}  // namespace postern::permissions
