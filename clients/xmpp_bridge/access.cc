// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/access.h"

#include "clients/sdk/errors.h"
#include "clients/sdk/grants.h"

namespace postern::xmpp_bridge {

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
      return sdk::AccessIsOver(status);
  }
}

}  // namespace postern::xmpp_bridge
