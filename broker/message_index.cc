// SPDX-License-Identifier: Apache-2.0
#include "broker/message_index.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <tuple>
#include <utility>

#include "broker/event_kinds.h"
#include "broker/storage_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::MessageId;

// Half of the id: it is a keyed hash, and 64 bits of it do not meet by chance.
int64_t KeyOf(const MessageId& message) {
  int64_t key;
  std::memcpy(&key, message.bytes.data(), sizeof(key));
  return key;
}

int64_t PartOf(Sequence sequence) { return static_cast<int64_t>(sequence / kIndexPartRecords); }

struct Ref {
  int64_t part;
  int64_t key;
  Sequence sequence;
  uint8_t kind;

  bool operator<(const Ref& other) const {
    return std::tie(part, key, sequence) < std::tie(other.part, other.key, other.sequence);
  }
};

bool HasContent(uint8_t kind) { return kind == kMessageCreated || kind == kMessageEdited; }

// Calls 'take' with each ref (sequence, kind) of a message in the parts from 'first' to 'last'.
template <typename Take>
absl::Status ForEachRef(Database& database, const MessageId& message, int64_t first, int64_t last,
                        Take take) {
  ASSIGN_OR_RETURN(Statement rows,
                   database.Prepare("SELECT sequence, kind FROM message_refs "
                                    "WHERE part = ? AND key = ? ORDER BY sequence"));
  for (int64_t part = first; part <= last; ++part) {
    rows.BindAll(part, KeyOf(message));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) break;
      take(static_cast<Sequence>(rows.Integer(0)), static_cast<uint8_t>(rows.Integer(1)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

struct MessageIndex::Slice {
  std::vector<RecordPointer> records;
  std::vector<Ref> refs;
  std::vector<std::pair<ChatId, Sequence>> chat_messages;
  absl::flat_hash_set<MessageId> deleted;
  Sequence through = 0;
};

absl::StatusOr<std::unique_ptr<MessageIndex>> MessageIndex::Open(Store& store, EventLog& log) {
  std::unique_ptr<MessageIndex> index(new MessageIndex(store, log));
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    const auto through =
        database.QueryInteger("SELECT value FROM meta WHERE key = 'indexed_through'");
    if (!through.ok() && !absl::IsNotFound(through.status())) return through.status();
    ASSIGN_OR_RETURN(const int64_t any,
                     database.QueryInteger("SELECT EXISTS(SELECT 1 FROM deleted_messages)"));
    {
      platform::MutexLock lock(index->step_mutex_);
      index->any_deleted_ = any != 0;
    }
    platform::MutexLock lock(index->mutex_);
    index->indexed_through_ = through.ok() ? static_cast<Sequence>(*through) : 0;
    return absl::OkStatus();
  }));
  index->thread_ = std::thread([self = index.get()] { self->Loop(); });
  return index;
}

MessageIndex::~MessageIndex() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  log_.WakeAll();
  if (thread_.joinable()) thread_.join();
}

void MessageIndex::Loop() {
  while (true) {
    // Taken before the look at stopping_, so that the destructor's wake is never missed.
    const uint64_t wakes = log_.wakes();
    if (stopping_) return;
    const Sequence through = indexed_through();
    const bool trimmed = log_.oldest_sequence() != trimmed_seen_;
    if (!trimmed) {
      if (!log_.WaitPast(through, absl::InfiniteDuration(), wakes)) continue;
      log_.WaitPast(through + kIndexSlice - 1, kIndexLinger, wakes);
      if (stopping_) return;
    }
    absl::Status status;
    {
      platform::MutexLock step(step_mutex_);
      status = IndexSlice().status();
      if (status.ok() && trimmed) {
        trimmed_seen_ = log_.oldest_sequence();
        status = RemoveBefore(trimmed_seen_);
      }
    }
    platform::MutexLock lock(mutex_);
    last_error_ = status;
    if (!status.ok() && !stopping_) stop_.WaitFor(mutex_, kIndexRetry);
  }
}

absl::StatusOr<bool> MessageIndex::IndexSlice() {
  Slice slice;
  ASSIGN_OR_RETURN(slice.records, log_.ReadAfter(indexed_through(), kIndexSlice));
  if (slice.records.empty()) return false;
  slice.through = slice.records.back()->sequence;
  for (const RecordPointer& record : slice.records) {
    if (record->message.empty()) continue;
    slice.refs.push_back(
        {PartOf(record->sequence), KeyOf(record->message), record->sequence, record->kind});
    if (record->kind == kMessageCreated) {
      slice.chat_messages.emplace_back(record->chat, record->sequence);
    }
    if (record->kind == kMessageDeleted || record->kind == kMessageExpired) {
      slice.deleted.insert(record->message);
    }
  }
  // Before the slice is committed: after a crash in between, the erasing is done once more.
  RETURN_IF_ERROR(CarryOutDeletes(slice));
  // In the order of the tables, so that each page is visited once.
  std::sort(slice.refs.begin(), slice.refs.end());
  std::sort(slice.chat_messages.begin(), slice.chat_messages.end());
  RETURN_IF_ERROR(store_.Write([&slice](Database& database) -> absl::Status {
    {
      ASSIGN_OR_RETURN(Statement insert,
                       database.Prepare("INSERT OR IGNORE INTO message_refs VALUES(?, ?, ?, ?)"));
      for (const Ref& ref : slice.refs) {
        insert.BindAll(ref.part, ref.key, ref.sequence, ref.kind);
        RETURN_IF_ERROR(insert.Run());
      }
    }
    {
      ASSIGN_OR_RETURN(Statement insert,
                       database.Prepare("INSERT OR IGNORE INTO chat_messages VALUES(?, ?)"));
      for (const auto& [chat, sequence] : slice.chat_messages) {
        insert.BindAll(Blob{chat.view()}, sequence);
        RETURN_IF_ERROR(insert.Run());
      }
    }
    for (const MessageId& message : slice.deleted) {
      RETURN_IF_ERROR(
          database.Run("INSERT OR IGNORE INTO deleted_messages VALUES(?)", Blob{message.view()}));
    }
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES('indexed_through', ?)",
                        slice.through);
  }));
  any_deleted_ = any_deleted_ || !slice.deleted.empty();
  platform::MutexLock lock(mutex_);
  indexed_through_ = slice.through;
  return true;
}

// Erases what a delete in this slice is about, here or before, and what arrives here for a message
// that was deleted before it came.
absl::Status MessageIndex::CarryOutDeletes(Slice& slice) {
  if (slice.deleted.empty() && !any_deleted_) return absl::OkStatus();
  std::vector<Sequence> erase;
  const bool any_deleted = any_deleted_;
  const int64_t oldest = PartOf(log_.oldest_sequence());
  const int64_t newest = PartOf(slice.records.front()->sequence);
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    for (const MessageId& message : slice.deleted) {
      RETURN_IF_ERROR(
          ForEachRef(database, message, oldest, newest, [&erase](Sequence sequence, uint8_t kind) {
            if (HasContent(kind)) erase.push_back(sequence);
          }));
    }
    ASSIGN_OR_RETURN(Statement deleted_before,
                     database.Prepare("SELECT 1 FROM deleted_messages WHERE message = ?"));
    for (const RecordPointer& record : slice.records) {
      if (!HasContent(record->kind) || record->message.empty()) continue;
      bool deleted = slice.deleted.contains(record->message);
      if (!deleted && any_deleted) {
        deleted_before.Bind(1, Blob{record->message.view()});
        ASSIGN_OR_RETURN(deleted, deleted_before.Step());
        if (deleted) RETURN_IF_ERROR(deleted_before.Run());
      }
      if (deleted) erase.push_back(record->sequence);
    }
    return absl::OkStatus();
  }));
  return log_.Erase(erase);
}

absl::Status MessageIndex::RemoveBefore(Sequence oldest) {
  // Whole parts only: the rest of a part goes with it.
  bool more = true;
  while (more && !stopping_) {
    RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
      RETURN_IF_ERROR(
          database.Run("DELETE FROM message_refs WHERE (part, key, sequence) IN "
                       "(SELECT part, key, sequence FROM message_refs WHERE part < ? LIMIT ?)",
                       PartOf(oldest), kIndexSlice));
      more = database.changes() == kIndexSlice;
      return absl::OkStatus();
    }));
  }
  std::string chat;
  while (!stopping_) {
    bool found = false;
    RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
      ASSIGN_OR_RETURN(Statement next,
                       database.Prepare("SELECT chat FROM chat_messages WHERE chat > ? LIMIT 1"));
      next.Bind(1, Blob{chat});
      ASSIGN_OR_RETURN(found, next.Step());
      if (found) chat = next.Bytes(0);
      return absl::OkStatus();
    }));
    if (!found) break;
    more = true;
    while (more && !stopping_) {
      RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
        RETURN_IF_ERROR(database.Run(
            "DELETE FROM chat_messages WHERE chat = ?1 AND sequence IN "
            "(SELECT sequence FROM chat_messages WHERE chat = ?1 AND sequence < ?2 LIMIT ?3)",
            Blob{chat}, oldest, kIndexSlice));
        more = database.changes() == kIndexSlice;
        return absl::OkStatus();
      }));
    }
  }
  return absl::OkStatus();
}

absl::Status MessageIndex::CatchUp(Sequence through, absl::Duration timeout) {
  const auto deadline =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(std::min(timeout, kWaitMax));
  through = std::min(through, log_.last_sequence());
  while (indexed_through() < through) {
    if (std::chrono::steady_clock::now() > deadline) {
      return absl::DeadlineExceededError("the message index is behind");
    }
    platform::MutexLock step(step_mutex_);
    RETURN_IF_ERROR(IndexSlice().status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Sequence>> MessageIndex::ListChat(ChatId chat, Sequence before,
                                                             int limit) {
  std::vector<Sequence> sequences;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT sequence FROM chat_messages "
                                      "WHERE chat = ? AND sequence < ? AND sequence >= ? "
                                      "ORDER BY sequence DESC LIMIT ?"));
    rows.BindAll(Blob{chat.view()}, before, log_.oldest_sequence(),
                 std::clamp(limit, 0, kReadRecordsMax));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      sequences.push_back(static_cast<Sequence>(rows.Integer(0)));
    }
  }));
  return sequences;
}

absl::StatusOr<std::vector<Sequence>> MessageIndex::RefsOf(MessageId message) {
  ASSIGN_OR_RETURN(auto all, RefsOf(std::span<const MessageId>(&message, 1)));
  return std::move(all.front());
}

absl::StatusOr<std::vector<std::vector<Sequence>>> MessageIndex::RefsOf(
    std::span<const MessageId> messages, Sequence from) {
  std::vector<std::vector<Sequence>> all(messages.size());
  const Sequence oldest = std::max(from, log_.oldest_sequence());
  const int64_t newest = PartOf(indexed_through());
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    for (size_t i = 0; i < messages.size(); ++i) {
      RETURN_IF_ERROR(ForEachRef(database, messages[i], PartOf(oldest), newest,
                                 [&](Sequence sequence, uint8_t) {
                                   if (sequence >= oldest) all[i].push_back(sequence);
                                 }));
    }
    return absl::OkStatus();
  }));
  return all;
}

Sequence MessageIndex::indexed_through() const {
  platform::MutexLock lock(mutex_);
  return indexed_through_;
}

absl::Status MessageIndex::last_error() const {
  platform::MutexLock lock(mutex_);
  return last_error_;
}

}  // namespace postern::broker
