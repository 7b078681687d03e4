// SPDX-License-Identifier: Apache-2.0
// Stops 2 and 3 of an event's path, for one attached adapter: check what it sends, drop what was
// taken before, append the rest, and say how far it is durable.
//
// Two threads pass batches through a bounded queue: the stream's own thread hands them in, the
// other takes whatever waits and makes one commit of it. So the next batch is read while the last
// is being written, commits are grouped without a timer, and an adapter that floods waits for the
// disk.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "broker/event_intake.h"
#include "broker/parts.h"
#include "platform/mutex.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

class Ingest {
 public:
  // Gets every acknowledgement, and the error that ended ingest. Called on ingest's own thread.
  struct Sink {
    std::function<void(v1::EventAck)> acknowledge;
    std::function<void(absl::Status)> fail;
  };

  Ingest(const Parts& parts, permissions::AccountId account, Sink sink);
  // Finishes what was handed in, then stops.
  ~Ingest();
  Ingest(const Ingest&) = delete;
  Ingest& operator=(const Ingest&) = delete;

  // Hands a batch in. Blocks while kPendingBatchesMax wait. False once ingest has failed.
  bool Add(v1::EventBatch batch);
  // Blocks until what was handed in is durable, or ingest has failed.
  void WaitUntilTaken();

 private:
  void Loop();
  // Fills the window of duplicates from the end of the log, so that it outlives a restart.
  absl::Status RememberLatest();
  void Remember(const std::string& fingerprint);
  // Takes no more, and says why.
  void Fail(absl::Status status);
  // Takes one commit's worth of what waits.
  std::vector<v1::SourcedEvent> TakePending() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Commit(const std::vector<v1::SourcedEvent>& events);
  // Marks what is about an ephemeral message as such.
  void MarkEphemeral(LogRecord& record);
  // Whether this is the text of a message whose delete came before it.
  bool IsDeletedAlready(const LogRecord& record);
  // Tells those who listen for what people write.
  void Hear(const TakenEvent& taken);
  // Whether an adapter sent this before under another position.
  absl::StatusOr<bool> IsDuplicate(const TakenEvent& taken);

  const Parts& parts_;
  const permissions::AccountId account_;
  const Sink sink_;

  // Of the ingest thread.
  uint64_t durable_position_;
  absl::flat_hash_set<std::string> seen_;
  std::deque<std::string> seen_order_;
  // Messages deleted lately.
  absl::flat_hash_set<permissions::MessageId> deleted_;
  // Ephemeral messages taken lately: what is said about them is ephemeral too.
  absl::flat_hash_set<permissions::MessageId> ephemeral_;

  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  std::deque<v1::EventBatch> pending_ ABSL_GUARDED_BY(mutex_);
  // How far the first pending batch has been taken.
  int taken_of_first_ ABSL_GUARDED_BY(mutex_) = 0;
  // A commit is under way.
  bool committing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::broker
