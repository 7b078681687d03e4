// SPDX-License-Identifier: Apache-2.0
// The configuration file, read once at the start. example.toml documents every option.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "postern/v1/manifest.pb.h"

namespace postern::xmpp_bridge {

struct Config {
  std::string owner;      // a bare JID
  std::string component;  // a domain
  std::string server = "127.0.0.1";
  int port = 5347;
  std::string secret_file;
  std::string rooms;   // empty: groups are not bridged
  std::string upload;  // empty: files are not carried
  uint64_t file_bytes_max = 50 << 20;
  std::string ca_file;
  int history_messages = 100;
  bool server_on_this_device = false;
  bool allow_unencrypted = false;
  std::string app_id;  // empty: the manifest's
};

// $XDG_CONFIG_HOME/postern-xmpp-bridge.toml, else the same in ~/.config.
std::string DefaultConfigPath();

// Reads and checks a configuration. NOT_FOUND without the file; INVALID_ARGUMENT naming the line or
// the option that is missing, unknown or out of its bounds.
absl::StatusOr<Config> LoadConfig(const std::string& path);

// The component's secret. FAILED_PRECONDITION, saying what to do, when others could read it or the
// file is empty.
absl::StatusOr<std::string> ReadComponentSecret(const Config& config);

// The bridge's manifest: manifest.toml, with the destination that the configuration says.
// INVALID_ARGUMENT for an app_id that is none.
absl::StatusOr<v1::Manifest> MakeManifest(const Config& config);

}  // namespace postern::xmpp_bridge
