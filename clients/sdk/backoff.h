// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <random>

#include "platform/mutex.h"

namespace postern::sdk {

// How long to wait between tries of the same thing: doubles from 'first' to 'longest', with jitter
// so that many apps do not return to a restarted broker in one moment.
struct BackoffOptions {
  absl::Duration first = absl::Milliseconds(50);
  absl::Duration longest = absl::Seconds(10);
  // Each wait is shortened by up to this part of itself.
  double jitter = 0.5;
};

// One run of tries. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(BackoffOptions options);

  // The next wait, at least 'at_least' (what the broker asked for).
  absl::Duration Next(absl::Duration at_least = absl::ZeroDuration());
  // After a success: start small again.
  void Reset() { next_ = options_.first; }

 private:
  const BackoffOptions options_;
  absl::Duration next_;
  std::minstd_rand random_;
};

// A wait that another thread can end. Thread-safe.
class Pause {
 public:
  // 'wait', when set, is called in the place of waiting: tests record and return at once.
  explicit Pause(std::function<void(absl::Duration)> wait = {});

  // Returns false when Stop was called, before or during the wait.
  bool For(absl::Duration duration);
  // Ends this wait and all later ones.
  void Stop();
  bool stopped() const;
  // Whether a test waits in our place.
  bool replaced() const { return wait_ != nullptr; }

 private:
  const std::function<void(absl::Duration)> wait_;
  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace postern::sdk
