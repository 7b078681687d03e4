// SPDX-License-Identifier: Apache-2.0
// Grants that nobody uses lapse: the app has forgotten them, and so has the user.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <functional>

#include "broker/app_registry.h"
#include "broker/owner_notices.h"
#include "permissions/ids.h"

namespace postern::broker {

// Notes who is connected at 'now', writes when each app was last here (once a day at most), and
// suspends the grants in force that were not used for permissions::kIdleLapse; the user is told.
// 'connections_of' tells how many connections a principal has open. 'now' must not jump ahead.
absl::Status LapseIdleGrants(
    AppRegistry& apps, OwnerNotices& notices,
    const std::function<int(const permissions::Principal&)>& connections_of, absl::Time now);

}  // namespace postern::broker
