// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/time/time.h>

#include <chrono>

namespace postern::platform {

// Time that the machine was awake, since some fixed point (CLOCK_MONOTONIC): for deadlines of what
// another program on this machine is to do. It sleeps when we sleep; by Clock::Elapsed, which goes
// on then, everything that was under way would be too late on waking.
inline absl::Duration AwakeTime() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace postern::platform
