// SPDX-License-Identifier: Apache-2.0
// What systemd gives to and hears from a service. Everything works, and says nothing, without it.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <string>

#include "platform/unique_fd.h"

namespace postern::platform {

// Takes the listening socket that the service manager passed at start: the one named 'name', or the
// only one there is. Nothing when none was passed. FAILED_PRECONDITION when what was passed is not
// exactly that: a listening Unix stream socket with a path. Call once, before any thread: it
// removes the variables that announce the socket, so that no child takes it too.
absl::StatusOr<std::optional<UniqueFd>> TakeActivationSocket(const std::string& name);

// Tell the service manager. Without one they do nothing; a message that is lost harms nobody, so
// they return nothing. Thread-safe.
void NotifyReady(const std::string& status);
void NotifyStatus(const std::string& status);
void NotifyStopping();

}  // namespace postern::platform
