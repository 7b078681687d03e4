// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "clients/assistant/mcp_server.h"

namespace postern::assistant {

// Serves one client that started this program: a message a line, on standard input and output.
// Returns when the input ends and what was asked is answered. A request that
// `notifications/cancelled` names is not answered.
void ServeStdio(McpServer& server);

}  // namespace postern::assistant
