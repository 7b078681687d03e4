// SPDX-License-Identifier: Apache-2.0
// Disappearing messages go when their time is over, whether or not the gatekeeper client says so.
//
// A thread of its own follows the log, notes when what disappears will, and at that time records a
// message_expired event as the client would have: the message index then erases the text, and apps
// that may see the message are told. The commit path knows nothing of it. A message whose timer has
// not begun (expire_time unset) is the client's to end, and one that was deleted before is left.
//
// Time is the confirmed clock's: what is forgotten does not come back when a clock is set right. No
// wait is longer than 'wait_max', because waiting stands still while the machine sleeps: what came
// due meanwhile goes within that time after it wakes.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "broker/event_log.h"
#include "broker/message_index.h"
#include "broker/store.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

class MessageExpiry {
 public:
  // All must outlive it.
  struct Options {
    Store& store;
    EventLog& log;
    MessageIndex& index;
    const platform::Clock& dates;
    absl::Duration wait_max;
  };
  // Goes on where an earlier run stopped.
  static absl::StatusOr<std::unique_ptr<MessageExpiry>> Open(const Options& options);
  // Stops.
  ~MessageExpiry();
  MessageExpiry(const MessageExpiry&) = delete;
  MessageExpiry& operator=(const MessageExpiry&) = delete;

  // Calling it again does nothing.
  void Stop();

 private:
  using Expiry = std::pair<absl::Time, Sequence>;

  explicit MessageExpiry(const Options& options) : options_(options) {}
  absl::Status Load();
  void Loop();
  // Notes the timers of what was appended since the last time.
  absl::Status Follow();
  absl::Status Keep(const std::vector<Expiry>& found, Sequence through);
  // Expires what is due. Returns when the next one is; InfiniteFuture when there is none.
  absl::StatusOr<absl::Time> ExpireDue();
  absl::Status Expire(const std::vector<Expiry>& due);
  absl::StatusOr<std::vector<Expiry>> Next(int limit);

  const Options options_;
  std::atomic<bool> stopping_{false};
  // Of the thread (and Load, before it starts). How far the log was followed, and what is kept of
  // it.
  Sequence through_ = 0;
  Sequence kept_through_ = 0;
  // Whether there may be a row; else nothing needs to be asked.
  bool any_ = true;

  platform::Mutex mutex_;
  platform::ConditionVariable stop_;
  std::thread thread_;
};

}  // namespace postern::broker
