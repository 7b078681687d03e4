// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/time/time.h>

#include <atomic>
#include <thread>

#include "broker/event_log.h"
#include "broker/retention.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// It looks at the whole log: seldom.
inline constexpr absl::Duration kRetentionInterval = absl::Hours(6);

// Applies what the owner keeps, at the start and then every kRetentionInterval of time that really
// passes, on a thread of its own; no thread where all is kept. What fails is said in the journal
// and tried again in the next round. 'log' and 'clock' must outlive it.
class RetentionThread {
 public:
  RetentionThread(EventLog& log, const RetentionPolicy& policy, const platform::Clock& clock);
  // Stops, within one batch.
  ~RetentionThread();
  RetentionThread(const RetentionThread&) = delete;
  RetentionThread& operator=(const RetentionThread&) = delete;

 private:
  void Loop();

  EventLog& log_;
  const platform::Clock& clock_;
  RetentionPolicies policies_;
  std::atomic<bool> stopping_{false};
  platform::Mutex mutex_;
  platform::ConditionVariable stop_;
  std::thread thread_;
};

}  // namespace postern::broker
