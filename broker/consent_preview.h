// SPDX-License-Identifier: Apache-2.0
// "What this app would see", while the person still decides: a draft of the answer becomes a grant
// that is kept nowhere, and the newest messages go through the same view function that serves apps.
#pragma once

#include "broker/directory.h"
#include "broker/event_log.h"
#include "broker/history.h"
#include "broker/pseudonym_book.h"
#include "permissions/consent_preview.h"
#include "permissions/consent_question.h"
#include "platform/clock.h"

namespace postern::broker {

// Thread-safe. Borrows all it is made of.
class ConsentPreviews {
 public:
  ConsentPreviews(EventLog& log, History& history, const Directory& directory,
                  PseudonymBook& pseudonyms, const platform::Clock& clock)
      : log_(log),
        history_(history),
        directory_(directory),
        pseudonyms_(pseudonyms),
        clock_(clock) {}

  // Returns what 'question's app would see under 'draft', by the example of the newest messages:
  // those it would have seen as they came, and how many of them it could read at once. Not 'known'
  // when the draft is not yet a whole answer, or storage does not answer.
  permissions::ConsentPreview Of(const permissions::ConsentQuestion& question,
                                 const permissions::ConsentAnswer& draft) const;

 private:
  EventLog& log_;
  History& history_;
  const Directory& directory_;
  PseudonymBook& pseudonyms_;
  const platform::Clock& clock_;
};

}  // namespace postern::broker
