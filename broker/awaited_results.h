// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "broker/limits.h"
#include "broker/pending_sends.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

// Commands whose answers are awaited, and answers that came before it was known that somebody waits
// for them: they overtake. In memory. Thread-safe.
class AwaitedResults {
 public:
  struct Bounds {
    size_t awaited_max = kLateResultsMax;
    // Of each account; the oldest goes.
    size_t early_max = kEarlyResultsMax;
  };

  AwaitedResults() : AwaitedResults(Bounds{}) {}
  explicit AwaitedResults(Bounds bounds) : bounds_(bounds) {}

  // Takes up what was awaited before the daemon stopped.
  void Restore(std::vector<PendingSends::Waiting> waiting);
  // Begins to wait, or returns the answer that came already. RESOURCE_EXHAUSTED, and nobody waits
  // for it, when so many are awaited as may be.
  absl::StatusOr<std::optional<v1::CommandResult>> Add(const PendingSends::Waiting& waiting);

  struct Match {
    bool awaited = false;
    // Who waited, when this is the end of it.
    std::optional<PendingSends::Waiting> ended;
  };
  // Whose answer it is. One that nobody waits for, and after which none follows, is kept for Add.
  Match Take(permissions::AccountId account, const v1::CommandResult& result);

  // The ids of the commands that the account's adapter has yet to answer, in no order.
  std::vector<std::string> IdsOf(permissions::AccountId account) const;
  // Takes out what has waited for kLateResultMax.
  std::vector<PendingSends::Waiting> TakeOverdue(absl::Time now);

 private:
  const Bounds bounds_;
  mutable platform::Mutex mutex_;
  // By command id.
  absl::flat_hash_map<std::string, PendingSends::Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  // Oldest first.
  absl::flat_hash_map<permissions::AccountId, std::deque<v1::CommandResult>> early_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
