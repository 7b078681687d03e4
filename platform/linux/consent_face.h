// SPDX-License-Identifier: Apache-2.0
// The two faces of a consent question. Both show the same things and end in the same typed answer.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>

#include "permissions/consent_preview.h"
#include "permissions/consent_question.h"
#include "platform/linux/consent_choices.h"
#include "platform/linux/peer_evidence.h"
#include "platform/unique_fd.h"

namespace postern::platform {

// What a face is given. All references outlive it.
struct FaceInput {
  const permissions::ConsentQuestion& question;
  const PeerEvidence& evidence;
  // The private descriptor to the broker. Drafts go out and previews come in; hung up, the question
  // is withdrawn.
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
// Drafts of one question; the broker takes some more (kPreviewDraftsMax), and ends it then.
inline constexpr int kDraftsMax = 900;

// Asks on 'terminal', or on the controlling terminal when that is none. Blocks.
FaceResult AskInTerminal(const FaceInput& input, UniqueFd terminal);
// Asks in a window. Blocks. kUnavailable when there is no display, or this build has no window.
FaceResult AskInWindow(const FaceInput& input);

// Returns an answer that refuses, with the question's id and hash and who asked filled in.
permissions::ConsentAnswer RefusalOf(const FaceInput& input);

// Sends what is chosen so far. An error means that the question is over.
absl::Status SendDraft(const FaceInput& input, const Choices& choices);
// Takes the reply to a draft, which is on its way. UNAVAILABLE when the question is withdrawn.
absl::StatusOr<permissions::ConsentPreview> ReceivePreview(const FaceInput& input);

}  // namespace postern::platform
