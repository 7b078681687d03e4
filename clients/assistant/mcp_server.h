// SPDX-License-Identifier: Apache-2.0
// The Model Context Protocol, revision 2026-07-28, in which every request says what it needs; and
// for clients of before, which begin with `initialize`, the revisions 2025-11-25 and 2025-06-18.
//
// Nothing is remembered between requests, so both kinds are served side by side, over HTTP without
// a session. Only tools are offered: no resources, no prompts, nothing that the server would ask of
// a client.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "clients/assistant/toolbox.h"

namespace postern::assistant {

// Largest message taken.
inline constexpr size_t kMessageBytesMax = 1024 * 1024;

// The answer to one message; none to a notification. 'http_status' is for the door that has one.
struct Reply {
  int http_status = 200;
  std::optional<Json> message;
};

// A header's value by name, empty when it is not there; for doors that have headers.
using Headers = std::function<std::string(const std::string& name)>;

class McpServer {
 public:
  // 'toolbox' must outlive it.
  explicit McpServer(Toolbox& toolbox) : toolbox_(toolbox) {}

  // Takes one message. 'headers' is null for doors without any. Thread-safe; blocks for as long as
  // the tool does.
  Reply Handle(const std::string& text, const Headers* headers);

 private:
  Reply Modern(const Json& request, const Headers* headers);
  Reply Legacy(const Json& request, const Headers* headers);
  // The result of a method that all revisions know, or an error.
  Reply Call(const Json& request);

  Toolbox& toolbox_;
};

}  // namespace postern::assistant
