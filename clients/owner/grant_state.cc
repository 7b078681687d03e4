// SPDX-License-Identifier: Apache-2.0
#include "clients/owner/grant_state.h"

namespace postern::owner {

bool HasEnded(const v1::Grant& grant) {
  return grant.state() == v1::Grant::STATE_REVOKED || grant.state() == v1::Grant::STATE_EXPIRED;
}

}  // namespace postern::owner
