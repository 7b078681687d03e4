// SPDX-License-Identifier: Apache-2.0
// Ends the grants that live by connections: "once" with the first connection of its app that
// closes, "while it runs" with the last. No connection survives the daemon, so both also end when
// it starts.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>

#include <functional>
#include <thread>

#include "broker/app_registry.h"
#include "permissions/ids.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe. Its own thread writes, since closings are told on a thread that must not wait.
class SessionGrants {
 public:
  // 'connections_of' tells how many connections a principal has open.
  SessionGrants(AppRegistry& apps,
                std::function<int(const permissions::Principal&)> connections_of);
  ~SessionGrants();
  SessionGrants(const SessionGrants&) = delete;
  SessionGrants& operator=(const SessionGrants&) = delete;

  // Ends all of them. Call before the door opens.
  absl::Status EndAll();
  // A connection of this principal has closed.
  void ConnectionClosed(const permissions::Principal& principal);

 private:
  enum class Which { kOnceOnly, kBoth };
  void Loop();
  absl::Status End(const AppSnapshot& app, Which which);

  AppRegistry& apps_;
  const std::function<int(const permissions::Principal&)> connections_of_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  absl::flat_hash_set<permissions::Principal> closed_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::broker
