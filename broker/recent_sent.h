// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include <deque>
#include <optional>
#include <string>

#include "permissions/ids.h"
#include "platform/mutex.h"

namespace postern::broker {

// Messages that apps have just sent, by the ids their answers gave. The answer may overtake the
// event: what an app was told it has sent, it can edit at once. In memory only, the latest
// kRecentSentMax; the log knows the rest. Thread-safe.
class RecentSent {
 public:
  struct Message {
    permissions::Principal app;
    permissions::ChatId chat;
    std::string remote_id;
    absl::Time time;
  };

  void Note(permissions::MessageId id, Message message);
  std::optional<Message> Find(permissions::MessageId id) const;

 private:
  mutable platform::Mutex mutex_;
  absl::flat_hash_map<permissions::MessageId, Message> messages_ ABSL_GUARDED_BY(mutex_);
  std::deque<permissions::MessageId> order_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
