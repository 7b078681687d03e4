// SPDX-License-Identifier: Apache-2.0
#include "broker/retention.h"

#include <algorithm>
#include <vector>

#include "broker/storage_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {

absl::StatusOr<RetentionResult> RunRetention(EventLog& log, const RetentionPolicies& policies,
                                             absl::Time now, absl::FunctionRef<bool()> stop) {
  RetentionResult result;
  absl::flat_hash_map<permissions::AccountId, uint64_t> kept_bytes;
  std::vector<Sequence> passed;
  // Leading records that only a delete emptied stay until retention comes to their age: to readers
  // that are behind they still say that something was deleted.
  Sequence passed_through = 0;
  // Newest first, so that the bytes that are kept are the newest ones.
  Sequence before = log.last_sequence() + 1;
  while (true) {
    if (stop()) return absl::CancelledError("retention was stopped");
    ASSIGN_OR_RETURN(const std::vector<EventLog::Outline> outlines,
                     log.OutlineBefore(before, kReadRecordsMax));
    if (outlines.empty()) break;
    before = outlines.back().sequence;
    passed.clear();
    for (const EventLog::Outline& outline : outlines) {
      const auto own = policies.accounts.find(outline.account);
      const RetentionPolicy& policy =
          own == policies.accounts.end() ? policies.fallback : own->second;
      uint64_t& bytes = kept_bytes[outline.account];
      bytes += outline.body_bytes;
      const bool pass = now - outline.record_time > policy.age || bytes > policy.bytes;
      if (!pass && outline.erased_by != ErasedBy::kRetention) continue;
      passed_through = std::max(passed_through, outline.sequence);
      if (outline.erased_by == ErasedBy::kNothing) passed.push_back(outline.sequence);
    }
    RETURN_IF_ERROR(log.Erase(passed, ErasedBy::kRetention));
    result.erased += passed.size();
  }
  if (stop()) return absl::CancelledError("retention was stopped");
  ASSIGN_OR_RETURN(result.removed, log.TrimErased(passed_through));
  return result;
}

}  // namespace postern::broker
