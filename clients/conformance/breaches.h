// SPDX-License-Identifier: Apache-2.0
// What an adapter did against the contract, one sentence each.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace postern::conformance {

// Not thread-safe.
class Breaches {
 public:
  void Add(std::string what) {
    if (all_.size() < kMax) all_.push_back(std::move(what));
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  // Breaches that are worth a line each; more of the same say nothing new.
  static constexpr size_t kMax = 20;

  std::vector<std::string> all_;
};

}  // namespace postern::conformance
