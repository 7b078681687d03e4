// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/event_maker.h"

#include <utility>

namespace postern::purple {

std::string ContactId(std::string_view bare_jid) { return "xmpp:" + std::string(bare_jid); }

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

v1::ChatCapabilities EventMaker::Capabilities() {
  v1::ChatCapabilities result;
  result.set_hash("purple-direct-1");
  result.set_text(v1::CAPABILITY_LEVEL_FULL);
  result.set_formatting(v1::CAPABILITY_LEVEL_DROPPED);
  result.set_reply(v1::CAPABILITY_LEVEL_DROPPED);
  result.set_mention(v1::CAPABILITY_LEVEL_DROPPED);
  result.set_edit(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_delete_(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_reaction(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_attachment(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_read_receipt(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_typing(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_poll(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_location(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_disappearing(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_manage(v1::CAPABILITY_LEVEL_REJECTED);
  result.set_text_bytes_max(kTextBytesMax);
  return result;
}

v1::Event EventMaker::InChat(const std::string& chat_jid, std::time_t time) const {
  v1::Event event;
  event.set_chat_id(chat_jid);
  event.mutable_event_time()->set_seconds(time);
  return event;
}

v1::Event EventMaker::Message(const MessageFacts& facts) const {
  v1::Event event = InChat(facts.chat_jid, facts.time);
  v1::Message& message = *event.mutable_message_created()->mutable_message();
  message.set_id(facts.id);
  message.set_chat_id(facts.chat_jid);
  message.set_sender_contact_id(ContactId(facts.from_owner ? owner_jid_ : facts.chat_jid));
  message.set_sender_display_name(facts.sender_name);
  message.set_from_owner(facts.from_owner);
  *message.mutable_create_time() = event.event_time();
  message.set_end_to_end_encrypted(facts.end_to_end_encrypted);
  if (facts.text.size() > kTextBytesMax) {
    message.set_kind(v1::MESSAGE_KIND_UNSUPPORTED);
    message.set_text("A text of " + std::to_string(facts.text.size()) + " bytes");
  } else {
    message.set_kind(v1::MESSAGE_KIND_TEXT);
    message.set_text(facts.text);
  }
  return event;
}

v1::Event EventMaker::ChatCreated(const std::string& chat_jid, const std::string& name) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  v1::Chat& chat = *event.mutable_chat_created()->mutable_chat();
  chat.set_id(chat_jid);
  chat.set_kind(v1::CHAT_KIND_DIRECT);
  chat.set_name(name);
  chat.set_peer_contact_id(ContactId(chat_jid));
  for (const auto& [jid, shown] : {std::pair(chat_jid, name), std::pair(owner_jid_, owner_jid_)}) {
    v1::Participant& participant = *chat.add_participants();
    participant.set_contact_id(ContactId(jid));
    participant.set_display_name(shown);
    participant.set_role(v1::PARTICIPANT_ROLE_MEMBER);
  }
  *chat.mutable_capabilities() = Capabilities();
  return event;
}

v1::Event EventMaker::ContactSeen(const std::string& jid, const std::string& name,
                                  bool in_roster) const {
  v1::Event event = InChat("", std::time(nullptr));
  v1::Contact& contact = *event.mutable_contact_changed()->mutable_contact();
  contact.set_id(ContactId(jid));
  contact.set_display_name(name);
  contact.add_addresses(ContactId(jid));
  contact.set_in_address_book(in_roster);
  contact.set_is_self(jid == owner_jid_);
  return event;
}

v1::Event EventMaker::Receipt(const std::string& chat_jid, const std::string& message_id,
                              v1::Receipt::Kind kind) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_receipt()->add_message_ids(message_id);
  event.mutable_receipt()->set_contact_id(ContactId(chat_jid));
  event.mutable_receipt()->set_kind(kind);
  return event;
}

v1::Event EventMaker::Typing(const std::string& chat_jid, bool active) const {
  v1::Event event = InChat(chat_jid, std::time(nullptr));
  event.mutable_typing()->set_contact_id(ContactId(chat_jid));
  event.mutable_typing()->set_active(active);
  return event;
}

v1::Event EventMaker::Presence(const std::string& jid, v1::Presence::State state) const {
  v1::Event event = InChat("", std::time(nullptr));
  event.mutable_presence()->set_contact_id(ContactId(jid));
  event.mutable_presence()->set_state(state);
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
