// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace postern::cli {
namespace {

constexpr size_t kLettersOffMax = 2;
// Longer than any word of ours: not a slip of a finger.
constexpr size_t kTypedMax = 40;

// Letters to put in, take out, change, or swap with the next one.
size_t LettersOff(std::string_view typed, std::string_view word) {
  std::vector<size_t> before_last;
  std::vector<size_t> last(word.size() + 1);
  for (size_t j = 0; j <= word.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= typed.size(); ++i) {
    std::vector<size_t> row(word.size() + 1);
    row[0] = i;
    for (size_t j = 1; j <= word.size(); ++j) {
      const size_t changed = last[j - 1] + (typed[i - 1] == word[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
      const bool swapped =
          i > 1 && j > 1 && typed[i - 1] == word[j - 2] && typed[i - 2] == word[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::move(last);
    last = std::move(row);
  }
  return last.back();
}

}  // namespace

std::string NearestTo(std::string_view typed, const std::vector<std::string>& words) {
  if (typed.empty() || typed.size() > kTypedMax) return "";
  std::string nearest;
  size_t least = kLettersOffMax + 1;
  for (const std::string& word : words) {
    const size_t off = std::string_view(word).starts_with(typed) ? 1 : LettersOff(typed, word);
    // Two letters off a word of three is another word.
    if (off > least || 2 * off > word.size()) continue;
    nearest = off == least ? "" : word;
    least = off;
  }
  return nearest;
}

}  // namespace postern::cli
