// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/message_commands.h"

#include <absl/strings/str_cat.h>
#include <glib.h>

#include <utility>

#include "clients/gatekeepers/purple/annotations.h"
#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/media_link.h"
#include "clients/gatekeepers/purple/recent.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/reporter.h"
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

bool IsWritable(const std::string& text) {
  return text.find('\0') == std::string::npos &&
         g_utf8_validate(text.data(), static_cast<gssize>(text.size()), nullptr) != FALSE;
}

// 'emojis' with 'emoji' among them as the last, or without it.
std::vector<std::string> With(std::vector<std::string> emojis, const std::string& emoji,
                              bool stands) {
  std::erase(emojis, emoji);
  if (stands) emojis.push_back(emoji);
  return emojis;
}

// The capability that a kind of message needs, where this network has no words for it.
const char* MissingFor(const v1::SendMessageCommand& command) {
  if (command.view_once()) return "view_once";
  switch (command.kind()) {
    case v1::MESSAGE_KIND_UNSPECIFIED:
    case v1::MESSAGE_KIND_TEXT:
    case v1::MESSAGE_KIND_NOTICE:
    case v1::MESSAGE_KIND_MEDIA:
      return "";
    case v1::MESSAGE_KIND_VOICE_NOTE:
      return "voice_note";
    case v1::MESSAGE_KIND_STICKER:
      return "sticker";
    case v1::MESSAGE_KIND_POLL:
      return "poll";
    case v1::MESSAGE_KIND_LOCATION:
      return "location";
    case v1::MESSAGE_KIND_CONTACT_CARD:
      return "contact_card";
    default:
      return "text";
  }
}

}  // namespace

std::optional<Draft> MessageCommands::DraftFor(const std::string& command_id,
                                               const std::string& chat_id) {
  if (!purple_account_is_connected(parts_.account)) {
    parts_.reporter.FailForNow(command_id, "the account is offline");
    return std::nullopt;
  }
  Draft draft;
  draft.command_id = command_id;
  draft.chat_jid = parts_.chats.ChatOf(chat_id.c_str());
  if (draft.chat_jid.find('@') == std::string::npos) {
    parts_.reporter.Fail(command_id, "no such chat");
    return std::nullopt;
  }
  const Room* room = rooms_.Find(draft.chat_jid);
  draft.group = room != nullptr;
  if (room != nullptr && (!room->joined || !room->described)) {
    parts_.reporter.FailForNow(command_id, "the client has not entered the room yet");
    return std::nullopt;
  }
  if (room == nullptr && rooms_.IsInvited(draft.chat_jid)) {
    parts_.reporter.Fail(command_id, "the user has not taken the invitation to this room");
    return std::nullopt;
  }
  return draft;
}

void MessageCommands::Send(const std::string& command_id, const v1::SendMessageCommand& command) {
  if (const char* missing = MissingFor(command); *missing != '\0') {
    return parts_.reporter.Fail(command_id, "this network has no such message", missing);
  }
  const std::optional<Draft> target = DraftFor(command_id, command.chat_id());
  if (!target) return;
  Draft draft = *target;
  if (command.attachment_ids_size() > 0) return SendFiles(draft, command);
  if (command.text().empty() || !IsWritable(command.text())) {
    return parts_.reporter.Fail(command_id, "the text is empty or cannot be written in XML");
  }
  draft.text = command.attribution().empty()
                   ? command.text()
                   : absl::StrCat(command.text(), "\n", command.attribution());
  draft.notice = command.kind() == v1::MESSAGE_KIND_NOTICE;
  draft.wire_text = draft.notice ? WithMe(draft.text) : draft.text;
  draft.reply_to_id = command.reply_to_message_id();
  if (!draft.reply_to_id.empty()) {
    const RecentMessage* answered = parts_.recent.Find(draft.chat_jid, draft.reply_to_id);
    if (answered != nullptr) {
      draft.reply_to_jid = answered->author_jid;
      draft.reply_to_contact_id = answered->author_contact_id;
      std::tie(draft.wire_text, draft.quoted_characters) =
          QuoteBefore(answered->excerpt, draft.wire_text);
      draft.reply_excerpt = answered->excerpt;
    }
  }
  outbox_.Send(draft);
}

void MessageCommands::SendFiles(const Draft& draft, const v1::SendMessageCommand& command) {
  // A link is a message of its own, and so is what is written to it.
  if (command.attachment_ids_size() > 1 || !command.text().empty()) {
    return parts_.reporter.Fail(draft.command_id,
                                "one file a message, and its caption as a message of its own",
                                "attachment");
  }
  const std::string& link = command.attachment_ids(0);
  Draft file = draft;
  file.wire_text = link;
  file.file = AttachmentOf(link, parts_.chats.IsEncrypted(draft.chat_jid));
  if (!file.file ||
      (parts_.chats.IsEncrypted(draft.chat_jid) && !file.file->end_to_end_encrypted())) {
    return parts_.reporter.Fail(draft.command_id,
                                "the file was not uploaded for this chat: upload it again");
  }
  outbox_.Send(file);
}

void MessageCommands::Edit(const std::string& command_id, const v1::EditMessageCommand& command) {
  const std::optional<Draft> target = DraftFor(command_id, command.chat_id());
  if (!target) return;
  if (command.text().empty() || !IsWritable(command.text())) {
    return parts_.reporter.Fail(command_id, "the text is empty or cannot be written in XML");
  }
  const RecentMessage* meant = parts_.recent.Find(target->chat_jid, command.message_id());
  if (meant != nullptr && !meant->from_owner) {
    return parts_.reporter.Fail(command_id, "the message is not the user's own");
  }
  Draft draft = *target;
  draft.text = command.text();
  draft.notice = meant != nullptr && meant->notice;
  draft.wire_text = draft.notice ? WithMe(draft.text) : draft.text;
  draft.corrected_id = command.message_id();
  draft.corrected_origin_id = command.message_id();
  if (target->group) {
    draft.corrected_origin_id = parts_.remembered.Get(
        kOriginFact, Remembered::Key({target->chat_jid, command.message_id()}));
    if (draft.corrected_origin_id.empty()) {
      return parts_.reporter.Fail(command_id, "the message was not written with this client");
    }
  }
  outbox_.Send(draft);
}

void MessageCommands::Point(const Draft& draft, const XmlNodePtr& stanza,
                            std::vector<v1::Event> events) {
  // A room sends everything back, and that tells of it.
  if (draft.group) events.clear();
  outbox_.Point(stanza, draft, [events = std::move(events)](bool taken) {
    return taken ? events : std::vector<v1::Event>();
  });
}

void MessageCommands::Delete(const std::string& command_id,
                             const v1::DeleteMessageCommand& command) {
  if (!command.for_everyone()) {
    return parts_.reporter.Fail(command_id, "a message is taken back for everybody here", "delete");
  }
  const std::optional<Draft> target = DraftFor(command_id, command.chat_id());
  if (!target) return;
  const RecentMessage* meant = parts_.recent.Find(target->chat_jid, command.message_id());
  if (meant != nullptr && !meant->from_owner) {
    return parts_.reporter.Fail(command_id, "the message is not the user's own");
  }
  const XmlNodePtr stanza = NewMessage(target->chat_jid, target->group, FreshId());
  AddRetraction(stanza.get(), command.message_id());
  Point(*target, stanza,
        {parts_.maker.Deleted(target->chat_jid, command.message_id(),
                              parts_.maker.owner_contact_id())});
}

void MessageCommands::SetReaction(const std::string& command_id,
                                  const v1::SetReactionCommand& command) {
  const std::string& emoji = command.emoji();
  if (emoji.size() > 2 && emoji.front() == ':' && emoji.back() == ':') {
    return parts_.reporter.Fail(command_id, "this network has no such emoji", "custom_emoji");
  }
  if (!IsReaction(emoji) || !IsWritable(emoji)) {
    return parts_.reporter.Fail(command_id, "a reaction is one emoji");
  }
  const std::optional<Draft> target = DraftFor(command_id, command.chat_id());
  if (!target) return;
  // The network has all of one person's reactions in one stanza.
  const std::string key =
      Remembered::Key({target->chat_jid, command.message_id(), parts_.maker.owner_contact_id()});
  const std::vector<std::string> now =
      With(parts_.remembered.Words(kReactionsFact, key), emoji, !command.remove());
  const XmlNodePtr stanza = NewMessage(target->chat_jid, target->group, FreshId());
  AddReactions(stanza.get(), command.message_id(), now);
  // One in a room is kept, and told of, when it comes back.
  if (target->group) return Point(*target, stanza, {});
  const auto event = [this, chat_jid = target->chat_jid,
                      message_id = command.message_id()](const ReactionChange& change) {
    return parts_.maker.Reaction(chat_jid, message_id, parts_.maker.owner_contact_id(),
                                 change.emoji, change.removed);
  };
  const ReactionChange own = {emoji, command.remove()};
  const uint64_t number = own_reactions_.Leave(key, now);
  outbox_.Point(stanza, *target, [this, key, event, own, number](bool taken) {
    // Of one that was refused, and went again with this one, nobody told.
    std::vector<v1::Event> events;
    for (const ReactionChange& change : own_reactions_.Settle(key, number, taken)) {
      if (!(change == own)) events.push_back(event(change));
    }
    if (!taken) return events;
    events.push_back(event(own));
    // It was taken, and what came after it says otherwise.
    if (own_reactions_.Stands(key, own.emoji) == own.removed) {
      events.push_back(event({own.emoji, !own.removed}));
    }
    return events;
  });
  // What another device reacts the server has before it or after it: the answer stands between.
  parts_.requests.Get("", NewPing(), [this, number](xmlnode* result, const StanzaError& error) {
    if (result != nullptr || !error.condition.empty()) own_reactions_.ReachedServer(number);
  });
}

void MessageCommands::MarkRead(const std::string& command_id, const v1::MarkReadCommand& command) {
  if (!command.tell_sender()) {
    return parts_.reporter.Fail(command_id, "here, reading is told or not marked at all",
                                "mark_read");
  }
  const std::optional<Draft> target = DraftFor(command_id, command.chat_id());
  if (!target) return;
  const std::string& through = command.through_message_id();
  if (through.empty()) return parts_.reporter.Fail(command_id, "say which message was read");
  const XmlNodePtr stanza = NewMessage(target->chat_jid, target->group, FreshId());
  AddDisplayed(stanza.get(), through);
  Point(*target, stanza, {parts_.maker.ReadElsewhere(target->chat_jid, through)});
}

void MessageCommands::SetTyping(const std::string& command_id,
                                const v1::SetTypingCommand& command) {
  const std::optional<Draft> target = DraftFor(command_id, command.chat_id());
  if (!target) return;
  const XmlNodePtr stanza = NewMessage(target->chat_jid, target->group, FreshId());
  AddTyping(stanza.get(), command.active());
  Point(*target, stanza, {});
}

}  // namespace postern::purple
