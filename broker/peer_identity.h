// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include "broker/connection_table.h"

namespace postern::broker {

// Asks the kernel who connected 'socket': uid and pid at connect, and a pidfd that cannot come to name
// another process. Any error means "do not serve".
absl::StatusOr<ConnectionTable::Peer> IdentifyPeer(int socket);

}  // namespace postern::broker
