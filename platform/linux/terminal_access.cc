// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/terminal_access.h"

#include <absl/strings/str_join.h>

#include <algorithm>
#include <set>

#include "platform/linux/consent_texts.h"

namespace postern::platform {
namespace {

using permissions::Scope;

// Enough for an impression, on a terminal of 24 lines.
constexpr size_t kPreviewLines = 5;

template <typename Choices>
std::vector<std::string> TextsOf(const Choices& choices) {
  std::vector<std::string> said;
  for (const auto& choice : choices) said.emplace_back(Say(choice.text));
  return said;
}

}  // namespace

TerminalAccess::TerminalAccess(const FaceInput& input, TerminalPrompts& prompts)
    : input_(input),
      question_(input.question),
      prompts_(prompts),
      chats_(input.question, prompts),
      scopes_(input.question.required_scopes.Union(input.question.optional_scopes).ToVector()) {
  std::stable_partition(scopes_.begin(), scopes_.end(),
                        [](Scope scope) { return !permissions::IsWriteScope(scope); });
}

void TerminalAccess::Show() {
  if (!question_.held_scopes.empty()) {
    prompts_.Line(absl::StrCat(Say(texts::kHolds), ":"));
    for (const Scope scope : question_.held_scopes.ToVector()) {
      prompts_.Words("  - ", texts::SentenceOf(scope));
    }
    prompts_.Line("");
  }
  for (const bool write : {false, true}) {
    bool headed = false;
    for (size_t i = 0; i < scopes_.size(); ++i) {
      if (permissions::IsWriteScope(scopes_[i]) != write) continue;
      if (!headed) prompts_.Line(absl::StrCat(Say(write ? texts::kWriting : texts::kReading), ":"));
      headed = true;
      prompts_.Words(absl::StrCat("  [ ] ", Padded(i + 1, 2), "  "),
                     absl::StrCat(texts::SentenceOf(scopes_[i]), " (",
                                  std::string(permissions::ScopeName(scopes_[i])), ")"));
      if (question_.required_scopes.Has(scopes_[i])) {
        prompts_.Words("          ", Say(texts::kRequired));
      }
    }
    if (headed) prompts_.Line("");
  }
  prompts_.Line(absl::StrCat(Say(texts::kDestination), ":"));
  prompts_.Words("  ", texts::DestinationOf(question_));
  prompts_.Line("");
}

Terminal::Typed TerminalAccess::Ask(Choices& choices) {
  Typed typed = AskScopes(choices);
  if (typed == Typed::kLine) typed = chats_.Ask(choices);
  if (typed == Typed::kLine) typed = AskLimits(choices);
  if (typed == Typed::kLine) typed = ShowPreview(choices);
  if (typed == Typed::kLine) ShowChoices(choices);
  return typed;
}

Terminal::Typed TerminalAccess::AskScopes(Choices& choices) {
  prompts_.Words("", Say(Text("Nothing is on. Type the numbers of what to allow, e.g. \"1 3\". "
                              "Enter refuses.")));
  std::set<uint32_t> places;
  const Typed typed =
      prompts_.AskSome(absl::StrCat(Say(Text("Allow which")), "> "), scopes_.size(), places);
  if (typed != Typed::kLine) return typed;
  for (const uint32_t place : places) choices.scopes.Add(scopes_[place]);
  return places.empty() ? Typed::kRefused : Typed::kLine;
}

Terminal::Typed TerminalAccess::AskLimits(Choices& choices) {
  Typed typed = Typed::kLine;
  if (choices.scopes.Has(Scope::kMessagesHistory)) {
    typed =
        prompts_.AskOne(Say(texts::kHistory), Say(Text("How far back")),
                        TextsOf(texts::HistoryChoices()), texts::kHistoryDefault, choices.history);
  }
  if (typed == Typed::kLine && Sends(choices.scopes)) {
    typed = prompts_.AskOne(Say(texts::kSendsPerHour), Say(Text("How many")),
                            TextsOf(texts::SendsChoices()), texts::kSendsDefault, choices.sends);
  }
  if (typed == Typed::kLine) {
    typed = prompts_.AskOne(Say(texts::kDuration), Say(texts::kDuration),
                            TextsOf(texts::DurationChoices()), texts::kDurationDefault,
                            choices.duration);
  }
  if (typed != Typed::kLine) return typed;
  size_t when = 0;
  typed = prompts_.AskOne(Say(Text("While your session is locked")), Say(Text("While locked")),
                          {Say(Text("It may go on")), Say(texts::kOnlyUnlocked)}, 0, when);
  choices.only_while_unlocked = when == 1;
  if (typed != Typed::kLine || question_.systemd_unit.empty()) return typed;
  size_t start = 0;
  typed = prompts_.AskOne(Say(texts::kMayStartUnit, question_.systemd_unit), Say(Text("Start it")),
                          {Say(Text("You start it yourself")), Say(texts::kMayStart)}, 0, start);
  choices.may_start = start == 1;
  return typed;
}

Terminal::Typed TerminalAccess::ShowPreview(const Choices& choices) {
  if (!SendDraft(input_, choices).ok()) return Typed::kEnded;
  const absl::StatusOr<permissions::ConsentPreview> preview = ReceivePreview(input_);
  if (!preview.ok()) return Typed::kEnded;
  prompts_.Line(absl::StrCat("\n", Say(texts::kPreview), ":"));
  prompts_.Words("  ", absl::StrJoin(texts::PreviewSummary(*preview), " "));
  for (size_t i = 0; i < std::min(preview->lines.size(), kPreviewLines); ++i) {
    const permissions::PreviewLine& line = preview->lines[i];
    prompts_.Words("  - ",
                   absl::StrCat(texts::PreviewHeading(line), ": ", texts::PreviewText(line)));
  }
  return Typed::kLine;
}

void TerminalAccess::ShowChoices(const Choices& choices) {
  prompts_.Line("");
  prompts_.Words("", Say(Text("Allow \"$0\" to:"), NameFrom(question_, choices.name)));
  for (const Scope scope : choices.scopes.ToVector()) {
    prompts_.Words("  - ", texts::SentenceOf(scope));
  }
  prompts_.Item(Say(texts::kInChats), chats_.Summary(choices));
  if (choices.scopes.Has(Scope::kMessagesHistory)) {
    prompts_.Item(Say(texts::kHistory), Say(texts::HistoryChoices().at(choices.history).text));
  }
  if (Sends(choices.scopes)) {
    prompts_.Item(Say(texts::kSendsPerHour), Say(texts::SendsChoices().at(choices.sends).text));
  }
  prompts_.Item(Say(texts::kDuration), Say(texts::DurationChoices().at(choices.duration).text));
  if (choices.only_while_unlocked) prompts_.Words("  ", Say(texts::kOnlyUnlocked));
  if (choices.may_start) {
    prompts_.Words("  ", absl::StrCat(Say(texts::kMayStart), ". ",
                                      Say(texts::kMayStartUnit, question_.systemd_unit)));
  }
}

}  // namespace postern::platform
