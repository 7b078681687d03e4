// SPDX-License-Identifier: Apache-2.0
// The part of the conversation where the person says in which chats.
#pragma once

#include "platform/linux/consent_choices.h"
#include "platform/linux/terminal_prompts.h"

namespace postern::platform {

// One thread. Borrows both.
class TerminalChats {
 public:
  TerminalChats(const permissions::ConsentQuestion& question, TerminalPrompts& prompts)
      : question_(question), prompts_(prompts) {}

  // Asks, and writes what is chosen. Ends as TerminalPrompts' calls do.
  Terminal::Typed Ask(Choices& choices);
  // Returns what was chosen, for a person to read.
  std::string Summary(const Choices& choices) const;

 private:
  using Typed = Terminal::Typed;

  // Has chats ticked in 'ticked' until the person is done. A command that is not about chats goes
  // to 'command' and ends the picking.
  Typed Pick(const std::string& prompt, std::set<uint32_t>& ticked, std::string& command);
  void Show(const std::vector<uint32_t>& shown, size_t from, const std::set<uint32_t>& ticked);
  std::vector<uint32_t> With(absl::string_view text) const;
  Typed AskAccounts(Choices& choices);
  Typed AskNarrowing(Choices& choices);

  const permissions::ConsentQuestion& question_;
  TerminalPrompts& prompts_;
};

}  // namespace postern::platform
