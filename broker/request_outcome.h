// SPDX-License-Identifier: Apache-2.0
// How an app is told what became of a request that was answered PENDING.
#pragma once

#include <absl/status/status.h>

#include "broker/parts.h"
#include "broker/pending_sends.h"

namespace postern::broker {

// What ended as 'status' says: done when OK.
PendingSends::Ended EndedAs(PendingSends::Ask ask, const absl::Status& status);

// Tells the app by an event to it alone.
absl::Status TellOutcome(const Parts& parts, const PendingSends::Ended& ended);
// The same, and then forgets the request.
absl::Status TellOutcome(const Parts& parts, PendingSends& pending,
                         const PendingSends::Ended& ended);

}  // namespace postern::broker
