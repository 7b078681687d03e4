// SPDX-License-Identifier: Apache-2.0
// The part of the conversation for questions that ask for access: scopes, chats, times, what the
// app would see, and all of it once more.
#pragma once

#include <vector>

#include "platform/linux/consent_choices.h"
#include "platform/linux/consent_face.h"
#include "platform/linux/terminal_chats.h"
#include "platform/linux/terminal_prompts.h"

namespace postern::platform {

// One thread. Borrows both.
class TerminalAccess {
 public:
  TerminalAccess(const FaceInput& input, TerminalPrompts& prompts);

  // Says what is asked for.
  void Show();
  // Asks for all but the name, which 'choices' has, and says what the answer would mean. Ends as
  // TerminalPrompts' calls do.
  Terminal::Typed Ask(Choices& choices);

 private:
  using Typed = Terminal::Typed;

  Typed AskScopes(Choices& choices);
  Typed AskLimits(Choices& choices);
  Typed ShowPreview(const Choices& choices);
  void ShowChoices(const Choices& choices);

  const FaceInput& input_;
  const permissions::ConsentQuestion& question_;
  TerminalPrompts& prompts_;
  TerminalChats chats_;
  // Write scopes after read ones, as they are shown and numbered.
  std::vector<permissions::Scope> scopes_;
};

}  // namespace postern::platform
