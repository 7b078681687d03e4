// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/world.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "clients/gatekeepers/demo/script.h"

namespace postern::demo {
namespace {

template <typename Repeated, typename Predicate>
void RemoveIf(Repeated& repeated, Predicate predicate) {
  repeated.erase(std::remove_if(repeated.begin(), repeated.end(), predicate), repeated.end());
}

// Where the event's chat is named: beside it, or only inside what it brings.
const std::string& ChatOf(const v1::Event& event) {
  if (!event.chat_id().empty()) return event.chat_id();
  if (event.has_message_created()) return event.message_created().message().chat_id();
  if (event.has_chat_created()) return event.chat_created().chat().id();
  if (event.has_chat_changed()) return event.chat_changed().chat().id();
  return event.chat_id();
}

void Forget(v1::Message& message) {
  v1::Message rest;
  rest.set_id(message.id());
  rest.set_chat_id(message.chat_id());
  rest.set_sender_contact_id(message.sender_contact_id());
  rest.set_deleted(true);
  message = std::move(rest);
}

void Create(const v1::Message& created, ChatView& view) {
  v1::Message& message = view.messages[created.id()];
  // What came ahead of its message has no sender yet.
  if (!message.sender_contact_id().empty()) return;
  view.order.push_back(created.id());
  // What came ahead of it stays: an edit's text, reactions, votes, a delete.
  v1::Message early = std::move(message);
  message = created;
  *message.mutable_reactions() = early.reactions();
  if (early.has_edit_time()) {
    message.set_text(early.text());
    *message.mutable_spans() = early.spans();
    *message.mutable_mentions() = early.mentions();
    *message.mutable_edit_time() = early.edit_time();
  }
  if (early.has_poll()) *message.mutable_poll()->mutable_votes() = early.poll().votes();
  if (early.deleted()) Forget(message);
  view.typing.erase(created.sender_contact_id());
  if (view.order.size() > kMessagesPerChatMax) {
    view.messages.erase(view.order.front());
    view.receipts.erase(view.order.front());
    view.hidden.erase(view.order.front());
    view.order.pop_front();
  }
}

void React(const std::string& contact, const std::string& emoji, v1::Message& message) {
  RemoveIf(*message.mutable_reactions(), [&](const v1::Reaction& reaction) {
    return reaction.contact_id() == contact && (emoji.empty() || reaction.emoji() == emoji);
  });
}

}  // namespace

void World::Apply(const v1::Event& event) {
  platform::MutexLock lock(mutex_);
  if (event.has_contact_changed()) {
    contacts_[event.contact_changed().contact().id()] = event.contact_changed().contact();
    return;
  }
  const std::string& id = ChatOf(event);
  if (id.empty()) return;
  ChatView& chat = chats_[id];
  ApplyToMessage(event, chat);
  ApplyToChat(event, chat);
}

void World::ApplyToMessage(const v1::Event& event, ChatView& chat) {
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated:
      Create(event.message_created().message(), chat);
      break;
    case v1::Event::kMessageEdited: {
      const v1::MessageEdited& edited = event.message_edited();
      v1::Message& message = chat.messages[edited.message_id()];
      message.set_text(edited.text());
      *message.mutable_spans() = edited.spans();
      *message.mutable_mentions() = edited.mentions();
      *message.mutable_edit_time() = event.event_time();
      break;
    }
    case v1::Event::kMessageDeleted:
      if (event.message_deleted().for_everyone()) {
        Forget(chat.messages[event.message_deleted().message_id()]);
      } else {
        chat.hidden.insert(event.message_deleted().message_id());
      }
      break;
    case v1::Event::kMessageExpired:
      Forget(chat.messages[event.message_expired().message_id()]);
      break;
    case v1::Event::kReactionSet: {
      const v1::ReactionSet& set = event.reaction_set();
      v1::Message& message = chat.messages[set.message_id()];
      React(set.contact_id(), set.emoji(), message);
      v1::Reaction& reaction = *message.add_reactions();
      reaction.set_contact_id(set.contact_id());
      reaction.set_emoji(set.emoji());
      reaction.set_custom_emoji_attachment_id(set.custom_emoji_attachment_id());
      break;
    }
    case v1::Event::kReactionRemoved:
      React(event.reaction_removed().contact_id(), event.reaction_removed().emoji(),
            chat.messages[event.reaction_removed().message_id()]);
      break;
    case v1::Event::kReceipt:
      for (const std::string& message : event.receipt().message_ids()) {
        v1::Receipt::Kind& kind = chat.receipts[message][event.receipt().contact_id()];
        kind = std::max(kind, event.receipt().kind());
      }
      break;
    case v1::Event::kAttachmentReady:
      for (v1::Attachment& attachment :
           *chat.messages[event.attachment_ready().message_id()].mutable_attachments()) {
        if (attachment.id() == event.attachment_ready().attachment().id()) {
          attachment = event.attachment_ready().attachment();
        }
      }
      break;
    case v1::Event::kPollVoted: {
      const v1::PollVoted& voted = event.poll_voted();
      auto& votes = *chat.messages[voted.message_id()].mutable_poll()->mutable_votes();
      RemoveIf(votes,
               [&](const v1::PollVote& vote) { return vote.contact_id() == voted.contact_id(); });
      if (voted.option_ids().empty()) break;
      v1::PollVote& vote = *votes.Add();
      vote.set_contact_id(voted.contact_id());
      *vote.mutable_option_ids() = voted.option_ids();
      break;
    }
    case v1::Event::kPinChanged: {
      auto& pinned = *chat.chat.mutable_pinned_message_ids();
      const std::string& message = event.pin_changed().message_id();
      RemoveIf(pinned, [&](const std::string& other) { return other == message; });
      if (event.pin_changed().pinned()) *pinned.Add() = message;
      break;
    }
    default:
      break;
  }
}

void World::ApplyToChat(const v1::Event& event, ChatView& view) {
  auto& participants = *view.chat.mutable_participants();
  const auto without = [&](const std::string& contact) {
    RemoveIf(participants, [&](const v1::Participant& participant) {
      return participant.contact_id() == contact;
    });
  };
  switch (event.kind_case()) {
    case v1::Event::kChatCreated:
      view.chat = event.chat_created().chat();
      view.removed = false;
      break;
    case v1::Event::kChatChanged: {
      const v1::Chat before = view.chat;
      view.chat = event.chat_changed().chat();
      // A change that says nothing of the members leaves them.
      if (participants.empty()) participants = before.participants();
      break;
    }
    case v1::Event::kChatRemoved:
      view.removed = true;
      break;
    case v1::Event::kTimerChanged:
      if (event.timer_changed().disappearing_timer().seconds() > 0) {
        *view.chat.mutable_disappearing_timer() = event.timer_changed().disappearing_timer();
      } else {
        view.chat.clear_disappearing_timer();
      }
      break;
    case v1::Event::kMessageRequest:
      view.request = event.message_request();
      break;
    case v1::Event::kParticipantJoined:
      without(event.participant_joined().participant().contact_id());
      *participants.Add() = event.participant_joined().participant();
      break;
    case v1::Event::kParticipantLeft:
      without(event.participant_left().contact_id());
      break;
    case v1::Event::kParticipantChanged:
      without(event.participant_changed().participant().contact_id());
      *participants.Add() = event.participant_changed().participant();
      break;
    case v1::Event::kTyping:
      if (event.typing().active()) {
        view.typing.insert(event.typing().contact_id());
      } else {
        view.typing.erase(event.typing().contact_id());
      }
      break;
    case v1::Event::kUnreadMark:
      view.chat.set_marked_unread(event.unread_mark().unread());
      if (!event.unread_mark().read_through_message_id().empty()) {
        view.read_through = event.unread_mark().read_through_message_id();
      }
      break;
    case v1::Event::kCapabilitiesChanged:
      *view.chat.mutable_capabilities() = event.capabilities_changed().capabilities();
      break;
    default:
      break;
  }
}

void World::AddDraft(const std::string& chat, Draft draft) {
  platform::MutexLock lock(mutex_);
  chats_[chat].drafts.push_back(std::move(draft));
}

const ChatView* World::Shown(const std::string& chat) const {
  const auto found = chats_.find(chat);
  // A chat of which only something was heard has not been there yet.
  if (found == chats_.end() || found->second.chat.id().empty() || found->second.removed) {
    return nullptr;
  }
  return &found->second;
}

std::optional<v1::Chat> World::FindChat(const std::string& chat) const {
  platform::MutexLock lock(mutex_);
  const ChatView* const view = Shown(chat);
  return view == nullptr ? std::nullopt : std::optional(view->chat);
}

std::optional<ChatView> World::ViewOf(const std::string& chat) const {
  platform::MutexLock lock(mutex_);
  const ChatView* const view = Shown(chat);
  return view == nullptr ? std::nullopt : std::optional(*view);
}

std::optional<v1::Message> World::FindMessage(const std::string& chat,
                                              const std::string& message) const {
  platform::MutexLock lock(mutex_);
  const auto found = chats_.find(chat);
  if (found == chats_.end()) return std::nullopt;
  const auto it = found->second.messages.find(message);
  if (it == found->second.messages.end()) return std::nullopt;
  v1::Message shown = it->second;
  if (found->second.hidden.count(message) != 0) Forget(shown);
  return shown;
}

std::optional<v1::Contact> World::FindContact(const std::string& contact) const {
  platform::MutexLock lock(mutex_);
  const auto found = contacts_.find(contact);
  if (found == contacts_.end()) return std::nullopt;
  return found->second;
}

std::string World::ChatCalled(const std::string& name) const {
  platform::MutexLock lock(mutex_);
  for (const auto& [id, view] : chats_) {
    if (view.chat.name() == name && !view.removed) return id;
  }
  return {};
}

std::string World::NameOf(const std::string& contact) const {
  if (contact == kSelf) return "You";
  platform::MutexLock lock(mutex_);
  const auto found = contacts_.find(contact);
  return found == contacts_.end() ? contact : found->second.display_name();
}

std::string World::Heading(const std::string& chat) const {
  platform::MutexLock lock(mutex_);
  const auto found = chats_.find(chat);
  const std::string name = found == chats_.end() ? "" : found->second.chat.name();
  return absl::StrCat("[", name.empty() ? chat : name, "]");
}

}  // namespace postern::demo
