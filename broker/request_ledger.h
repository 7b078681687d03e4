// SPDX-License-Identifier: Apache-2.0
// Same request id, same answer: the record of what was asked with a `request_id`, so that a retry
// is answered and not done again (AIP-155), across restarts too.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>
#include <string_view>

#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe.
class RequestLedger {
 public:
  // What was begun and not ended when the daemon stopped has an unknown outcome from now on.
  static absl::StatusOr<std::unique_ptr<RequestLedger>> Open(Store& store,
                                                             const platform::Clock& clock);

  // Does 'action' once for this principal and request id, and answers every repetition with the
  // first answer, success or refusal. 'request' is what was asked, 'response' is filled in.
  // INVALID_ARGUMENT INVALID_FIELD: no or too long an id. ABORTED REQUEST_ID_CONFLICT: the id came
  // with another request, or its first call still runs. UNKNOWN OUTCOME_UNKNOWN: a crash or
  // time-out cut the first one. Kept are success, FAILED_PRECONDITION (the gatekeeper's final no)
  // and UNKNOWN; an 'action' that fails otherwise did nothing and is forgotten, so that the same id
  // may try again.
  absl::Status Once(const permissions::Principal& principal, std::string_view method,
                    const std::string& request_id, const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite& response,
                    absl::FunctionRef<absl::Status()> action) {
    return Once(
        principal, method, request_id, request, response, [] { return absl::OkStatus(); }, action);
  }
  // The same, but asks 'admit' first, for a request that was not seen before: what it refuses was
  // not begun, costs no write and is not remembered. A repetition is answered whatever 'admit'
  // would say now.
  absl::Status Once(const permissions::Principal& principal, std::string_view method,
                    const std::string& request_id, const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite& response,
                    absl::FunctionRef<absl::Status()> admit,
                    absl::FunctionRef<absl::Status()> action);

 private:
  RequestLedger(Store& store, const platform::Clock& clock) : store_(store), clock_(clock) {}
  // Returns whether it is time to throw out what is older than kRequestMemory, and notes that it is
  // done.
  bool TakePruneTurn();

  Store& store_;
  const platform::Clock& clock_;
  platform::Mutex mutex_;
  // Principal and request id of the calls that run now.
  absl::flat_hash_set<std::string> running_ ABSL_GUARDED_BY(mutex_);
  absl::Time pruned_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace postern::broker
