// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/terminal_chats.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "platform/linux/consent_texts.h"

namespace postern::platform {
namespace {

using permissions::ChatChoice;
using permissions::ChatKinds;

// A page of chats leaves the prompt and what was asked on a 24-line terminal.
constexpr size_t kChatsPerPage = 15;
// Picking chats takes a line for each search; far more than a patient person needs.
constexpr int kPickerLinesMax = 500;

// Commands are understood in English and in the person's language.
bool Is(absl::string_view command, Text word) {
  return command == word.english || command == Say(word);
}

constexpr Text kAll = Text("all");
constexpr Text kAllAndNewWord = Text("all and new");
constexpr Text kMore = Text("more");

}  // namespace

Terminal::Typed TerminalChats::Ask(Choices& choices) {
  prompts_.Line(absl::StrCat(Say(texts::kChats), ":"));
  if (question_.accounts.empty()) {
    prompts_.Words("  ", Say(texts::kNoChatsLater));
    return Typed::kLine;
  }
  Show(With(""), 0, {});
  prompts_.Words("", Say(Text("Type numbers to tick or untick, a word to search, \"all\" for all "
                              "chats you have today, \"all and new\" for these and those that "
                              "begin later, Enter when done. Enter with nothing ticked refuses.")));
  std::string command;
  const Typed typed = Pick(Say(Text("Which chats")), choices.chats, command);
  if (typed != Typed::kLine) return typed;
  if (command.empty()) return choices.chats.empty() ? Typed::kRefused : Typed::kLine;
  choices.chat_choice = Is(command, kAll) ? ChatChoice::kAllExisting : ChatChoice::kAllAndNew;
  const Typed accounts = AskAccounts(choices);
  return accounts == Typed::kLine ? AskNarrowing(choices) : accounts;
}

Terminal::Typed TerminalChats::Pick(const std::string& prompt, std::set<uint32_t>& ticked,
                                    std::string& command) {
  std::vector<uint32_t> shown = With("");
  size_t from = 0;
  for (int i = 0; i < kPickerLinesMax; ++i) {
    std::string line;
    const Typed typed = prompts_.terminal().ReadLine(absl::StrCat(prompt, "> "), line);
    if (typed != Typed::kLine) return typed;
    const absl::string_view typed_text = absl::StripAsciiWhitespace(line);
    if (typed_text.empty() || Is(typed_text, kAll) || Is(typed_text, kAllAndNewWord)) {
      command = std::string(typed_text);
      return Typed::kLine;
    }
    if (Is(typed_text, kMore)) {
      from = from + kChatsPerPage < shown.size() ? from + kChatsPerPage : 0;
    } else if (const auto places = ParseNumbers(typed_text, question_.chats.size())) {
      for (const uint32_t place : *places) {
        if (!ticked.erase(place)) ticked.insert(place);
      }
      shown.assign(ticked.begin(), ticked.end());
      from = 0;
      prompts_.Line(absl::StrCat(Say(texts::kChatsChosen, ticked.size()), ". ",
                                 Say(Text("Enter when done."))));
      if (shown.empty()) shown = With("");
    } else {
      // "/2024" searches for what would otherwise be a number.
      shown = With(typed_text.front() == '/' ? typed_text.substr(1) : typed_text);
      from = 0;
    }
    Show(shown, from, ticked);
  }
  return Typed::kRefused;
}

void TerminalChats::Show(const std::vector<uint32_t>& shown, size_t from,
                         const std::set<uint32_t>& ticked) {
  const size_t end = std::min(shown.size(), from + kChatsPerPage);
  for (size_t i = from; i < end; ++i) {
    const uint32_t place = shown[i];
    const bool asked =
        std::binary_search(question_.asked_chats.begin(), question_.asked_chats.end(), place);
    prompts_.terminal().PrintWrapped(
        absl::StrCat("  [", ticked.contains(place) ? "x" : " ", "] ", Padded(place + 1, 4), "  "),
        absl::StrCat(texts::ChatLine(question_, place), asked ? " - " : "",
                     asked ? Say(texts::kAskedFor) : ""));
  }
  if (end < shown.size()) {
    prompts_.Line(absl::StrCat(
        "  ... ", Say(Text("and $0 more: type \"more\"."), absl::StrCat(shown.size() - end))));
  }
  if (shown.empty()) prompts_.Line(absl::StrCat("  ", Say(texts::kNoChatFound)));
}

std::vector<uint32_t> TerminalChats::With(absl::string_view text) const {
  std::vector<uint32_t> found;
  const std::string lowered = absl::AsciiStrToLower(text);
  for (const bool asked : {true, false}) {
    for (uint32_t place = 0; place < question_.chats.size(); ++place) {
      if (std::binary_search(question_.asked_chats.begin(), question_.asked_chats.end(), place) !=
          asked) {
        continue;
      }
      const std::string line = absl::AsciiStrToLower(texts::ChatLine(question_, place));
      if (absl::StrContains(line, lowered)) found.push_back(place);
    }
  }
  return found;
}

// Which accounts "all" means. With one account there is nothing to ask.
Terminal::Typed TerminalChats::AskAccounts(Choices& choices) {
  if (question_.accounts.size() == 1) return Typed::kLine;
  for (size_t i = 0; i < question_.accounts.size(); ++i) {
    prompts_.terminal().PrintWrapped(absl::StrCat("  [ ] ", i + 1, "  "),
                                     texts::AccountLine(question_.accounts[i]));
  }
  prompts_.Line(Say(Text("All chats of which accounts? Type their numbers. Enter refuses.")));
  const Typed typed = prompts_.AskSome(absl::StrCat(Say(Text("Which accounts")), "> "),
                                       question_.accounts.size(), choices.accounts);
  if (typed != Typed::kLine) return typed;
  return choices.accounts.empty() ? Typed::kRefused : Typed::kLine;
}

Terminal::Typed TerminalChats::AskNarrowing(Choices& choices) {
  std::vector<std::string> kinds;
  for (const texts::KindChoice& choice : texts::KindChoices()) kinds.emplace_back(Say(choice.text));
  Typed typed =
      prompts_.AskOne(Say(texts::kChatKinds), Say(texts::kChatKinds), kinds, 0, choices.kinds);
  if (typed != Typed::kLine) return typed;
  if (texts::KindChoices().at(choices.kinds).kind != ChatKinds::kGroup) {
    std::vector<std::string> people;
    for (const texts::PeopleChoice& choice : texts::PeopleChoices()) {
      people.emplace_back(Say(choice.text));
    }
    typed = prompts_.AskOne(Say(texts::kPeople), Say(Text("With whom")), people, 0, choices.people);
    if (typed != Typed::kLine) return typed;
  }
  prompts_.Line(Say(Text("Type numbers or words to find chats to leave out, Enter when done.")));
  std::string command;
  return Pick(Say(Text("Leave out which")), choices.excluded_chats, command);
}

std::string TerminalChats::Summary(const Choices& choices) const {
  if (question_.accounts.empty()) return Say(texts::kNoChats);
  std::vector<std::string> parts;
  if (choices.chat_choice == ChatChoice::kListed) {
    for (const uint32_t place : choices.chats) parts.push_back(texts::ChatLine(question_, place));
    return absl::StrJoin(parts, "; ");
  }
  parts.emplace_back(Say(choices.chat_choice == ChatChoice::kAllExisting ? texts::kAllExisting
                                                                         : texts::kAllAndNew));
  std::vector<std::string> accounts;
  for (const permissions::OfferedAccount& account : question_.accounts) {
    const auto place = static_cast<uint32_t>(&account - question_.accounts.data());
    if (question_.accounts.size() == 1 || choices.accounts.contains(place)) {
      accounts.push_back(texts::AccountLine(account));
    }
  }
  parts.push_back(absl::StrJoin(accounts, ", "));
  const texts::KindChoice& kind = texts::KindChoices().at(choices.kinds);
  parts.emplace_back(Say(kind.text));
  if (kind.kind != ChatKinds::kGroup && choices.people != 0) {
    parts.push_back(absl::StrCat(Say(texts::kPeople), ": ",
                                 Say(texts::PeopleChoices().at(choices.people).text)));
  }
  if (!choices.excluded_chats.empty()) {
    std::vector<std::string> left_out;
    for (const uint32_t place : choices.excluded_chats) {
      left_out.push_back(texts::ChatLine(question_, place));
    }
    parts.push_back(Say(Text("but not: $0"), absl::StrJoin(left_out, ", ")));
  }
  return absl::StrJoin(parts, "; ");
}

}  // namespace postern::platform
