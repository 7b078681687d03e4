// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/names.h"

#include <absl/strings/str_cat.h>

#include "clients/owner/visible_text.h"

namespace postern::cli {
namespace {

using owner::Shortened;

constexpr int kNameColumnsMax = 24;
constexpr int kExcerptColumnsMax = 32;

}  // namespace

std::string ShortId(const std::string& id) { return std::string(id.substr(0, kShortIdLength)); }

void Names::Learn(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kChatCreated:
      LearnChat(event.chat_created().chat());
      break;
    case v1::Event::kChatChanged:
      LearnChat(event.chat_changed().chat());
      break;
    case v1::Event::kParticipantJoined:
      LearnPerson(event.participant_joined().participant().contact_id(),
                  event.participant_joined().participant().display_name());
      break;
    case v1::Event::kParticipantChanged:
      LearnPerson(event.participant_changed().participant().contact_id(),
                  event.participant_changed().participant().display_name());
      break;
    case v1::Event::kContactChanged: {
      const v1::Contact& contact = event.contact_changed().contact();
      LearnPerson(contact.id(), contact.display_name());
      if (contact.is_self()) own_contacts_.insert(contact.id());
      break;
    }
    case v1::Event::kMessageCreated: {
      const v1::Message& message = event.message_created().message();
      LearnPerson(message.sender_contact_id(), message.sender_display_name());
      if (message.from_owner() && !message.sender_contact_id().empty()) {
        own_contacts_.insert(message.sender_contact_id());
      }
      Remember(message.id(), message.text());
      break;
    }
    default:
      break;
  }
  if (!event.chat_id().empty() && !chats_.contains(event.chat_id())) {
    if (const auto chat = lookup_(event.chat_id())) {
      LearnChat(*chat);
    } else {
      chats_[event.chat_id()] = absl::StrCat("chat ", ShortId(event.chat_id()));
    }
  }
}

void Names::LearnChat(const v1::Chat& chat) {
  chats_[chat.id()] = chat.name().empty() ? absl::StrCat("chat ", ShortId(chat.id()))
                                          : Shortened(chat.name(), kNameColumnsMax);
  for (const v1::Participant& participant : chat.participants()) {
    LearnPerson(participant.contact_id(), participant.display_name());
  }
  // A 1:1 chat is named for the other person, and may come without its participants.
  if (chat.kind() == v1::CHAT_KIND_DIRECT && !people_.contains(chat.peer_contact_id())) {
    LearnPerson(chat.peer_contact_id(), chat.name());
  }
}

void Names::LearnAccount(const v1::Account& account) {
  if (!account.self_contact_id().empty()) own_contacts_.insert(account.self_contact_id());
}

void Names::LearnPerson(const std::string& contact_id, const std::string& name) {
  if (contact_id.empty() || name.empty()) return;
  if (people_.size() >= kPeopleMax && !people_.contains(contact_id)) people_.clear();
  people_[contact_id] = Shortened(name, kNameColumnsMax);
}

void Names::Remember(const std::string& message_id, const std::string& text) {
  if (message_id.empty() || text.empty()) return;
  const auto [place, added] = excerpts_.try_emplace(message_id);
  place->second = Shortened(text, kExcerptColumnsMax);
  if (!added) return;
  excerpt_order_.push_back(message_id);
  if (excerpt_order_.size() > kExcerptsMax) {
    excerpts_.erase(excerpt_order_.front());
    excerpt_order_.pop_front();
  }
}

void Names::Forget(const v1::Event& event) {
  if (event.has_message_deleted()) excerpts_.erase(event.message_deleted().message_id());
  if (event.has_message_expired()) excerpts_.erase(event.message_expired().message_id());
  for (const std::string& id : event.erase_asked().message_ids()) excerpts_.erase(id);
  if (event.has_message_edited()) {
    Remember(event.message_edited().message_id(), event.message_edited().text());
  }
  if (event.has_erase_asked() && event.erase_asked().message_ids().empty()) excerpts_.clear();
}

std::string Names::Chat(const std::string& chat_id) const {
  if (chat_id.empty()) return "";
  const auto place = chats_.find(chat_id);
  return place != chats_.end() ? place->second : absl::StrCat("chat ", ShortId(chat_id));
}

std::string Names::Person(const std::string& contact_id) const {
  if (contact_id.empty()) return "someone";
  if (own_contacts_.contains(contact_id)) return "you";
  const auto place = people_.find(contact_id);
  return place != people_.end() ? place->second : absl::StrCat("someone ", ShortId(contact_id));
}

std::string Names::Excerpt(const std::string& message_id) const {
  const auto place = excerpts_.find(message_id);
  return place != excerpts_.end() ? absl::StrCat("“", place->second, "”") : "a message";
}

}  // namespace postern::cli
