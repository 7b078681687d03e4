// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/http_door.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <httplib.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "clients/assistant/log.h"
#include "clients/assistant/token.h"

namespace postern::assistant {
namespace {

constexpr char kHost[] = "127.0.0.1";
constexpr char kPath[] = "/mcp";
constexpr char kJson[] = "application/json";
constexpr size_t kWorkers = 8;
constexpr time_t kReadSeconds = 10;

// One line for a person, as JSON-RPC without an id, which is what clients show.
void Refuse(httplib::Response& response, int status, const std::string& what) {
  response.status = status;
  response.set_content(
      Json{{"jsonrpc", "2.0"}, {"id", nullptr}, {"error", {{"code", -32600}, {"message", what}}}}
          .dump(),
      kJson);
}

bool IsOurs(const std::string& host, int port) {
  return host == absl::StrCat("127.0.0.1:", port) || host == absl::StrCat("localhost:", port);
}

// Says yes to who may come in, or refuses.
bool LetIn(const httplib::Request& request, httplib::Response& response, const Config& config,
           int port, const std::string& token) {
  if (!IsOurs(request.get_header_value("Host"), port)) {
    Refuse(response, 403, absl::StrCat("Call this server as http://127.0.0.1:", port, kPath));
    return false;
  }
  const std::string origin = request.get_header_value("Origin");
  const auto& allowed = config.http_allowed_origins;
  // Its own origin has no pages, so that whoever names it is no page.
  const bool may = !request.has_header("Origin") ||
                   IsOurs(std::string(absl::StripPrefix(origin, "http://")), port) ||
                   std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
  if (!may) {
    Refuse(response, 403, "Web pages may not call this server; http.allowed_origins can name some");
    return false;
  }
  const std::string authorization = request.get_header_value("Authorization");
  const bool bearer = absl::StartsWithIgnoreCase(authorization, "bearer ");
  if (!bearer || !SameToken(authorization.substr(7), token)) {
    response.set_header("WWW-Authenticate", "Bearer");
    Refuse(response, 401,
           "Send the header `Authorization: Bearer TOKEN`; `postern-assistant --print-token` "
           "prints it");
    return false;
  }
  return true;
}

// Ends the server when the user or systemd asks for it.
class EndOnSignal {
 public:
  explicit EndOnSignal(httplib::Server& server) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    waiter_ = std::thread([this, &server] {
      int number = 0;
      sigwait(&signals_, &number);
      // Asked before it listened, the library does not stop; there is nothing to put away yet.
      if (!over_ && !server.is_running()) std::_Exit(0);
      server.stop();
    });
  }
  ~EndOnSignal() {
    // Where the server ended by itself.
    over_ = true;
    pthread_kill(waiter_.native_handle(), SIGTERM);
    waiter_.join();
  }

 private:
  sigset_t signals_;
  std::atomic<bool> over_ = false;
  std::thread waiter_;
};

}  // namespace

absl::Status ServeHttp(McpServer& server, const Config& config, const std::string& token,
                       const std::string& token_path) {
  httplib::Server http;
  // Without this the library lets two programs share the port.
  http.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  http.new_task_queue = [] { return new httplib::ThreadPool(kWorkers); };  // the library's own
  http.set_payload_max_length(kMessageBytesMax);
  http.set_read_timeout(kReadSeconds);
  http.set_tcp_nodelay(true);

  int port = config.http_port;
  if (port == 0) {
    port = http.bind_to_any_port(kHost);
  } else if (!http.bind_to_port(kHost, port)) {
    port = -1;
  }
  if (port <= 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("port ", config.http_port,
                     " of 127.0.0.1 is taken. Choose another with --port, or 0 for a free one."));
  }

  http.set_pre_routing_handler([&, port](const auto& request, auto& response) {
    return LetIn(request, response, config, port, token)
               ? httplib::Server::HandlerResponse::Unhandled
               : httplib::Server::HandlerResponse::Handled;
  });
  http.Post(kPath, [&server](const httplib::Request& request, httplib::Response& response) {
    if (!absl::StartsWithIgnoreCase(request.get_header_value("Content-Type"), kJson)) {
      return Refuse(response, 415, "Content-Type: must be application/json");
    }
    const Headers headers = [&request](const std::string& name) {
      return request.get_header_value(name.c_str());
    };
    const Reply reply = server.Handle(request.body, &headers);
    response.status = reply.http_status;
    if (reply.message.has_value()) {
      response.set_content(reply.message->dump(-1, ' ', false, Json::error_handler_t::replace),
                           kJson);
    }
  });
  const auto only_post = [](const httplib::Request&, httplib::Response& response) {
    response.set_header("Allow", "POST");
    Refuse(response, 405, "This server takes POST only; it has no streams and no sessions");
  };
  http.Get(kPath, only_post);
  http.Delete(kPath, only_post);
  http.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (!response.body.empty()) return;
    if (response.status == 413) return Refuse(response, 413, "The message is larger than 1 MiB");
    if (response.status == 404) return Refuse(response, 404, absl::StrCat("The path is ", kPath));
  });

  Log(absl::StrCat("event=serving url=http://127.0.0.1:", port, kPath, " token_file=", token_path));
  const EndOnSignal end(http);
  if (!http.listen_after_bind()) return absl::InternalError("the HTTP server ended by itself");
  Log("event=stopped");
  return absl::OkStatus();
}

}  // namespace postern::assistant
