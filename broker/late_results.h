// SPDX-License-Identifier: Apache-2.0
// Answers of gatekeepers that come after the app was answered PENDING: a phone that is offline, a
// server that queues. Whom they belong to outlives the connection, the adapter and the daemon; how
// each ended is an event to its app (request_completed), at the latest after kLateResultMax.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include <vector>

#include "broker/awaited_results.h"
#include "broker/parts.h"
#include "broker/pending_sends.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

// Thread-safe. Borrows all it is given.
class LateResults {
 public:
  LateResults(const Parts& parts, PendingSends& pending) : parts_(parts), pending_(pending) {}
  LateResults(const LateResults&) = delete;
  LateResults& operator=(const LateResults&) = delete;

  // Takes up what was waited for before the daemon stopped, and follows the adapters. Call once,
  // before any attaches.
  absl::Status Open();

  // Waits for the answer to a command that the gatekeeper has answered as pending; durably, unless
  // the disk is full. An answer that came already is taken at once.
  void Await(const PendingSends::Waiting& waiting);
  // Tells apps that nobody knows any more, and what could not be told before. Call now and then.
  void TellOverdue();

 private:
  bool Take(permissions::AccountId account, const v1::CommandResult& result);
  // How the command ended, for its app.
  PendingSends::Ended EndOf(const PendingSends::Waiting& waiting,
                            const v1::CommandResult& result) const;
  // Writes it down and tells it; what fails is tried again by TellOverdue.
  void Finish(PendingSends::Ended ended);

  const Parts& parts_;
  PendingSends& pending_;

  AwaitedResults awaited_;
  platform::Mutex mutex_;
  std::vector<PendingSends::Ended> untold_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
