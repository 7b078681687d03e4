// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "platform/unique_fd.h"

namespace postern::daemon_test {

// Waits for what another process writes into a file, woken by each write.
class FileWatch {
 public:
  // 'path' need not exist yet; its folder must.
  explicit FileWatch(std::string path);
  // Returns true once 'holds' says so of the file's bytes from 'from' on. False when 'timeout' has
  // passed.
  bool Await(const std::function<bool(const std::string& bytes)>& holds, size_t from = 0,
             std::chrono::milliseconds timeout = std::chrono::seconds(30));

 private:
  const std::string path_;
  platform::UniqueFd changes_;
};

}  // namespace postern::daemon_test
