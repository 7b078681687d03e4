// SPDX-License-Identifier: Apache-2.0
// Where the broker keeps its files and programs keep theirs, by the XDG base directory rules.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace postern::owner {

struct Paths {
  // $XDG_RUNTIME_DIR/postern; empty when XDG_RUNTIME_DIR is not set.
  std::string runtime_directory;
  std::string socket;
  // $XDG_DATA_HOME/postern.
  std::string data_directory;
  std::string broker_certificate;
  // $XDG_CONFIG_HOME/postern/posternd.toml.
  std::string config_file;
  // $XDG_DATA_HOME/postern-clients: a folder for the keys of each app.
  std::string clients_directory;

  static Paths FromEnvironment();
};

// OK when the broker's socket exists. UNAVAILABLE when not, or when there is no runtime directory.
absl::Status CheckSocketIsThere(const Paths& paths);

}  // namespace postern::owner
