// SPDX-License-Identifier: Apache-2.0
// What follows from the person coming and going: no window stays open on a locked screen, the
// owner's tools show no more text, and grants that hold only while the session is unlocked hold
// only then.
#pragma once

#include "broker/app_registry.h"
#include "broker/consent_desk.h"
#include "broker/event_log.h"
#include "broker/live_streams.h"
#include "broker/owner_sight.h"
#include "platform/session_watch.h"

namespace postern::broker {

// Follows 'watch' while it lives. Thread-safe.
class PresenceGuard {
 public:
  struct Options {
    // Null: nobody can tell, and the person counts as present.
    platform::SessionWatch* watch = nullptr;
    AppRegistry& apps;
    ConsentDesk& consent;
    OwnerSight& sight;
    LiveStreams& streams;
    EventLog& log;
  };

  // Takes over what is so now.
  explicit PresenceGuard(Options options);
  ~PresenceGuard();
  PresenceGuard(const PresenceGuard&) = delete;
  PresenceGuard& operator=(const PresenceGuard&) = delete;

 private:
  void Follow();

  const Options options_;
};

}  // namespace postern::broker
