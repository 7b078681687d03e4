// SPDX-License-Identifier: Apache-2.0
// postern-xmpp-bridge: any XMPP client as a client for your chats.
#include <signal.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "clients/xmpp_bridge/bridge.h"
#include "clients/xmpp_bridge/log.h"
#include "clients/xmpp_bridge/manifest_text.h"

namespace xb = postern::xmpp_bridge;

int main(int argc, char** argv) {
  CLI::App app{
      "Shows your chats in any XMPP client, and sends what you write there.\n"
      "A component (XEP-0114) of an XMPP server of yours: people become ghosts, groups become "
      "rooms.\n"};
  app.name("postern-xmpp-bridge");
  std::string config_path = xb::DefaultConfigPath();
  app.add_option("--config", config_path, "The configuration file")->capture_default_str();
  bool print_example = false;
  app.add_flag("--print-example", print_example,
               "Print a configuration with every option, and exit");
  bool print_manifest = false;
  app.add_flag("--print-manifest", print_manifest,
               "Print what the bridge says of itself, and exit");
  bool check = false;
  app.add_flag("--check", check,
               "Check the configuration and the files that it names, contact nobody, and exit");
  app.footer(
      "\nExamples:\n"
      "  postern-xmpp-bridge --print-example > ~/.config/postern-xmpp-bridge.toml\n"
      "  postern-xmpp-bridge --check\n"
      "  postern-xmpp-bridge\n"
      "  postern-xmpp-bridge --config second.toml\n"
      "\nExit codes: 0 stopped, 1 trouble that may pass (also: posternd is not running), 2 usage "
      "or "
      "configuration, 3 not allowed (any more): refused, not answered, taken back or expired.");
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("postern-xmpp-bridge: ") + error.what() +
           " (`postern-xmpp-bridge --help` shows what there is)\n";
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? xb::kStopped : xb::kWrongConfig;
  }
  if (print_example) return std::cout << xb::kExampleText, xb::kStopped;
  if (print_manifest) return std::cout << xb::kManifestText, xb::kStopped;
  const auto config = xb::LoadConfig(config_path);
  if (!config.ok()) return xb::Log(std::string(config.status().message())), xb::kWrongConfig;
  if (check) {
    const auto secret = xb::ReadComponentSecret(*config);
    if (!secret.ok()) return xb::Log(std::string(secret.status().message())), xb::kWrongConfig;
    const auto manifest = xb::MakeManifest(*config);
    if (!manifest.ok()) return xb::Log(std::string(manifest.status().message())), xb::kWrongConfig;
    return std::cout << config_path << ": good; nobody was contacted\n", xb::kStopped;
  }
  // Before there is any thread, so that all of them leave the signals to the one that waits.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return xb::RunBridge(*config, ::signalfd(-1, &signals, SFD_CLOEXEC));
}
