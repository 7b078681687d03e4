// SPDX-License-Identifier: Apache-2.0
// postern-assistant: an MCP server over the user's chats.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "clients/assistant/allow.h"
#include "clients/assistant/broker_link.h"
#include "clients/assistant/config.h"
#include "clients/assistant/http_door.h"
#include "clients/assistant/manifest.h"
#include "clients/assistant/mcp_server.h"
#include "clients/assistant/problem.h"
#include "clients/assistant/stdio_door.h"
#include "clients/assistant/token.h"
#include "clients/assistant/toolbox.h"
#include "clients/sdk/errors.h"

namespace postern::assistant {
namespace {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kNotAllowed = 3 };

struct Options {
  std::string config_path;
  std::string manifest_path;
  bool http = false;
  int port = -1;
  bool read_only = false;
  bool allow = false;
  bool print_token = false;
  bool print_manifest = false;
};

int Fail(const absl::Status& status, int code) {
  std::fprintf(stderr, "postern-assistant: %s\n", Problem(status).c_str());
  return code;
}

absl::StatusOr<Config> ConfigFor(const Options& options) {
  std::string path = options.config_path.empty() ? DefaultConfigPath() : options.config_path;
  auto config = LoadConfig(path);
  if (absl::IsNotFound(config.status()) && options.config_path.empty()) config = Config();
  if (!config.ok()) return config.status();
  if (options.http) config->http = true;
  if (options.port >= 0) config->http_port = static_cast<uint16_t>(options.port);
  if (options.read_only) config->sending = Sending::kNever;
  return config;
}

// The HTTP door's own thread takes them.
void BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int Run(const Options& options) {
  const auto config = ConfigFor(options);
  if (!config.ok()) return Fail(config.status(), kUsage);
  const auto manifest = MakeManifest(*config, options.manifest_path);
  if (!manifest.ok()) return Fail(manifest.status(), kUsage);
  if (options.print_manifest) {
    std::printf("%s", ManifestText(*manifest).c_str());
    return kDone;
  }
  const auto client_options = MakeClientOptions(*config, *manifest);
  if (!client_options.ok()) return Fail(client_options.status(), kFailed);
  const std::string& folder = client_options->state_directory;
  if (options.allow) {
    const absl::Status allowed = Allow(*manifest, *client_options);
    if (allowed.ok()) return kDone;
    // A person at a terminal may see the files' names, which a model may not.
    if (sdk::ErrorReasonOf(allowed) == v1::ERROR_REASON_UNSPECIFIED) {
      std::fprintf(stderr, "postern-assistant: %s\n", MessageOf(allowed).c_str());
      return kFailed;
    }
    return Fail(allowed, IsNo(allowed) ? kNotAllowed : kFailed);
  }
  std::string token;
  if (config->http || options.print_token) {
    const auto loaded = LoadToken(folder);
    if (!loaded.ok()) return Fail(loaded.status(), kFailed);
    token = *loaded;
  }
  if (options.print_token) {
    std::printf("%s\n", token.c_str());
    return kDone;
  }

  if (config->http) BlockEndSignals();
  BrokerLink link(*manifest, *client_options);
  Toolbox toolbox(*config, link);
  McpServer server(toolbox);
  if (!config->http) {
    ServeStdio(server);
    return kDone;
  }
  const absl::Status served = ServeHttp(server, *config, token, TokenPath(folder));
  return served.ok() ? kDone : Fail(served, kFailed);
}

}  // namespace
}  // namespace postern::assistant

int main(int argc, char** argv) {
  postern::assistant::Options options;
  CLI::App app{
      "An MCP server over your chats: gives an AI assistant tools to read, search and answer "
      "them,\n"
      "as far as you allow it in Postern. Serves the client that starts it on standard input and\n"
      "output, or with --http any that has the token. The first run asks you."};
  app.name("postern-assistant");
  app.add_option("--config", options.config_path,
                 "Read this file instead of ~/.config/postern-assistant/config.toml");
  app.add_flag("--read-only", options.read_only, "Offer no tool that writes, and ask for none");
  auto* http = app.add_flag("--http", options.http, "Serve http://127.0.0.1:PORT/mcp");
  app.add_option("--port", options.port, "For --http: the port; 0 takes a free one [7461]")
      ->check(CLI::Range(0, 65535))
      ->needs(http);
  app.add_option("--manifest", options.manifest_path,
                 "Begin with this manifest, not the built-in one");
  auto* what = app.add_option_group("instead of serving");
  what->add_flag("--allow", options.allow,
                 "Ask you to allow it, also again or for more, and say what is allowed");
  what->add_flag("--print-token", options.print_token, "Print the token for --http");
  what->add_flag("--print-manifest", options.print_manifest,
                 "Print what it says of itself when it asks");
  what->require_option(0, 1);
  app.footer(
      "\nExamples:\n"
      "  postern-assistant --allow                  be asked now, in place of at the first use\n"
      "  postern-assistant                          what an MCP client runs\n"
      "  postern-assistant --read-only              the same, and nothing can be written\n"
      "  postern-assistant --http --port 7461 &     for clients that speak HTTP, with\n"
      "  postern-assistant --print-token            in the header `Authorization: Bearer TOKEN`\n"
      "\nExit codes: 0 done, 1 failed (also when you cannot be asked now), 2 usage or config,\n"
      "3 you did not allow it (--allow).");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? postern::assistant::kDone : postern::assistant::kUsage;
  }
  ::umask(077);
  ::signal(SIGPIPE, SIG_IGN);
  const int code = postern::assistant::Run(options);
  std::fflush(nullptr);
  // The connecting thread may be waiting for a person, and has nothing to put away.
  std::_Exit(code);
}
