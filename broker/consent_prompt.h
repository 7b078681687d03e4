// SPDX-License-Identifier: Apache-2.0
// Asking the person. The broker's side of consent, behind an interface because the person varies: a
// window, a terminal, or a script in tests (tests/fakes/scripted_consent_prompt.h).
#pragma once

#include <cstdint>
#include <functional>

#include "permissions/consent_preview.h"
#include "permissions/consent_question.h"
#include "platform/unique_fd.h"

namespace postern::broker {

// Withdraws a question from another thread: the asking program went away, or the daemon stops.
// Thread-safe. Cancelling is final, and may come before the question.
class ConsentCancellation {
 public:
  ConsentCancellation();
  ConsentCancellation(const ConsentCancellation&) = delete;
  ConsentCancellation& operator=(const ConsentCancellation&) = delete;

  void Cancel();
  bool cancelled() const;
  // Readable once cancelled; for poll().
  int fd() const { return event_.get(); }

 private:
  platform::UniqueFd event_;
};

struct ConsentOutcome {
  enum class Kind : uint8_t {
    // The person decided; 'answer' says how. The only kind that can grant.
    kAnswered = 1,
    // Nobody can be asked here: no display and no terminal, or no agent.
    kUnavailable,
    // The question's time passed.
    kExpired,
    // Withdrawn by us, or the asking program ended.
    kCancelled,
    // The agent ended without an answer that is to be believed.
    kFailed,
  };
  Kind kind = Kind::kFailed;
  // For kAnswered, and for kExpired when the agent said so itself: checked against the question. It
  // also names the origin of the asking process, by which refusals are remembered.
  permissions::ConsentAnswer answer;
};

// More than a person ticks while one question stands; what sends more is no person.
inline constexpr int kPreviewDraftsMax = 1000;
// Says what an app would see under a draft (ConsentDecision::kDraft) of the person's answer.
// Called from the thread that asks, any number of times, at most kPreviewDraftsMax.
using ConsentPreviewer =
    std::function<permissions::ConsentPreview(const permissions::ConsentAnswer& draft)>;

class ConsentPrompt {
 public:
  virtual ~ConsentPrompt() = default;

  // Asks and waits, at most a little longer than the question's own time. 'pidfd' is the asking
  // process, for the evidence; it may be invalid. Blocks; thread-safe, but one question at a time
  // is the caller's rule. 'preview' answers drafts meanwhile; without it nothing is known of what
  // the app would see. Only kAnswered with Decision allow may lead to a grant: every failure is
  // a kind of "no answer".
  virtual ConsentOutcome Ask(const permissions::ConsentQuestion& question, platform::UniqueFd pidfd,
                             const ConsentCancellation& cancellation,
                             const ConsentPreviewer& preview) = 0;
};

}  // namespace postern::broker
