// SPDX-License-Identifier: Apache-2.0
// What was allowed once is forgotten: now and then the owner is told how much is open.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "broker/app_registry.h"
#include "broker/owner_notices.h"
#include "broker/store.h"
#include "broker/trusted_clock.h"

namespace postern::broker {

// Often enough that nothing stays forgotten for long, seldom enough to be read.
inline constexpr absl::Duration kReminderPeriod = absl::Hours(24 * 30);

// Tells the owner how many apps can read messages, and how many of them send text off the device,
// when that was so for kReminderPeriod since it first was, or since the owner was last told. Call
// it now and then. Nothing while all apps are paused; where nobody can read, the period begins
// anew.
//
// The period is of confirmed time, and kept in the database: a clock that jumps brings no reminder
// and takes none away, nor does a restart. It is written down before the owner is told, so that a
// crash in between costs one reminder and never gives two.
absl::Status RemindOfAccess(Store& store, const AppRegistry& apps, OwnerNotices& notices,
                            const TrustedClock& clock);

}  // namespace postern::broker
