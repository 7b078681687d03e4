// SPDX-License-Identifier: Apache-2.0
// Which stretches of the log each app was handed, and when: what "what did it already see" is
// answered from. Together with the grants as they were then (past_grants.h) it says what was shown
// without keeping a second copy of anything.
//
// Kept in memory, and written now and then: a crash loses the last minute. Where stretches become
// too many they are joined, so that the answer is rather too much than too little.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <utility>
#include <vector>

#include "broker/log_record.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

struct AppSnapshot;

// What an app was handed of the records 'first' through 'last', between two moments in which its
// grants did not change.
struct Delivery {
  // Empty: of all chats.
  permissions::ChatId chat;
  Sequence first = 0;
  Sequence last = 0;
  absl::Time from_time;
  absl::Time to_time;

  bool operator==(const Delivery&) const = default;
};

// Thread-safe.
class Deliveries {
 public:
  static absl::StatusOr<std::unique_ptr<Deliveries>> Open(Store& store);

  // Notes that the app was just handed what it may see of the records 'first' through 'last', of
  // one chat or of all. 'app' is what was decided by. Never blocks on disk.
  void Note(const AppSnapshot& app, permissions::ChatId chat, Sequence first, Sequence last);
  // The same of single records of one chat, in no order. What is too much to keep apart is noted as
  // one stretch.
  void Note(const AppSnapshot& app, permissions::ChatId chat, std::vector<Sequence> records);
  // All that is known of an app, of chats and of all chats.
  std::vector<Delivery> Of(const permissions::Principal& principal) const;

  // Writes what is new, at once or when it is due. What cannot be written stays noted.
  absl::Status Flush();
  absl::Status FlushWhenDue();

 private:
  using Key = std::pair<permissions::Principal, permissions::ChatId>;

  explicit Deliveries(Store& store) : store_(store), clock_(store.clock()) {}

  Store& store_;
  const platform::Clock& clock_;

  // One write at a time. Taken before mutex_.
  platform::Mutex write_mutex_;
  mutable platform::Mutex mutex_;
  // Each in the order in which they began.
  absl::flat_hash_map<Key, std::vector<Delivery>> deliveries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<Key> unwritten_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_flush_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
