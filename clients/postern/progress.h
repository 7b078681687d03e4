// SPDX-License-Identifier: Apache-2.0
// A bar for work that takes a while; only where a person looks.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace postern::cli {

// Draws on stderr when that is a terminal, and clears its line when it ends. Not thread-safe.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // 'done' of 'total'; a total of 0 is not known yet.
  void Show(uint64_t done, uint64_t total);

  // The line itself, without what moves the cursor: "Exporting [#####-----]  50 %".
  static std::string Bar(const std::string& what, uint64_t done, uint64_t total);

 private:
  const std::string what_;
  const bool seen_;
  std::string shown_;
};

}  // namespace postern::cli
