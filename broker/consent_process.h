// SPDX-License-Identifier: Apache-2.0
// Asks through postern-consent, a process of its own: the daemon links no GUI toolkit, and a crash
// of the dialog is one more way of not answering.
//
//   posternd --socketpair, fd 3--> postern-consent        the question, and the pidfd of who asks
//   posternd <------------------> postern-consent        drafts, and what an app would see by them
//   posternd <------------------- postern-consent        one answer, then it exits
#pragma once

#include <string>

#include "broker/agent_process.h"
#include "broker/consent_prompt.h"

namespace postern::broker {

// Where the agent may ask. It can narrow where, and never answer.
enum class ConsentFace : uint8_t { kAuto = 1, kWindow, kTerminal };

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
