// SPDX-License-Identifier: Apache-2.0
// What became of messages that wait for the user's word.
//
// The broker says so by an event, and events come with everything else that the assistant may see.
// So it listens only from just before a send until the last of them has ended, reads nothing else
// of what comes, and keeps no cursor. What ended while no process of the assistant ran is in the
// chat, or it is not: list_messages shows it.
#pragma once

#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "clients/sdk/client.h"

namespace postern::assistant {

// Thread-safe.
class SendOutcomes {
 public:
  SendOutcomes() = default;
  ~SendOutcomes();
  SendOutcomes(const SendOutcomes&) = delete;
  SendOutcomes& operator=(const SendOutcomes&) = delete;

  // Listens from now on for the end of 'request_id', which is about to be sent; returns once events
  // come. RESOURCE_EXHAUSTED when too many wait.
  absl::Status Expect(std::shared_ptr<sdk::Client> client, const std::string& request_id);
  // It ended at once, or was never sent.
  void Forget(const std::string& request_id);

  // How it ended; nullopt while it waits, after 'patience'. NOT_FOUND when no such request is
  // known.
  absl::StatusOr<std::optional<v1::RequestCompleted>> Wait(const std::string& request_id,
                                                           absl::Duration patience);

 private:
  struct Request {
    absl::Time give_up_time;
    std::optional<v1::RequestCompleted> end;
  };

  void Take(const v1::Event& event) ABSL_LOCKS_EXCLUDED(mutex_);
  bool SomeWait() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  // Held while the listener is started or replaced.
  absl::Mutex listening_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::shared_ptr<sdk::Client> client_ ABSL_GUARDED_BY(listening_);
  std::shared_ptr<sdk::Subscription> events_ ABSL_GUARDED_BY(listening_);
  std::thread listener_ ABSL_GUARDED_BY(listening_);

  absl::Mutex mutex_;
  std::map<std::string, Request> requests_ ABSL_GUARDED_BY(mutex_);
  bool follows_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace postern::assistant
