// SPDX-License-Identifier: Apache-2.0
#include "broker/history.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/message_fold.h"
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
// Messages that a list reads at once, each up to kEventBytesMax.
constexpr int kListSlice = 16;

// Adds a message that the record 'sequence' made.
void Add(Sequence sequence, History::Shown shown, History::Page& page) {
  page.chat = shown.chat;
  page.first = page.first == 0 ? sequence : std::min(page.first, sequence);
  page.last = std::max(page.last, sequence);
  page.folded.insert(page.folded.end(), shown.folded.begin(), shown.folded.end());
  page.messages.push_back(std::move(shown.message));
}

}  // namespace

absl::Status History::WaitForIndex() {
  const absl::Status status = index_.CatchUp(log_.last_sequence(), kIndexWait);
  // Late is better than nothing: the newest messages are missing then, as the contract allows.
  return status.code() == absl::StatusCode::kDeadlineExceeded ? absl::OkStatus() : status;
}

absl::StatusOr<std::optional<History::Shown>> History::Fold(const Viewer& viewer,
                                                            const LogRecord& created,
                                                            std::vector<RecordPointer> changes) {
  if (created.kind != Event::kMessageCreated || created.erased_by == ErasedBy::kRetention) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(std::optional<Event> made, ViewEvent(created, viewer));
  if (!made.has_value()) return std::nullopt;
  Shown shown;
  v1::Message& message = shown.message;
  message = std::move(*made->mutable_message_created()->mutable_message());
  shown.chat = created.chat;
  std::erase(changes, nullptr);
  // An edit that an adapter brings in as history does not come after one that was news.
  std::sort(changes.begin(), changes.end(), [](const RecordPointer& a, const RecordPointer& b) {
    return PlaceOf(*a) < PlaceOf(*b);
  });
  for (const RecordPointer& record : changes) {
    if (record->erased()) continue;
    // Each part is seen by its own right: reactions, for one, have a scope of their own.
    ASSIGN_OR_RETURN(const std::optional<Event> event, ViewEvent(*record, viewer));
    if (!event.has_value()) continue;
    shown.folded.push_back(record->sequence);
    const bool deletes = event->has_message_deleted() || event->has_message_expired();
    // Of what is withheld, or seen in part, only this counts.
    if (event->view() == v1::EVENT_VIEW_WITHHELD ||
        (event->view() == v1::EVENT_VIEW_METADATA && event->has_poll_voted())) {
      if (deletes) message.set_deleted(true);
      continue;
    }
    FoldIn(message, *event);
  }
  return shown;
}

absl::StatusOr<std::vector<std::optional<History::Shown>>> History::Show(
    const Viewer& viewer, std::span<const Sequence> created) {
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                   log_.Read({created.begin(), created.end()}));
  ASSIGN_OR_RETURN(const auto changes, index_.ChangesOf(created));
  std::vector<std::optional<Shown>> shown(created.size());
  for (size_t i = 0; i < created.size(); ++i) {
    if (records[i] == nullptr) continue;
    std::vector<Sequence> sequences;
    for (const MessageIndex::Change& change : changes[i]) sequences.push_back(change.sequence);
    ASSIGN_OR_RETURN(std::vector<RecordPointer> about, log_.Read(sequences));
    ASSIGN_OR_RETURN(shown[i], Fold(viewer, *records[i], std::move(about)));
  }
  return shown;
}

Place History::FloorOf(const Viewer& viewer) {
  absl::Time earliest = absl::InfiniteFuture();
  for (const permissions::Grant& grant : viewer.access.grants) {
    if (grant.state != permissions::GrantState::kActive) continue;
    earliest = std::min(earliest, grant.create_time);
    // Beside another grant it opens what that one sees from before itself.
    if (grant.scopes.Has(permissions::Scope::kMessagesHistory)) {
      earliest = std::min(earliest, grant.history_start_time);
    }
  }
  return FirstPlaceAt(earliest);
}

absl::Status History::Walk(const Viewer& viewer, ChatId chat, Place from, Direction direction,
                           int limit, Page& page) {
  if (limit <= 0) return absl::OkStatus();
  const Place floor = FloorOf(viewer);
  const size_t full = page.messages.size() + static_cast<size_t>(limit);
  size_t bytes = 0;
  for (size_t looked_at = 0; looked_at < kHistoryLooksMax;) {
    ASSIGN_OR_RETURN(const std::vector<MessageIndex::Entry> entries,
                     direction == Direction::kOlder ? index_.ListChat(chat, from, kListSlice)
                                                    : index_.ListChatAfter(chat, from, kListSlice));
    std::vector<Sequence> created;
    for (const MessageIndex::Entry& entry : entries) {
      // Nothing older than this one is seen either.
      if (direction == Direction::kOlder && entry.place < floor) break;
      created.push_back(entry.sequence);
    }
    ASSIGN_OR_RETURN(std::vector<std::optional<Shown>> shown, Show(viewer, created));
    for (size_t i = 0; i < created.size(); ++i) {
      from = page.next_before = entries[i].place;
      if (!shown[i].has_value()) continue;
      bytes += shown[i]->message.ByteSizeLong();
      Add(created[i], *std::move(shown[i]), page);
      if (page.messages.size() == full || bytes >= kListBytesMax) return absl::OkStatus();
    }
    if (created.size() < size_t{kListSlice}) {
      page.next_before = 0;
      return absl::OkStatus();
    }
    looked_at += created.size();
  }
  return absl::OkStatus();
}

absl::StatusOr<History::Page> History::List(const Viewer& viewer, ChatId chat, Place before,
                                            int limit) {
  RETURN_IF_ERROR(WaitForIndex());
  Page page;
  RETURN_IF_ERROR(Walk(viewer, chat, before, Direction::kOlder, limit, page));
  return page;
}

absl::StatusOr<History::Page> History::Around(const Viewer& viewer, MessageId message, int before,
                                              int after) {
  RETURN_IF_ERROR(WaitForIndex());
  ASSIGN_OR_RETURN(const RecordPointer created, FindCreated(message, 0));
  if (created == nullptr) return NotFound("message_id");
  ASSIGN_OR_RETURN(std::vector<std::optional<Shown>> shown, Show(viewer, {&created->sequence, 1}));
  if (!shown.front().has_value()) return NotFound("message_id");
  const Place place = PlaceOf(*created);
  Page page;
  RETURN_IF_ERROR(Walk(viewer, created->chat, place, Direction::kNewer, after, page));
  std::reverse(page.messages.begin(), page.messages.end());
  Add(created->sequence, *std::move(shown.front()), page);
  RETURN_IF_ERROR(Walk(viewer, created->chat, place, Direction::kOlder, before, page));
  return page;
}

absl::StatusOr<RecordPointer> History::FindCreated(MessageId message, Sequence before) {
  // A long way behind, the index is quicker than a walk through all that it has not seen.
  Sequence position = index_.indexed_through();
  if (position + kUnindexedWalkMax < before) RETURN_IF_ERROR(WaitForIndex());
  position = index_.indexed_through();
  ASSIGN_OR_RETURN(const Sequence created,
                   index_.CreatedOf(message, before == 0 ? position : std::min(before, position)));
  if (created != 0) {
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, log_.Read({created}));
    if (records.front() != nullptr) return records.front();
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
