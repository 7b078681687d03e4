// SPDX-License-Identifier: Apache-2.0
// How much of the time between two looks counts against a reader that makes no progress.
//
// Elapsed time goes on while the machine sleeps, and while this process is stopped; a reader cannot
// read then, or could and nobody saw it. So no more counts than the watcher meant to let pass: a
// reader is given up for time in which it was watched, and nobody is cut off for having slept.
#pragma once

#include <absl/time/time.h>

#include <algorithm>

namespace postern::broker {

class StallWatch {
 public:
  // Looks at 'now'. Returns what counts since the last look.
  absl::Duration Look(absl::Duration now) {
    const absl::Duration passed = now - last_look_;
    last_look_ = now;
    return std::clamp(passed, absl::ZeroDuration(), planned_);
  }
  // The next look is meant to come after 'wait'. Zero: nothing is watched until then.
  void Plan(absl::Duration wait) { planned_ = wait; }

 private:
  absl::Duration last_look_;
  absl::Duration planned_;
};

}  // namespace postern::broker
