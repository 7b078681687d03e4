// SPDX-License-Identifier: Apache-2.0
// Finds messages by their words. A thread of its own writes behind the message index, in jobs small
// enough that commits hardly wait; a search says how far it came. What the index finds is not yet
// what anybody may see: message_search.h decides each hit.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/event_log.h"
#include "broker/history_place.h"
#include "broker/message_index.h"
#include "broker/store.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe. Borrows store, log and message index, which must outlive it.
class SearchIndex {
 public:
  // Reads how far the index came and starts its thread, which goes on from there.
  static absl::StatusOr<std::unique_ptr<SearchIndex>> Open(Store& store, EventLog& log,
                                                           MessageIndex& messages);
  // Stops the thread; the rest is indexed after the next start.
  ~SearchIndex();
  SearchIndex(const SearchIndex&) = delete;
  SearchIndex& operator=(const SearchIndex&) = delete;

  // Indexes through 'through' before it returns, on the caller's thread too. DEADLINE_EXCEEDED when
  // 'timeout' passes first.
  absl::Status CatchUp(Sequence through, absl::Duration timeout);

  struct Hit {
    Place place = 0;
    // The record that made the message.
    Sequence sequence = 0;
    // When the network says it was written.
    absl::Time written;
    // Its words, as search_text.h gives them.
    std::string text;
  };
  // Returns what 'expression' (search_text.h) finds before 'before' and not before 'from', newest
  // first, at most 'limit'.
  absl::StatusOr<std::vector<Hit>> Find(const std::string& expression, Place before, Place from,
                                        int limit);

  Sequence indexed_through() const;

 private:
  struct Slice;

  SearchIndex(Store& store, EventLog& log, MessageIndex& messages)
      : store_(store), log_(log), messages_(messages) {}
  void Loop();
  // Indexes the next slice, if there is one.
  absl::Status IndexSlice() ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mutex_);
  // Finds which messages the slice's records are about, and their words as they are now.
  absl::Status ReadWords(Slice& slice);

  Store& store_;
  EventLog& log_;
  MessageIndex& messages_;
  std::atomic<bool> stopping_{false};

  // One slice at a time, by whichever thread. Taken before mutex_ and before the message index's.
  platform::Mutex step_mutex_;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable stop_;
  Sequence indexed_through_ ABSL_GUARDED_BY(mutex_) = 0;

  std::thread thread_;
};

}  // namespace postern::broker
