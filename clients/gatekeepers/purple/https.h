// SPDX-License-Identifier: GPL-3.0-or-later
// One request over TLS on libpurple's one thread: its certificates, its event loop, no waiting.
// libpurple's own fetching can neither send binary bytes nor put a file.
#pragma once

#include <account.h>

#include <functional>
#include <optional>
#include <string>

namespace postern::purple {

struct HttpsResponse {
  int status = 0;
  std::string body;
};

struct HttpsRequest {
  std::string host;
  int port = 443;
  std::string method;
  std::string path;
  std::string headers;  // each line with its "\r\n"
  std::string body;
  size_t response_bytes_max = 0;  // of header and body
};

// Sends 'request' and calls 'done' once, later: with nothing when the connection or its certificate
// fails, the answer is too long, or nothing moves for a minute. Redirects are not followed.
void SendHttps(PurpleAccount* account, HttpsRequest request,
               std::function<void(std::optional<HttpsResponse>)> done);

}  // namespace postern::purple
