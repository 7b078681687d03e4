// SPDX-License-Identifier: Apache-2.0
// The two ends of what is tried: the adapter stands between them.
#pragma once

#include <absl/time/time.h>

#include "clients/conformance/door.h"
#include "clients/conformance/driver.h"

namespace postern::conformance {

// A far end with a real client may have to type, and to wait for a screen.
inline constexpr absl::Duration kDriverWait = absl::Minutes(2);
// What has come with losses may still come whole for so long.
inline constexpr absl::Duration kBetterMayFollow = absl::Seconds(1);

// Refers to what its maker owns.
struct Ends {
  Door& door;
  Driver& driver;
  // Longest wait for what should come at either end.
  absl::Duration wait;
};

}  // namespace postern::conformance
