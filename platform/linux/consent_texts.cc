// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/consent_texts.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

namespace postern::platform::texts {

using permissions::ConsentQuestion;
using permissions::DestinationKind;
using permissions::QuestionKind;

const char* TitleOf(const ConsentQuestion& question) {
  switch (question.kind) {
    case QuestionKind::kEnrollGatekeeper:
      return kTitleGatekeeper;
    case QuestionKind::kWidenGrant:
      return kTitleMore;
    case QuestionKind::kExtendGrant:
      return "Let this access last longer?";
    case QuestionKind::kSendMessage:
      return "Send this message as you?";
    case QuestionKind::kUnseal:
      return "Open what is sealed?";
    case QuestionKind::kExport:
      return "Export your messages?";
    case QuestionKind::kPurge:
      return "Delete messages for good?";
    case QuestionKind::kEnrollApp:
      break;
  }
  return kTitle;
}

std::string DestinationOf(const ConsentQuestion& question) {
  switch (question.destination.kind) {
    case DestinationKind::kStaysOnDevice:
      return "It says that nothing leaves this device.";
    case DestinationKind::kLeavesDevice:
      return absl::StrCat(
          "Messages in these chats will no longer be end-to-end encrypted between you and the "
          "other "
          "people in them: ",
          question.destination.service, " will be able to read them.");
    case DestinationKind::kUnspecified:
      break;
  }
  return "It does not say where your messages go.";
}

std::string NameWarningOf(const ConsentQuestion& question) {
  if (!question.looks_like.empty()) {
    return absl::StrCat("This name can be mistaken for another program that you allowed: ",
                        absl::StrJoin(question.looks_like, ", "),
                        ". This is not that program. Give it a name of your own.");
  }
  if (question.mixed_script) {
    return "This name mixes letters of different alphabets that look alike. Give it a name of your "
           "own.";
  }
  return "";
}

std::vector<std::pair<std::string, std::string>> EvidenceLines(const PeerEvidence& evidence,
                                                               const ConsentQuestion& question) {
  const auto known = [](const std::string& value) {
    return value.empty() ? std::string(kUnknown) : value;
  };
  std::vector<std::pair<std::string, std::string>> lines;
  if (!evidence.flatpak_id.empty()) lines.emplace_back("Flatpak", evidence.flatpak_id);
  if (!evidence.snap_name.empty()) lines.emplace_back("Snap", evidence.snap_name);
  lines.emplace_back("Program", known(evidence.executable));
  lines.emplace_back("Its SHA-256", known(evidence.executable_sha256));
  if (!evidence.script.empty()) {
    lines.emplace_back("Script", evidence.script);
    lines.emplace_back("Its SHA-256", known(evidence.script_sha256));
  }
  lines.emplace_back("Command line", known(evidence.command_line));
  lines.emplace_back("Process", evidence.pid == 0 ? kUnknown : absl::StrCat(evidence.pid));
  lines.emplace_back("Started by",
                     evidence.parents.empty()
                         ? kUnknown
                         : absl::StrJoin(evidence.parents, ", by ",
                                         [](std::string* out, const ParentProcess& parent) {
                                           absl::StrAppend(out, parent.name, " (", parent.pid, ")");
                                         }));
  lines.emplace_back("System unit", known(evidence.unit));
  lines.emplace_back("Its key", question.principal.ToHex());
  return lines;
}

std::string ChatLine(const ConsentQuestion& question, size_t index) {
  const permissions::OfferedChat& chat = question.chats.at(index);
  const permissions::OfferedAccount& account = question.accounts.at(chat.account);
  const char* type = chat.type == permissions::ChatType::kGroup    ? kGroup
                     : chat.type == permissions::ChatType::kDirect ? kDirect
                                                                   : kUnknown;
  return absl::StrCat(chat.name, " (", type, ", ", account.network, ", ", account.name, ")");
}

std::string AccountLine(const permissions::OfferedAccount& account) {
  return absl::StrCat(account.name, " (", account.network, ")");
}

}  // namespace postern::platform::texts
