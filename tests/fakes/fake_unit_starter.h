// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "platform/mutex.h"
#include "platform/unit_starter.h"

namespace postern::fakes {

// A service manager that a test fills. Passes the same contract suite as the real one
// (tests/platform/unit_starter_contract.h). Thread-safe.
class FakeUnitStarter {
 public:
  // Borrows this.
  platform::UnitStarter starter() {
    return [this](const std::string& unit) { return Start(unit); };
  }
  // Knows a unit from now on.
  void Install(const std::string& unit) {
    platform::MutexLock lock(mutex_);
    installed_.insert(unit);
  }
  // It refuses this one from now on.
  void Mask(const std::string& unit) {
    platform::MutexLock lock(mutex_);
    installed_.insert(unit);
    masked_.insert(unit);
  }
  // It no longer answers.
  void Stop() {
    platform::MutexLock lock(mutex_);
    stopped_ = true;
  }

  // Called with each unit that it is asked to start, before it answers.
  void OnStart(std::function<void(const std::string&)> on_start) {
    platform::MutexLock lock(mutex_);
    on_start_ = std::move(on_start);
  }

  // The units that it was asked to start, in order.
  std::vector<std::string> asked() const {
    platform::MutexLock lock(mutex_);
    return asked_;
  }

 private:
  absl::Status Start(const std::string& unit) {
    std::function<void(const std::string&)> on_start;
    {
      platform::MutexLock lock(mutex_);
      on_start = on_start_;
    }
    if (on_start) on_start(unit);
    platform::MutexLock lock(mutex_);
    asked_.push_back(unit);
    if (stopped_) return absl::UnavailableError("no manager");
    if (!installed_.contains(unit)) return absl::NotFoundError("no such unit");
    if (masked_.contains(unit)) return absl::FailedPreconditionError("masked");
    return absl::OkStatus();
  }

  mutable platform::Mutex mutex_;
  std::set<std::string> installed_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> masked_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void(const std::string&)> on_start_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> asked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::fakes
