// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <functional>
#include <string>

#include "clients/translator/screen.h"

namespace postern::translator {

// Whether the same may work later without anybody doing anything here: the broker or a server is
// away, the access is suspended (a locked screen can do that), or a limit is used up for now.
bool PassesByItself(const absl::Status& status);

// Tries until it works or never can: waits out what passes by itself, longer each time, up to half
// a minute. Says once what it waits for. Returns the last try's status.
//
// Meanwhile nothing is acknowledged, so a message that is being worked on is not lost by a restart.
absl::Status Patiently(const std::string& what, Screen& screen,
                       const std::function<absl::Status()>& attempt);

}  // namespace postern::translator
