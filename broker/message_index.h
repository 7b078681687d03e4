// SPDX-License-Identifier: Apache-2.0
// Finds messages in the log: by chat, and everything about one message. Written by a thread of its
// own behind the log, because indexes in the commit path would cost most of the log's speed. It
// also carries deletes out: it is where all records of a message are known.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "broker/event_log.h"
#include "broker/history_place.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe. Borrows store and log, which must outlive it.
class MessageIndex {
 public:
  // Reads how far the index came and starts its thread, which goes on from there.
  static absl::StatusOr<std::unique_ptr<MessageIndex>> Open(Store& store, EventLog& log);
  // Stops the thread; the rest is indexed after the next start.
  ~MessageIndex();
  MessageIndex(const MessageIndex&) = delete;
  MessageIndex& operator=(const MessageIndex&) = delete;

  // Indexes through 'through' before it returns, on the caller's thread too. DEADLINE_EXCEEDED when
  // 'timeout' passes first: answers then lack the newest messages.
  absl::Status CatchUp(Sequence through, absl::Duration timeout);

  // One message of a chat: the record that made it, and where it stands.
  struct Entry {
    Place place = 0;
    Sequence sequence = 0;
    bool operator==(const Entry&) const = default;
  };
  // Returns the messages of a chat that stand before 'before' (kPlaceEnd for all), newest first, at
  // most 'limit'.
  absl::StatusOr<std::vector<Entry>> ListChat(permissions::ChatId chat, Place before, int limit);
  // The same after 'after', oldest first.
  absl::StatusOr<std::vector<Entry>> ListChatAfter(permissions::ChatId chat, Place after,
                                                   int limit);
  // Returns the record that made the message, 0 when none is indexed. Looks around 'near' first: a
  // message that something is about is seldom far away.
  absl::StatusOr<Sequence> CreatedOf(permissions::MessageId message, Sequence near);
  // A record that changes a message: edit, delete, expiry, reaction, vote and so on.
  struct Change {
    Sequence sequence = 0;
    uint8_t kind = 0;
    bool operator==(const Change&) const = default;
  };
  // Returns for each of these messages, named by the records that made them, what changes it,
  // ascending. Of edits the latest kFoldedEditsMax, of the rest the latest kFoldedChangesMax, and
  // a delete in any case.
  absl::StatusOr<std::vector<std::vector<Change>>> ChangesOf(std::span<const Sequence> created);
  // Returns every record that names the message (created, edits, reactions, deletes...), ascending.
  absl::StatusOr<std::vector<Sequence>> RefsOf(permissions::MessageId message);
  // The same for many, in their order. Records before 'from' are left out: for a page of messages
  // give the page's oldest sequence, it saves looking through older parts of the index.
  absl::StatusOr<std::vector<std::vector<Sequence>>> RefsOf(
      std::span<const permissions::MessageId> messages, Sequence from = 0);

  Sequence indexed_through() const;

 private:
  struct Slice;

  MessageIndex(Store& store, EventLog& log) : store_(store), log_(log) {}
  void Loop();
  // Indexes the next slice, if there is one.
  absl::Status IndexSlice() ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mutex_);
  absl::Status CarryOutDeletes(Slice& slice) ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mutex_);
  // Finds for each change of the slice the message it is about, and for each new message what came
  // before it.
  absl::Status TieChanges(Slice& slice) ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mutex_);
  absl::Status RemoveChatBefore(permissions::ChatId chat, Sequence oldest);
  // Removes what is about records before 'oldest'.
  absl::Status RemoveBefore(Sequence oldest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mutex_);

  Store& store_;
  EventLog& log_;
  std::atomic<bool> stopping_{false};

  // One slice at a time, by whichever thread. Taken before mutex_.
  platform::Mutex step_mutex_;
  // Whether deleted_messages has rows: until then no record needs a look into it.
  bool any_deleted_ ABSL_GUARDED_BY(step_mutex_) = false;
  // The same of early_changes.
  bool any_early_ ABSL_GUARDED_BY(step_mutex_) = false;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable stop_;
  Sequence indexed_through_ ABSL_GUARDED_BY(mutex_) = 0;

  // The oldest sequence that rows were last removed for. Of the thread alone.
  Sequence trimmed_seen_ = 1;
  std::thread thread_;
};

}  // namespace postern::broker
