// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/grant_text.h"

#include <absl/strings/str_cat.h>

#include "clients/owner/visible_text.h"
#include "clients/postern/names.h"
#include "clients/sdk/manifest.h"

namespace postern::cli {

using owner::VisibleText;

std::string ScopesText(const google::protobuf::RepeatedField<int>& scopes) {
  std::string text;
  for (const int number : scopes) {
    const std::string name(sdk::ScopeName(static_cast<v1::Scope>(number)));
    absl::StrAppend(&text, text.empty() ? "" : " ", name.empty() ? "(unknown)" : name);
  }
  return text.empty() ? "nothing" : text;
}

std::string StateText(v1::Grant::State state) {
  switch (state) {
    case v1::Grant::STATE_ACTIVE:
      return "active";
    case v1::Grant::STATE_SUSPENDED:
      return "suspended";
    case v1::Grant::STATE_REVOKED:
      return "revoked";
    case v1::Grant::STATE_EXPIRED:
      return "expired";
    default:
      return "unknown";
  }
}

std::string ValidityText(const v1::Validity& validity) {
  switch (validity.kind()) {
    case v1::Validity::KIND_ONCE:
      return "for one connection";
    case v1::Validity::KIND_WHILE_RUNNING:
      return "while the app runs";
    case v1::Validity::KIND_UNTIL:
      return absl::StrCat("until ", TimeText(validity.expire_time()));
    case v1::Validity::KIND_UNTIL_REVOKED:
      return "until revoked";
    default:
      return "unknown";
  }
}

std::string SelectionText(const v1::Selection& selection) {
  std::string text;
  switch (selection.chat_choice()) {
    case v1::Selection::CHAT_CHOICE_LISTED:
      text = absl::StrCat(selection.included_chat_ids_size(),
                          selection.included_chat_ids_size() == 1 ? " chat" : " chats");
      break;
    case v1::Selection::CHAT_CHOICE_ALL_EXISTING:
      text = "all chats there were";
      break;
    case v1::Selection::CHAT_CHOICE_ALL_AND_NEW:
      text = "all chats, also new ones";
      break;
    default:
      return "none";
  }
  if (selection.chat_kinds() == v1::Selection::CHAT_KINDS_DIRECT)
    absl::StrAppend(&text, ", 1:1 only");
  if (selection.chat_kinds() == v1::Selection::CHAT_KINDS_GROUP)
    absl::StrAppend(&text, ", groups only");
  if (selection.people() == v1::Selection::PEOPLE_CONTACTS)
    absl::StrAppend(&text, ", contacts only");
  if (selection.people() == v1::Selection::PEOPLE_STRANGERS)
    absl::StrAppend(&text, ", strangers only");
  if (selection.excluded_chat_ids_size() > 0) {
    absl::StrAppend(&text, ", without ", selection.excluded_chat_ids_size());
  }
  return text;
}

std::string DestinationText(const v1::DataDestination& destination) {
  switch (destination.kind()) {
    case v1::DataDestination::KIND_STAYS_ON_DEVICE:
      return "stays on this device";
    case v1::DataDestination::KIND_LEAVES_DEVICE:
      return absl::StrCat("leaves this device to ", VisibleText(destination.service()));
    default:
      return "it does not say";
  }
}

bool IsOpen(const v1::AppErasure& erasure) {
  return erasure.unconfirmed_count() > 0 ||
         (erasure.everything_asked() && !erasure.everything_confirmed());
}

std::string TimeText(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() == 0) return "never";
  return absl::FormatTime("%Y-%m-%d %H:%M", absl::FromUnixSeconds(timestamp.seconds()),
                          absl::LocalTimeZone());
}

std::string Counted(uint64_t count, const std::string& noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

void PrintStreamEnds(const google::protobuf::RepeatedPtrField<v1::StreamEnd>& ends,
                     Terminal& terminal) {
  if (ends.empty()) {
    terminal.Line("No live stream was open.");
    return;
  }
  for (const v1::StreamEnd& end : ends) {
    const std::string name =
        end.subscription().empty()
            ? "A live stream ended."
            : absl::StrCat("The live stream “", VisibleText(end.subscription()), "” ended.");
    terminal.Line(absl::StrCat(
        name, end.last_sequence() == 0
                  ? " It had been sent nothing."
                  : absl::StrCat(" The last event it was sent is number ", end.last_sequence(),
                                 " of the log; nothing later ever reaches it.")));
  }
}

}  // namespace postern::cli
