// SPDX-License-Identifier: Apache-2.0
// Starts apps for which something waits: an app that is not connected, whose manifest named a
// systemd unit, and which the user allowed to be started.
//
// What waits is an event that the app would be handed now, past the furthest cursor that its named
// subscriptions have acknowledged; an app that never subscribed under a name is not waited for.
// What is over by the time a program runs starts none: typing, presence, states that will have
// changed. An app whose grants are suspended, paused, or closed by a locked screen would be handed
// nothing, so it is not started; nor is one whose grant to be started is among those.
//
// One start in kStartInterval; where the app does not come, in twice as long each time. That it
// could not be started, or did not come, is told to the user once until it comes again. To come is
// to acknowledge something, or to stay connected for kStartInterval: a program that connects and
// crashes, and one whose access is paused and resumed, is started no more often than one that never
// connects.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include "broker/app_registry.h"
#include "broker/directory.h"
#include "broker/event_log.h"
#include "broker/history.h"
#include "broker/owner_notices.h"
#include "broker/pseudonym_book.h"
#include "broker/subscription_store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "platform/unit_starter.h"

namespace postern::broker {

// A thread of its own.
class AppStarter {
 public:
  // All must outlive it.
  struct Options {
    AppRegistry& apps;
    SubscriptionStore& subscriptions;
    const Directory& directory;
    EventLog& log;
    History& history;
    PseudonymBook& pseudonyms;
    OwnerNotices& notices;
    const platform::Clock& clock;
    std::function<int(const permissions::Principal&)> connections_of;
    // Empty: nothing is ever started.
    platform::UnitStarter start;
    // The longest wait while something is to be tried again: waiting stands still while the machine
    // sleeps.
    absl::Duration wait_max;
  };
  explicit AppStarter(Options options);
  // Stops.
  ~AppStarter();
  AppStarter(const AppStarter&) = delete;
  AppStarter& operator=(const AppStarter&) = delete;

  // Starts nothing any more. Calling it again does nothing.
  void Stop();

 private:
  struct App {
    // Nothing for the app lies through here, by the grants of 'epoch'.
    Sequence looked_through = 0;
    uint64_t epoch = 0;
    // By elapsed time; and how often in a row it was started and did not come.
    absl::Duration next_start = -absl::InfiniteDuration();
    int tries = 0;
    // When it was started last, and what it had acknowledged then.
    absl::Duration last_start = -absl::InfiniteDuration();
    Sequence acknowledged = 0;
    // Since when it was seen connected at every look; nothing while it is not.
    std::optional<absl::Duration> connected_since;
    bool told = false;
  };

  void Loop();
  // Starts what is to be started. Returns how long until something is to be tried again; infinite
  // when only news can change anything.
  absl::Duration Look();
  // 'epoch' is that of the grants in the snapshot, or an older one.
  absl::Duration LookAt(const AppSnapshot& snapshot, uint64_t epoch, App& app);
  // Whether it is connected. Notes where it has come since its last start.
  bool LookWhetherConnected(const AppSnapshot& snapshot, App& app);
  // Whether something waits for the app. Looks at no more than kStartScanMax records, and says by
  // 'more' that it has not seen all.
  absl::StatusOr<bool> SomethingWaits(const AppSnapshot& snapshot, uint64_t epoch, App& app,
                                      bool& more);
  void Start(const AppSnapshot& snapshot, App& app);
  void Tell(const AppSnapshot& snapshot, App& app, const char* what);

  const Options options_;
  std::atomic<bool> stopping_{false};
  // Of the thread.
  std::map<permissions::Principal, App> apps_;

  platform::Mutex mutex_;
  platform::ConditionVariable stop_;
  std::thread thread_;
};

}  // namespace postern::broker
