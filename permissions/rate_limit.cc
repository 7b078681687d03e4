// SPDX-License-Identifier: Apache-2.0
#include "permissions/rate_limit.h"

#include <algorithm>

namespace postern::permissions {

TokenBucket::TokenBucket(uint64_t capacity, absl::Duration period)
    : capacity_(capacity), period_(period), tokens_(static_cast<double>(capacity)) {}

void TokenBucket::Refill(absl::Duration elapsed) {
  if (!started_) {
    started_ = true;
    last_ = elapsed;
    return;
  }
  if (elapsed <= last_) return;
  const double share = absl::FDivDuration(elapsed - last_, period_);
  tokens_ =
      std::min(static_cast<double>(capacity_), tokens_ + share * static_cast<double>(capacity_));
  last_ = elapsed;
}

absl::Duration TokenBucket::Take(absl::Duration elapsed, uint64_t count) {
  Refill(elapsed);
  if (count > capacity_) return absl::InfiniteDuration();
  // Parts of a token add up with rounding; without the tolerance a caller that waits exactly as
  // long as it was told would be sent away once more.
  constexpr double kTolerance = 1e-6;
  const double missing = static_cast<double>(count) - tokens_;
  if (missing <= kTolerance) {
    tokens_ = std::max(0.0, tokens_ - static_cast<double>(count));
    return absl::ZeroDuration();
  }
  return period_ * (missing / static_cast<double>(capacity_));
}

void TokenBucket::GiveBack(uint64_t count) {
  tokens_ = std::min(static_cast<double>(capacity_), tokens_ + static_cast<double>(count));
}

void TokenBucket::Resize(uint64_t capacity, absl::Duration period) {
  const double missing = static_cast<double>(capacity_) - tokens_;
  capacity_ = capacity;
  period_ = period;
  tokens_ = std::clamp(static_cast<double>(capacity) - missing, 0.0, static_cast<double>(capacity));
}

}  // namespace postern::permissions
