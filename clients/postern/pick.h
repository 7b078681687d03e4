// SPDX-License-Identifier: Apache-2.0
// People name things by the start of an id or by a name; this finds the one they mean.
#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <vector>

namespace postern::cli {

struct Candidate {
  std::string id;
  std::vector<std::string> names;
  // It is no more: where one that still is fits as well, that one is meant.
  bool former = false;
};

// Shorter starts of ids are too easily typed by mistake for a command that takes something away.
inline constexpr size_t kIdStartLengthMin = 4;

// Returns the index of the candidate that 'text' means: first by whole id, then by whole name
// (letter case aside), then by the start of an id, then by a part of a name; the first of these
// steps where anything fits decides. INVALID_ARGUMENT naming the candidates when several fit, and
// when none does. 'what' names the kind for these errors, e.g. "app".
absl::StatusOr<size_t> Pick(std::span<const Candidate> candidates, const std::string& text,
                            const std::string& what);

}  // namespace postern::cli
