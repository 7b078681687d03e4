// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/terminal_prompts.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <algorithm>

namespace postern::platform {
namespace {

// Where the values of Item begin, when their label is shorter.
constexpr size_t kLabelWidth = 20;
// Understood in every language; the person's own word for it too.
constexpr absl::string_view kAllowWord = "allow";

}  // namespace

std::optional<std::set<uint32_t>> ParseNumbers(absl::string_view line, size_t max) {
  std::set<uint32_t> places;
  for (const absl::string_view token :
       absl::StrSplit(line, absl::ByAnyChar(" ,"), absl::SkipEmpty())) {
    const std::vector<absl::string_view> ends = absl::StrSplit(token, absl::MaxSplits('-', 1));
    uint32_t first = 0;
    uint32_t last = 0;
    if (!absl::SimpleAtoi(ends.front(), &first) || !absl::SimpleAtoi(ends.back(), &last) ||
        first < 1 || first > last || last > max) {
      return std::nullopt;
    }
    for (uint32_t number = first; number <= last; ++number) places.insert(number - 1);
  }
  return places;
}

std::string Padded(uint64_t number, size_t width) {
  std::string text = absl::StrCat(number);
  text.insert(0, width > text.size() ? width - text.size() : 0, ' ');
  return text;
}

void TerminalPrompts::Item(absl::string_view label, absl::string_view value) {
  std::string prefix = absl::StrCat("  ", label);
  prefix.resize(std::max(prefix.size() + 1, kLabelWidth), ' ');
  terminal_.PrintWrapped(prefix, value);
}

void TerminalPrompts::Words(absl::string_view prefix, const std::string& text) {
  terminal_.PrintWrapped(prefix, WithoutIsolates(text));
}

Terminal::Typed TerminalPrompts::AskSome(const std::string& prompt, size_t count,
                                         std::set<uint32_t>& places) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    std::string line;
    const Terminal::Typed typed = terminal_.ReadLine(prompt, line);
    if (typed != Terminal::Typed::kLine) return typed;
    if (const auto parsed = ParseNumbers(line, count)) {
      places = *parsed;
      return Terminal::Typed::kLine;
    }
    Line(Say(Text("Only numbers from 1 to $0."), absl::StrCat(count)));
  }
  return Terminal::Typed::kRefused;
}

Terminal::Typed TerminalPrompts::AskOne(const std::string& heading, const std::string& prompt,
                                        const std::vector<std::string>& choices,
                                        size_t default_choice, size_t& chosen) {
  Line(absl::StrCat(heading, ":"));
  for (size_t i = 0; i < choices.size(); ++i) Line(absl::StrCat("  ", i + 1, "  ", choices[i]));
  const std::string question =
      absl::StrCat(prompt, " (", Say(Text("Enter: $0"), absl::StrCat(default_choice + 1)), ")> ");
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    std::string line;
    const Terminal::Typed typed = terminal_.ReadLine(question, line);
    if (typed != Terminal::Typed::kLine) return typed;
    const auto places = ParseNumbers(line, choices.size());
    if (!places.has_value() || places->size() > 1) continue;
    chosen = places->empty() ? default_choice : *places->begin();
    return Terminal::Typed::kLine;
  }
  return Terminal::Typed::kRefused;
}

Terminal::Typed TerminalPrompts::AskForTheWord(absl::Duration guard) {
  Line(Say(Text("Nothing that is typed in the next second counts.")));
  Terminal::Typed typed = terminal_.Discard(guard);
  if (typed != Terminal::Typed::kLine) return typed;
  std::string line;
  typed = terminal_.ReadLine(
      absl::StrCat(Say(Text("Type \"allow\" to allow; anything else refuses")), "> "), line);
  if (typed != Terminal::Typed::kLine) return typed;
  // Translators: the word that is typed to allow, as the sentence above names it.
  const bool allowed = line == kAllowWord || line == Say(Text("allow"));
  return allowed ? Terminal::Typed::kLine : Terminal::Typed::kRefused;
}

}  // namespace postern::platform
