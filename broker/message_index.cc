// SPDX-License-Identifier: Apache-2.0
#include "broker/message_index.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "broker/event_kinds.h"
#include "broker/storage_limits.h"
#include "platform/awake_time.h"
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

// Returns the record that made the message of this key, 0 when there is none in the parts from
// 'first' to 'last'. Begins at 'near', goes back and then forth.
absl::StatusOr<Sequence> FindCreated(Database& database, int64_t key, int64_t near, int64_t first,
                                     int64_t last) {
  ASSIGN_OR_RETURN(Statement row,
                   database.Prepare("SELECT sequence FROM message_refs WHERE part = ? AND key = ? "
                                    "AND kind = ? ORDER BY sequence LIMIT 1"));
  if (first > last) return Sequence{0};
  near = std::clamp(near, first, last);
  int64_t part = near;
  while (part >= first && part <= last) {
    row.BindAll(part, key, kMessageCreated);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found) {
      const auto sequence = static_cast<Sequence>(row.Integer(0));
      RETURN_IF_ERROR(row.Run());
      return sequence;
    }
    if (part <= near) {
      part = part > first ? part - 1 : near + 1;
    } else {
      ++part;
    }
  }
  return Sequence{0};
}

absl::StatusOr<std::vector<MessageIndex::Entry>> ListEntries(Store& store, const EventLog& log,
                                                             const char* query, ChatId chat,
                                                             Place from, int limit) {
  std::vector<MessageIndex::Entry> entries;
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows, database.Prepare(query));
    rows.BindAll(Blob{chat.view()}, from, log.oldest_sequence(),
                 std::clamp(limit, 0, kReadRecordsMax));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      entries.push_back(
          {static_cast<Place>(rows.Integer(0)), static_cast<Sequence>(rows.Integer(1))});
    }
  }));
  return entries;
}

// Adds the latest changes that 'query' gives, newest first, for 'created' and 'limit'.
absl::Status AddChanges(Database& database, const char* query, Sequence created, size_t limit,
                        std::vector<MessageIndex::Change>& changes) {
  ASSIGN_OR_RETURN(Statement rows, database.Prepare(query));
  rows.BindAll(created, limit);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return absl::OkStatus();
    changes.push_back(
        {static_cast<Sequence>(rows.Integer(0)), static_cast<uint8_t>(rows.Integer(1))});
  }
}

absl::Status ReadChanges(Database& database, Sequence created,
                         std::vector<MessageIndex::Change>& changes) {
  using Change = MessageIndex::Change;
  RETURN_IF_ERROR(AddChanges(database,
                             "SELECT sequence, kind FROM message_changes WHERE created = ? "
                             "ORDER BY sequence DESC LIMIT ?",
                             created, kFoldedChangesMax, changes));
  if (changes.size() == kFoldedChangesMax) {
    // An edit or a delete counts however many people reacted since. 21 to 23: event_kinds.h.
    std::erase_if(changes, [](const Change& change) { return change.kind <= kMessageExpired; });
    RETURN_IF_ERROR(AddChanges(database,
                               "SELECT sequence, kind FROM message_changes WHERE created = ? "
                               "AND kind = 21 ORDER BY sequence DESC LIMIT ?",
                               created, kFoldedEditsMax, changes));
    RETURN_IF_ERROR(AddChanges(database,
                               "SELECT sequence, kind FROM message_changes WHERE created = ? "
                               "AND kind IN (22, 23) ORDER BY sequence DESC LIMIT ?",
                               created, 1, changes));
  }
  size_t edits = 0;
  std::erase_if(changes, [&edits](const Change& change) {
    return change.kind == kMessageEdited && ++edits > kFoldedEditsMax;
  });
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.sequence < b.sequence; });
  return absl::OkStatus();
}

}  // namespace

struct MessageIndex::Slice {
  // A change of a message, named by the record that made that one.
  struct Tie {
    Sequence created;
    Sequence sequence;
    uint8_t kind;
    bool operator<(const Tie& other) const {
      return std::tie(created, sequence) < std::tie(other.created, other.sequence);
    }
  };

  std::vector<RecordPointer> records;
  std::vector<Ref> refs;
  std::vector<std::pair<ChatId, Entry>> chat_messages;
  std::vector<Tie> ties;
  // Changes of messages that are not there yet, and the keys of those that have come.
  std::vector<Ref> early;
  std::vector<int64_t> awaited;
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
    ASSIGN_OR_RETURN(const int64_t early,
                     database.QueryInteger("SELECT EXISTS(SELECT 1 FROM early_changes)"));
    {
      platform::MutexLock lock(index->step_mutex_);
      index->any_deleted_ = any != 0;
      index->any_early_ = early != 0;
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
      status = IndexSlice();
      if (status.ok() && trimmed) {
        trimmed_seen_ = log_.oldest_sequence();
        status = RemoveBefore(trimmed_seen_);
      }
    }
    if (status.ok()) continue;
    // Who reads is told by CatchUp.
    platform::MutexLock lock(mutex_);
    if (!stopping_) stop_.WaitFor(mutex_, kIndexRetry);
  }
}

absl::Status MessageIndex::IndexSlice() {
  Slice slice;
  ASSIGN_OR_RETURN(slice.records, log_.ReadAfter(indexed_through(), kIndexSlice));
  if (slice.records.empty()) return absl::OkStatus();
  slice.through = slice.records.back()->sequence;
  for (const RecordPointer& record : slice.records) {
    if (record->message.empty()) continue;
    slice.refs.push_back(
        {PartOf(record->sequence), KeyOf(record->message), record->sequence, record->kind});
    if (record->kind == kMessageCreated) {
      slice.chat_messages.emplace_back(record->chat, Entry{PlaceOf(*record), record->sequence});
    }
    if (record->kind == kMessageDeleted || record->kind == kMessageExpired) {
      slice.deleted.insert(record->message);
    }
  }
  // Before the slice is committed: after a crash in between, the erasing is done once more.
  RETURN_IF_ERROR(CarryOutDeletes(slice));
  RETURN_IF_ERROR(TieChanges(slice));
  // In the order of the tables, so that each page is visited once.
  std::sort(slice.refs.begin(), slice.refs.end());
  std::sort(slice.ties.begin(), slice.ties.end());
  std::sort(slice.chat_messages.begin(), slice.chat_messages.end(),
            [](const auto& a, const auto& b) {
              return std::tie(a.first, a.second.place) < std::tie(b.first, b.second.place);
            });
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
                       database.Prepare("INSERT OR IGNORE INTO chat_messages VALUES(?, ?, ?)"));
      for (const auto& [chat, entry] : slice.chat_messages) {
        insert.BindAll(Blob{chat.view()}, entry.place, entry.sequence);
        RETURN_IF_ERROR(insert.Run());
      }
    }
    {
      ASSIGN_OR_RETURN(Statement insert,
                       database.Prepare("INSERT OR IGNORE INTO message_changes VALUES(?, ?, ?)"));
      for (const Slice::Tie& tie : slice.ties) {
        insert.BindAll(tie.created, tie.sequence, tie.kind);
        RETURN_IF_ERROR(insert.Run());
      }
    }
    for (const int64_t key : slice.awaited) {
      RETURN_IF_ERROR(database.Run("DELETE FROM early_changes WHERE key = ?", key));
    }
    for (const Ref& ref : slice.early) {
      RETURN_IF_ERROR(database.Run("INSERT OR IGNORE INTO early_changes VALUES(?, ?, ?)", ref.key,
                                   ref.sequence, ref.kind));
    }
    for (const MessageId& message : slice.deleted) {
      RETURN_IF_ERROR(
          database.Run("INSERT OR IGNORE INTO deleted_messages VALUES(?)", Blob{message.view()}));
    }
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES('indexed_through', ?)",
                        slice.through);
  }));
  any_deleted_ = any_deleted_ || !slice.deleted.empty();
  any_early_ = any_early_ || !slice.early.empty();
  platform::MutexLock lock(mutex_);
  indexed_through_ = slice.through;
  return absl::OkStatus();
}

absl::Status MessageIndex::TieChanges(Slice& slice) {
  absl::flat_hash_map<int64_t, Sequence> made;
  bool changes = false;
  for (const Ref& ref : slice.refs) {
    if (ref.kind == kMessageCreated) {
      made.emplace(ref.key, ref.sequence);
    } else {
      changes = true;
    }
  }
  const bool any_early = any_early_;
  if (!changes && (!any_early || made.empty())) return absl::OkStatus();
  const int64_t oldest = PartOf(log_.oldest_sequence());
  const int64_t newest = PartOf(slice.records.front()->sequence);
  return store_.Read([&](Database& database) -> absl::Status {
    if (any_early) {
      ASSIGN_OR_RETURN(Statement rows,
                       database.Prepare("SELECT sequence, kind FROM early_changes WHERE key = ?"));
      for (const auto& [key, created] : made) {
        rows.Bind(1, key);
        const size_t before = slice.ties.size();
        while (true) {
          ASSIGN_OR_RETURN(const bool row, rows.Step());
          if (!row) break;
          slice.ties.push_back({created, static_cast<Sequence>(rows.Integer(0)),
                                static_cast<uint8_t>(rows.Integer(1))});
        }
        if (slice.ties.size() > before) slice.awaited.push_back(key);
      }
    }
    // What many changes of a slice are about is looked for once.
    absl::flat_hash_map<int64_t, Sequence> found;
    for (const Ref& ref : slice.refs) {
      if (ref.kind == kMessageCreated) continue;
      const auto here = made.find(ref.key);
      Sequence created = here == made.end() ? 0 : here->second;
      if (created == 0) {
        const auto [known, first] = found.try_emplace(ref.key, 0);
        if (first) {
          ASSIGN_OR_RETURN(known->second, FindCreated(database, ref.key, newest, oldest, newest));
        }
        created = known->second;
      }
      if (created != 0) {
        slice.ties.push_back({created, ref.sequence, ref.kind});
      } else {
        slice.early.push_back(ref);
      }
    }
    return absl::OkStatus();
  });
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
  const auto first = static_cast<int64_t>(oldest);
  const std::pair<const char*, int64_t> passed[] = {
      // Whole parts only: the rest of a part goes with it.
      {"DELETE FROM message_refs WHERE (part, key, sequence) IN "
       "(SELECT part, key, sequence FROM message_refs WHERE part < ? LIMIT ?)",
       PartOf(oldest)},
      {"DELETE FROM message_changes WHERE (created, sequence) IN "
       "(SELECT created, sequence FROM message_changes WHERE created < ? LIMIT ?)",
       first},
      {"DELETE FROM early_changes WHERE (key, sequence) IN "
       "(SELECT key, sequence FROM early_changes WHERE sequence < ? LIMIT ?)",
       first},
  };
  for (const auto& [remove, before] : passed) {
    bool more = true;
    while (more && !stopping_) {
      RETURN_IF_ERROR(store_.Write(
          [&, statement = remove, first_kept = before](Database& database) -> absl::Status {
            RETURN_IF_ERROR(database.Run(statement, first_kept, kIndexSlice));
            more = database.changes() == kIndexSlice;
            return absl::OkStatus();
          }));
    }
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
    RETURN_IF_ERROR(RemoveChatBefore(ChatId::FromRaw(chat), oldest));
  }
  return absl::OkStatus();
}

// By place, old records stand among younger ones, so the whole chat is looked through: a second for
// a million messages, once an hour, on a reader's connection.
absl::Status MessageIndex::RemoveChatBefore(ChatId chat, Sequence oldest) {
  Place after = 0;
  while (!stopping_) {
    std::vector<Place> passed;
    int looked_at = 0;
    RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
      ASSIGN_OR_RETURN(Statement rows,
                       database.Prepare("SELECT place, sequence FROM chat_messages WHERE chat = ? "
                                        "AND place > ? ORDER BY place LIMIT ?"));
      rows.BindAll(Blob{chat.view()}, after, kIndexSlice);
      while (true) {
        ASSIGN_OR_RETURN(const bool row, rows.Step());
        if (!row) return absl::OkStatus();
        ++looked_at;
        after = static_cast<Place>(rows.Integer(0));
        if (static_cast<Sequence>(rows.Integer(1)) < oldest) passed.push_back(after);
      }
    }));
    if (!passed.empty()) {
      RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
        ASSIGN_OR_RETURN(
            Statement remove,
            database.Prepare("DELETE FROM chat_messages WHERE chat = ? AND place = ?"));
        for (const Place place : passed) {
          remove.BindAll(Blob{chat.view()}, place);
          RETURN_IF_ERROR(remove.Run());
        }
        return absl::OkStatus();
      }));
    }
    if (looked_at < kIndexSlice) break;
  }
  return absl::OkStatus();
}

absl::Status MessageIndex::CatchUp(Sequence through, absl::Duration timeout) {
  const absl::Duration deadline = platform::AwakeTime() + std::min(timeout, kWaitMax);
  through = std::min(through, log_.last_sequence());
  while (indexed_through() < through) {
    if (platform::AwakeTime() > deadline) {
      return absl::DeadlineExceededError("the message index is behind");
    }
    platform::MutexLock step(step_mutex_);
    RETURN_IF_ERROR(IndexSlice());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MessageIndex::Entry>> MessageIndex::ListChat(ChatId chat, Place before,
                                                                        int limit) {
  return ListEntries(store_, log_,
                     "SELECT place, sequence FROM chat_messages WHERE chat = ? AND place < ? "
                     "AND sequence >= ? ORDER BY place DESC LIMIT ?",
                     chat, before, limit);
}

absl::StatusOr<std::vector<MessageIndex::Entry>> MessageIndex::ListChatAfter(ChatId chat,
                                                                             Place after,
                                                                             int limit) {
  return ListEntries(store_, log_,
                     "SELECT place, sequence FROM chat_messages WHERE chat = ? AND place > ? "
                     "AND sequence >= ? ORDER BY place LIMIT ?",
                     chat, after, limit);
}

absl::StatusOr<Sequence> MessageIndex::CreatedOf(MessageId message, Sequence near) {
  Sequence created = 0;
  const Sequence oldest = log_.oldest_sequence();
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(created, FindCreated(database, KeyOf(message), PartOf(near), PartOf(oldest),
                                          PartOf(indexed_through())));
    return absl::OkStatus();
  }));
  return created < oldest ? 0 : created;
}

absl::StatusOr<std::vector<std::vector<MessageIndex::Change>>> MessageIndex::ChangesOf(
    std::span<const Sequence> created) {
  std::vector<std::vector<Change>> all(created.size());
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    for (size_t i = 0; i < created.size(); ++i) {
      RETURN_IF_ERROR(ReadChanges(database, created[i], all[i]));
    }
    return absl::OkStatus();
  }));
  const Sequence oldest = log_.oldest_sequence();
  for (std::vector<Change>& changes : all) {
    std::erase_if(changes, [&](const Change& change) { return change.sequence < oldest; });
  }
  return all;
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

}  // namespace postern::broker
