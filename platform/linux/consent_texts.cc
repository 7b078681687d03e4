// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/consent_texts.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

namespace postern::platform::texts {

using permissions::ConsentQuestion;
using permissions::DestinationKind;
using permissions::QuestionKind;
using permissions::View;

const char* TitleOf(const ConsentQuestion& question) {
  switch (question.kind) {
    case QuestionKind::kEnrollGatekeeper:
      return Say(Text("Allow this program to feed your messages?"));
    case QuestionKind::kWidenGrant:
      return Say(Text("Allow more access to your messages?"));
    case QuestionKind::kExtendGrant:
      return Say(Text("Let this access last longer?"));
    case QuestionKind::kSendMessage:
      return Say(Text("Send this message as you?"));
    case QuestionKind::kUnseal:
      return Say(Text("Open what is sealed?"));
    case QuestionKind::kExport:
      return Say(Text("Export your messages?"));
    case QuestionKind::kPurge:
      return Say(Text("Delete messages for good?"));
    case QuestionKind::kView:
      return Say(Text("Show your messages?"));
    case QuestionKind::kEnrollApp:
      break;
  }
  return Say(Text("Allow access to your messages?"));
}

std::string SentenceOf(permissions::Scope scope) {
  return SayEnglish(permissions::ScopeSentence(scope));
}

std::string DestinationOf(const ConsentQuestion& question) {
  switch (question.destination.kind) {
    case DestinationKind::kStaysOnDevice:
      return Say(Text("It says that nothing leaves this device."));
    case DestinationKind::kLeavesDevice:
      return Say(Text("Messages in these chats will no longer be end-to-end encrypted between you "
                      "and the other people in them: $0 will be able to read them."),
                 Isolated(question.destination.service));
    case DestinationKind::kUnspecified:
      break;
  }
  return Say(Text("It does not say where your messages go."));
}

Thing ThingOf(const ConsentQuestion& question) {
  switch (question.kind) {
    case QuestionKind::kUnseal:
      return {kSealed, question.subject_objected ? kUnsealObjected : kUnsealOwn};
    case QuestionKind::kExport:
      return {kExportWhat, kExportNote};
    case QuestionKind::kView:
      return {kViewWhat, kViewNote};
    default:
      return {kPurgeWhat, kPurgeNote};
  }
}

std::string NameWarningOf(const ConsentQuestion& question) {
  if (!question.looks_like.empty()) {
    std::vector<std::string> names;
    for (const std::string& name : question.looks_like) names.push_back(Isolated(name));
    return Say(Text("This name can be mistaken for another program that you allowed: $0. This is "
                    "not that program. Give it a name of your own."),
               absl::StrJoin(names, ", "));
  }
  if (question.mixed_script) {
    return Say(
        Text("This name mixes letters of different alphabets that look alike. Give it a "
             "name of your own."));
  }
  return "";
}

std::vector<std::pair<std::string, std::string>> EvidenceLines(const PeerEvidence& evidence,
                                                               const ConsentQuestion& question) {
  const auto known = [](const std::string& value) {
    return value.empty() ? std::string(Say(kUnknown)) : value;
  };
  std::vector<std::pair<std::string, std::string>> lines;
  if (!evidence.flatpak_id.empty()) lines.emplace_back("Flatpak", evidence.flatpak_id);
  if (!evidence.snap_name.empty()) lines.emplace_back("Snap", evidence.snap_name);
  lines.emplace_back(Say(Text("Program")), known(evidence.executable));
  lines.emplace_back(Say(Text("Its SHA-256")), known(evidence.executable_sha256));
  if (!evidence.script.empty()) {
    lines.emplace_back(Say(Text("Script")), evidence.script);
    lines.emplace_back(Say(Text("Its SHA-256")), known(evidence.script_sha256));
  }
  lines.emplace_back(Say(Text("Command line")), known(evidence.command_line));
  lines.emplace_back(Say(Text("Process")),
                     evidence.pid == 0 ? known("") : absl::StrCat(evidence.pid));
  lines.emplace_back(Say(Text("Started by")),
                     evidence.parents.empty()
                         ? known("")
                         : absl::StrJoin(evidence.parents, " < ",
                                         [](std::string* out, const ParentProcess& parent) {
                                           absl::StrAppend(out, parent.name, " (", parent.pid, ")");
                                         }));
  lines.emplace_back(Say(Text("System unit")), known(evidence.unit));
  lines.emplace_back(Say(Text("Its key")), question.principal.ToHex());
  return lines;
}

std::string ChatCaption(const ConsentQuestion& question, size_t index) {
  const permissions::OfferedChat& chat = question.chats.at(index);
  const permissions::OfferedAccount& account = question.accounts.at(chat.account);
  const Text type = chat.type == permissions::ChatType::kGroup    ? kGroup
                    : chat.type == permissions::ChatType::kDirect ? kDirect
                                                                  : kUnknown;
  return absl::StrCat(Say(type), ", ", account.network, ", ", account.name);
}

std::string ChatLine(const ConsentQuestion& question, size_t index) {
  return absl::StrCat(question.chats.at(index).name, " (", ChatCaption(question, index), ")");
}

std::string AccountLine(const permissions::OfferedAccount& account) {
  return absl::StrCat(account.name, " (", account.network, ")");
}

std::string TimeText(absl::Time time) {
  if (time == absl::InfiniteFuture()) return Say(Text("when you take it back"));
  return absl::FormatTime("%Y-%m-%d %H:%M", time, absl::LocalTimeZone());
}

std::vector<std::string> PreviewSummary(const permissions::ConsentPreview& preview) {
  if (!preview.known) return {Say(kPreviewUnknown)};
  std::vector<std::string> sentences = {Say(kPreviewChats, preview.chats)};
  if (preview.messages == 0) {
    sentences.emplace_back(Say(kPreviewNothing));
    return sentences;
  }
  sentences.push_back(Say(kPreviewCame, preview.messages));
  sentences.push_back(preview.readable_now == 0 ? Say(kPreviewLater)
                                                : Say(kPreviewNow, preview.readable_now));
  return sentences;
}

std::string PreviewHeading(const permissions::PreviewLine& line) {
  return Say(kPreviewLine, line.sender.empty() ? Say(kYou) : Isolated(line.sender),
             Isolated(line.chat), TimeText(line.time));
}

std::string PreviewText(const permissions::PreviewLine& line) {
  if (line.view == View::kWithheld) return Say(kTextWithheld);
  if (line.view != View::kWhole) return Say(kTextHidden);
  return line.text.empty() ? std::string(Say(kNoText)) : line.text;
}

}  // namespace postern::platform::texts
