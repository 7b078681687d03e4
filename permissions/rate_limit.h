// SPDX-License-Identifier: Apache-2.0
// A token bucket. A value that knows no clock: callers give elapsed time that never goes back.
#pragma once

#include <absl/time/time.h>

#include <cstdint>

namespace postern::permissions {

class TokenBucket {
 public:
  // Holds at most 'capacity' tokens, full at first, and regains them evenly over 'period'.
  TokenBucket(uint64_t capacity, absl::Duration period);

  // Takes 'count' tokens and returns zero, or takes none and returns how long to wait until they
  // are there; InfiniteDuration when 'count' is more than the bucket ever holds. An 'elapsed'
  // earlier than the one before counts as no time.
  absl::Duration Take(absl::Duration elapsed, uint64_t count = 1);
  // Gives 'count' tokens back, for what was taken and not done.
  void GiveBack(uint64_t count = 1);
  // Changes the size when a grant changes; what is missing stays missing, so that a change is no
  // refill.
  void Resize(uint64_t capacity, absl::Duration period);
  // Tokens, and parts of one, that were missing when last looked at.
  double missing() const { return static_cast<double>(capacity_) - tokens_; }

 private:
  void Refill(absl::Duration elapsed);

  uint64_t capacity_;
  absl::Duration period_;
  // Tokens in the bucket, in parts of a token.
  double tokens_;
  absl::Duration last_ = absl::ZeroDuration();
  bool started_ = false;
};

}  // namespace postern::permissions
