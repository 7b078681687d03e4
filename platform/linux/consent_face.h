// SPDX-License-Identifier: Apache-2.0
// The two faces of a consent question. Both show the same things and end in the same typed answer.
#pragma once

#include <absl/time/time.h>

#include <absl/strings/string_view.h>
#include <cstdint>
#include <string>

#include "permissions/consent_question.h"
#include "platform/linux/peer_evidence.h"

namespace postern::platform {

// What a face is given. All references outlive it.
struct FaceInput {
  const permissions::ConsentQuestion& question;
  const PeerEvidence& evidence;
  // The private descriptor to the broker: readable or hung up means that the question is withdrawn.
  int channel;
  // On the boot clock (TerminalNow).
  absl::Time deadline;
};

struct FaceResult {
  enum class Kind : uint8_t {
    kAnswered = 1,
    // This face cannot be shown here.
    kUnavailable,
    // The question was withdrawn, or we are to end: there is nothing to say.
    kEnded,
  };
  Kind kind = Kind::kEnded;
  permissions::ConsentAnswer answer;
};

// For this long after the question stands whole before the person, nothing allows: a click or a key
// that was meant for another window must not.
inline constexpr absl::Duration kAllowGuard = absl::Seconds(1);

// Asks on the controlling terminal. Blocks.
FaceResult AskInTerminal(const FaceInput& input);
// Asks in a window. Blocks. kUnavailable when there is no display, or this build has no window.
FaceResult AskInWindow(const FaceInput& input);

// Returns an answer that refuses, with the question's id and hash and who asked filled in.
permissions::ConsentAnswer RefusalOf(const FaceInput& input);
// Returns the name to store: what the person typed, cleaned; else the name they gave earlier, else
// the claimed one, but "" when that one could be taken for another app's: then they must type one.
std::string NameFrom(const permissions::ConsentQuestion& question, absl::string_view typed);
// Returns until when a grant of DurationChoices()[choice] lasts, and from when history is open.
permissions::Validity ValidityFrom(size_t choice, absl::Time now);
absl::Time HistoryStartFrom(size_t choice, absl::Time now);

}  // namespace postern::platform
