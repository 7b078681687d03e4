// SPDX-License-Identifier: Apache-2.0
// The consent question as a conversation in the terminal. Every step may refuse; only the last,
// after everything was shown once more and a second of silence, allows.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>

#include <string>
#include <utility>
#include <vector>

#include "platform/linux/consent_face.h"
#include "platform/linux/consent_texts.h"
#include "platform/linux/terminal.h"
#include "platform/linux/terminal_access.h"
#include "platform/linux/terminal_prompts.h"

namespace postern::platform {
namespace {

using permissions::ConsentAnswer;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;
using permissions::QuestionKind;
using permissions::Scope;

constexpr Text kNotice =
    Text("Postern: a program asks for access. To answer, bring posternd to the foreground (fg).");

// One question in one terminal. Each step returns kLine to go on; anything else ends the question
// so.
class Conversation {
 public:
  Conversation(const FaceInput& input, Terminal& terminal)
      : input_(input), question_(input.question), terminal_(terminal), prompts_(terminal) {}

  FaceResult Hold() {
    Typed typed = terminal_.TakeKeyboard(absl::StrCat("\n", Say(kNotice), "\n"));
    if (typed == Typed::kLine) typed = Ask();
    ConsentAnswer answer = RefusalOf(input_);
    switch (typed) {
      case Typed::kEnded:
        Tell(Say(Text("the question was withdrawn. Nothing is allowed.")));
        return {FaceResult::Kind::kEnded, {}};
      case Typed::kExpired:
        answer.decision = ConsentDecision::kExpired;
        Tell(Say(Text("nobody answered in time. Nothing is allowed.")));
        break;
      case Typed::kRefused:
        Tell(Say(Text("refused. Nothing is allowed.")));
        break;
      case Typed::kLine:
        Allow(question_, choices_, absl::Now(), ConsentDecision::kAllow, answer);
        Tell(AllowedText());
        break;
    }
    return {FaceResult::Kind::kAnswered, std::move(answer)};
  }

 private:
  using Typed = Terminal::Typed;

  void Tell(const std::string& text) {
    terminal_.Print("\n");
    prompts_.Words("Postern: ", text);
    terminal_.Print("\n");
  }

  Typed Ask() {
    ShowWho();
    Typed typed = Typed::kLine;
    switch (question_.kind) {
      case QuestionKind::kEnrollApp:
      case QuestionKind::kWidenGrant:
        typed = AskForAccess();
        break;
      case QuestionKind::kEnrollGatekeeper:
        prompts_.Item(Say(texts::kNetworks), absl::StrJoin(question_.networks, ", "));
        prompts_.Words("  ", Say(texts::kFeeds));
        SayHowToRefuse();
        typed = AskName();
        break;
      case QuestionKind::kExtendGrant:
        typed = AskForTime();
        break;
      case QuestionKind::kSendMessage:
        ShowMessage();
        SayHowToRefuse();
        break;
      case QuestionKind::kUnseal:
      case QuestionKind::kExport:
      case QuestionKind::kPurge:
      case QuestionKind::kView:
        ShowThing();
        SayHowToRefuse();
        break;
    }
    return typed == Typed::kLine ? prompts_.AskForTheWord(kAllowGuard) : typed;
  }

  void SayHowToRefuse() {
    terminal_.Print("\n");
    prompts_.Line(Say(Text("Esc or ^C refuses at any time.")));
    terminal_.Print("\n");
  }

  void ShowWho() {
    prompts_.Line(absl::StrCat("\n", std::string(80, '-')));
    prompts_.Line(absl::StrCat("Postern: ", texts::TitleOf(question_), "\n"));
    const auto item = [&](Text label, const std::string& value) {
      if (!value.empty()) prompts_.Item(Say(label), WithoutIsolates(value));
    };
    const auto quoted = [](const std::string& text) {
      return text.empty() ? text : absl::StrCat("\"", text, "\"");
    };
    item(texts::kClaimedName, quoted(question_.claimed_name));
    item(texts::kKnownName, quoted(question_.known_name));
    item(texts::kItsName, texts::NameWarningOf(question_));
    item(texts::kPurpose, quoted(question_.purpose));
    item(texts::kAppId,
         absl::StrCat(question_.app_id, question_.software_version.empty() ? "" : ", ",
                      question_.software_version));
    terminal_.Print("\n");
    prompts_.Line(absl::StrCat(Say(texts::kEvidence), ":"));
    // As it is: what does not print is written out.
    for (const auto& [label, value] : texts::EvidenceLines(input_.evidence, question_)) {
      prompts_.Item(label, value);
    }
    terminal_.Print("\n");
  }

  Typed AskName() {
    const std::string offered = NameFrom(question_, "");
    std::string prompt = Say(texts::kYourName);
    if (!offered.empty()) {
      absl::StrAppend(&prompt, " (", Say(Text("Enter keeps \"$0\""), offered), ")");
    }
    const Typed typed = terminal_.ReadLine(absl::StrCat(prompt, "> "), choices_.name);
    if (typed != Typed::kLine) return typed;
    return NameFrom(question_, choices_.name).empty() ? Typed::kRefused : Typed::kLine;
  }

  Typed AskForAccess() {
    TerminalAccess access(input_, prompts_);
    access.Show();
    SayHowToRefuse();
    const Typed typed = AskName();
    return typed == Typed::kLine ? access.Ask(choices_) : typed;
  }

  Typed AskForTime() {
    prompts_.Line(absl::StrCat(Say(texts::kHolds), ":"));
    for (const Scope scope : question_.held_scopes.ToVector()) {
      prompts_.Words("  - ", texts::SentenceOf(scope));
    }
    if (!question_.subject.empty()) prompts_.Item(Say(texts::kInChats), question_.subject);
    prompts_.Item(Say(texts::kHeldUntil), texts::TimeText(question_.held_until));
    SayHowToRefuse();
    std::vector<std::string> choices;
    for (const texts::DurationChoice& choice : texts::ExtensionChoices()) {
      choices.emplace_back(Say(choice.text));
    }
    return prompts_.AskOne(Say(texts::kDuration), Say(texts::kDuration), choices,
                           texts::kExtensionDefault, choices_.extension);
  }

  void ShowMessage() {
    prompts_.Item(Say(texts::kTo), question_.subject);
    prompts_.Line(absl::StrCat("  ", Say(texts::kMessage), ":"));
    for (const absl::string_view line : absl::StrSplit(question_.message_text, '\n')) {
      terminal_.PrintWrapped("  | ", line);
    }
  }

  void ShowThing() {
    const texts::Thing thing = texts::ThingOf(question_);
    if (!question_.subject.empty()) prompts_.Item(Say(thing.title), question_.subject);
    prompts_.Words("  ", Say(thing.note));
  }

  std::string AllowedText() const {
    if (question_.kind == QuestionKind::kEnrollGatekeeper) {
      return Say(Text("allowed \"$0\". See it with: postern status"),
                 NameFrom(question_, choices_.name));
    }
    if (!permissions::AsksForAccess(question_.kind)) return Say(Text("allowed."));
    return absl::StrCat(Say(Text("allowed \"$0\"."), NameFrom(question_, choices_.name)), " ",
                        Say(texts::kChangeLater));
  }

  const FaceInput& input_;
  const ConsentQuestion& question_;
  Terminal& terminal_;
  TerminalPrompts prompts_;
  Choices choices_;
};

}  // namespace

FaceResult AskInTerminal(const FaceInput& input, UniqueFd lent) {
  const absl::StatusOr<std::unique_ptr<Terminal>> terminal =
      Terminal::Open(std::move(lent), input.channel, input.deadline);
  if (!terminal.ok()) return {FaceResult::Kind::kUnavailable, {}};
  return Conversation(input, **terminal).Hold();
}

}  // namespace postern::platform
