// SPDX-License-Identifier: Apache-2.0
#include "broker/history.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/request_check.h"
#include "broker/storage_limits.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::MessageId;
using v1::Event;

// How many records the index has not seen are walked through for one message: some milliseconds of
// a flood, all in memory.
constexpr Sequence kUnindexedWalkMax = 4096;

// A page ends when it has so many bytes: gRPC's clients take 4 MiB by default, and a page of the
// longest messages would have 32.
constexpr size_t kListBytesMax = size_t{1} << 20;
// Records that a list reads at once, each up to kEventBytesMax.
constexpr size_t kListSlice = 16;

void SetReaction(v1::Message& message, const Event& event) {
  const v1::ReactionSet& set = event.reaction_set();
  for (v1::Reaction& reaction : *message.mutable_reactions()) {
    if (reaction.contact_id() == set.contact_id() && reaction.emoji() == set.emoji()) return;
  }
  v1::Reaction& reaction = *message.add_reactions();
  reaction.set_contact_id(set.contact_id());
  reaction.set_emoji(set.emoji());
  *reaction.mutable_react_time() = event.event_time();
}

void RemoveReaction(v1::Message& message, const v1::ReactionRemoved& removed) {
  auto& reactions = *message.mutable_reactions();
  reactions.erase(
      std::remove_if(reactions.begin(), reactions.end(),
                     [&](const v1::Reaction& reaction) {
                       return reaction.contact_id() == removed.contact_id() &&
                              (removed.emoji().empty() || reaction.emoji() == removed.emoji());
                     }),
      reactions.end());
}

void Edit(v1::Message& message, const Event& event) {
  const v1::MessageEdited& edited = event.message_edited();
  // Only who wrote a message edits it: another's edit under the same id is another person's claim.
  if (!edited.sender_contact_id().empty() && !message.sender_contact_id().empty() &&
      edited.sender_contact_id() != message.sender_contact_id()) {
    return;
  }
  message.set_text(edited.text());
  message.set_raw_text(edited.raw_text());
  message.set_text_bytes(edited.text_bytes());
  *message.mutable_spans() = edited.spans();
  *message.mutable_mentions() = edited.mentions();
  *message.mutable_edit_time() = event.event_time();
}

void Delete(v1::Message& message) {
  ReduceToMetadata(message);
  message.clear_attachments();
  message.clear_text_bytes();
  message.set_deleted(true);
}

}  // namespace

absl::Status History::WaitForIndex() {
  const absl::Status status = index_.CatchUp(log_.last_sequence(), kIndexWait);
  // Late is better than nothing: the newest messages are missing then, as the contract allows.
  return status.code() == absl::StatusCode::kDeadlineExceeded ? absl::OkStatus() : status;
}

absl::StatusOr<std::optional<v1::Message>> History::Fold(
    const Viewer& viewer, const std::vector<RecordPointer>& records) {
  const auto created =
      std::find_if(records.begin(), records.end(), [](const RecordPointer& record) {
        return record != nullptr && record->kind == Event::kMessageCreated;
      });
  if (created == records.end() || (*created)->erased_by == ErasedBy::kRetention) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(std::optional<Event> made, ViewEvent(**created, viewer));
  if (!made.has_value()) return std::nullopt;
  v1::Message message = std::move(*made->mutable_message_created()->mutable_message());
  const bool withheld = message.withheld();
  for (const RecordPointer& record : records) {
    if (record == nullptr || record == *created) continue;
    // Each part is seen by its own right: reactions, for one, have a scope of their own.
    ASSIGN_OR_RETURN(const std::optional<Event> event, ViewEvent(*record, viewer));
    if (!event.has_value()) continue;
    if (event->view() == v1::EVENT_VIEW_WITHHELD) {
      // Of what is withheld only this counts, for who had it before.
      if (event->has_message_deleted() || event->has_message_expired()) message.set_deleted(true);
      continue;
    }
    switch (record->kind) {
      case Event::kMessageEdited:
        if (!record->erased()) Edit(message, *event);
        break;
      case Event::kMessageDeleted:
      case Event::kMessageExpired:
        Delete(message);
        message.set_withheld(withheld);
        return message;
      case Event::kReactionSet:
        SetReaction(message, *event);
        break;
      case Event::kReactionRemoved:
        RemoveReaction(message, event->reaction_removed());
        break;
      default:
        break;
    }
  }
  return message;
}

absl::StatusOr<History::Page> History::List(const Viewer& viewer, ChatId chat, Sequence before,
                                            int limit) {
  RETURN_IF_ERROR(WaitForIndex());
  if (before == 0) before = log_.last_sequence() + 1;
  ASSIGN_OR_RETURN(const std::vector<Sequence> created, index_.ListChat(chat, before, limit));
  Page page;
  size_t bytes = 0;
  for (size_t from = 0; from < created.size(); from += kListSlice) {
    const std::vector<Sequence> slice(
        created.begin() + static_cast<ptrdiff_t>(from),
        created.begin() + static_cast<ptrdiff_t>(std::min(from + kListSlice, created.size())));
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, log_.Read(slice));
    std::vector<MessageId> ids;
    for (const RecordPointer& record : records) {
      ids.push_back(record == nullptr ? MessageId() : record->message);
    }
    ASSIGN_OR_RETURN(const std::vector<std::vector<Sequence>> refs, index_.RefsOf(ids));
    for (size_t i = 0; i < slice.size(); ++i) {
      ASSIGN_OR_RETURN(const std::vector<RecordPointer> about, log_.Read(refs[i]));
      ASSIGN_OR_RETURN(std::optional<v1::Message> message, Fold(viewer, about));
      if (!message.has_value()) continue;
      bytes += message->ByteSizeLong();
      page.messages.push_back(*std::move(message));
      if (bytes < kListBytesMax) continue;
      page.next_before = slice[i];
      return page;
    }
  }
  if (static_cast<int>(created.size()) == limit) page.next_before = created.back();
  return page;
}

absl::StatusOr<v1::Message> History::Get(const Viewer& viewer, MessageId message) {
  RETURN_IF_ERROR(WaitForIndex());
  ASSIGN_OR_RETURN(const std::vector<Sequence> sequences, index_.RefsOf(message));
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, log_.Read(sequences));
  ASSIGN_OR_RETURN(std::optional<v1::Message> folded, Fold(viewer, records));
  if (!folded.has_value()) return NotFound("message_id");
  return *std::move(folded);
}

absl::StatusOr<RecordPointer> History::FindCreated(MessageId message, Sequence before) {
  // A long way behind, the index is quicker than a walk through all that it has not seen.
  Sequence position = index_.indexed_through();
  if (position + kUnindexedWalkMax < before) RETURN_IF_ERROR(WaitForIndex());
  position = index_.indexed_through();
  ASSIGN_OR_RETURN(const std::vector<Sequence> sequences, index_.RefsOf(message));
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, log_.Read(sequences));
  for (const RecordPointer& record : records) {
    if (record != nullptr && record->kind == Event::kMessageCreated) return record;
  }
  while (position + 1 < before) {
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> unindexed,
                     log_.ReadAfter(position, kReadRecordsMax));
    if (unindexed.empty()) break;
    for (const RecordPointer& record : unindexed) {
      if (record->kind == Event::kMessageCreated && record->message == message) return record;
    }
    position = unindexed.back()->sequence;
  }
  return RecordPointer();
}

absl::StatusOr<History::Origin> History::Find(MessageId message) {
  RETURN_IF_ERROR(WaitForIndex());
  ASSIGN_OR_RETURN(const RecordPointer record, FindCreated(message, 0));
  if (record == nullptr || record->erased()) return NotFound("message_id");
  storage::v1::StoredEvent stored;
  if (!stored.ParseFromString(record->body)) {
    return absl::DataLossError("a stored event is unreadable");
  }
  return Origin{record, stored.remote_message_id()};
}

}  // namespace postern::broker
