// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include "broker/parts.h"

namespace postern::broker {

// Tells the apps of every contact whose links the owner changed and who was not told of yet: each
// is shown what it may see at that moment. A change notes whom it touches in its own transaction
// (directory_contacts.cc), so call it after each change, and when the daemon starts: what a crash
// cut off is told then. Thread-safe; at worst something is told twice.
absl::Status TellLinks(const Parts& parts);

}  // namespace postern::broker
