// SPDX-License-Identifier: Apache-2.0
// A question that Postern does not put to its user now: when it can, and in what words.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <string>

namespace postern::sdk {

// Says whether the user cannot be asked now, but can be later, with nothing done about it here:
// they were asked enough (CONSENT_SILENCED), or the screen is locked or nobody is there
// (CONSENT_UNAVAILABLE).
bool CanBeAskedLater(const absl::Status& status);
// How long to wait then before asking again: as long as Postern says, within bounds.
absl::Duration AskPauseOf(const absl::Status& status);

// A wait as people say it, rounded up, in at most two units: "40 s", "58 min", "6 d 23 h".
std::string WaitInWords(absl::Duration wait);

// One sentence without its full stop: why Postern does not ask now, and when it can again. It is
// the pace of all programs' questions together, so it blames none. 'status' is CONSENT_SILENCED.
std::string SilenceInWords(const absl::Status& status);

// A CONSENT_SILENCED gets SilenceInWords for its message; all else is returned as it is.
absl::Status WithSilenceInWords(absl::Status status);

}  // namespace postern::sdk
