// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clients/translator/apertium_modes.h"

namespace postern::translator {

// The programs of one pair, kept running: a text goes in, followed by NUL, and comes out
// translated, followed by NUL. Starting them takes a tenth of a second, a text a millisecond or
// two.
//
// Not thread-safe. After any error it is out of step and must be thrown away.
class ApertiumPipeline {
 public:
  // Starts the programs. FAILED_PRECONDITION, naming it, when one is not installed.
  static absl::StatusOr<std::unique_ptr<ApertiumPipeline>> Start(const std::vector<Stage>& stages);
  // Ends them, and waits until they have.
  ~ApertiumPipeline();
  ApertiumPipeline(const ApertiumPipeline&) = delete;
  ApertiumPipeline& operator=(const ApertiumPipeline&) = delete;

  // Translates. DEADLINE_EXCEEDED when that takes longer than 'limit', UNAVAILABLE when one of the
  // programs ended.
  absl::StatusOr<std::string> Translate(std::string_view text, absl::Duration limit);

 private:
  ApertiumPipeline() = default;

  int input_ = -1;
  int output_ = -1;
  std::vector<pid_t> programs_;
};

// A text as Apertium's programs take it: what they use as marks is escaped, line ends and links are
// "superblanks", which pass through untouched, and a full stop ends the last sentence.
std::string ToStream(std::string_view text);
// And back.
std::string FromStream(std::string_view stream);

}  // namespace postern::translator
