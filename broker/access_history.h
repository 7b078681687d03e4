// SPDX-License-Identifier: Apache-2.0
// What apps have read, sent and been refused, and what the user decided: append-only, chained,
// never content. Format: broker/on_disk.md.
//
// Two ways in. What has an effect is written before, or in the same commit as, that effect, and
// has a row of its own. What only reads is counted in memory by app, chat and minute, so that
// reading costs no disk, and becomes a row when its minute is over: a crash loses the counts of the
// minute at hand, never a row.
//
// The head of the chain also lies outside the database, in 'access-mark' and in the secret store
// (store_anchor.h), so that rows cut off the end, or an older file put back, are noticed too.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/access_row.h"
#include "broker/high_water_file.h"
#include "broker/record_chain.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe.
class AccessHistory {
 public:
  // Where the chain ends: the last row and the chain value at it.
  struct Head {
    uint64_t sequence = 0;
    ChainValue chain{};
    bool operator==(const Head&) const = default;
  };

  // Reads where the chain ends and holds it against the mark beside the database. A history that is
  // not as it was left opens all the same: what is wrong stays to be seen by Verify.
  static absl::StatusOr<std::unique_ptr<AccessHistory>> Open(Store& store,
                                                             const platform::Clock& clock);

  // Adds a row, durable when it returns, under the time of now. If it fails, what it tells of must
  // not happen.
  absl::Status Record(AccessRow row);
  // The same within a job of Store::Write, for a row that stands or falls with a change in the
  // store. Give what it returns to Committed once Store::Write has returned OK.
  absl::StatusOr<Head> Insert(Database& database, AccessRow row);
  void Committed(const Head& head);

  // Counts; never blocks on disk. One row for each principal, verb, chat, reason and minute.
  void Count(const permissions::Principal& principal, v1::AccessVerb verb, permissions::ChatId chat,
             std::string_view reason, uint64_t count);
  // How many events of a chat were handed over, or withheld.
  struct Reading {
    permissions::ChatId chat;
    v1::AccessVerb verb = v1::ACCESS_VERB_READ;
    uint64_t count = 0;
  };
  // The same for all that went out in one frame.
  void CountReadings(const permissions::Principal& principal, std::span<const Reading> readings);
  // Counts the first call of a principal on a day.
  void CountConnected(const permissions::Principal& principal);

  enum class Minutes { kFinished, kAll };
  // Writes the counts of the minutes that are over, or all. What cannot be written stays counted.
  absl::Status Flush(Minutes minutes = Minutes::kAll);
  // Forgets the oldest rows, beyond kAccessRowsMax and kAccessAgeMax at 'now'; the chain stays
  // whole.
  absl::Status Trim(absl::Time now);

  struct Page {
    // Newest first.
    std::vector<AccessRow> rows;
    // Go on before this one; 0 when nothing older is left.
    uint64_t next_before = 0;
  };
  // Lists rows before 'before'. With 0 from the newest on, and first of all what is counted now and
  // has no row yet; those come on top of 'limit'.
  absl::StatusOr<Page> List(const AccessFilter& filter, uint64_t before, int limit);

  struct Sum {
    permissions::Principal principal;
    absl::Time start;
    uint64_t read = 0;
    uint64_t sent = 0;
    uint64_t refused = 0;
    uint64_t withheld = 0;
  };
  // Adds up each app's rows by stretches of time, from 'start' on and before 'end', what is counted
  // now included. In order of time.
  absl::StatusOr<std::vector<Sum>> Summarize(const permissions::Principal& principal,
                                             absl::Time start, absl::Time end,
                                             absl::Duration stretch);

  struct Finding {
    uint64_t rows = 0;
    // The first that is not as it was written; 0 when all are.
    uint64_t first_bad = 0;
  };
  // Checks every row, the chain, and its end. 'stop' is asked between batches and ends it with
  // CANCELLED.
  absl::StatusOr<Finding> Verify(absl::FunctionRef<bool()> stop);

  Head head() const;
  // Says where the chain must have been at least, as somebody outside remembers it. Where it is
  // not, Verify finds that from now on, and new rows follow after the remembered one. Call before
  // anything is recorded.
  absl::Status Expect(const Head& remembered);

 private:
  struct CountKey {
    permissions::Principal principal;
    v1::AccessVerb verb;
    permissions::ChatId chat;
    int64_t minute;
    std::string reason;
    bool operator==(const CountKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H state, const CountKey& key) {
      return H::combine(std::move(state), key.principal, static_cast<int>(key.verb), key.chat,
                        key.minute, key.reason);
    }
  };

  AccessHistory(Store& store, const platform::Clock& clock);
  absl::Status Load();
  absl::Status OpenMark();
  void WriteMark() ABSL_EXCLUSIVE_LOCKS_REQUIRED(head_mutex_);
  absl::Status NoteBreak(uint64_t sequence);
  // The last row's place, or the one that rows have to follow although it is missing.
  absl::StatusOr<Head> EndOf(Database& database) const;
  void Add(const permissions::Principal& principal, v1::AccessVerb verb, permissions::ChatId chat,
           std::string_view reason, uint64_t count, int64_t minute)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<AccessRow> Pending(const AccessFilter& filter) const;

  Store& store_;
  const platform::Clock& clock_;
  RecordHasher hasher_;

  // Held while counts become rows, so that a reader sees them once. Taken before the others.
  platform::Mutex flush_mutex_;

  mutable platform::Mutex mutex_;
  absl::flat_hash_map<CountKey, uint64_t> counts_ ABSL_GUARDED_BY(mutex_);
  // The day on which each principal was last counted as connected.
  absl::flat_hash_map<permissions::Principal, int64_t> connected_ ABSL_GUARDED_BY(mutex_);

  mutable platform::Mutex head_mutex_;
  Head head_ ABSL_GUARDED_BY(head_mutex_);
  // Where the chain does not fit what was remembered outside; 0 when it does.
  uint64_t broken_ ABSL_GUARDED_BY(head_mutex_) = 0;
  std::unique_ptr<HighWaterFile> mark_ ABSL_GUARDED_BY(head_mutex_);
};

}  // namespace postern::broker
