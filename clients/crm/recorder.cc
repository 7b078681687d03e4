// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/recorder.h"

#include <string>

#include "clients/crm/note_text.h"

namespace postern::crm {
namespace {

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

// What stands for a message in a note: its text, or what it is.
std::string TextOf(const v1::Message& message) {
  std::string text = message.text();
  if (message.attachments_size() > 0) text = text.empty() ? "(a file)" : "(a file) " + text;
  return text.empty() ? "(no text)" : text;
}

}  // namespace

absl::Status Recorder::Record(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated:
      return Created(event);
    case v1::Event::kMessageEdited:
      return Edited(event);
    case v1::Event::kMessageDeleted:
      return ledger_.EraseText(event.message_deleted().message_id());
    case v1::Event::kMessageExpired:
      return ledger_.EraseText(event.message_expired().message_id());
    case v1::Event::kEraseAsked:
      return Forget(event);
    case v1::Event::kContactChanged:
      return people_.Put(event.contact_changed().contact());
    case v1::Event::kChatCreated:
      return people_.Put(event.chat_created().chat());
    case v1::Event::kChatChanged:
      return people_.Put(event.chat_changed().chat());
    case v1::Event::kGrantChanged:
      // Names and addresses may have come, or gone.
      return people_.Refresh();
    case v1::Event::kGap:
      return ledger_.AddGap(DayOf(TimeOf(event.event_time()), config_.time_zone));
    default:
      return absl::OkStatus();
  }
}

absl::Status Recorder::Created(const v1::Event& event) {
  const v1::Message& message = event.message_created().message();
  // Who does not want this app to read them is not written down at all.
  if (message.withheld()) return absl::OkStatus();
  // What came through no app either is Postern's own notice to the other people: nobody wrote it.
  if (message.has_origin() && message.origin().hops() == 0) return absl::OkStatus();
  const auto chat = people_.ChatWith(event.chat_id());
  if (!chat.ok()) return chat.status();
  const bool group = chat->peer.empty();
  if (group && (!config_.groups || message.from_owner())) return absl::OkStatus();
  const auto person = people_.PersonWith(group ? message.sender_contact_id() : chat->peer);
  if (!person.ok()) return person.status();
  if (person->is_self) return absl::OkStatus();
  Entry entry;
  entry.id = message.id();
  entry.chat = chat->id;
  entry.contact = person->id;
  entry.day = DayOf(TimeOf(event.event_time()), config_.time_zone);
  entry.time_ms = absl::ToUnixMillis(TimeOf(event.event_time()));
  entry.recorded_us = absl::ToUnixMicros(TimeOf(event.record_time()));
  // What was deleted before this app saw it comes without its marks: only who, when and where.
  entry.from_owner = message.from_owner() || (!group && message.sender_contact_id() != chat->peer);
  entry.erased = message.deleted();
  if (!group && config_.text && event.view() == v1::EVENT_VIEW_WHOLE && !message.deleted()) {
    entry.text = TextOf(message);
  }
  return ledger_.Add(entry);
}

absl::Status Recorder::Edited(const v1::Event& event) {
  if (!config_.text || event.view() != v1::EVENT_VIEW_WHOLE) return absl::OkStatus();
  const auto chat = people_.ChatWith(event.chat_id());
  if (!chat.ok()) return chat.status();
  if (chat->peer.empty()) return absl::OkStatus();
  const v1::MessageEdited& edited = event.message_edited();
  return ledger_.Edit(edited.message_id(), event.chat_id(), edited.text(),
                      absl::ToUnixMillis(TimeOf(event.record_time())));
}

absl::Status Recorder::Forget(const v1::Event& event) {
  const v1::EraseAsked& asked = event.erase_asked();
  for (const std::string& message : asked.message_ids()) {
    if (const absl::Status status = ledger_.ForgetMessage(message); !status.ok()) return status;
  }
  if (asked.message_ids_size() > 0) return absl::OkStatus();
  if (asked.chat_ids_size() == 0) return ledger_.ForgetChat(event.chat_id());
  for (const std::string& chat : asked.chat_ids()) {
    if (const absl::Status status = ledger_.ForgetChat(chat); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace postern::crm
