// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/event_maker.h"

#include <utility>

namespace postern::purple {
namespace {

constexpr std::string_view kScheme = "xmpp:";

}  // namespace

std::string ContactId(std::string_view jid) { return std::string(kScheme).append(jid); }

std::string JidOf(std::string_view contact_id) {
  if (!contact_id.starts_with(kScheme)) return "";
  return std::string(contact_id.substr(kScheme.size()));
}

v1::Account EventMaker::Account() const {
  v1::Account account;
  account.set_id(ContactId(owner_jid_));
  account.set_network(kNetwork);
  account.set_display_name(owner_jid_);
  account.set_address(ContactId(owner_jid_));
  account.set_self_contact_id(ContactId(owner_jid_));
  account.set_state(v1::ACCOUNT_STATE_CONNECTING);
  return account;
}

v1::Event EventMaker::InChat(const std::string& chat_jid, std::time_t time) const {
  v1::Event event;
  event.set_chat_id(chat_jid);
  event.mutable_event_time()->set_seconds(time);
  return event;
}

v1::Event EventMaker::Message(const MessageFacts& facts) const {
  v1::Event event = InChat(facts.chat_jid, facts.time);
  event.set_backfill(facts.backfill);
  v1::Message& message = *event.mutable_message_created()->mutable_message();
  message.set_id(facts.id);
  message.set_chat_id(facts.chat_jid);
  message.set_sender_contact_id(facts.sender_contact_id);
  message.set_sender_display_name(facts.sender_name);
  message.set_from_owner(facts.from_owner);
  *message.mutable_create_time() = event.event_time();
  message.set_end_to_end_encrypted(facts.end_to_end_encrypted);
  if (!facts.reply_to_id.empty()) {
    message.mutable_reply_to()->set_message_id(facts.reply_to_id);
    message.mutable_reply_to()->set_sender_contact_id(facts.reply_to_contact_id);
    message.mutable_reply_to()->set_excerpt(facts.reply_excerpt);
  }
  if (facts.file) {
    message.set_kind(v1::MESSAGE_KIND_MEDIA);
    *message.add_attachments() = *facts.file;
  } else if (facts.text.size() > kTextBytesMax) {
    message.set_kind(v1::MESSAGE_KIND_UNSUPPORTED);
    message.set_text("A text of " + std::to_string(facts.text.size()) + " bytes");
  } else {
    message.set_kind(facts.notice ? v1::MESSAGE_KIND_NOTICE : v1::MESSAGE_KIND_TEXT);
    message.set_text(facts.text);
  }
  return event;
}

v1::Event EventMaker::Edited(const MessageFacts& facts) const {
  v1::Event event = InChat(facts.chat_jid, facts.time);
  event.set_backfill(facts.backfill);
  v1::MessageEdited& edited = *event.mutable_message_edited();
  edited.set_message_id(facts.id);
  edited.set_sender_contact_id(facts.sender_contact_id);
  edited.set_text(facts.text.size() > kTextBytesMax
                      ? "A text of " + std::to_string(facts.text.size()) + " bytes"
                      : facts.text);
  edited.set_end_to_end_encrypted(facts.end_to_end_encrypted);
  return event;
}

v1::Event EventMaker::Deleted(const std::string& chat_jid, const std::string& message_id,
                              const std::string& contact_id) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_message_deleted()->set_message_id(message_id);
  event.mutable_message_deleted()->set_contact_id(contact_id);
  event.mutable_message_deleted()->set_for_everyone(true);
  return event;
}

v1::Event EventMaker::Reaction(const std::string& chat_jid, const std::string& message_id,
                               const std::string& contact_id, const std::string& emoji,
                               bool removed) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  if (removed) {
    v1::ReactionRemoved& reaction = *event.mutable_reaction_removed();
    reaction.set_message_id(message_id);
    reaction.set_contact_id(contact_id);
    reaction.set_emoji(emoji);
  } else {
    v1::ReactionSet& reaction = *event.mutable_reaction_set();
    reaction.set_message_id(message_id);
    reaction.set_contact_id(contact_id);
    reaction.set_emoji(emoji);
  }
  return event;
}

v1::Chat EventMaker::DirectChat(const std::string& chat_jid, const std::string& name,
                                const ChatTraits& traits) const {
  v1::Chat chat;
  chat.set_id(chat_jid);
  chat.set_kind(v1::CHAT_KIND_DIRECT);
  chat.set_name(name);
  chat.set_peer_contact_id(ContactId(chat_jid));
  chat.set_end_to_end_encrypted(traits.encrypted);
  for (const auto& [jid, shown] : {std::pair(chat_jid, name), std::pair(owner_jid_, owner_jid_)}) {
    v1::Participant& participant = *chat.add_participants();
    participant.set_contact_id(ContactId(jid));
    participant.set_display_name(shown);
    participant.set_role(v1::PARTICIPANT_ROLE_MEMBER);
  }
  *chat.mutable_capabilities() = CapabilitiesOf(traits);
  return chat;
}

v1::Chat EventMaker::GroupChat(const GroupFacts& facts) const {
  v1::Chat chat;
  chat.set_id(facts.jid);
  chat.set_kind(v1::CHAT_KIND_GROUP);
  chat.set_name(facts.name);
  chat.set_topic(facts.topic);
  chat.set_end_to_end_encrypted(facts.traits.encrypted);
  for (const v1::Participant& participant : facts.participants) {
    *chat.add_participants() = participant;
  }
  *chat.mutable_capabilities() = CapabilitiesOf(facts.traits);
  return chat;
}

v1::Event EventMaker::ChatCreated(const v1::Chat& chat) const {
  v1::Event event = InChat(chat.id(), std::time(nullptr));
  *event.mutable_chat_created()->mutable_chat() = chat;
  return event;
}

v1::Event EventMaker::ChatChanged(const v1::Chat& chat) const {
  v1::Event event = InChat(chat.id(), std::time(nullptr));
  *event.mutable_chat_changed()->mutable_chat() = chat;
  return event;
}

v1::Event EventMaker::ChatRemoved(const std::string& chat_jid) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_chat_removed();
  return event;
}

v1::Event EventMaker::CapabilitiesChanged(const std::string& chat_jid,
                                          const ChatTraits& traits) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  *event.mutable_capabilities_changed()->mutable_capabilities() = CapabilitiesOf(traits);
  return event;
}

v1::Event EventMaker::Joined(const std::string& chat_jid,
                             const v1::Participant& participant) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  *event.mutable_participant_joined()->mutable_participant() = participant;
  return event;
}

v1::Event EventMaker::Changed(const std::string& chat_jid,
                              const v1::Participant& participant) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  *event.mutable_participant_changed()->mutable_participant() = participant;
  return event;
}

v1::Event EventMaker::Left(const std::string& chat_jid, const std::string& contact_id,
                           const std::string& removed_by_contact_id) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_participant_left()->set_contact_id(contact_id);
  event.mutable_participant_left()->set_removed_by_contact_id(removed_by_contact_id);
  return event;
}

v1::Event EventMaker::Request(const std::string& chat_jid, const std::string& contact_id,
                              v1::MessageRequest::State state) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_message_request()->set_contact_id(contact_id);
  event.mutable_message_request()->set_state(state);
  return event;
}

v1::Event EventMaker::ContactSeen(const std::string& jid, const std::string& name, bool in_roster,
                                  bool blocked) const {
  v1::Event event = InChat("", std::time(nullptr));
  v1::Contact& contact = *event.mutable_contact_changed()->mutable_contact();
  contact.set_id(ContactId(jid));
  contact.set_display_name(name);
  contact.add_addresses(ContactId(jid));
  contact.set_in_address_book(in_roster);
  contact.set_is_self(jid == owner_jid_);
  contact.set_blocked(blocked);
  return event;
}

v1::Event EventMaker::Identity(const std::string& jid, v1::IdentityChanged::Kind kind) const {
  v1::Event event = InChat("", std::time(nullptr));
  event.mutable_identity_changed()->set_contact_id(ContactId(jid));
  event.mutable_identity_changed()->set_kind(kind);
  return event;
}

v1::Event EventMaker::Receipt(const std::string& chat_jid, const std::string& message_id,
                              const std::string& contact_id, v1::Receipt::Kind kind) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_receipt()->add_message_ids(message_id);
  event.mutable_receipt()->set_contact_id(contact_id);
  event.mutable_receipt()->set_kind(kind);
  return event;
}

v1::Event EventMaker::ReadElsewhere(const std::string& chat_jid,
                                    const std::string& message_id) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_unread_mark()->set_read_through_message_id(message_id);
  return event;
}

v1::Event EventMaker::Typing(const std::string& chat_jid, const std::string& contact_id,
                             bool active) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_typing()->set_contact_id(contact_id);
  event.mutable_typing()->set_active(active);
  return event;
}

v1::Event EventMaker::Presence(const std::string& jid, v1::Presence::State state,
                               std::time_t last_seen) const {
  v1::Event event = InChat("", std::time(nullptr));
  event.mutable_presence()->set_contact_id(ContactId(jid));
  event.mutable_presence()->set_state(state);
  if (last_seen != 0) event.mutable_presence()->mutable_last_seen_time()->set_seconds(last_seen);
  return event;
}

v1::Event EventMaker::AccountState(v1::AccountState state, std::string_view reason) const {
  v1::Event event = InChat("", std::time(nullptr));
  event.mutable_account_state_changed()->set_state(state);
  event.mutable_account_state_changed()->set_reason(std::string(reason));
  return event;
}

v1::Event EventMaker::Gap(uint64_t count, std::time_t start) const {
  v1::Event event = InChat("", std::time(nullptr));
  event.mutable_gap()->set_cause(v1::Gap::CAUSE_GATEKEEPER);
  event.mutable_gap()->set_event_count(count);
  if (start != 0) event.mutable_gap()->mutable_start_time()->set_seconds(start);
  *event.mutable_gap()->mutable_end_time() = event.event_time();
  return event;
}

}  // namespace postern::purple
