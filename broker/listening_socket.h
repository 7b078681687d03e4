// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "platform/unique_fd.h"

namespace postern::broker {

// Binds and listens at 'path', mode 0600 from its first moment. A socket that nobody listens on is
// removed first; anything else at 'path' is left alone.
// ALREADY_EXISTS when somebody listens there or it is no socket; INVALID_ARGUMENT when it is too
// long.
absl::StatusOr<platform::UniqueFd> Listen(const std::string& path);

// Makes an inherited socket usable: OK when it is a listening Unix stream socket.
absl::Status AdoptListener(const platform::UniqueFd& listener);

}  // namespace postern::broker
