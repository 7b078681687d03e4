// SPDX-License-Identifier: Apache-2.0
#include "broker/search_index.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "broker/event_intake.h"
#include "broker/event_kinds.h"
#include "broker/message_fold.h"
#include "broker/proto_time.h"
#include "broker/search_text.h"
#include "broker/storage_limits.h"
#include "broker/word_rows.h"
#include "platform/awake_time.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

// As stored; nothing when the content is gone or is not readable, which readers of the log report.
std::optional<v1::Event> EventOf(const RecordPointer& record) {
  storage::v1::StoredEvent stored;
  if (record == nullptr || record->erased() || !stored.ParseFromString(record->body)) {
    return std::nullopt;
  }
  return std::move(*stored.mutable_event());
}

// Whether the record still has its content, as of the running transaction.
absl::StatusOr<bool> HasContent(Database& database, Sequence sequence) {
  ASSIGN_OR_RETURN(Statement row,
                   database.Prepare("SELECT 1 FROM events WHERE sequence = ? AND erased = 0"));
  row.Bind(1, sequence);
  return row.Step();
}

}  // namespace

struct SearchIndex::Slice {
  Sequence through = 0;
  // The messages whose words are new or changed, by the record that made each.
  std::map<Sequence, RecordPointer> messages;
  std::vector<WordRow> rows;
};

absl::StatusOr<std::unique_ptr<SearchIndex>> SearchIndex::Open(Store& store, EventLog& log,
                                                               MessageIndex& messages) {
  std::unique_ptr<SearchIndex> index(new SearchIndex(store, log, messages));
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    const auto through =
        database.QueryInteger("SELECT value FROM meta WHERE key = 'words_through'");
    if (!through.ok() && !absl::IsNotFound(through.status())) return through.status();
    platform::MutexLock lock(index->mutex_);
    index->indexed_through_ = through.ok() ? static_cast<Sequence>(*through) : 0;
    return absl::OkStatus();
  }));
  index->thread_ = std::thread([self = index.get()] { self->Loop(); });
  return index;
}

SearchIndex::~SearchIndex() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  log_.WakeAll();
  if (thread_.joinable()) thread_.join();
}

void SearchIndex::Loop() {
  absl::Status last;
  while (true) {
    // Taken before the look at stopping_, so that the destructor's wake is never missed.
    const uint64_t wakes = log_.wakes();
    if (stopping_) return;
    const Sequence through = indexed_through();
    if (!log_.WaitPast(through, absl::InfiniteDuration(), wakes)) continue;
    log_.WaitPast(through + kWordsSlice - 1, kWordsLinger, wakes);
    if (stopping_) return;
    absl::Status status;
    {
      platform::MutexLock step(step_mutex_);
      status = IndexSlice();
    }
    if (!status.ok() && status != last) {
      spdlog::error("event=search_index_failed code={}", static_cast<int>(status.code()));
    }
    last = status;
    if (status.ok()) continue;
    platform::MutexLock lock(mutex_);
    if (!stopping_) stop_.WaitFor(mutex_, kIndexRetry);
  }
}

absl::Status SearchIndex::IndexSlice() {
  Slice slice;
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                   log_.ReadAfter(indexed_through(), kWordsSlice));
  if (records.empty()) return absl::OkStatus();
  // What changes a message is known only once it is tied to it.
  RETURN_IF_ERROR(messages_.CatchUp(records.back()->sequence, absl::InfiniteDuration()));
  size_t bytes = 0;
  for (const RecordPointer& record : records) {
    slice.through = record->sequence;
    if (record->erased()) continue;
    if (record->kind == kMessageCreated) slice.messages.emplace(record->sequence, record);
    if (record->kind == kMessageEdited) {
      ASSIGN_OR_RETURN(const Sequence created,
                       messages_.CreatedOf(record->message, record->sequence));
      // An edit that came first is read when its message comes.
      if (created != 0) slice.messages.emplace(created, nullptr);
    }
    bytes += record->body.size();
    if (bytes >= kWordsBytesMax) break;
  }
  RETURN_IF_ERROR(ReadWords(slice));
  RETURN_IF_ERROR(store_.Write([&slice](Database& database) -> absl::Status {
    for (const WordRow& row : slice.rows) {
      // What was erased since it was read has no words any more. Erasing is a job of this thread
      // too, and takes out what it finds: so nothing stays, whichever came first.
      ASSIGN_OR_RETURN(bool there, HasContent(database, row.sequence));
      if (there && row.edit != 0) {
        ASSIGN_OR_RETURN(there, HasContent(database, row.edit));
      }
      if (there) RETURN_IF_ERROR(PutWords(database, row));
    }
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES('words_through', ?)",
                        slice.through);
  }));
  platform::MutexLock lock(mutex_);
  indexed_through_ = slice.through;
  return absl::OkStatus();
}

absl::Status SearchIndex::ReadWords(Slice& slice) {
  std::vector<Sequence> created;
  std::vector<Sequence> unread;
  for (const auto& [sequence, record] : slice.messages) {
    created.push_back(sequence);
    if (record == nullptr) unread.push_back(sequence);
  }
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> read, log_.Read(unread));
  for (size_t i = 0; i < unread.size(); ++i) slice.messages[unread[i]] = read[i];
  ASSIGN_OR_RETURN(const auto changes, messages_.ChangesOf(created));
  for (size_t i = 0; i < created.size(); ++i) {
    const RecordPointer& record = slice.messages[created[i]];
    std::optional<v1::Event> event = EventOf(record);
    if (!event.has_value()) continue;
    v1::Message& message = *event->mutable_message_created()->mutable_message();
    WordRow row;
    row.place = PlaceOf(*record);
    row.chat = record->chat;
    row.sender = record->sender;
    row.sequence = record->sequence;
    row.written = FromProto(message.create_time());
    std::vector<Sequence> edits;
    for (const MessageIndex::Change& change : changes[i]) {
      if (change.kind == kMessageEdited) edits.push_back(change.sequence);
    }
    ASSIGN_OR_RETURN(std::vector<RecordPointer> edited, log_.Read(edits));
    std::erase(edited, nullptr);
    std::sort(edited.begin(), edited.end(), [](const RecordPointer& a, const RecordPointer& b) {
      return PlaceOf(*a) < PlaceOf(*b);
    });
    for (const RecordPointer& edit : edited) {
      const std::optional<v1::Event> change = EventOf(edit);
      if (!change.has_value() || !IsEditOf(*change, message)) continue;
      FoldIn(message, *change);
      row.edit = edit->sequence;
    }
    row.text = SearchText(message);
    slice.rows.push_back(std::move(row));
  }
  return absl::OkStatus();
}

absl::Status SearchIndex::CatchUp(Sequence through, absl::Duration timeout) {
  const absl::Duration deadline = platform::AwakeTime() + std::min(timeout, kWaitMax);
  through = std::min(through, log_.last_sequence());
  while (indexed_through() < through) {
    if (platform::AwakeTime() > deadline) {
      return absl::DeadlineExceededError("the search index is behind");
    }
    platform::MutexLock step(step_mutex_);
    RETURN_IF_ERROR(IndexSlice());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SearchIndex::Hit>> SearchIndex::Find(const std::string& expression,
                                                                Place before, Place from,
                                                                int limit) {
  std::vector<Hit> hits;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT rowid, sequence, written, text FROM message_words "
                                      "WHERE message_words MATCH ? AND rowid < ? AND rowid >= ? "
                                      "ORDER BY rowid DESC LIMIT ?"));
    rows.BindAll(expression, before, from, limit);
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      Hit hit;
      hit.place = static_cast<Place>(rows.Integer(0));
      hit.sequence = static_cast<Sequence>(rows.Integer(1));
      hit.written = absl::FromUnixMicros(rows.Integer(2));
      hit.text = std::string(rows.Text(3));
      hits.push_back(std::move(hit));
    }
  }));
  return hits;
}

Sequence SearchIndex::indexed_through() const {
  platform::MutexLock lock(mutex_);
  return indexed_through_;
}

}  // namespace postern::broker
