// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <optional>

#include "broker/directory.h"
#include "broker/event_log.h"
#include "broker/message_index.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// When another person last wrote in each chat: what messages:reply depends on. Kept in memory as
// messages come; of a chat that has been silent since the start the index is asked, once.
// Thread-safe.
class IncomingTimes {
 public:
  IncomingTimes(EventLog& log, MessageIndex& index, const Directory& directory,
                const platform::Clock& clock)
      : log_(log), index_(index), directory_(directory), clock_(clock) {}
  IncomingTimes(const IncomingTimes&) = delete;
  IncomingTimes& operator=(const IncomingTimes&) = delete;

  // Notes an event that ingest takes; all but messages are passed over.
  void Note(const TakenEvent& taken);
  // Notes that an app wrote in the chat, before the message comes back as an event.
  void NoteSent(permissions::ChatId chat);

  // When another person last wrote in the chat, by the broker's clock, and no later than the
  // network says; InfinitePast when nobody has within permissions::kReplyWindow.
  absl::StatusOr<absl::Time> LastIncoming(permissions::ChatId chat);

  // Whether anybody ever wrote in the chat, as far as the log or the network's own list says.
  absl::StatusOr<bool> HasMessages(permissions::ChatId chat);

 private:
  struct Chat {
    absl::Time incoming = absl::InfinitePast();
    // The index was asked, or need not be.
    bool known = false;
    // There is a message in it.
    bool has_messages = false;
  };

  absl::StatusOr<absl::Time> LookUp(permissions::ChatId chat);
  Chat& Put(permissions::ChatId chat) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  EventLog& log_;
  MessageIndex& index_;
  const Directory& directory_;
  const platform::Clock& clock_;
  platform::Mutex mutex_;
  absl::flat_hash_map<permissions::ChatId, Chat> chats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
