// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/time/clock.h>

#include <string>
#include <vector>

#include "broker/notifier.h"
#include "platform/mutex.h"

namespace postern::fakes {

// Keeps what would be shown. Thread-safe.
class RecordingNotifier final : public broker::Notifier {
 public:
  absl::Status Notify(const std::string& text, const broker::ConsentCancellation&) override {
    platform::MutexLock lock(mutex_);
    if (!present_) return absl::UnavailableError("no notification service");
    shown_.push_back(text);
    changed_.NotifyAll();
    return absl::OkStatus();
  }
  // Without a service nothing is shown.
  void SetPresent(bool present) {
    platform::MutexLock lock(mutex_);
    present_ = present;
  }
  std::vector<std::string> shown() const {
    platform::MutexLock lock(mutex_);
    return shown_;
  }
  // Waits until so many were shown; false when they were not within 'timeout'.
  bool WaitFor(size_t count, absl::Duration timeout = absl::Seconds(30)) const {
    const absl::Time deadline = absl::Now() + timeout;
    platform::MutexLock lock(mutex_);
    while (shown_.size() < count && absl::Now() < deadline) {
      changed_.WaitFor(mutex_, deadline - absl::Now());
    }
    return shown_.size() >= count;
  }

 private:
  mutable platform::Mutex mutex_;
  mutable platform::ConditionVariable changed_;
  bool present_ ABSL_GUARDED_BY(mutex_) = true;
  std::vector<std::string> shown_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::fakes
