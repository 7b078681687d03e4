// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string>

namespace postern::assistant {

// One line of fields on standard error, which is the log of an MCP server. Never an argument, a
// text, a key or an address.
inline void Log(const std::string& fields) {
  std::fprintf(stderr, "postern-assistant: %s\n", fields.c_str());
}

}  // namespace postern::assistant
