// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "clients/postern/terminal.h"

namespace postern::cli {

// Returns the words of a query, as people type them: what stands between spaces.
std::vector<std::string> WordsOf(const std::string& query);

// Returns 'line' with each place where one of 'words' stands painted, letter case of ASCII aside.
// What is painted already stays; without colours the line comes back as it is.
std::string Highlight(const std::string& line, const std::vector<std::string>& words,
                      const Terminal& terminal);

}  // namespace postern::cli
