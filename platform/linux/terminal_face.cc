// SPDX-License-Identifier: Apache-2.0
// The consent question as a conversation in the terminal. Every step may refuse; only the last,
// after everything was shown once more and a second of silence, allows.
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "permissions/display_text.h"
#include "platform/linux/consent_face.h"
#include "platform/linux/consent_texts.h"
#include "platform/linux/terminal.h"

namespace postern::platform {
namespace {

using permissions::ChatChoice;
using permissions::ConsentAnswer;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;
using permissions::QuestionKind;
using permissions::Scope;
using permissions::ScopeSet;

// A page of chats leaves the prompt and what was asked on a 24-line terminal.
constexpr size_t kChatsPerPage = 15;
// A person who mistypes this often in one place is not answering.
constexpr int kAttemptsMax = 20;
// Picking chats takes a line for each search; far more than a patient person needs.
constexpr int kPickerLinesMax = 500;

constexpr absl::string_view kNotice =
    "\nPostern: a program asks for access. To answer, bring posternd to the foreground (fg).\n";

// Parses "1 3, 5-7" against 1..max into places from 0. Empty on anything else.
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

// One question in one terminal. Each step returns kLine to go on; anything else ends the question
// so.
class Conversation {
 public:
  Conversation(const FaceInput& input, Terminal& terminal)
      : question_(input.question),
        evidence_(input.evidence),
        terminal_(terminal),
        answer_(RefusalOf(input)) {}

  FaceResult Hold() {
    Terminal::Typed typed = terminal_.TakeKeyboard(kNotice);
    if (typed == Terminal::Typed::kLine) {
      typed = question_.kind == QuestionKind::kEnrollGatekeeper ? AskGatekeeper() : AskApp();
    }
    if (typed == Terminal::Typed::kEnded) {
      terminal_.Print("\nPostern: the question was withdrawn. Nothing is allowed.\n");
      return {FaceResult::Kind::kEnded, {}};
    }
    if (typed != Terminal::Typed::kLine) Refuse(typed);
    return {FaceResult::Kind::kAnswered, answer_};
  }

 private:
  using Typed = Terminal::Typed;

  // Forgets all that was chosen.
  void Refuse(Typed typed) {
    ConsentAnswer refusal;
    refusal.question_id = answer_.question_id;
    refusal.question_sha256 = answer_.question_sha256;
    refusal.executable = answer_.executable;
    refusal.origin = answer_.origin;
    if (typed == Typed::kExpired) refusal.decision = ConsentDecision::kExpired;
    answer_ = std::move(refusal);
    terminal_.Print(typed == Typed::kExpired
                        ? "\nPostern: nobody answered in time. Nothing is allowed.\n\n"
                        : "\nPostern: refused. Nothing is allowed.\n\n");
  }

  void Item(absl::string_view label, absl::string_view value) {
    std::string prefix = absl::StrCat("  ", label);
    prefix.resize(std::max<size_t>(prefix.size() + 1, 20), ' ');
    terminal_.PrintWrapped(prefix, value);
  }

  void ShowWho() {
    terminal_.Print(absl::StrCat("\n", std::string(80, '-'), "\n"));
    terminal_.Print(absl::StrCat("Postern: ", texts::TitleOf(question_), "\n\n"));
    Item(texts::kClaimedName, absl::StrCat("\"", question_.claimed_name, "\""));
    if (!question_.known_name.empty()) {
      Item(texts::kKnownName, absl::StrCat("\"", question_.known_name, "\""));
    }
    const std::string warning = texts::NameWarningOf(question_);
    if (!warning.empty()) Item("Its name", warning);
    Item(texts::kPurpose, absl::StrCat("\"", question_.purpose, "\""));
    Item("App id", absl::StrCat(question_.app_id, question_.software_version.empty() ? "" : ", ",
                                question_.software_version));
    terminal_.Print(absl::StrCat("\n", texts::kEvidence, ":\n"));
    for (const auto& [label, value] : texts::EvidenceLines(evidence_, question_)) {
      Item(label, value);
    }
    terminal_.Print("\n");
  }

  void ShowScopes(const std::vector<Scope>& scopes) {
    for (const bool write : {false, true}) {
      bool headed = false;
      for (size_t i = 0; i < scopes.size(); ++i) {
        if (permissions::IsWriteScope(scopes[i]) != write) continue;
        if (!headed) {
          terminal_.Print(absl::StrCat(write ? texts::kWriting : texts::kReading, ":\n"));
        }
        headed = true;
        std::string number = absl::StrCat(i + 1);
        number.insert(0, number.size() < 2 ? 1 : 0, ' ');
        terminal_.PrintWrapped(
            absl::StrCat("  [ ] ", number, "  "),
            absl::StrCat(std::string(permissions::ScopeSentence(scopes[i])), " (",
                         std::string(permissions::ScopeName(scopes[i])), ")"));
        if (question_.required_scopes.Has(scopes[i])) {
          terminal_.PrintWrapped("          ", texts::kRequired);
        }
      }
      if (headed) terminal_.Print("\n");
    }
  }

  void ShowDestination() {
    terminal_.Print(absl::StrCat(texts::kDestination, ":\n"));
    terminal_.PrintWrapped("  ", texts::DestinationOf(question_));
    terminal_.Print("\n");
  }

  Typed AskName() {
    const std::string offered = NameFrom(question_, "");
    const std::string prompt =
        offered.empty() ? absl::StrCat(texts::kYourName, "> ")
                        : absl::StrCat(texts::kYourName, " (Enter keeps \"", offered, "\")> ");
    std::string line;
    const Typed typed = terminal_.ReadLine(prompt, line);
    if (typed != Typed::kLine) return typed;
    answer_.given_name = NameFrom(question_, line);
    return answer_.given_name.empty() ? Typed::kRefused : Typed::kLine;
  }

  // Write scopes after read ones, as they are shown and numbered.
  std::vector<Scope> AskedScopes() const {
    std::vector<Scope> scopes =
        question_.required_scopes.Union(question_.optional_scopes).ToVector();
    std::stable_partition(scopes.begin(), scopes.end(),
                          [](Scope scope) { return !permissions::IsWriteScope(scope); });
    return scopes;
  }

  Typed AskScopes(const std::vector<Scope>& scopes) {
    terminal_.Print(
        "Nothing is on. Type the numbers of what to allow, e.g. \"1 3\". Enter refuses.\n");
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
      std::string line;
      const Typed typed = terminal_.ReadLine("Allow which> ", line);
      if (typed != Typed::kLine) return typed;
      const auto places = ParseNumbers(line, scopes.size());
      if (!places.has_value()) {
        terminal_.Print(absl::StrCat("Only numbers from 1 to ", scopes.size(), ".\n"));
        continue;
      }
      if (places->empty()) return Typed::kRefused;
      for (const uint32_t place : *places) answer_.scopes.Add(scopes[place]);
      return Typed::kLine;
    }
    return Typed::kRefused;
  }

  void ShowChats(const std::vector<uint32_t>& shown, size_t from,
                 const std::set<uint32_t>& ticked) {
    const size_t end = std::min(shown.size(), from + kChatsPerPage);
    for (size_t i = from; i < end; ++i) {
      std::string number = absl::StrCat(shown[i] + 1);
      number.insert(0, number.size() < 4 ? 4 - number.size() : 0, ' ');
      terminal_.PrintWrapped(
          absl::StrCat("  [", ticked.contains(shown[i]) ? "x" : " ", "] ", number, "  "),
          texts::ChatLine(question_, shown[i]));
    }
    if (end < shown.size()) {
      terminal_.Print(absl::StrCat("  ... and ", shown.size() - end, " more: type \"more\".\n"));
    }
    if (shown.empty()) terminal_.Print("  No chat has this in its name.\n");
  }

  std::vector<uint32_t> ChatsWith(absl::string_view text) const {
    std::vector<uint32_t> found;
    const std::string lowered = absl::AsciiStrToLower(text);
    for (uint32_t i = 0; i < question_.chats.size(); ++i) {
      const std::string line = absl::AsciiStrToLower(texts::ChatLine(question_, i));
      if (absl::StrContains(line, lowered)) found.push_back(i);
    }
    return found;
  }

  Typed AskChats() {
    terminal_.Print(absl::StrCat(texts::kChats, ":\n"));
    if (question_.accounts.empty()) {
      terminal_.PrintWrapped("  ", absl::StrCat(texts::kNoChats, ". You can open some later."));
      return Typed::kLine;
    }
    std::vector<uint32_t> shown = ChatsWith("");
    size_t from = 0;
    std::set<uint32_t> ticked;
    ShowChats(shown, from, ticked);
    terminal_.Print(
        "Type numbers to tick or untick, a word to search, \"all\" for all chats you have\n"
        "today, \"all and new\" for these and those that begin later, Enter when done.\n"
        "Enter with nothing ticked refuses.\n");
    for (int i = 0; i < kPickerLinesMax; ++i) {
      std::string line;
      const Typed typed = terminal_.ReadLine("Which chats> ", line);
      if (typed != Typed::kLine) return typed;
      const absl::string_view command = absl::StripAsciiWhitespace(line);
      if (command.empty()) {
        answer_.chats.assign(ticked.begin(), ticked.end());
        return ticked.empty() ? Typed::kRefused : Typed::kLine;
      }
      if (command == "all" || command == "all and new") {
        answer_.chat_choice = command == "all" ? ChatChoice::kAllExisting : ChatChoice::kAllAndNew;
        return AskAccounts();
      }
      if (command == "more") {
        from = from + kChatsPerPage < shown.size() ? from + kChatsPerPage : 0;
      } else if (const auto places = ParseNumbers(command, question_.chats.size())) {
        for (const uint32_t place : *places) {
          if (!ticked.erase(place)) ticked.insert(place);
        }
        shown.assign(ticked.begin(), ticked.end());
        from = 0;
        terminal_.Print(absl::StrCat(ticked.size(), ticked.size() == 1 ? " chat" : " chats",
                                     " ticked. Enter when done.\n"));
        if (shown.empty()) shown = ChatsWith("");
      } else {
        // "/2024" searches for what would otherwise be a number.
        shown = ChatsWith(command.front() == '/' ? command.substr(1) : command);
        from = 0;
      }
      ShowChats(shown, from, ticked);
    }
    return Typed::kRefused;
  }

  // Which accounts "all" means. With one account there is nothing to ask.
  Typed AskAccounts() {
    if (question_.accounts.size() == 1) {
      answer_.accounts = {0};
      return Typed::kLine;
    }
    for (size_t i = 0; i < question_.accounts.size(); ++i) {
      terminal_.PrintWrapped(absl::StrCat("  [ ] ", i + 1, "  "),
                             texts::AccountLine(question_.accounts[i]));
    }
    terminal_.Print("All chats of which accounts? Type their numbers. Enter refuses.\n");
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
      std::string line;
      const Typed typed = terminal_.ReadLine("Which accounts> ", line);
      if (typed != Typed::kLine) return typed;
      const auto places = ParseNumbers(line, question_.accounts.size());
      if (!places.has_value()) continue;
      answer_.accounts.assign(places->begin(), places->end());
      return places->empty() ? Typed::kRefused : Typed::kLine;
    }
    return Typed::kRefused;
  }

  // Asks for one of 'choices'; Enter takes the default.
  template <typename Choices>
  Typed AskOne(const char* heading, absl::string_view prompt, const Choices& choices,
               size_t default_choice, size_t& chosen) {
    terminal_.Print(absl::StrCat(heading, ":\n"));
    for (size_t i = 0; i < choices.size(); ++i) {
      terminal_.Print(absl::StrCat("  ", i + 1, "  ", choices[i].text, "\n"));
    }
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
      std::string line;
      const Typed typed =
          terminal_.ReadLine(absl::StrCat(prompt, " (Enter: ", default_choice + 1, ")> "), line);
      if (typed != Typed::kLine) return typed;
      const auto places = ParseNumbers(line, choices.size());
      if (!places.has_value() || places->size() > 1) continue;
      chosen = places->empty() ? default_choice : *places->begin();
      return Typed::kLine;
    }
    return Typed::kRefused;
  }

  std::string ChosenChats() const {
    if (answer_.chat_choice != ChatChoice::kListed) {
      std::vector<std::string> accounts;
      for (const uint32_t place : answer_.accounts) {
        accounts.push_back(texts::AccountLine(question_.accounts[place]));
      }
      return absl::StrCat(
          answer_.chat_choice == ChatChoice::kAllExisting ? texts::kAllExisting : texts::kAllAndNew,
          ": ", absl::StrJoin(accounts, ", "));
    }
    if (answer_.chats.empty()) return texts::kNoChats;
    std::vector<std::string> chats;
    for (const uint32_t place : answer_.chats) chats.push_back(texts::ChatLine(question_, place));
    return absl::StrJoin(chats, "; ");
  }

  // Shows all that "allow" would mean, and takes the word.
  Typed AskForTheWord() {
    terminal_.Print("Nothing that is typed in the next second counts.\n");
    Typed typed = terminal_.Discard(kAllowGuard);
    if (typed != Typed::kLine) return typed;
    std::string line;
    typed = terminal_.ReadLine("Type \"allow\" to allow; anything else refuses> ", line);
    if (typed != Typed::kLine) return typed;
    if (line != "allow") return Typed::kRefused;
    answer_.decision = ConsentDecision::kAllow;
    return Typed::kLine;
  }

  Typed AskApp() {
    const std::vector<Scope> scopes = AskedScopes();
    ShowWho();
    ShowScopes(scopes);
    ShowDestination();
    terminal_.Print("Esc or ^C refuses at any time.\n\n");
    size_t duration = texts::kDurationDefault;
    size_t history = texts::kHistoryDefault;
    Typed typed = AskName();
    if (typed == Typed::kLine) typed = AskScopes(scopes);
    if (typed == Typed::kLine) typed = AskChats();
    if (typed == Typed::kLine && answer_.scopes.Has(Scope::kMessagesHistory)) {
      typed = AskOne(texts::kHistory, "How far back", texts::HistoryChoices(),
                     texts::kHistoryDefault, history);
    }
    if (typed == Typed::kLine) {
      typed = AskOne(texts::kDuration, "How long", texts::DurationChoices(),
                     texts::kDurationDefault, duration);
    }
    if (typed != Typed::kLine) return typed;

    terminal_.Print("\n");
    terminal_.PrintWrapped("", absl::StrCat("Allow \"", answer_.given_name, "\" to:"));
    for (const Scope scope : answer_.scopes.ToVector()) {
      terminal_.PrintWrapped("  - ", std::string(permissions::ScopeSentence(scope)));
    }
    Item("In", ChosenChats());
    if (answer_.scopes.Has(Scope::kMessagesHistory)) {
      Item(texts::kHistory, texts::HistoryChoices()[history].text);
    }
    Item(texts::kDuration, texts::DurationChoices()[duration].text);
    typed = AskForTheWord();
    if (typed != Typed::kLine) return typed;

    const absl::Time now = absl::Now();
    answer_.validity = ValidityFrom(duration, now);
    if (answer_.scopes.Has(Scope::kMessagesHistory)) {
      answer_.history_start_time = HistoryStartFrom(history, now);
    }
    terminal_.Print("\n");
    terminal_.PrintWrapped(
        "Postern: ",
        absl::StrCat("allowed \"", answer_.given_name, "\": ", answer_.scopes.ToVector().size(),
                     " kinds of access. ", texts::kChangeLater, "."));
    terminal_.Print("\n");
    return Typed::kLine;
  }

  Typed AskGatekeeper() {
    ShowWho();
    Item(texts::kNetworks, absl::StrJoin(question_.networks, ", "));
    terminal_.PrintWrapped("  ", texts::kFeeds);
    terminal_.Print("\nEsc or ^C refuses at any time.\n\n");
    Typed typed = AskName();
    if (typed == Typed::kLine) typed = AskForTheWord();
    if (typed != Typed::kLine) return typed;
    terminal_.Print(absl::StrCat("\nPostern: allowed \"", answer_.given_name,
                                 "\". See it with: postern status.\n\n"));
    return Typed::kLine;
  }

  const ConsentQuestion& question_;
  const PeerEvidence& evidence_;
  Terminal& terminal_;
  ConsentAnswer answer_;
};

}  // namespace

FaceResult AskInTerminal(const FaceInput& input) {
  const absl::StatusOr<std::unique_ptr<Terminal>> terminal =
      Terminal::Open(input.channel, input.deadline);
  if (!terminal.ok()) return {FaceResult::Kind::kUnavailable, {}};
  return Conversation(input, **terminal).Hold();
}

}  // namespace postern::platform
