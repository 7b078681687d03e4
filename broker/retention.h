// SPDX-License-Identifier: Apache-2.0
// How much the broker keeps. What is older or more loses its content; once nothing before it has
// content, the record goes too. Readers see both: LogRecord::erased_by and oldest_sequence().
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <limits>

#include "broker/event_log.h"
#include "permissions/ids.h"

namespace postern::broker {

// What is kept of one account.
struct RetentionPolicy {
  absl::Duration age = absl::InfiniteDuration();
  uint64_t bytes = std::numeric_limits<uint64_t>::max();
};

struct RetentionPolicies {
  RetentionPolicy fallback;
  absl::flat_hash_map<permissions::AccountId, RetentionPolicy> accounts;
};

struct RetentionResult {
  uint64_t erased = 0;
  uint64_t removed = 0;
};

// Applies 'policies' as of 'now'. Reads the whole log in bounded batches, so call it hourly at
// most, on a background thread; 'stop' is asked between batches and ends it with CANCELLED. Age
// counts from record_time. Safe to repeat after any failure.
absl::StatusOr<RetentionResult> RunRetention(EventLog& log, const RetentionPolicies& policies,
                                             absl::Time now, absl::FunctionRef<bool()> stop);

}  // namespace postern::broker
