// SPDX-License-Identifier: Apache-2.0
#include "broker/seal_view.h"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/event_ids.h"
#include "broker/event_intake.h"

namespace postern::broker {
namespace {

using permissions::ContactId;
using v1::Event;

bool IsSealed(const SealBook& seals, const std::string& contact) {
  return seals.OfPerson(IdFromText<ContactId>(contact)).sealed;
}

void ClearSealed(const SealBook& seals, std::string* contact) {
  if (IsSealed(seals, *contact)) contact->clear();
}

template <typename Repeated>
void EraseSealed(const SealBook& seals, Repeated& named) {
  named.erase(std::remove_if(named.begin(), named.end(),
                             [&](const auto& one) { return IsSealed(seals, one.contact_id()); }),
              named.end());
}

// Takes away the lines at the beginning that quote. False when there are none.
bool CutQuotedLines(std::string& text) {
  size_t begin = 0;
  while (begin < text.size() && text[begin] == '>') {
    const size_t end = text.find('\n', begin);
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  text.erase(0, begin);
  return begin > 0;
}

// A delete says who deleted, not whose words it is about: those are looked up by the message.
bool NamesWriter(const LogRecord& record) {
  return record.kind != Event::kMessageDeleted && record.kind != Event::kMessageExpired;
}

}  // namespace

permissions::ObjectFacts ObjectFactsOf(const LogRecord& record, const Directory& directory) {
  // What has a text and no writer can be anybody's.
  if (record.kind == Event::kUnsupported) {
    return directory.FactsOfWords(record.account, record.chat, record.sender);
  }
  if (record.sender.empty() || !NamesWriter(record)) {
    return directory.FactsOf(record.account, record.chat);
  }
  return directory.FactsOfWords(record.account, record.chat, record.sender);
}

permissions::ObjectFacts ObjectFactsOfOrphan(const LogRecord& record, const Directory& directory) {
  // That something must be forgotten is told in any case.
  if (!NamesWriter(record)) return ObjectFactsOf(record, directory);
  return directory.FactsOfWords(record.account, record.chat, record.sender);
}

void Withhold(Event& event) {
  Event mark;
  mark.set_account_id(event.account_id());
  mark.set_chat_id(event.chat_id());
  *mark.mutable_event_time() = event.event_time();
  *mark.mutable_record_time() = event.record_time();
  mark.set_backfill(event.backfill());
  const std::string& message_id = MessageIdOf(event);
  switch (event.kind_case()) {
    case Event::kMessageCreated: {
      const v1::Message& whole = event.message_created().message();
      v1::Message& message = *mark.mutable_message_created()->mutable_message();
      message.set_id(message_id);
      message.set_chat_id(whole.chat_id());
      *message.mutable_create_time() = whole.create_time();
      message.set_deleted(whole.deleted());
      message.set_withheld(true);
      break;
    }
    case Event::kMessageEdited:
      mark.mutable_message_edited()->set_message_id(message_id);
      break;
    case Event::kMessageDeleted:
      mark.mutable_message_deleted()->set_message_id(message_id);
      mark.mutable_message_deleted()->set_for_everyone(event.message_deleted().for_everyone());
      break;
    case Event::kMessageExpired:
      mark.mutable_message_expired()->set_message_id(message_id);
      break;
    case Event::kReactionSet:
      mark.mutable_reaction_set()->set_message_id(message_id);
      break;
    case Event::kReactionRemoved:
      mark.mutable_reaction_removed()->set_message_id(message_id);
      break;
    case Event::kAttachmentReady:
      mark.mutable_attachment_ready()->set_message_id(message_id);
      break;
    case Event::kPollVoted:
      mark.mutable_poll_voted()->set_message_id(message_id);
      break;
    case Event::kPinChanged:
      mark.mutable_pin_changed()->set_message_id(message_id);
      break;
    default:
      // A kind without a mark of its own keeps its place and says nothing.
      mark.mutable_unsupported();
      break;
  }
  event = std::move(mark);
}

void HideSealedPeople(const LogRecord& record, const Directory& directory, Event& event) {
  const SealBook& seals = directory.seals();
  if (!seals.concerns_people()) return;
  switch (event.kind_case()) {
    case Event::kMessageCreated: {
      v1::Message& message = *event.mutable_message_created()->mutable_message();
      EraseSealed(seals, *message.mutable_mentions());
      if (IsSealed(seals, message.reply_to().sender_contact_id())) HideQuotation(message);
      break;
    }
    case Event::kMessageEdited:
      EraseSealed(seals, *event.mutable_message_edited()->mutable_mentions());
      break;
    case Event::kMessageDeleted:
      ClearSealed(seals, event.mutable_message_deleted()->mutable_contact_id());
      break;
    case Event::kChatCreated:
      HideSealedPeople(seals, *event.mutable_chat_created()->mutable_chat());
      break;
    case Event::kChatChanged:
      HideSealedPeople(seals, *event.mutable_chat_changed()->mutable_chat());
      break;
    case Event::kTimerChanged:
      ClearSealed(seals, event.mutable_timer_changed()->mutable_contact_id());
      break;
    case Event::kParticipantJoined:
      ClearSealed(seals, event.mutable_participant_joined()->mutable_added_by_contact_id());
      break;
    case Event::kParticipantLeft:
      ClearSealed(seals, event.mutable_participant_left()->mutable_removed_by_contact_id());
      break;
    case Event::kUnreadMark:
      // The count would tell how much a sealed person wrote.
      if (directory.FactsOfWords(record.account, record.chat, {}).sealed) {
        event.mutable_unread_mark()->clear_unread_count();
      }
      break;
    default:
      break;
  }
}

void HideSealedPeople(const SealBook& seals, v1::Chat& chat) {
  if (!seals.concerns_people()) return;
  EraseSealed(seals, *chat.mutable_participants());
  ClearSealed(seals, chat.mutable_peer_contact_id());
}

void HideQuotation(v1::Message& message) {
  message.mutable_reply_to()->clear_excerpt();
  message.mutable_reply_to()->clear_sender_contact_id();
  const bool cut = CutQuotedLines(*message.mutable_text());
  const bool cut_raw = CutQuotedLines(*message.mutable_raw_text());
  if (!cut && !cut_raw) return;
  const size_t bytes =
      message.raw_text().empty() ? message.text().size() : message.raw_text().size();
  message.set_text_bytes(static_cast<uint32_t>(bytes));
  // They pointed into the longer text.
  message.clear_spans();
  message.clear_mentions();
}

}  // namespace postern::broker
