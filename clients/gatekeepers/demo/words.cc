// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/words.h"

#include <algorithm>

namespace postern::demo {

absl::StatusOr<std::vector<std::string>> SplitWords(absl::string_view line) {
  std::vector<std::string> words;
  size_t i = 0;
  while (i < line.size()) {
    if (line[i] == ' ' || line[i] == '\t' || line[i] == '\r') {
      ++i;
    } else if (line[i] == '#') {
      break;
    } else if (line[i] != '"') {
      const size_t end = std::min(line.find_first_of(" \t\r", i), line.size());
      words.emplace_back(line.substr(i, end - i));
      i = end;
    } else {
      std::string word;
      bool closed = false;
      for (++i; i < line.size() && !closed; ++i) {
        if (line[i] == '"') {
          closed = true;
        } else if (line[i] == '\\' && i + 1 < line.size()) {
          word += line[++i] == 'n' ? '\n' : line[i];
        } else {
          word += line[i];
        }
      }
      if (!closed) return absl::InvalidArgumentError("a quotation mark is not closed");
      words.push_back(std::move(word));
    }
  }
  return words;
}

}  // namespace postern::demo
