// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/broker_link.h"

#include "clients/sdk/errors.h"
#include "platform/status_macros.h"

namespace postern::settings {

absl::StatusOr<BrokerLink::SharedOwner> BrokerLink::Connected() {
  {
    platform::MutexLock lock(mutex_);
    if (closed_) return absl::CancelledError("the window is closing");
    if (owner_ != nullptr) return owner_;
  }
  // Without the lock: the keyring may take its time. Two lanes that connect at once make two
  // connections, and one is dropped.
  ASSIGN_OR_RETURN(std::unique_ptr<owner::Owner> made, owner::Owner::Connect(paths_));
  platform::MutexLock lock(mutex_);
  if (closed_) return absl::CancelledError("the window is closing");
  if (owner_ == nullptr) owner_ = std::move(made);
  return owner_;
}

void BrokerLink::Judge(const SharedOwner& owner, const absl::Status& status) {
  if (status.ok() || sdk::ErrorReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED) return;
  if (!absl::IsUnavailable(status) && !absl::IsUnauthenticated(status)) return;
  platform::MutexLock lock(mutex_);
  if (owner_ == owner) owner_.reset();
}

void BrokerLink::Close() {
  SharedOwner owner;
  {
    platform::MutexLock lock(mutex_);
    closed_ = true;
    owner = owner_;
  }
  if (owner != nullptr) owner->CancelCalls();
}

}  // namespace postern::settings
