// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "postern/v1/grant.pb.h"

namespace postern::owner {

// Whether a grant is over for good: revoked, or expired.
bool HasEnded(const v1::Grant& grant);

}  // namespace postern::owner
