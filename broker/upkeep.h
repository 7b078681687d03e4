// SPDX-License-Identifier: Apache-2.0
// What the daemon does once a minute, in this order: counts become rows of the access history, the
// clock is looked at and kept, overdue answers are told, files that were deleted or left lying go,
// grants that nobody uses lapse, the owner is reminded of those that are used, and the secret store
// is told how far the database came.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/owner_notices.h"
#include "broker/store.h"
#include "broker/store_anchor.h"
#include "broker/trusted_clock.h"
#include "permissions/ids.h"
#include "platform/mutex.h"

namespace postern::broker {

// A thread of its own. What fails is said in the journal and tried again in the next round.
class Upkeep {
 public:
  // All must outlive it.
  struct Options {
    Store& store;
    TrustedClock& clock;
    AccessHistory& accesses;
    AppRegistry& apps;
    OwnerNotices& notices;
    StoreAnchor& anchor;
    std::function<int(const permissions::Principal&)> connections_of;
    // Between rounds, in time that has really passed.
    absl::Duration interval;
    // Tells apps what became of requests that nobody has answered in time.
    std::function<void()> tell_overdue;
    // Reads on what the log says of files, and frees what was deleted or left lying.
    std::function<absl::Status()> tend_files;
  };
  explicit Upkeep(Options options);
  // Stops.
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  // Ends the rounds, and writes what the last one would have left. Calling it again does nothing.
  void Stop();

 private:
  void Loop();
  void RunRound();
  void LookAtClock();
  // Whether the time that is kept must be brought up to date.
  bool ClockIsDue(absl::Time now) const;

  const Options options_;
  // Of the thread.
  absl::Duration last_slow_round_ = -absl::InfiniteDuration();
  absl::Time kept_time_ = absl::InfinitePast();
  uint64_t kept_epoch_ = 0;
  TrustedClock::Doubt told_doubt_ = TrustedClock::Doubt::kNone;

  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// What `status` says of the clock while it is in doubt; empty otherwise.
std::string ClockWarning(const TrustedClock::Condition& condition);

}  // namespace postern::broker
