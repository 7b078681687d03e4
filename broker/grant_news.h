// SPDX-License-Identifier: Apache-2.0
// Tells each app what happens to its own grants: an event for each that was added or changed.
//
// Not told are the grants of an app that had none, which it waited for, and what leaves it none:
// its streams end with the reason. What a crash leaves untold needs no telling either: every app
// connects anew then, and asks what it holds.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>

#include "broker/app_registry.h"
#include "broker/event_log.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe.
class GrantNews {
 public:
  // All must outlive it.
  struct World {
    EventLog& log;
    const AppRegistry& apps;
    const platform::Clock& clock;
  };
  explicit GrantNews(const World& world) : world_(world) {}
  GrantNews(const GrantNews&) = delete;
  GrantNews& operator=(const GrantNews&) = delete;

  // What is true now counts as told; before this nothing is told at all: what changes while the
  // broker opens, nobody is there to hear.
  void Begin();
  // Tells one app what changed since the last look; durable when it returns. Call it after each
  // change of the app's grants. Errors are EventLog::Append's: the next look tells it then.
  absl::Status Look(const permissions::Principal& app);
  // Tells every app what could not be told before.
  absl::Status Look();

 private:
  absl::Status Tell(const AppPointer& app) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const World world_;
  // Held while an event is written: one after the other.
  platform::Mutex mutex_;
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<permissions::Principal, AppPointer> told_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
