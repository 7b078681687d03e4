// SPDX-License-Identifier: Apache-2.0
#include "broker/event_ids.h"

namespace postern::broker {
namespace {

using v1::Event;

void Visit(IdKind kind, std::string* id, IdVisitor visit) {
  if (!id->empty()) visit(kind, id);
}

void VisitParticipant(v1::Participant& participant, IdVisitor visit) {
  Visit(IdKind::kContact, participant.mutable_contact_id(), visit);
}

void VisitMentions(google::protobuf::RepeatedPtrField<v1::Mention>& mentions, IdVisitor visit) {
  for (v1::Mention& mention : mentions) {
    Visit(IdKind::kContact, mention.mutable_contact_id(), visit);
  }
}

const std::string& Nothing() {
  static const std::string* const empty = new std::string();
  return *empty;
}

}  // namespace

void VisitIds(v1::Message& message, IdVisitor visit) {
  Visit(IdKind::kMessage, message.mutable_id(), visit);
  Visit(IdKind::kChat, message.mutable_chat_id(), visit);
  Visit(IdKind::kContact, message.mutable_sender_contact_id(), visit);
  if (message.has_reply_to()) {
    Visit(IdKind::kMessage, message.mutable_reply_to()->mutable_message_id(), visit);
    Visit(IdKind::kContact, message.mutable_reply_to()->mutable_sender_contact_id(), visit);
  }
  VisitMentions(*message.mutable_mentions(), visit);
  for (v1::Attachment& attachment : *message.mutable_attachments()) {
    Visit(IdKind::kAttachment, attachment.mutable_id(), visit);
  }
  for (v1::Reaction& reaction : *message.mutable_reactions()) {
    Visit(IdKind::kContact, reaction.mutable_contact_id(), visit);
    Visit(IdKind::kAttachment, reaction.mutable_custom_emoji_attachment_id(), visit);
  }
  if (message.has_poll()) {
    for (v1::PollVote& vote : *message.mutable_poll()->mutable_votes()) {
      Visit(IdKind::kContact, vote.mutable_contact_id(), visit);
    }
  }
}

void VisitIds(v1::Chat& chat, IdVisitor visit) {
  Visit(IdKind::kChat, chat.mutable_id(), visit);
  Visit(IdKind::kAccount, chat.mutable_account_id(), visit);
  Visit(IdKind::kContact, chat.mutable_peer_contact_id(), visit);
  for (v1::Participant& participant : *chat.mutable_participants()) {
    VisitParticipant(participant, visit);
  }
  Visit(IdKind::kAttachment, chat.mutable_avatar_attachment_id(), visit);
  for (std::string& id : *chat.mutable_pinned_message_ids()) Visit(IdKind::kMessage, &id, visit);
}

void VisitIds(v1::Contact& contact, IdVisitor visit) {
  Visit(IdKind::kContact, contact.mutable_id(), visit);
  Visit(IdKind::kAccount, contact.mutable_account_id(), visit);
  Visit(IdKind::kAttachment, contact.mutable_avatar_attachment_id(), visit);
  for (std::string& id : *contact.mutable_linked_contact_ids()) {
    Visit(IdKind::kContact, &id, visit);
  }
}

void VisitIds(Event& event, IdVisitor visit) {
  Visit(IdKind::kAccount, event.mutable_account_id(), visit);
  Visit(IdKind::kChat, event.mutable_chat_id(), visit);
  const auto message = [&](std::string* id) { Visit(IdKind::kMessage, id, visit); };
  const auto contact = [&](std::string* id) { Visit(IdKind::kContact, id, visit); };
  switch (event.kind_case()) {
    case Event::kMessageCreated:
      VisitIds(*event.mutable_message_created()->mutable_message(), visit);
      break;
    case Event::kMessageEdited: {
      auto& edited = *event.mutable_message_edited();
      message(edited.mutable_message_id());
      contact(edited.mutable_sender_contact_id());
      VisitMentions(*edited.mutable_mentions(), visit);
      break;
    }
    case Event::kMessageDeleted:
      message(event.mutable_message_deleted()->mutable_message_id());
      contact(event.mutable_message_deleted()->mutable_contact_id());
      break;
    case Event::kMessageExpired:
      message(event.mutable_message_expired()->mutable_message_id());
      break;
    case Event::kReactionSet:
      message(event.mutable_reaction_set()->mutable_message_id());
      contact(event.mutable_reaction_set()->mutable_contact_id());
      Visit(IdKind::kAttachment, event.mutable_reaction_set()->mutable_custom_emoji_attachment_id(),
            visit);
      break;
    case Event::kReactionRemoved:
      message(event.mutable_reaction_removed()->mutable_message_id());
      contact(event.mutable_reaction_removed()->mutable_contact_id());
      break;
    case Event::kReceipt:
      for (std::string& id : *event.mutable_receipt()->mutable_message_ids()) message(&id);
      contact(event.mutable_receipt()->mutable_contact_id());
      break;
    case Event::kTyping:
      contact(event.mutable_typing()->mutable_contact_id());
      break;
    case Event::kPresence:
      contact(event.mutable_presence()->mutable_contact_id());
      break;
    case Event::kUnreadMark:
      message(event.mutable_unread_mark()->mutable_read_through_message_id());
      break;
    case Event::kChatCreated:
      VisitIds(*event.mutable_chat_created()->mutable_chat(), visit);
      break;
    case Event::kChatChanged:
      VisitIds(*event.mutable_chat_changed()->mutable_chat(), visit);
      break;
    case Event::kTimerChanged:
      contact(event.mutable_timer_changed()->mutable_contact_id());
      break;
    case Event::kMessageRequest:
      contact(event.mutable_message_request()->mutable_contact_id());
      break;
    case Event::kParticipantJoined:
      VisitParticipant(*event.mutable_participant_joined()->mutable_participant(), visit);
      contact(event.mutable_participant_joined()->mutable_added_by_contact_id());
      break;
    case Event::kParticipantLeft:
      contact(event.mutable_participant_left()->mutable_contact_id());
      contact(event.mutable_participant_left()->mutable_removed_by_contact_id());
      break;
    case Event::kParticipantChanged:
      VisitParticipant(*event.mutable_participant_changed()->mutable_participant(), visit);
      break;
    case Event::kContactChanged:
      VisitIds(*event.mutable_contact_changed()->mutable_contact(), visit);
      break;
    case Event::kIdentityChanged:
      contact(event.mutable_identity_changed()->mutable_contact_id());
      break;
    case Event::kAttachmentReady:
      message(event.mutable_attachment_ready()->mutable_message_id());
      Visit(IdKind::kAttachment,
            event.mutable_attachment_ready()->mutable_attachment()->mutable_id(), visit);
      break;
    case Event::kPollVoted:
      message(event.mutable_poll_voted()->mutable_message_id());
      contact(event.mutable_poll_voted()->mutable_contact_id());
      break;
    case Event::kPinChanged:
      message(event.mutable_pin_changed()->mutable_message_id());
      contact(event.mutable_pin_changed()->mutable_contact_id());
      break;
    case Event::kCall:
      Visit(IdKind::kCall, event.mutable_call()->mutable_call_id(), visit);
      contact(event.mutable_call()->mutable_contact_id());
      break;
    case Event::kEraseAsked:
      for (std::string& id : *event.mutable_erase_asked()->mutable_message_ids()) message(&id);
      for (std::string& id : *event.mutable_erase_asked()->mutable_chat_ids()) {
        Visit(IdKind::kChat, &id, visit);
      }
      break;
    case Event::kGrantChanged:
      Visit(IdKind::kGrant, event.mutable_grant_changed()->mutable_grant_id(), visit);
      break;
    case Event::kRequestCompleted:
      message(event.mutable_request_completed()->mutable_message_id());
      break;
    case Event::kChatRemoved:
    case Event::kAccountStateChanged:
    case Event::kCapabilitiesChanged:
    case Event::kBackfillProgress:
    case Event::kLeaseChanged:
    case Event::kDisclosureChanged:
    case Event::kGap:
    case Event::kUnsupported:
    case Event::KIND_NOT_SET:
      break;
  }
}

const std::string& MessageIdOf(const Event& event) {
  switch (event.kind_case()) {
    case Event::kMessageCreated:
      return event.message_created().message().id();
    case Event::kMessageEdited:
      return event.message_edited().message_id();
    case Event::kMessageDeleted:
      return event.message_deleted().message_id();
    case Event::kMessageExpired:
      return event.message_expired().message_id();
    case Event::kReactionSet:
      return event.reaction_set().message_id();
    case Event::kReactionRemoved:
      return event.reaction_removed().message_id();
    case Event::kAttachmentReady:
      return event.attachment_ready().message_id();
    case Event::kPollVoted:
      return event.poll_voted().message_id();
    case Event::kPinChanged:
      return event.pin_changed().message_id();
    default:
      return Nothing();
  }
}

const std::string& ActorIdOf(const Event& event) {
  switch (event.kind_case()) {
    case Event::kMessageCreated:
      return event.message_created().message().sender_contact_id();
    case Event::kMessageEdited:
      return event.message_edited().sender_contact_id();
    case Event::kMessageDeleted:
      return event.message_deleted().contact_id();
    case Event::kReactionSet:
      return event.reaction_set().contact_id();
    case Event::kReactionRemoved:
      return event.reaction_removed().contact_id();
    case Event::kReceipt:
      return event.receipt().contact_id();
    case Event::kTyping:
      return event.typing().contact_id();
    case Event::kPresence:
      return event.presence().contact_id();
    case Event::kPollVoted:
      return event.poll_voted().contact_id();
    case Event::kPinChanged:
      return event.pin_changed().contact_id();
    case Event::kCall:
      return event.call().contact_id();
    case Event::kMessageRequest:
      return event.message_request().contact_id();
    case Event::kParticipantJoined:
      return event.participant_joined().participant().contact_id();
    case Event::kParticipantLeft:
      return event.participant_left().contact_id();
    case Event::kParticipantChanged:
      return event.participant_changed().participant().contact_id();
    case Event::kContactChanged:
      return event.contact_changed().contact().id();
    case Event::kIdentityChanged:
      return event.identity_changed().contact_id();
    default:
      return Nothing();
  }
}

}  // namespace postern::broker
