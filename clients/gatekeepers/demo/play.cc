// SPDX-License-Identifier: Apache-2.0
// A step of the script as it happens: with its times, and with ids of its round.
#include <absl/strings/str_cat.h>

#include "clients/gatekeepers/demo/script.h"

namespace postern::demo {
namespace {

using v1::Event;

// A time in a script counts from 'now'.
void MakeAbsolute(google::protobuf::Timestamp& timestamp, absl::Time now) {
  SetTime(timestamp, now + absl::Seconds(timestamp.seconds()));
}

void SetApart(std::string* id, int round) {
  if (!id->empty()) absl::StrAppend(id, "#", round);
}

void SetTimes(Event& event, absl::Time now) {
  SetTime(*event.mutable_event_time(), now);
  if (event.has_message_created()) {
    v1::Message& message = *event.mutable_message_created()->mutable_message();
    SetTime(*message.mutable_create_time(), now);
    if (message.has_expire_time()) MakeAbsolute(*message.mutable_expire_time(), now);
    if (message.location().has_live_until_time()) {
      MakeAbsolute(*message.mutable_location()->mutable_live_until_time(), now);
    }
  }
  if (event.presence().has_last_seen_time()) {
    MakeAbsolute(*event.mutable_presence()->mutable_last_seen_time(), now);
  }
  if (event.gap().has_start_time()) {
    MakeAbsolute(*event.mutable_gap()->mutable_start_time(), now);
    MakeAbsolute(*event.mutable_gap()->mutable_end_time(), now);
  }
}

void SetIdsApart(Event& event, int round) {
  switch (event.kind_case()) {
    case Event::kMessageCreated: {
      v1::Message& message = *event.mutable_message_created()->mutable_message();
      SetApart(message.mutable_id(), round);
      if (message.has_reply_to()) SetApart(message.mutable_reply_to()->mutable_message_id(), round);
      for (v1::Attachment& attachment : *message.mutable_attachments()) {
        SetApart(attachment.mutable_id(), round);
      }
      break;
    }
    case Event::kMessageEdited:
      SetApart(event.mutable_message_edited()->mutable_message_id(), round);
      break;
    case Event::kMessageDeleted:
      SetApart(event.mutable_message_deleted()->mutable_message_id(), round);
      break;
    case Event::kMessageExpired:
      SetApart(event.mutable_message_expired()->mutable_message_id(), round);
      break;
    case Event::kReactionSet:
      SetApart(event.mutable_reaction_set()->mutable_message_id(), round);
      break;
    case Event::kReactionRemoved:
      SetApart(event.mutable_reaction_removed()->mutable_message_id(), round);
      break;
    case Event::kReceipt:
      for (std::string& id : *event.mutable_receipt()->mutable_message_ids()) SetApart(&id, round);
      break;
    case Event::kUnreadMark:
      SetApart(event.mutable_unread_mark()->mutable_read_through_message_id(), round);
      break;
    case Event::kAttachmentReady:
      SetApart(event.mutable_attachment_ready()->mutable_message_id(), round);
      SetApart(event.mutable_attachment_ready()->mutable_attachment()->mutable_id(), round);
      break;
    case Event::kPollVoted:
      SetApart(event.mutable_poll_voted()->mutable_message_id(), round);
      break;
    case Event::kPinChanged:
      SetApart(event.mutable_pin_changed()->mutable_message_id(), round);
      break;
    case Event::kCall:
      SetApart(event.mutable_call()->mutable_call_id(), round);
      break;
    default:
      break;
  }
}

}  // namespace

void SetTime(google::protobuf::Timestamp& timestamp, absl::Time time) {
  // The parts of a time before 1970 are a whole second less, and nanoseconds more.
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

absl::Time TimeOf(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

Event Play(const Step& step, absl::Time now, int round) {
  Event event = step.event;
  SetTimes(event, now);
  if (round != 0) SetIdsApart(event, round);
  return event;
}

}  // namespace postern::demo
