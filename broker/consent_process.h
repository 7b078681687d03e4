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
  // Where there is no display, a terminal that is lent at 'terminal_socket' (lent_terminal.h) goes
  // before this process's own; empty: none is lent.
  ConsentProcess(std::string agent, ConsentFace face, std::string terminal_socket = {})
      : agent_(std::move(agent)), face_(face), terminal_socket_(std::move(terminal_socket)) {}

  ConsentOutcome Ask(const permissions::ConsentQuestion& question, platform::UniqueFd pidfd,
                     const ConsentCancellation& cancellation,
                     const ConsentPreviewer& preview) override;

 private:
  const std::string agent_;
  const ConsentFace face_;
  const std::string terminal_socket_;
};

}  // namespace postern::broker
