// SPDX-License-Identifier: Apache-2.0
// Where time comes from. Tests pass a FakeClock (tests/fakes) and move it.
#pragma once

#include <absl/time/time.h>

namespace postern::platform {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // The wall clock: for what people and networks call a time. It can jump.
  virtual absl::Time Now() const = 0;
  // Time since some fixed point; never goes back, counts suspend: for waits, rates and ages.
  virtual absl::Duration Elapsed() const = 0;
};

// The machine's clocks: CLOCK_REALTIME and CLOCK_BOOTTIME.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Elapsed() const override;
};

}  // namespace postern::platform
