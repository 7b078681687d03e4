// SPDX-License-Identifier: Apache-2.0
// Asks through postern-consent, a process of its own: the daemon links no GUI toolkit, and a crash
// of the dialog is one more way of not answering.
//
//   posternd --socketpair, fd 3--> postern-consent        the question, and the pidfd of who asks
//   posternd <------------------> postern-consent        drafts, and what an app would see by them
//   posternd <------------------- postern-consent        one answer, then it exits
//
// The program is the one beside this executable, or the installed one: no option, environment
// variable or configuration names another, because whoever could would answer for the person.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "broker/consent_prompt.h"

namespace postern::broker {

// Where the agent may ask. It can narrow where, and never answer.
enum class ConsentFace : uint8_t { kAuto = 1, kWindow, kTerminal };

// Returns the path of the agent: beside /proc/self/exe, else in the libexec directory that was
// compiled in. NOT_FOUND when neither is there.
absl::StatusOr<std::string> FindConsentAgent();

// Thread-safe: it keeps no state between questions.
class ConsentProcess final : public ConsentPrompt {
 public:
  ConsentProcess(std::string agent, ConsentFace face) : agent_(std::move(agent)), face_(face) {}

  ConsentOutcome Ask(const permissions::ConsentQuestion& question, platform::UniqueFd pidfd,
                     const ConsentCancellation& cancellation,
                     const ConsentPreviewer& preview) override;

 private:
  const std::string agent_;
  const ConsentFace face_;
};

}  // namespace postern::broker
