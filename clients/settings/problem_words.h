// SPDX-License-Identifier: Apache-2.0
// What went wrong, and what to do about it.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace postern::settings {

struct ProblemWords {
  std::string title;
  std::string advice;
};

// Why the window has nothing to show.
ProblemWords WhyNothingIsShown(const absl::Status& status);
// Why something that was asked for did not happen: one sentence.
std::string WhyNotDone(const absl::Status& status);

}  // namespace postern::settings
