// SPDX-License-Identifier: Apache-2.0
// The encrypted, append-only log of events, and the only queue in the broker: ingest appends, each
// subscription reads at its own cursor. Restart, catch-up and live delivery are the same read; a
// tail in memory makes the live case fast. Format: broker/on_disk.md.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/log_record.h"
#include "broker/memory_tail.h"
#include "broker/record_chain.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe. Borrows its Store, which must outlive it.
class EventLog final : private CommitParticipant {
 public:
  // What one adapter batch adds. Either all of it becomes durable, or none.
  struct Batch {
    permissions::AccountId account;
    // The source position after this batch; stored with it. 0 when the batch has no adapter source.
    uint64_t source_position = 0;
    std::vector<LogRecord> records;
  };

  // Opens the log in 'store': checks the high-water mark, the last 1,000 records and their chain.
  // DATA_LOSS when a record that was acknowledged is missing or changed.
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(Store& store);
  // Blocks until no commit is under way. No other call may run.
  ~EventLog() override;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // Appends, and returns once durable the sequence of the batch's last record. Batches of several
  // threads share a commit. UNAVAILABLE when the disk is full or read-only: nothing was stored, the
  // log goes on once there is space. After DATA_LOSS the log refuses writes until reopened.
  // INVALID_ARGUMENT above kAppendRecordsMax records.
  absl::StatusOr<Sequence> Append(Batch batch);

  // Returns up to 'limit' records after 'sequence', oldest first; empty when there are none. When
  // retention removed rows after 'sequence', the result starts with the oldest that is kept. May
  // return fewer than 'limit' although more follow (kReadRecordsMax, kReadBytesMax), never none.
  absl::StatusOr<std::vector<RecordPointer>> ReadAfter(Sequence sequence, int limit);
  // Returns the records with these sequences, in that order; null where there is none.
  absl::StatusOr<std::vector<RecordPointer>> Read(const std::vector<Sequence>& sequences);

  // Blocks until something follows 'sequence' (true), 'timeout' passes or WakeAll is called
  // (false). With 'seen_wakes', a WakeAll since wakes() gave that number counts too: nothing is
  // missed between looking at grants and waiting.
  bool WaitPast(Sequence sequence, absl::Duration timeout,
                std::optional<uint64_t> seen_wakes = std::nullopt);
  // Wakes every WaitPast, so that streams look at grants and shutdown again.
  void WakeAll();
  uint64_t wakes() const;

  Sequence last_sequence() const;
  // The oldest sequence that is kept; last_sequence() + 1 when the log is empty.
  Sequence oldest_sequence() const;
  // Records kept, tombstones included.
  uint64_t event_count() const;
  // The durable source position of an account; 0 when it has none.
  uint64_t SourcePosition(permissions::AccountId account) const;

  // Removes the content of the records with these sequences for good, in tail and database. The
  // records stay, marked, and the chain stays whole. Erasing twice, or what is not there, is OK.
  absl::Status Erase(const std::vector<Sequence>& sequences) {
    return Erase(sequences, ErasedBy::kDelete);
  }
  // For retention, which erases under its own mark.
  absl::Status Erase(const std::vector<Sequence>& sequences, ErasedBy by);
  // Removes records before the first one that still has content, and at most through 'through'.
  // Returns how many went.
  absl::StatusOr<uint64_t> TrimErased(Sequence through);

  // Checks every record and the whole chain. Returns the first bad sequence, or none. Meant for a
  // background thread; 'stop' is asked between batches and ends it with CANCELLED.
  absl::StatusOr<std::optional<Sequence>> VerifyAll(absl::FunctionRef<bool()> stop);

  // Reads headers and body sizes, newest first, before 'before': what retention decides on.
  struct Outline {
    Sequence sequence = 0;
    absl::Time record_time;
    permissions::AccountId account;
    uint64_t body_bytes = 0;
    ErasedBy erased_by = ErasedBy::kNothing;
  };
  absl::StatusOr<std::vector<Outline>> OutlineBefore(Sequence before, int limit);

 private:
  struct Prepared;

  explicit EventLog(Store& store);
  absl::Status Load();
  absl::Status Insert(Database& database, const Batch& batch, std::vector<Prepared>& prepared);
  void OnCommit(HighWaterMark& mark) override;
  void OnMarked() override;
  void OnRollback() override;

  Store& store_;
  RecordHasher hasher_;

  // Of the writer thread: what the running transaction has added so far, and what is committed.
  struct Position {
    Sequence sequence = 0;
    ChainValue chain{};
  };
  Position committed_;
  Position staged_;
  std::vector<RecordPointer> staged_records_;
  std::vector<std::pair<permissions::AccountId, uint64_t>> staged_positions_;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  MemoryTail tail_ ABSL_GUARDED_BY(mutex_);
  Sequence last_ ABSL_GUARDED_BY(mutex_) = 0;
  Sequence trimmed_through_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t wakes_ ABSL_GUARDED_BY(mutex_) = 0;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<permissions::AccountId, uint64_t> source_positions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
