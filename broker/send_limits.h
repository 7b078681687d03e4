// SPDX-License-Identifier: Apache-2.0
// What an app may do an hour and a day, so that it stays ahead of the networks' own rules against
// abuse: messages sent, chats started, bytes of content read; and how fast it may make the broker
// write.
//
// Budgets outlive a restart without a write for each use: a stretch is written as used before any
// of it is, and what was not used of it is written back when the daemon stops. After a crash it
// counts as used.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>

#include "broker/store.h"
#include "permissions/decide.h"
#include "permissions/ids.h"
#include "permissions/rate_limit.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe. Every refusal is RESOURCE_EXHAUSTED LIMIT_EXCEEDED and names the limit ("limit") and
// when to come back ("retry_after_seconds").
class SendLimits {
 public:
  static absl::StatusOr<std::unique_ptr<SendLimits>> Open(Store& store,
                                                          const platform::Clock& clock);
  // Writes back what was not used.
  ~SendLimits();
  SendLimits(const SendLimits&) = delete;
  SendLimits& operator=(const SendLimits&) = delete;

  // Takes one of 'per_hour' sends. Different allowances of one app are counted apart: what a wide
  // grant uses up does not close a narrow one, and none is ever exceeded. Also fails with the
  // store's errors: what cannot be counted is not sent.
  absl::Status TakeSend(const permissions::Principal& principal, uint32_t per_hour);
  // Gives back a send that came to nothing.
  void GiveBackSend(const permissions::Principal& principal, uint32_t per_hour);
  // Takes one of 'per_day' chats that the app may start.
  absl::Status TakeNewChat(const permissions::Principal& principal, uint32_t per_day);
  // Gives back a chat that was not started after all.
  void GiveBackNewChat(const permissions::Principal& principal);

  // OK while the app has read less than 'per_day' bytes today. Asked before each frame and page, so
  // that the last one of a day may go past the limit but no frame is too large for ever.
  absl::Status MayRead(const permissions::Principal& principal, uint64_t per_day);
  // Counts what was handed over. Reading goes on when the disk is full; what could not be written
  // then is counted until the daemon stops.
  void CountRead(const permissions::Principal& principal, uint64_t bytes);

  // Takes one of kWritesPerMinute: for calls that cost a durable write and have no budget of their
  // own.
  absl::Status TakeWrite(const permissions::Principal& principal);
  // Takes one of kTypingPerMinute.
  absl::Status TakeTyping(const permissions::Principal& principal);
  // Takes one of kResolvesPerHour.
  absl::Status TakeResolve(const permissions::Principal& principal);
  // Takes one of kLeaseCallsPerMinute.
  absl::Status TakeLeaseCall(const permissions::Principal& principal);

 private:
  // One allowance of sends.
  struct Sends {
    permissions::TokenBucket bucket;
    // Sends that may still be taken before the stored row must be renewed.
    uint32_t covered = 0;
  };
  // What was used since 'start'; a day later it begins anew.
  struct Day {
    absl::Time start = absl::InfinitePast();
    uint32_t new_chats = 0;
    uint64_t bytes = 0;
    // What the stored row says.
    uint64_t written_bytes = 0;
  };
  struct Budgets {
    // By sends an hour.
    absl::flat_hash_map<uint32_t, Sends> sends;
    Day day;
    permissions::TokenBucket writes;
    permissions::TokenBucket typing;
    permissions::TokenBucket lease_calls;
    permissions::TokenBucket resolves;
    Budgets();
  };

  SendLimits(Store& store, const platform::Clock& clock) : store_(store), clock_(clock) {}
  absl::Status Load();
  Sends& SendsOf(Budgets& budgets, uint32_t per_hour) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Day& Today(Budgets& budgets) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteSends(const permissions::Principal& principal, uint32_t per_hour,
                          uint64_t missing);
  absl::Status WriteDay(const permissions::Principal& principal, const Day& day,
                        uint64_t written_bytes);

  Store& store_;
  const platform::Clock& clock_;
  // Held while a row is written, which is seldom: the use that needs the row must wait for it, and
  // the next one of the same app too.
  platform::Mutex mutex_;
  absl::flat_hash_map<permissions::Principal, Budgets> budgets_ ABSL_GUARDED_BY(mutex_);
};

// The bytes a day that an app may read: the most of its grants in force that read. One that only
// writes is told how its requests ended, within what those grants say.
uint64_t ReadAllowance(const permissions::Access& access, absl::Time now);

}  // namespace postern::broker
