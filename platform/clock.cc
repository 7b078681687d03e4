// SPDX-License-Identifier: Apache-2.0
#include "platform/clock.h"

#include <ctime>

namespace postern::platform {

// Not absl::Now: where it counts processor cycles (Debian's does), it is behind for some seconds
// after a sleep, and the user would be told that the clock is wrong.
absl::Time SystemClock::Now() const {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return absl::TimeFromTimespec(time);
}

absl::Duration SystemClock::Elapsed() const {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return absl::DurationFromTimespec(time);
}

}  // namespace postern::platform
