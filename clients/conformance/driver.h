// SPDX-License-Identifier: Apache-2.0
// The program that starts an adapter and plays the people at its other end: one request a line on
// its standard input, one answer a line on its standard output, both JSON. README.md has the form.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <sys/types.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/unique_fd.h"

namespace postern::conformance {

using Json = nlohmann::ordered_json;

// An answer longer than this is none.
inline constexpr size_t kAnswerBytesMax = 4 * 1024 * 1024;

class Driver {
 public:
  // Starts 'command' with 'environment' ("NAME=value") on top of ours. Its errors go to
  // 'errors_path'. UNAVAILABLE when it cannot be started.
  static absl::StatusOr<std::unique_ptr<Driver>> Start(const std::vector<std::string>& command,
                                                       const std::vector<std::string>& environment,
                                                       const std::string& errors_path);
  // Closes its input, and ends it when it does not end by itself; then ends every other child of
  // this process, since what the program left behind has become one.
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // DEADLINE_EXCEEDED when no answer came, UNAVAILABLE when the program ended, INVALID_ARGUMENT for
  // an answer that is no JSON object.
  absl::StatusOr<Json> Ask(const Json& request, absl::Duration timeout);

 private:
  Driver() = default;

  pid_t pid_ = -1;
  platform::UniqueFd pidfd_;
  platform::UniqueFd input_;
  platform::UniqueFd output_;
  std::string unread_;
};

}  // namespace postern::conformance
