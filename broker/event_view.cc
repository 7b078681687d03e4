// SPDX-License-Identifier: Apache-2.0
#include "broker/event_view.h"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/contact_view.h"
#include "broker/event_ids.h"
#include "broker/event_intake.h"
#include "broker/history.h"
#include "broker/proto_time.h"
#include "broker/seal_view.h"
#include "permissions/event_scopes.h"
#include "permissions/scope.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::EventFacts;
using permissions::Pseudonyms;
using permissions::Scope;
using permissions::Verdict;
using permissions::View;
using v1::Event;

void HideOne(IdKind kind, std::string* id, const Pseudonyms& pseudonyms) {
  switch (kind) {
    case IdKind::kAccount:
      *id = pseudonyms.Encode(IdFromText<permissions::AccountId>(*id));
      break;
    case IdKind::kChat:
      *id = pseudonyms.Encode(IdFromText<permissions::ChatId>(*id));
      break;
    case IdKind::kContact:
      *id = pseudonyms.Encode(IdFromText<permissions::ContactId>(*id));
      break;
    case IdKind::kMessage:
    case IdKind::kCall:
      *id = pseudonyms.Encode(IdFromText<permissions::MessageId>(*id));
      break;
    case IdKind::kAttachment:
      *id = pseudonyms.Encode(IdFromText<permissions::AttachmentId>(*id));
      break;
    case IdKind::kGrant:
      *id = pseudonyms.Encode(IdFromText<permissions::GrantId>(*id));
      break;
  }
}

// The metadata view of the kinds that permissions/event_scopes.cc gives one.
void Reduce(Event& event) {
  switch (event.kind_case()) {
    case Event::kMessageCreated:
      ReduceToMetadata(*event.mutable_message_created()->mutable_message());
      break;
    case Event::kMessageEdited: {
      v1::MessageEdited& edited = *event.mutable_message_edited();
      edited.clear_text();
      edited.clear_raw_text();
      edited.clear_spans();
      edited.clear_mentions();
      break;
    }
    case Event::kMessageDeleted:
    case Event::kMessageExpired:
    case Event::kPinChanged:
      // These say who and when, and nothing more.
      break;
    case Event::kPollVoted:
      event.mutable_poll_voted()->clear_option_ids();
      break;
    case Event::kAttachmentReady: {
      v1::Attachment& attachment = *event.mutable_attachment_ready()->mutable_attachment();
      attachment.clear_file_name();
      attachment.clear_sha256();
      attachment.clear_alt_text();
      break;
    }
    default: {
      // A kind without a metadata view of its own keeps its place and says nothing.
      const Event whole = event;
      event.Clear();
      event.set_account_id(whole.account_id());
      event.set_chat_id(whole.chat_id());
      *event.mutable_event_time() = whole.event_time();
      *event.mutable_record_time() = whole.record_time();
      event.mutable_unsupported();
      break;
    }
  }
}

void SetOrigin(const LogRecord& record, uint32_t hops, const Viewer& viewer, Event& event) {
  v1::Origin* origin = nullptr;
  if (event.has_message_created()) {
    origin = event.mutable_message_created()->mutable_message()->mutable_origin();
  } else if (event.has_message_edited()) {
    origin = event.mutable_message_edited()->mutable_origin();
  } else {
    return;
  }
  origin->set_is_own(record.origin == viewer.app.principal);
  // An erased record no longer says how many; one app at least has sent it.
  origin->set_hops(std::max(hops, 1u));
}

// Whether the broker made it for one app, which its body names.
bool IsAddressed(const LogRecord& record) {
  const permissions::EventScopes* row = permissions::FindEventScopes(record.kind);
  return row != nullptr && row->reach == permissions::EventReach::kAddressed;
}

absl::Status Unreadable() { return absl::DataLossError("a stored event is unreadable"); }

// When it happened; before all limits when the network did not say so plausibly.
absl::Time PlausibleTime(const Event& event) {
  for (const int flag : event.flags()) {
    if (flag == v1::EVENT_FLAG_TIME_IMPLAUSIBLE) return absl::InfinitePast();
  }
  return FromProto(event.event_time());
}

bool IsAboutMessage(const LogRecord& record) {
  return !record.message.empty() && record.kind != Event::kMessageCreated;
}

// Whether grants in force open this chat's history without a beginning, and what disappears too:
// then every message of it can be seen, and none needs to be looked up. A change is not always
// marked as one to a disappearing message; the message is. Nor does it say who wrote the message.
bool SeesAllHistory(const Viewer& viewer, const permissions::ObjectFacts& object) {
  if (viewer.directory.seals().concerns_people()) return false;
  if (Decide(viewer.access, Scope::kEphemeralRead, object, viewer.now) != Verdict::kAllowed) {
    return false;
  }
  for (const permissions::Grant& grant : viewer.access.grants) {
    if (grant.history_start_time != absl::InfinitePast()) continue;
    const permissions::Access one{
        {&grant, 1}, viewer.access.paused, viewer.access.session_unlocked};
    if (Decide(one, Scope::kMessagesHistory, object, viewer.now) == Verdict::kAllowed) return true;
  }
  return false;
}

// How much the viewer may see of the message that 'created' made.
absl::StatusOr<View> ViewOfCreated(const LogRecord& created, const Viewer& viewer) {
  EventFacts facts = FactsOf(created, viewer.directory);
  if (created.backfill && !created.erased()) {
    storage::v1::StoredEvent stored;
    if (!stored.ParseFromString(created.body)) return Unreadable();
    facts.event_time = PlausibleTime(stored.event());
  }
  return permissions::ViewOf(viewer.access, facts, viewer.now);
}

// Sets how much of the message that a change is about the viewer may see. A message that is not
// known yet is as new as its change.
absl::Status LookAtTarget(const LogRecord& change, const Viewer& viewer, EventFacts& facts) {
  ASSIGN_OR_RETURN(const RecordPointer created,
                   viewer.history.FindCreated(change.message, change.sequence));
  if (created == nullptr) {
    facts.object = ObjectFactsOfOrphan(change, viewer.directory);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(facts.target_view, ViewOfCreated(*created, viewer));
  return absl::OkStatus();
}

// Takes out of a receipt, or of a read mark, the messages that the viewer may not see at all: else
// it could count them. False when nothing is left to tell.
absl::StatusOr<bool> HideUnseenMessages(const LogRecord& record, const Viewer& viewer,
                                        Event& event) {
  const auto unseen = [&](const std::string& id) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(
        const RecordPointer created,
        viewer.history.FindCreated(IdFromText<permissions::MessageId>(id), record.sequence));
    if (created == nullptr) return false;
    ASSIGN_OR_RETURN(const View view, ViewOfCreated(*created, viewer));
    return view == View::kNothing;
  };
  if (event.has_unread_mark() && !event.unread_mark().read_through_message_id().empty()) {
    ASSIGN_OR_RETURN(const bool hidden, unseen(event.unread_mark().read_through_message_id()));
    if (hidden) event.mutable_unread_mark()->clear_read_through_message_id();
  }
  if (!event.has_receipt()) return true;
  google::protobuf::RepeatedPtrField<std::string> seen;
  for (std::string& id : *event.mutable_receipt()->mutable_message_ids()) {
    ASSIGN_OR_RETURN(const bool hidden, unseen(id));
    if (!hidden) *seen.Add() = std::move(id);
  }
  *event.mutable_receipt()->mutable_message_ids() = std::move(seen);
  return !event.receipt().message_ids().empty();
}

// A quotation shows another message. Who may not see that one whole, or when it is not known or was
// deleted, is left the id alone.
absl::Status HideQuote(const LogRecord& record, const Viewer& viewer, v1::Message& message) {
  if (!message.has_reply_to()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const RecordPointer quoted,
      viewer.history.FindCreated(
          IdFromText<permissions::MessageId>(message.reply_to().message_id()), record.sequence));
  if (quoted != nullptr && !quoted->erased()) {
    ASSIGN_OR_RETURN(const View view, ViewOfCreated(*quoted, viewer));
    if (view == View::kWhole) return absl::OkStatus();
  }
  HideQuotation(message);
  return absl::OkStatus();
}

// An edit of an answer repeats the lines that it quotes.
absl::Status HideEditedQuote(const LogRecord& record, const Viewer& viewer,
                             v1::MessageEdited& edited) {
  ASSIGN_OR_RETURN(const RecordPointer created,
                   viewer.history.FindCreated(record.message, record.sequence));
  if (created == nullptr || created->erased()) return absl::OkStatus();
  storage::v1::StoredEvent stored;
  if (!stored.ParseFromString(created->body)) return Unreadable();
  const v1::Message& answer = stored.event().message_created().message();
  if (!answer.has_reply_to()) return absl::OkStatus();
  v1::Message now;
  *now.mutable_reply_to() = answer.reply_to();
  now.set_text(edited.text());
  now.set_raw_text(edited.raw_text());
  now.set_text_bytes(edited.text_bytes());
  *now.mutable_spans() = edited.spans();
  *now.mutable_mentions() = edited.mentions();
  RETURN_IF_ERROR(HideQuote(record, viewer, now));
  edited.set_text(now.text());
  edited.set_raw_text(now.raw_text());
  edited.set_text_bytes(now.text_bytes());
  *edited.mutable_spans() = now.spans();
  *edited.mutable_mentions() = now.mentions();
  return absl::OkStatus();
}

// A contact comes with what stands beside it: whom the user has linked it with. In the broker's
// ids.
void FillContact(const Viewer& viewer, v1::Contact& contact) {
  const std::optional<v1::Contact> known =
      viewer.directory.FindContact(IdFromText<permissions::ContactId>(contact.id()));
  if (known.has_value()) {
    contact.set_account_id(known->account_id());
    contact.set_is_self(known->is_self());
    *contact.mutable_linked_contact_ids() = known->linked_contact_ids();
  }
  ReduceContact(
      viewer, SightOf(viewer, contact),
      [&](const v1::Contact& other) { return SightOf(viewer, other).seen; }, contact);
}

// What is left of a record whose content is gone.
Event Remains(const LogRecord& record) {
  Event event;
  event.set_account_id(IdText(record.account));
  if (!record.chat.empty()) event.set_chat_id(IdText(record.chat));
  *event.mutable_record_time() = ToProto(record.record_time);
  *event.mutable_event_time() = event.record_time();
  event.set_backfill(record.backfill);
  if (record.kind == Event::kMessageEdited) {
    event.mutable_message_edited()->set_message_id(IdText(record.message));
    event.mutable_message_edited()->set_sender_contact_id(IdText(record.sender));
  } else {
    v1::Message& message = *event.mutable_message_created()->mutable_message();
    message.set_id(IdText(record.message));
    message.set_chat_id(IdText(record.chat));
    message.set_sender_contact_id(IdText(record.sender));
    *message.mutable_create_time() = event.record_time();
    message.set_deleted(true);
  }
  return event;
}

}  // namespace

EventFacts FactsOf(const LogRecord& record, const Directory& directory) {
  EventFacts facts;
  facts.object = ObjectFactsOf(record, directory);
  facts.kind = record.kind;
  facts.record_time = record.record_time;
  facts.backfill = record.backfill;
  facts.ephemeral = record.ephemeral;
  return facts;
}

absl::StatusOr<std::optional<Event>> ViewEvent(const LogRecord& record, const Viewer& viewer) {
  EventFacts facts = FactsOf(record, viewer.directory);
  storage::v1::StoredEvent stored;
  if (!record.erased() && record.backfill) {
    // How old imported history is, only its body says.
    if (!stored.ParseFromString(record.body)) return Unreadable();
    facts.event_time = PlausibleTime(stored.event());
  }
  if (IsAboutMessage(record) && !SeesAllHistory(viewer, facts.object)) {
    RETURN_IF_ERROR(LookAtTarget(record, viewer, facts));
  }
  const View view = permissions::ViewOf(viewer.access, facts, viewer.now);
  if (view == View::kNothing) return std::nullopt;
  if (IsAddressed(record)) {
    if (record.erased()) return std::nullopt;
    if (!stored.ParseFromString(record.body)) return Unreadable();
    if (stored.principal() != viewer.app.principal.view()) return std::nullopt;
  }
  Event event;
  if (record.erased()) {
    if (record.kind != Event::kMessageCreated && record.kind != Event::kMessageEdited) {
      return std::nullopt;
    }
    event = Remains(record);
  } else {
    if (!record.backfill && !stored.ParseFromString(record.body)) return Unreadable();
    event = std::move(*stored.mutable_event());
  }
  // How far a request came is told to who made it (backfills.h). What an adapter brings in of its
  // own accord names nobody, and is told to all who may read history.
  if (event.has_backfill_progress() && !stored.principal().empty() &&
      stored.principal() != viewer.app.principal.view()) {
    return std::nullopt;
  }
  if (event.has_lease_changed()) {
    event.mutable_lease_changed()->set_held_by_self(stored.principal() ==
                                                    viewer.app.principal.view());
  }
  if ((event.has_receipt() || event.has_unread_mark()) && !SeesAllHistory(viewer, facts.object)) {
    ASSIGN_OR_RETURN(const bool tells, HideUnseenMessages(record, viewer, event));
    if (!tells) return std::nullopt;
  }
  if (!record.origin.empty()) SetOrigin(record, stored.hops(), viewer, event);
  HideSealedPeople(record, viewer.directory, event);
  if (view == View::kWithheld) {
    Withhold(event);
  } else if (view == View::kMetadata) {
    Reduce(event);
  } else {
    if (event.has_message_created()) {
      RETURN_IF_ERROR(
          HideQuote(record, viewer, *event.mutable_message_created()->mutable_message()));
    }
    if (event.has_message_edited() && !record.erased()) {
      RETURN_IF_ERROR(HideEditedQuote(record, viewer, *event.mutable_message_edited()));
    }
    if (event.has_contact_changed()) {
      FillContact(viewer, *event.mutable_contact_changed()->mutable_contact());
    }
    if (event.has_chat_created()) {
      RETURN_IF_ERROR(
          HideUnseenPins(viewer, record.sequence, *event.mutable_chat_created()->mutable_chat()));
    }
    if (event.has_chat_changed()) {
      RETURN_IF_ERROR(
          HideUnseenPins(viewer, record.sequence, *event.mutable_chat_changed()->mutable_chat()));
    }
  }
  event.set_view(static_cast<v1::EventView>(view));
  HideIds(event, viewer.pseudonyms);
  event.set_id(viewer.pseudonyms.EncodeEvent(record.sequence));
  return event;
}

absl::Status HideUnseenPins(const Viewer& viewer, Sequence before, v1::Chat& chat) {
  google::protobuf::RepeatedPtrField<std::string> seen;
  for (std::string& id : *chat.mutable_pinned_message_ids()) {
    ASSIGN_OR_RETURN(const RecordPointer created,
                     viewer.history.FindCreated(IdFromText<permissions::MessageId>(id), before));
    if (created == nullptr) continue;
    ASSIGN_OR_RETURN(const View view, ViewOfCreated(*created, viewer));
    if (view != View::kNothing) *seen.Add() = std::move(id);
  }
  *chat.mutable_pinned_message_ids() = std::move(seen);
  return absl::OkStatus();
}

bool MayIdentify(const Viewer& viewer, const permissions::ObjectFacts& object) {
  return Decide(viewer.access, Scope::kContactsIdentify, object, viewer.now) == Verdict::kAllowed;
}

void HideIds(Event& event, const Pseudonyms& pseudonyms) {
  VisitIds(event, [&](IdKind kind, std::string* id) { HideOne(kind, id, pseudonyms); });
}
void HideIds(v1::Message& message, const Pseudonyms& pseudonyms) {
  VisitIds(message, [&](IdKind kind, std::string* id) { HideOne(kind, id, pseudonyms); });
}
void HideIds(v1::Chat& chat, const Pseudonyms& pseudonyms) {
  VisitIds(chat, [&](IdKind kind, std::string* id) { HideOne(kind, id, pseudonyms); });
}
void HideIds(v1::Contact& contact, const Pseudonyms& pseudonyms) {
  VisitIds(contact, [&](IdKind kind, std::string* id) { HideOne(kind, id, pseudonyms); });
}

void ReduceToMetadata(v1::Message& message) {
  v1::Message reduced;
  reduced.set_id(message.id());
  reduced.set_chat_id(message.chat_id());
  reduced.set_sender_contact_id(message.sender_contact_id());
  reduced.set_from_owner(message.from_owner());
  *reduced.mutable_create_time() = message.create_time();
  reduced.set_kind(message.kind());
  reduced.set_text_bytes(message.text_bytes());
  reduced.set_end_to_end_encrypted(message.end_to_end_encrypted());
  reduced.set_deleted(message.deleted());
  if (message.has_edit_time()) *reduced.mutable_edit_time() = message.edit_time();
  if (message.has_origin()) *reduced.mutable_origin() = message.origin();
  for (const v1::Attachment& attachment : message.attachments()) {
    v1::Attachment& shown = *reduced.add_attachments();
    shown.set_id(attachment.id());
    shown.set_mime_type(attachment.mime_type());
    shown.set_size_bytes(attachment.size_bytes());
  }
  message = std::move(reduced);
}

}  // namespace postern::broker
