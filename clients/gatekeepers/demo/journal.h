// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "platform/unique_fd.h"

namespace postern::demo {

// The adapter's own account of what it was promised, for crash tests to hold the broker to: lines
// "POSITION submitted ID" and "POSITION acked", and "attached" at the begin of each session.
// Written with one write(2) a call, so a kill of this process leaves whole lines. Thread-safe.
class Journal {
 public:
  // Appends to 'path'. Empty: writes nothing.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& path);

  void Write(const std::string& lines);

 private:
  platform::UniqueFd fd_;
};

}  // namespace postern::demo
