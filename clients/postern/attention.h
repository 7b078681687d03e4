// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "postern/v1/owner_service.pb.h"

namespace postern::cli {

// Whether the broker says something that the user should do something about: a warning, or a notice
// that is not marked as read, but for those of what they allowed.
bool WantsAttention(const v1::GetStatusResponse& status);

}  // namespace postern::cli
