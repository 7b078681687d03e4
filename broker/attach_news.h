// SPDX-License-Identifier: Apache-2.0
// Tells apps, as an event, when the client of an account went and when it is back: the client
// itself cannot. One that comes back within a moment was never gone for them.
//
// What they were told last is kept with the account (directory.h), so that a restart of posternd
// is no news of an account, and a client that did not come back after one is told of too. Told
// first, noted then: what a crash cuts is told again, which a state may be.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <map>
#include <thread>

#include "broker/adapter_table.h"
#include "broker/directory.h"
#include "broker/event_log.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// How long a client must be gone, in time that really passes, before apps are told: an update, or
// a start of the whole session, is over by then.
inline constexpr absl::Duration kDetachGrace = absl::Seconds(10);
// After an error it is tried again.
inline constexpr absl::Duration kAttachNewsRetry = absl::Seconds(10);

// A thread of its own.
class AttachNews {
 public:
  // All must outlive it.
  struct Options {
    EventLog& log;
    Directory& directory;
    // Its change hook is taken.
    AdapterTable& adapters;
    // What records are dated by (trusted_clock.h).
    const platform::Clock& dates;
    absl::Duration grace = kDetachGrace;
  };
  explicit AttachNews(const Options& options);
  // Stops.
  ~AttachNews();
  AttachNews(const AttachNews&) = delete;
  AttachNews& operator=(const AttachNews&) = delete;

  // Tells nothing any more: before the streams of a daemon that stops end. Calling it again does
  // nothing.
  void Stop();

 private:
  void Loop();
  // Tells what is news. Returns how long until more may be.
  absl::StatusOr<absl::Duration> Look();
  absl::Status Tell(permissions::AccountId account, v1::AccountState state);

  const Options options_;
  // Of the thread: since when each account has no adapter, as it was seen.
  std::map<permissions::AccountId, absl::Duration> gone_since_;

  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool news_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::broker
