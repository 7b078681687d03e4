// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/event_words.h"

#include <absl/strings/str_cat.h>

#include "clients/owner/visible_text.h"
#include "clients/settings/translation.h"

namespace postern::settings {
namespace {

using owner::VisibleText;

std::string SizeOnly(uint32_t bytes) {
  return FillIn(TrCount("Its text is hidden from this app: $0 byte",
                        "Its text is hidden from this app: $0 bytes", bytes),
                bytes);
}

std::string AttachmentWords(const v1::Attachment& attachment) {
  return absl::StrCat("📎 ", VisibleText(attachment.file_name().empty() ? attachment.mime_type()
                                                                       : attachment.file_name()));
}

EventWords MessageWords(const v1::Message& message) {
  EventWords words;
  words.title = message.from_owner() ? Tr("You")
                : message.sender_display_name().empty()
                    ? Tr("Somebody")
                    : VisibleText(message.sender_display_name());
  if (message.has_origin() && !message.origin().app_display_name().empty()) {
    words.title =
        FillIn(Tr("$0, through $1"), words.title, VisibleText(message.origin().app_display_name()));
  } else if (message.origin().is_own()) {
    words.title = FillIn(Tr("$0, through this app"), words.title);
  }
  if (message.deleted()) {
    words.hidden = Tr("Deleted");
    return words;
  }
  const auto add = [&words](const std::string& part) {
    absl::StrAppend(&words.body, words.body.empty() ? "" : "\n", part);
  };
  if (message.has_reply_to() && !message.reply_to().excerpt().empty()) {
    add(absl::StrCat("↳ ", VisibleText(message.reply_to().excerpt())));
  }
  const std::string& text = message.text().empty() ? message.raw_text() : message.text();
  if (!text.empty()) add(VisibleText(text));
  if (message.has_poll()) add(FillIn(Tr("Poll: $0"), VisibleText(message.poll().question())));
  if (message.has_location()) add(FillIn(Tr("Place: $0"), VisibleText(message.location().name())));
  if (message.has_contact_card()) {
    add(FillIn(Tr("Contact card: $0"), VisibleText(message.contact_card().display_name())));
  }
  for (const v1::Attachment& attachment : message.attachments()) add(AttachmentWords(attachment));
  if (text.empty() && message.text_bytes() > 0) words.hidden = SizeOnly(message.text_bytes());
  return words;
}

EventWords EditWords(const v1::MessageEdited& edit) {
  EventWords words;
  words.title = Tr("A message was edited");
  words.body = VisibleText(edit.text().empty() ? edit.raw_text() : edit.text());
  if (words.body.empty() && edit.text_bytes() > 0) words.hidden = SizeOnly(edit.text_bytes());
  return words;
}

EventWords CallWords(const v1::Call& call) {
  switch (call.state()) {
    case v1::Call::STATE_RINGING:
      return {Tr("A call rang"), "", ""};
    case v1::Call::STATE_ANSWERED:
      return {Tr("A call was answered"), "", ""};
    case v1::Call::STATE_MISSED:
      return {Tr("A call was missed"), "", ""};
    default:
      return {Tr("A call ended"), "", ""};
  }
}

EventWords PresenceWords(const v1::Presence& presence) {
  switch (presence.state()) {
    case v1::Presence::STATE_ONLINE:
      return {Tr("Somebody came online"), "", ""};
    case v1::Presence::STATE_AWAY:
      return {Tr("Somebody is away"), "", ""};
    default:
      return {Tr("Somebody went offline"), "", ""};
  }
}

}  // namespace

EventWords WordsOf(const v1::Event& event) {
  if (event.view() == v1::EVENT_VIEW_WITHHELD) {
    return {Tr("Withheld"), "", Tr("Who wrote this does not want this app to read it")};
  }
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated:
      return MessageWords(event.message_created().message());
    case v1::Event::kMessageEdited:
      return EditWords(event.message_edited());
    case v1::Event::kMessageDeleted:
      return {Tr("A message was deleted"), "", ""};
    case v1::Event::kMessageExpired:
      return {Tr("A disappearing message is gone"), "", ""};
    case v1::Event::kReactionSet:
      return {Tr("Somebody reacted"), VisibleText(event.reaction_set().emoji()), ""};
    case v1::Event::kReactionRemoved:
      return {Tr("A reaction was taken back"), VisibleText(event.reaction_removed().emoji()), ""};
    case v1::Event::kReceipt:
      return {event.receipt().kind() == v1::Receipt::KIND_READ ? Tr("Messages were read")
                                                               : Tr("Messages were delivered"),
              "", ""};
    case v1::Event::kTyping:
      return {event.typing().active() ? Tr("Somebody is typing") : Tr("Somebody stopped typing"),
              "", ""};
    case v1::Event::kPresence:
      return PresenceWords(event.presence());
    case v1::Event::kUnreadMark:
      return {event.unread_mark().unread() ? Tr("You marked the chat unread")
                                           : Tr("You read the chat elsewhere"),
              "", ""};
    case v1::Event::kChatCreated:
      return {Tr("A chat began"), VisibleText(event.chat_created().chat().name()), ""};
    case v1::Event::kChatChanged:
      return {Tr("The chat changed"), VisibleText(event.chat_changed().chat().name()), ""};
    case v1::Event::kChatRemoved:
      return {Tr("The chat was removed"), "", ""};
    case v1::Event::kTimerChanged:
      return {Tr("The timer of disappearing messages changed"), "", ""};
    case v1::Event::kMessageRequest:
      return {Tr("A stranger asks to write"), "", ""};
    case v1::Event::kParticipantJoined:
      return {Tr("Somebody joined"),
              VisibleText(event.participant_joined().participant().display_name()), ""};
    case v1::Event::kParticipantLeft:
      return {Tr("Somebody left"), "", ""};
    case v1::Event::kParticipantChanged:
      return {Tr("Somebody's role changed"),
              VisibleText(event.participant_changed().participant().display_name()), ""};
    case v1::Event::kContactChanged:
      return {Tr("A contact changed"),
              VisibleText(event.contact_changed().contact().display_name()), ""};
    case v1::Event::kIdentityChanged:
      return {Tr("Somebody's keys changed"), "", ""};
    case v1::Event::kAttachmentReady:
      return {Tr("A file can be opened"), AttachmentWords(event.attachment_ready().attachment()),
              ""};
    case v1::Event::kPollVoted:
      return {Tr("Somebody voted"), "", ""};
    case v1::Event::kPinChanged:
      return {
          event.pin_changed().pinned() ? Tr("A message was pinned") : Tr("A message was unpinned"),
          "", ""};
    case v1::Event::kCall:
      return CallWords(event.call());
    case v1::Event::kAccountStateChanged:
      return {Tr("The account's connection changed"), "", ""};
    case v1::Event::kCapabilitiesChanged:
      return {Tr("What the chat can do changed"), "", ""};
    case v1::Event::kBackfillProgress:
      return {Tr("Older history came in"), "", ""};
    case v1::Event::kEraseAsked:
      return {Tr("The app was asked to forget"), "", ""};
    case v1::Event::kGrantChanged:
      return {Tr("The app's access changed"), "", ""};
    case v1::Event::kLeaseChanged:
      return {Tr("The right to pass this chat on changed hands"), "", ""};
    case v1::Event::kDisclosureChanged:
      return {Tr("Who can see this chat changed"), "", ""};
    case v1::Event::kGap:
      return {Tr("Something is missing here"), "", ""};
    case v1::Event::kRequestCompleted:
      return {Tr("The outcome of something the app asked for"), "", ""};
    case v1::Event::kUnsupported:
      return {Tr("Something this version has no words for"),
              VisibleText(event.unsupported().fallback_text()), ""};
    case v1::Event::KIND_NOT_SET:
      break;
  }
  return {Tr("Something this version has no words for"), "", ""};
}

}  // namespace postern::settings
