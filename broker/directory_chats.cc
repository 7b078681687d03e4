// SPDX-License-Identifier: Apache-2.0
// The chats of the directory: what events say of them, and how they are found.
#include <algorithm>
#include <utility>

#include "broker/directory.h"
#include "broker/limits.h"
#include "broker/told_capabilities.h"

namespace postern::broker {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ContactId;
using v1::Event;

namespace {

// Returns whether the member was there.
bool RemoveParticipant(v1::Chat& chat, const std::string& contact_id) {
  auto& participants = *chat.mutable_participants();
  const auto end = std::remove_if(
      participants.begin(), participants.end(),
      [&](const v1::Participant& participant) { return participant.contact_id() == contact_id; });
  const bool found = end != participants.end();
  participants.erase(end, participants.end());
  return found;
}

// Who comes again, or changes, keeps what the news does not say.
void PutParticipant(v1::Chat& chat, const v1::Participant& told) {
  for (v1::Participant& known : *chat.mutable_participants()) {
    if (known.contact_id() != told.contact_id()) continue;
    if (!told.display_name().empty()) known.set_display_name(told.display_name());
    if (told.role() != v1::PARTICIPANT_ROLE_UNSPECIFIED) known.set_role(told.role());
    return;
  }
  if (chat.participants_size() < kParticipantsMax) *chat.add_participants() = told;
}

bool RemovePin(v1::Chat& chat, const std::string& message_id) {
  auto& pins = *chat.mutable_pinned_message_ids();
  const auto end = std::remove(pins.begin(), pins.end(), message_id);
  const bool found = end != pins.end();
  pins.erase(end, pins.end());
  return found;
}

void AddPin(v1::Chat& chat, const std::string& message_id) {
  RemovePin(chat, message_id);
  chat.add_pinned_message_ids(message_id);
  auto& pins = *chat.mutable_pinned_message_ids();
  if (pins.size() > kPinnedMessagesMax) pins.erase(pins.begin());
}

// Whether news of this kind shows that a chat which was gone is there again: somebody writes in it,
// or the client lists it. An old receipt does not.
bool BringsBack(Event::KindCase kind) {
  return kind == Event::kChatCreated || kind == Event::kChatChanged ||
         kind == Event::kMessageCreated || kind == Event::kMessageRequest;
}

// The chat as 'told'. What adapters often leave out of it has news of its own, and stays.
v1::Chat Merged(const v1::Chat& known, const v1::Chat& told) {
  v1::Chat next = told;
  next.set_id(known.id());
  next.set_account_id(known.account_id());
  // Grants and seals go by these two: silence about them changes nothing.
  if (next.kind() == v1::CHAT_KIND_UNSPECIFIED) next.set_kind(known.kind());
  if (next.peer_contact_id().empty() && next.kind() == v1::CHAT_KIND_DIRECT) {
    next.set_peer_contact_id(known.peer_contact_id());
  }
  if (next.participants().empty()) *next.mutable_participants() = known.participants();
  if (next.pinned_message_ids().empty()) {
    *next.mutable_pinned_message_ids() = known.pinned_message_ids();
  }
  if (!next.has_capabilities() && known.has_capabilities()) {
    *next.mutable_capabilities() = known.capabilities();
  }
  return next;
}

}  // namespace

Directory::ChatEntry& Directory::ChatOf(AccountId account, const TakenEvent& taken,
                                        Changes& changes) {
  auto& entry = chats_[taken.record.chat];
  if (entry == nullptr) {
    entry = std::make_unique<ChatEntry>();
    entry->account = account;
    entry->remote_id = taken.remote_chat_id;
    entry->chat.set_id(IdText(taken.record.chat));
    entry->chat.set_account_id(IdText(account));
    AddChange(changes.chats, taken.record.chat);
  }
  return *entry;
}

bool Directory::ChangeChat(AccountId account, const TakenEvent& taken, ChatEntry& entry,
                           Changes& changes) {
  const Event& event = taken.event;
  v1::Chat& chat = entry.chat;
  switch (event.kind_case()) {
    case Event::kChatCreated:
    case Event::kChatChanged: {
      v1::Chat next = Merged(chat, event.has_chat_created() ? event.chat_created().chat()
                                                            : event.chat_changed().chat());
      for (const v1::Participant& participant : next.participants()) {
        PutContact(account, taken, participant.contact_id(), participant.display_name(), nullptr,
                   changes);
      }
      PutContact(account, taken, next.peer_contact_id(), "", nullptr, changes);
      if (next.SerializeAsString() == chat.SerializeAsString()) return false;
      chat = std::move(next);
      entry.peer = IdFromText<ContactId>(chat.peer_contact_id());
      return true;
    }
    case Event::kParticipantJoined:
    case Event::kParticipantChanged: {
      const v1::Participant& participant = event.has_participant_joined()
                                               ? event.participant_joined().participant()
                                               : event.participant_changed().participant();
      PutParticipant(chat, participant);
      PutContact(account, taken, participant.contact_id(), participant.display_name(), nullptr,
                 changes);
      return true;
    }
    case Event::kParticipantLeft:
      return RemoveParticipant(chat, event.participant_left().contact_id());
    case Event::kTimerChanged:
      if (event.timer_changed().disappearing_timer().seconds() > 0) {
        *chat.mutable_disappearing_timer() = event.timer_changed().disappearing_timer();
      } else {
        chat.clear_disappearing_timer();
      }
      return true;
    case Event::kUnreadMark:
      if (chat.marked_unread() == event.unread_mark().unread()) return false;
      chat.set_marked_unread(event.unread_mark().unread());
      return true;
    case Event::kPinChanged:
      if (!event.pin_changed().pinned()) {
        return RemovePin(chat, event.pin_changed().message_id());
      }
      AddPin(chat, event.pin_changed().message_id());
      return true;
    case Event::kMessageDeleted:
      return RemovePin(chat, event.message_deleted().message_id());
    case Event::kMessageExpired:
      return RemovePin(chat, event.message_expired().message_id());
    case Event::kMessageRequest: {
      const bool blocked = event.message_request().state() == v1::MessageRequest::STATE_BLOCKED;
      if (!blocked && event.message_request().state() != v1::MessageRequest::STATE_ACCEPTED) {
        return false;
      }
      if (chat.kind() == v1::CHAT_KIND_GROUP || chat.blocked() == blocked) return false;
      chat.set_blocked(blocked);
      return true;
    }
    case Event::kCapabilitiesChanged:
      *chat.mutable_capabilities() = event.capabilities_changed().capabilities();
      return true;
    case Event::kMessageCreated: {
      const v1::Message& message = event.message_created().message();
      PutContact(account, taken, message.sender_contact_id(), message.sender_display_name(),
                 nullptr, changes);
      return false;
    }
    default:
      return false;
  }
}

void Directory::ApplyOne(AccountId account, const TakenEvent& taken, Changes& changes) {
  const Event& event = taken.event;
  if (event.has_contact_changed()) {
    const v1::Contact& contact = event.contact_changed().contact();
    PutContact(account, taken, contact.id(), contact.display_name(), &contact, changes);
    return;
  }
  if (event.has_message_request()) TakeRequest(account, taken, changes);
  if (taken.record.chat.empty()) return;
  if (event.has_chat_removed()) {
    const auto it = chats_.find(taken.record.chat);
    if (it == chats_.end() || it->second->removed) return;
    it->second->removed = true;
    AddChange(changes.chats, taken.record.chat);
    return;
  }
  ChatEntry& entry = ChatOf(account, taken, changes);
  if (entry.removed && BringsBack(event.kind_case())) {
    entry.removed = false;
    AddChange(changes.chats, taken.record.chat);
  }
  if (ChangeChat(account, taken, entry, changes)) AddChange(changes.chats, taken.record.chat);
}

const Directory::ChatEntry* Directory::FindEntry(ChatId id) const {
  const auto it = chats_.find(id);
  return it == chats_.end() || it->second->removed ? nullptr : it->second.get();
}

v1::ChatCapabilities Directory::CapabilitiesOf(const ChatEntry& entry) const {
  v1::ChatCapabilities capabilities;
  if (entry.chat.has_capabilities()) {
    capabilities = entry.chat.capabilities();
  } else if (const auto it = accounts_.find(entry.account); it != accounts_.end()) {
    capabilities = it->second->capabilities;
  }
  if (capabilities.hash().empty()) SetCapabilityHash(capabilities);
  return capabilities;
}

v1::ChatCapabilities Directory::CapabilitiesOf(AccountId account, ChatId chat) const {
  platform::MutexLock lock(mutex_);
  if (const ChatEntry* entry = FindEntry(chat); entry != nullptr) return CapabilitiesOf(*entry);
  ChatEntry none;
  none.account = account;
  return CapabilitiesOf(none);
}

v1::Chat Directory::Whole(const ChatEntry& entry) const {
  v1::Chat chat = entry.chat;
  *chat.mutable_capabilities() = CapabilitiesOf(entry);
  return chat;
}

std::optional<v1::Chat> Directory::FindChat(ChatId id) const {
  platform::MutexLock lock(mutex_);
  const ChatEntry* entry = FindEntry(id);
  if (entry == nullptr) return std::nullopt;
  return Whole(*entry);
}

std::optional<std::string> Directory::RemoteChatId(ChatId id) const {
  platform::MutexLock lock(mutex_);
  const ChatEntry* entry = FindEntry(id);
  if (entry == nullptr) return std::nullopt;
  return entry->remote_id;
}

std::vector<std::pair<AccountId, ChatId>> Directory::ChatIds() const {
  std::vector<std::pair<AccountId, ChatId>> chats;
  platform::MutexLock lock(mutex_);
  chats.reserve(chats_.size());
  for (const auto& [id, entry] : chats_) {
    if (!entry->removed) chats.emplace_back(entry->account, id);
  }
  return chats;
}

std::vector<ChatId> Directory::ChatsWith(ContactId contact) const {
  const std::string text = IdText(contact);
  std::vector<ChatId> chats;
  platform::MutexLock lock(mutex_);
  for (const auto& [id, entry] : chats_) {
    if (entry->removed) continue;
    const auto& participants = entry->chat.participants();
    if (entry->peer == contact ||
        std::any_of(participants.begin(), participants.end(),
                    [&](const v1::Participant& one) { return one.contact_id() == text; })) {
      chats.push_back(id);
    }
  }
  return chats;
}

std::optional<ChatId> Directory::DirectChatWith(ContactId contact) const {
  platform::MutexLock lock(mutex_);
  for (const auto& [id, entry] : chats_) {
    if (!entry->removed && entry->peer == contact && entry->chat.kind() == v1::CHAT_KIND_DIRECT) {
      return id;
    }
  }
  return std::nullopt;
}

std::vector<v1::Chat> Directory::Chats() const {
  std::vector<v1::Chat> chats;
  platform::MutexLock lock(mutex_);
  for (const auto& [id, entry] : chats_) {
    if (!entry->removed) chats.push_back(Whole(*entry));
  }
  std::sort(chats.begin(), chats.end(),
            [](const v1::Chat& a, const v1::Chat& b) { return a.id() < b.id(); });
  return chats;
}

}  // namespace postern::broker
