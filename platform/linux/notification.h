// SPDX-License-Identifier: Apache-2.0
// Desktop notifications, over the session bus (org.freedesktop.Notifications).
#pragma once

#include <absl/status/status.h>

#include <string>

namespace postern::platform {

// Has the desktop show 'text' as plain text. OK when a notification service took it; UNAVAILABLE
// when there is no session bus, no such service, or it does not answer within seconds. Blocks.
absl::Status ShowNotification(const std::string& text);

}  // namespace postern::platform
