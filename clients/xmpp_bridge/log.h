// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace postern::xmpp_bridge {

// One line on standard error, which systemd takes into the journal. Never texts, addresses or keys.
void Log(const std::string& line);

}  // namespace postern::xmpp_bridge
