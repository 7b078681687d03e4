// SPDX-License-Identifier: Apache-2.0
#include "platform/clock.h"

#include <absl/time/clock.h>

#include <ctime>

namespace postern::platform {

absl::Time SystemClock::Now() const { return absl::Now(); }

absl::Duration SystemClock::Elapsed() const {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return absl::DurationFromTimespec(time);
}

}  // namespace postern::platform
