// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/mutex.h"
#include "platform/unique_fd.h"

namespace postern::behaviors {

// A socket that passes everything on to another one, until it is told to cut what is connected.
class CutProxy {
 public:
  CutProxy(std::string path, std::string target);
  ~CutProxy();
  CutProxy(const CutProxy&) = delete;
  CutProxy& operator=(const CutProxy&) = delete;

  // Ends every connection, as a cable that is pulled. New ones work again.
  void Cut();
  const std::string& path() const { return path_; }

 private:
  struct Pair {
    platform::UniqueFd client;
    platform::UniqueFd server;
    std::thread up;
    std::thread down;
  };
  void Accept();

  const std::string path_;
  const std::string target_;
  platform::UniqueFd listener_;
  platform::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Pair>> pairs_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace postern::behaviors
