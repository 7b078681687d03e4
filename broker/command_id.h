// SPDX-License-Identifier: Apache-2.0
// What commands to adapters are called. The id names the app that caused the command and where the
// message has been, so that the event it makes can be traced after a restart without a table:
// "<random>.<start of the principal>.<hops>[.<network>+<network>...]".
//
// Adapters carry it and give it back. One that changes it lies about its own account, as it could
// by leaving it out; apps never see it.
#pragma once

#include <string>
#include <string_view>

#include "broker/trail.h"
#include "permissions/ids.h"

namespace postern::broker {

struct CommandOrigin {
  // For AppRegistry::FindByPrefix; empty when the id is not one of NewCommandId.
  std::string principal_prefix;
  Trail trail;
};

// Returns a new id. 'trail' is the trail of the message that the command makes.
std::string NewCommandId(const permissions::Principal& principal, const Trail& trail);
// Reads an id that an adapter gives back. Hops are 1 to kHopsMax whatever it says.
CommandOrigin ReadCommandId(std::string_view command_id);

}  // namespace postern::broker
