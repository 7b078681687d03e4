// SPDX-License-Identifier: Apache-2.0
// Showing the user one line where they are looking: a desktop notification. Behind an interface
// because desktops vary, and because many machines have none.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <utility>

#include "broker/consent_prompt.h"

namespace postern::broker {

class Notifier {
 public:
  virtual ~Notifier() = default;

  // Shows 'text', which is plain and one sentence or two. OK when a notification service took it;
  // UNAVAILABLE when there is none or it did not answer; CANCELLED when 'cancellation' came first.
  // Blocks for some seconds at most; one call at a time is the caller's rule.
  virtual absl::Status Notify(const std::string& text, const ConsentCancellation& cancellation) = 0;
};

// Shows through postern-consent, which is in the user's session and may talk to the desktop.
class NotifierProcess final : public Notifier {
 public:
  // 'agent' is FindConsentAgent's.
  explicit NotifierProcess(std::string agent) : agent_(std::move(agent)) {}

  absl::Status Notify(const std::string& text, const ConsentCancellation& cancellation) override;

 private:
  const std::string agent_;
};

}  // namespace postern::broker
