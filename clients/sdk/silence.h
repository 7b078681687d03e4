// SPDX-License-Identifier: Apache-2.0
// Words for a question that Postern does not put to its user now (CONSENT_SILENCED).
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <string>

namespace postern::sdk {

// A wait as people say it, rounded up, in at most two units: "40 s", "58 min", "6 d 23 h".
std::string WaitInWords(absl::Duration wait);

// One sentence without its full stop: why Postern does not ask now, and when it can again. It is
// the pace of all programs' questions together, so it blames none. 'status' is CONSENT_SILENCED.
std::string SilenceInWords(const absl::Status& status);

// A CONSENT_SILENCED gets SilenceInWords for its message; all else is returned as it is.
absl::Status WithSilenceInWords(absl::Status status);

}  // namespace postern::sdk
