// SPDX-License-Identifier: Apache-2.0
// Builds the parts of the bridge, starts and stops them.
#pragma once

#include <string>

#include "clients/xmpp_bridge/config.h"

namespace postern::xmpp_bridge {

// What the process says at its end. systemd starts it again after kTrouble only: after the others a
// person has to do something first.
enum ExitCode { kStopped = 0, kTrouble = 1, kWrongConfig = 2, kNotAllowed = 3 };

// Runs until SIGTERM or SIGINT, or until the access is over; waits where the user cannot be asked
// yet. 'signals' is a signalfd of both.
ExitCode RunBridge(const Config& config, int signals);

}  // namespace postern::xmpp_bridge
