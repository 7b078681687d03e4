// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <string>

#include "clients/assistant/config.h"
#include "clients/assistant/mcp_server.h"

namespace postern::assistant {

// Serves http://127.0.0.1:PORT/mcp until SIGTERM or SIGINT. Every request shows 'token' as
// `Authorization: Bearer`, since all users of the machine reach its loopback; a web page's request
// is refused unless its origin is allowed, and one that came by another name than this host's,
// which is how a page of a stranger would come. FAILED_PRECONDITION when the port is taken.
//
// SIGTERM and SIGINT must be blocked in all threads.
absl::Status ServeHttp(McpServer& server, const Config& config, const std::string& token,
                       const std::string& token_path);

}  // namespace postern::assistant
