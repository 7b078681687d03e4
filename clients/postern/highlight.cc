// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/highlight.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <string_view>

namespace postern::cli {
namespace {

// How much of 'text' one of the words is; 0 when it begins with none. The longest counts.
size_t MatchAt(std::string_view text, const std::vector<std::string>& words) {
  size_t longest = 0;
  for (const std::string& word : words) {
    if (word.size() <= longest || word.size() > text.size()) continue;
    if (std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
          return absl::ascii_tolower(static_cast<unsigned char>(a)) ==
                 absl::ascii_tolower(static_cast<unsigned char>(b));
        })) {
      longest = word.size();
    }
  }
  return longest;
}

}  // namespace

std::vector<std::string> WordsOf(const std::string& query) {
  return absl::StrSplit(query, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
}

std::string Highlight(const std::string& line, const std::vector<std::string>& words,
                      const Terminal& terminal) {
  if (!terminal.colours()) return line;
  std::string painted;
  std::string_view rest = line;
  while (!rest.empty()) {
    size_t taken = 1;
    if (rest.front() == '\x1b') {
      // A colour: up to its 'm', so that no word is found inside of it.
      const size_t end = rest.find('m');
      taken = end == std::string_view::npos ? rest.size() : end + 1;
      painted.append(rest.substr(0, taken));
    } else if (const size_t match = MatchAt(rest, words); match > 0) {
      taken = match;
      painted += terminal.Paint(Style::kAttention, std::string(rest.substr(0, match)));
    } else {
      painted += rest.front();
    }
    rest.remove_prefix(taken);
  }
  return painted;
}

}  // namespace postern::cli
