// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <utility>

#include "platform/unique_fd.h"

namespace postern::platform {

// Holds a folder for one process: the lock file "posternd.lock" in it, locked until this object
// goes or the process ends, however it ends. The file itself stays, since removing it would let two
// in.
class InstanceLock {
 public:
  // ALREADY_EXISTS when another process holds it; UNAVAILABLE when the disk is full or read-only.
  // 'folder' is an open directory.
  static absl::StatusOr<InstanceLock> Acquire(const UniqueFd& folder);

 private:
  explicit InstanceLock(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace postern::platform
