// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/access.h"

#include "clients/sdk/errors.h"

namespace postern::xmpp_bridge {

bool AccessIsOver(const absl::Status& status) {
  const v1::ErrorReason reason = sdk::ErrorReasonOf(status);
  return reason == v1::ERROR_REASON_GRANT_REVOKED || reason == v1::ERROR_REASON_GRANT_EXPIRED;
}

bool AccessIsSuspended(const absl::Status& status) {
  return sdk::ErrorReasonOf(status) == v1::ERROR_REASON_GRANT_SUSPENDED;
}

bool NeedsAPerson(const absl::Status& status) {
  switch (sdk::ErrorReasonOf(status)) {
    case v1::ERROR_REASON_CONSENT_REFUSED:
    case v1::ERROR_REASON_SCOPE_REQUIRED:
    case v1::ERROR_REASON_ROLE_REQUIRED:
      return true;
    case v1::ERROR_REASON_UNSPECIFIED:
      return absl::IsUnauthenticated(status);
    default:
      return AccessIsOver(status);
  }
}

}  // namespace postern::xmpp_bridge
