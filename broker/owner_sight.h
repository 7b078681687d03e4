// SPDX-License-Identifier: Apache-2.0
// Whether the owner's tools may show what people wrote, and the address book. Any program on the
// session bus can read the owner's key; so that the key alone opens no text, the person is asked,
// once for each connection.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <string>

#include "broker/caller.h"
#include "broker/consent_desk.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe. What was allowed is held in memory only.
class OwnerSight {
 public:
  // Both must outlive it.
  OwnerSight(ConsentDesk& consent, const platform::Clock& clock);
  OwnerSight(const OwnerSight&) = delete;
  OwnerSight& operator=(const OwnerSight&) = delete;

  // Returns OK when the person lets the program behind this connection see text, and asks them
  // where they have not said so within kOwnerSight. Waits for the answer; calls that come
  // meanwhile on the same connection share it. 'app' is the name of the app through whose eyes it
  // would be looked at; empty where it is through none.
  // PERMISSION_DENIED CONSENT_REFUSED; ABORTED when the screen was locked before the answer
  // counted; and as ConsentDesk::Ask.
  absl::Status Admit(const Caller& owner, const std::string& app, const ConsentDesk::Gone& gone);

  // Takes it back from all: the person went away.
  void TakeBack();

 private:
  struct Sight {
    bool asking = false;
    // Of the last question, once it has ended; counts for who waited for it.
    absl::Status answer;
    // By the clock's elapsed time.
    absl::Duration until = -absl::InfiniteDuration();
  };

  ConsentDesk& consent_;
  const platform::Clock& clock_;

  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  // Of open connections and those of the last kOwnerSight; bounded by the questions an hour.
  std::map<ConnectionId, Sight> sights_ ABSL_GUARDED_BY(mutex_);
  // How often all was taken back.
  uint64_t taken_back_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace postern::broker
