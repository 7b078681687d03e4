// SPDX-License-Identifier: Apache-2.0
// The acknowledged cursors of named subscriptions.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "broker/log_record.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe.
class SubscriptionStore {
 public:
  static absl::StatusOr<std::unique_ptr<SubscriptionStore>> Open(Store& store);

  // Returns the acknowledged sequence, or nothing for a new subscription.
  std::optional<Sequence> Find(const permissions::Principal& principal,
                               const std::string& name) const;
  // Returns the furthest acknowledged sequence of any of its subscriptions; nothing without one.
  std::optional<Sequence> Furthest(const permissions::Principal& principal) const;
  // Makes a subscription that starts after 'sequence'. RESOURCE_EXHAUSTED LIMIT_EXCEEDED when the
  // principal has too many.
  absl::Status Create(const permissions::Principal& principal, const std::string& name,
                      Sequence sequence);
  // Moves a subscription forward, durably; an older sequence changes nothing. NOT_FOUND when there
  // is none of that name.
  absl::Status Acknowledge(const permissions::Principal& principal, const std::string& name,
                           Sequence sequence);
  // Forgets all of a principal.
  absl::Status Remove(const permissions::Principal& principal);

 private:
  explicit SubscriptionStore(Store& store) : store_(store) {}
  absl::Status Write(const permissions::Principal& principal, const std::string& name,
                     Sequence sequence);

  Store& store_;
  mutable platform::Mutex mutex_;
  absl::flat_hash_map<permissions::Principal, std::map<std::string, Sequence>> acknowledged_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
