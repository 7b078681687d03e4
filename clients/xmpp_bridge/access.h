// SPDX-License-Identifier: Apache-2.0
// What a refusal of Postern's says of the access as a whole, and when to try again.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace postern::xmpp_bridge {

// Before something is tried again that failed for now.
inline constexpr absl::Duration kRetryPause = absl::Seconds(2);

// Whether it rests, and what was to be done is to be done later: the user suspended it, or has
// locked the screen.
bool AccessIsSuspended(const absl::Status& status);

// Whether trying again helps nothing before a person has done something: the user said no or did
// not answer, took the access or a permission back, or somebody else answers in posternd's place.
bool NeedsAPerson(const absl::Status& status);

}  // namespace postern::xmpp_bridge
