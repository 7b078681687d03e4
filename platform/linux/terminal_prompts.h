// SPDX-License-Identifier: Apache-2.0
// The ways in which the conversation in the terminal asks: one of some, some of many, one word.
#pragma once

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "platform/linux/terminal.h"
#include "platform/linux/translation.h"

namespace postern::platform {

// A person who mistypes this often in one place is not answering.
inline constexpr int kAttemptsMax = 20;

// Parses "1 3, 5-7" against 1..max into places from 0. Empty on anything else.
std::optional<std::set<uint32_t>> ParseNumbers(absl::string_view line, size_t max);
// Returns 'number' at least 'width' wide.
std::string Padded(uint64_t number, size_t width);

// One thread. Borrows the terminal. Each call returns kLine to go on; anything else ends the
// question so.
class TerminalPrompts {
 public:
  explicit TerminalPrompts(Terminal& terminal) : terminal_(terminal) {}

  Terminal& terminal() { return terminal_; }

  // Prints a label, and what there is to say beside it, wrapped.
  void Item(absl::string_view label, absl::string_view value);
  void Line(absl::string_view text) { terminal_.Print(absl::StrCat(text, "\n")); }
  // Prints a text of ours, wrapped, behind 'prefix'. It may hold isolated names.
  void Words(absl::string_view prefix, const std::string& text);

  // Asks for some of 'count' things; none at all is an answer.
  Terminal::Typed AskSome(const std::string& prompt, size_t count, std::set<uint32_t>& places);
  // Asks for one of 'choices'; Enter takes the default.
  Terminal::Typed AskOne(const std::string& heading, const std::string& prompt,
                         const std::vector<std::string>& choices, size_t default_choice,
                         size_t& chosen);
  // Takes the word that allows, after a second in which nothing counts. kRefused for any other.
  Terminal::Typed AskForTheWord(absl::Duration guard);

 private:
  Terminal& terminal_;
};

}  // namespace postern::platform
