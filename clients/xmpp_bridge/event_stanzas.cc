// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/event_stanzas.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "clients/xmpp_bridge/message_text.h"
#include "clients/xmpp_bridge/stanzas.h"

namespace postern::xmpp_bridge {

absl::StatusOr<Telling> EventStanzas::Convert(const v1::Event& event, const ChatEntry& chat) {
  Telling telling;
  if (auto status = AddEvent(event, chat, telling); !status.ok()) return status;
  return telling;
}

absl::Status EventStanzas::AddEvent(const v1::Event& event, const ChatEntry& chat,
                                    Telling& telling) {
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated:
      return AddCreated(event, chat, telling);
    case v1::Event::kMessageEdited:
      return AddEdited(event, chat, telling);
    case v1::Event::kMessageDeleted:
    case v1::Event::kMessageExpired:
      return AddGone(event, chat, telling);
    case v1::Event::kReactionSet:
    case v1::Event::kReactionRemoved:
      return AddReaction(event, chat, telling);
    case v1::Event::kReceipt:
      return AddReceipt(event, chat, telling);
    case v1::Event::kTyping:
      return AddTyping(event, chat, telling);
    case v1::Event::kAttachmentReady:
      return AddFile(event, chat, telling);
    case v1::Event::kParticipantJoined:
    case v1::Event::kParticipantChanged:
      return AddParticipant(event, chat, telling);
    case v1::Event::kParticipantLeft:
      if (chat.group) telling.stanzas = rooms_.Leave(chat, event.participant_left().contact_id());
      return absl::OkStatus();
    case v1::Event::kBackfillProgress:
      return AddProgress(event, chat, telling);
    case v1::Event::kCall:
      return AddCall(event, chat, telling);
    default:
      return absl::OkStatus();
  }
}

absl::Status EventStanzas::AddCreated(const v1::Event& event, const ChatEntry& chat,
                                      Telling& telling) {
  const auto& message = event.message_created().message();
  // Deleted meanwhile: there is nothing left to tell.
  if (message.deleted() || message.withheld() || event.view() == v1::EVENT_VIEW_WITHHELD) {
    return absl::OkStatus();
  }
  return messages_.Add(chat, message, event.backfill(), telling);
}

absl::Status EventStanzas::AddEdited(const v1::Event& event, const ChatEntry& chat,
                                     Telling& telling) {
  const auto& edit = event.message_edited();
  if (edit.text().empty()) return absl::OkStatus();  // deleted meanwhile, or not for this app
  auto link = messages_.Find(edit.message_id());
  if (!link.ok()) return link.status();
  if (!link->has_value()) return absl::OkStatus();
  auto from = people_.RouteOf(chat, edit.sender_contact_id(), telling.stanzas);
  if (!from.ok()) return from.status();
  const std::string text = ToStyled(edit.text(), edit.spans());
  const bool own = !chat.group && people_.IsSelf(edit.sender_contact_id());
  if ((*link)->from_xmpp) {
    // No ghost may correct what the user's own address said.
    telling.stanzas.push_back(TextStanza(*from, event.id(), absl::StrCat("You, corrected: ", text),
                                         {}, absl::InfiniteFuture()));
    return absl::OkStatus();
  }
  telling.stanzas.push_back(CorrectionStanza(*from, event.id(), (*link)->xmpp_id,
                                             own ? absl::StrCat("You: ", text) : text));
  telling.links.push_back(
      {chat.chat_id, edit.message_id(), event.id(), "", edit.sender_contact_id(), false});
  return absl::OkStatus();
}

absl::Status EventStanzas::AddGone(const v1::Event& event, const ChatEntry& chat,
                                   Telling& telling) {
  const std::string& id = event.has_message_deleted() ? event.message_deleted().message_id()
                                                      : event.message_expired().message_id();
  auto link = messages_.Find(id);
  if (!link.ok()) return link.status();
  if (!link->has_value() || (*link)->from_xmpp) return absl::OkStatus();
  auto from = people_.RouteOf(chat, (*link)->sender_contact_id, telling.stanzas);
  if (!from.ok()) return from.status();
  telling.stanzas.push_back(RetractionStanza(*from, event.id(), messages_.Reference(chat, **link)));
  return absl::OkStatus();
}

absl::Status EventStanzas::AddReaction(const v1::Event& event, const ChatEntry& chat,
                                       Telling& telling) {
  const bool set = event.has_reaction_set();
  const std::string& message =
      set ? event.reaction_set().message_id() : event.reaction_removed().message_id();
  const std::string& contact =
      set ? event.reaction_set().contact_id() : event.reaction_removed().contact_id();
  auto emojis = store_.Reactions(message, contact);
  if (!emojis.ok()) return emojis.status();
  if (set) {
    emojis->insert(event.reaction_set().emoji());
  } else if (event.reaction_removed().emoji().empty()) {
    emojis->clear();
  } else {
    emojis->erase(event.reaction_removed().emoji());
  }
  return messages_.AddReactions(chat, message, contact, *emojis, event.id(), telling);
}

absl::Status EventStanzas::AddReceipt(const v1::Event& event, const ChatEntry& chat,
                                      Telling& telling) {
  const auto& receipt = event.receipt();
  const char* kind = receipt.kind() == v1::Receipt::KIND_READ ? "displayed" : "received";
  for (const auto& id : receipt.message_ids()) {
    auto link = messages_.Find(id);
    if (!link.ok()) return link.status();
    // Only the user's own messages can be marked by others.
    if (!link->has_value() || !(*link)->from_xmpp || people_.IsSelf(receipt.contact_id())) continue;
    auto from = people_.RouteOf(chat, receipt.contact_id(), telling.stanzas);
    if (!from.ok()) return from.status();
    telling.stanzas.push_back(MarkerStanza(*from,
                                           absl::StrCat(event.id(), ".", telling.stanzas.size()),
                                           kind, messages_.Reference(chat, **link)));
  }
  return absl::OkStatus();
}

absl::Status EventStanzas::AddTyping(const v1::Event& event, const ChatEntry& chat,
                                     Telling& telling) {
  if (people_.IsSelf(event.typing().contact_id())) return absl::OkStatus();
  auto from = people_.RouteOf(chat, event.typing().contact_id(), telling.stanzas);
  if (!from.ok()) return from.status();
  telling.stanzas.push_back(
      ChatStateStanza(*from, event.typing().active() ? "composing" : "paused"));
  return absl::OkStatus();
}

absl::Status EventStanzas::AddFile(const v1::Event& event, const ChatEntry& chat,
                                   Telling& telling) {
  const auto& ready = event.attachment_ready();
  auto link = messages_.Find(ready.message_id());
  if (!link.ok()) return link.status();
  const std::string sender = link->has_value() ? (*link)->sender_contact_id : chat.peer_contact_id;
  if (link->has_value() && (*link)->from_xmpp) return absl::OkStatus();
  auto from = people_.RouteOf(chat, sender, telling.stanzas);
  if (!from.ok()) return from.status();
  const std::string id = FileId(ready.message_id(), ready.attachment().id());
  auto stanza = messages_.FileOf(*from, id, ready.attachment(), absl::InfiniteFuture());
  if (!stanza.ok()) return stanza.status();
  telling.stanzas.push_back(*std::move(stanza));
  telling.links.push_back({chat.chat_id, ready.message_id(), id, "", sender, false});
  return absl::OkStatus();
}

absl::Status EventStanzas::AddParticipant(const v1::Event& event, const ChatEntry& chat,
                                          Telling& telling) {
  if (!chat.group) return absl::OkStatus();
  const auto& participant = event.has_participant_joined()
                                ? event.participant_joined().participant()
                                : event.participant_changed().participant();
  auto person = people_.PersonOf(participant.contact_id(), participant.display_name());
  if (!person.ok()) return person.status();
  telling.stanzas = rooms_.Join(chat, *person);
  return absl::OkStatus();
}

absl::Status EventStanzas::AddProgress(const v1::Event& event, const ChatEntry& chat,
                                       Telling& telling) {
  const auto& progress = event.backfill_progress();
  if (progress.messages() == 0) return absl::OkStatus();
  telling.stanzas.push_back(
      TextStanza({config_.component, config_.owner, false, "Postern"}, event.id(),
                 absl::StrCat(chat.name, ": ", progress.messages(), " older messages",
                              progress.complete() ? ", all that there are" : " so far"),
                 {}, absl::InfiniteFuture()));
  return absl::OkStatus();
}

absl::Status EventStanzas::AddCall(const v1::Event& event, const ChatEntry& chat,
                                   Telling& telling) {
  if (event.call().state() != v1::Call::STATE_MISSED) return absl::OkStatus();
  auto from = people_.RouteOf(chat, event.call().contact_id(), telling.stanzas);
  if (!from.ok()) return from.status();
  telling.stanzas.push_back(
      TextStanza(*from, event.id(), "/me called you", {}, absl::InfiniteFuture()));
  return absl::OkStatus();
}

}  // namespace postern::xmpp_bridge
