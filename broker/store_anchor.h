// SPDX-License-Identifier: Apache-2.0
// What the secret store remembers of the database: how far it had come. A database that is older
// was put back by somebody, with all that was taken back since alive again.
//
// Everything beside the database can be put back together with it; the keyring is kept elsewhere
// and is the one thing without which the database cannot be read at all. (A passphrase file lies in
// the data folder and is put back too: there, this notices nothing.)
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "broker/access_history.h"
#include "broker/event_log.h"
#include "broker/keyed_hash.h"
#include "broker/store.h"
#include "platform/mutex.h"
#include "platform/secret_store.h"

namespace postern::broker {

// Thread-safe. A thread of its own talks to the secret store, which answers in its own time.
class StoreAnchor {
 public:
  enum class Finding {
    // The database is as new as was remembered, or newer.
    kCurrent,
    // Nothing was remembered yet, and nothing need have been.
    kNew,
    // The database is older than what was remembered.
    kOlder,
    // Something was remembered, and the secret store no longer has it, or holds something else.
    kLost,
  };

  // What the secret store remembers, as it was; NOT_FOUND when nothing.
  static absl::StatusOr<platform::SecretBytes> Read(platform::SecretStore& secrets);

  // All must outlive it.
  StoreAnchor(platform::SecretStore& secrets, Store& store, EventLog& log, AccessHistory& accesses);
  // Stops; a write that is under way ends first.
  ~StoreAnchor();
  StoreAnchor(const StoreAnchor&) = delete;
  StoreAnchor& operator=(const StoreAnchor&) = delete;

  // Holds the database against what Read gave. For kOlder it moves the database past what was
  // remembered, so that no other old one ever passes for newer; until Settle it says so again at
  // each start. Call once, before Save. UNAVAILABLE when the secret store could not tell.
  absl::StatusOr<Finding> Check(const absl::StatusOr<platform::SecretBytes>& remembered);
  // Apps are kept out, durably: what Check found need not be found again.
  absl::Status Settle();
  // What Check found; kCurrent before.
  Finding finding() const;

  // Has what the database is now remembered, if it is not yet, without waiting.
  void Save();
  // The same, and waits until it is, at most kAnchorWait: what the user took back must not come
  // alive again with an older database. False when it is not yet; the next Save tries again.
  bool SaveNow();
  // Lets a write that is under way end; after it nothing is remembered any more.
  void Retire();

 private:
  struct Place {
    uint64_t generation = 0;
    uint64_t sequence = 0;
    AccessHistory::Head access;
    bool operator==(const Place&) const = default;
  };
  std::string Pack(const Place& place) const;
  std::optional<Place> Unpack(std::string_view packed) const;
  Place Now() const;
  absl::Status Write(const Place& place);
  void Loop();

  platform::SecretStore& secrets_;
  Store& store_;
  EventLog& log_;
  AccessHistory& accesses_;
  const KeyedHash hash_;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  Finding finding_ ABSL_GUARDED_BY(mutex_) = Finding::kCurrent;
  // The database says that it was remembered once.
  bool noted_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Place> saved_ ABSL_GUARDED_BY(mutex_);
  // Requests and the ones that were carried out, by number.
  uint64_t asked_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  bool failing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

// What a finding means, for people; empty when nothing is wrong.
std::string_view FindingText(StoreAnchor::Finding finding);

}  // namespace postern::broker
