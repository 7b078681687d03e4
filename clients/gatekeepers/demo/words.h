// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace postern::demo {

// Splits a line of a script into words; "quoted words" may hold spaces, \" \\ and \n, and '#'
// begins a comment. INVALID_ARGUMENT when a quotation mark is not closed.
absl::StatusOr<std::vector<std::string>> SplitWords(absl::string_view line);

}  // namespace postern::demo
