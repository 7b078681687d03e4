// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::fakes {

// Time that stands until a test moves it. Thread-safe.
class FakeClock final : public platform::Clock {
 public:
  explicit FakeClock(absl::Time now = absl::FromUnixSeconds(1'700'000'000)) : now_(now) {}

  absl::Time Now() const override {
    platform::MutexLock lock(mutex_);
    return now_;
  }
  absl::Duration Elapsed() const override {
    platform::MutexLock lock(mutex_);
    return elapsed_;
  }
  // Both clocks go on by 'duration'.
  void Advance(absl::Duration duration) {
    platform::MutexLock lock(mutex_);
    now_ += duration;
    elapsed_ += duration;
  }
  // The wall clock jumps, as when somebody sets it; elapsed time does not notice.
  void Jump(absl::Duration by) {
    platform::MutexLock lock(mutex_);
    now_ += by;
  }

 private:
  mutable platform::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration elapsed_ ABSL_GUARDED_BY(mutex_) = absl::Hours(1);
};

}  // namespace postern::fakes
