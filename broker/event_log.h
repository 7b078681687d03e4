// SPDX-License-Identifier: Apache-2.0
// The encrypted, append-only log of events, and the only queue in the broker: ingest appends, each
// subscription reads at its own cursor. Restart, catch-up and live delivery are the same read; a tail
// in memory makes the live case fast. Format: broker/README.md, "On disk".
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "permissions/ids.h"

namespace postern::broker {

class Store;

// The place of an event in the log, from 1, without gaps.
using Sequence = uint64_t;

// One event as the log keeps it: what decisions and indexes need as fields, the rest as bytes.
struct LogRecord {
  // Given by Append.
  Sequence sequence = 0;
  absl::Time record_time;
  // Number of the field in postern.v1.Event.kind.
  uint8_t kind = 0;
  bool backfill = false;
  bool ephemeral = false;
  // Its content is gone (deleted, expired or passed by retention); 'body' is empty.
  bool erased = false;
  permissions::AccountId account;
  permissions::ChatId chat;
  // The message it makes or is about; empty for others.
  permissions::MessageId message;
  permissions::ContactId sender;
  // The app whose call caused it; empty when none did.
  permissions::Principal origin;
  // A serialised postern.v1.Event whose id fields hold raw 16-byte ids in text form (event_codec.h).
  std::string body;
};

using RecordPointer = std::shared_ptr<const LogRecord>;

// Thread-safe.
class EventLog {
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
  virtual ~EventLog() = default;

  // Appends, and returns once durable the sequence of the batch's last record. Batches of several
  // threads share a commit. UNAVAILABLE when the disk is full or read-only: nothing was stored, the
  // log goes on once there is space. After DATA_LOSS the log refuses writes until reopened.
  virtual absl::StatusOr<Sequence> Append(Batch batch) = 0;

  // Returns up to 'limit' records after 'sequence', oldest first; empty when there are none. When
  // retention removed rows after 'sequence', the result starts with the oldest that is kept.
  virtual absl::StatusOr<std::vector<RecordPointer>> ReadAfter(Sequence sequence, int limit) = 0;
  // Returns the records with these sequences, in that order; null where there is none.
  virtual absl::StatusOr<std::vector<RecordPointer>> Read(const std::vector<Sequence>& sequences) = 0;

  // Blocks until something follows 'sequence' (true), 'timeout' passes or WakeAll is called (false).
  virtual bool WaitPast(Sequence sequence, absl::Duration timeout) = 0;
  // Wakes every WaitPast, so that streams look at grants and shutdown again.
  virtual void WakeAll() = 0;

  virtual Sequence last_sequence() const = 0;
  // The oldest sequence that is kept; last_sequence() + 1 when the log is empty.
  virtual Sequence oldest_sequence() const = 0;
  // The durable source position of an account; 0 when it has none.
  virtual uint64_t SourcePosition(permissions::AccountId account) const = 0;

  // Removes the content of the records with these sequences for good, in tail and database. The
  // records stay, marked 'erased', and the chain stays whole.
  virtual absl::Status Erase(const std::vector<Sequence>& sequences) = 0;
};

}  // namespace postern::broker
