// SPDX-License-Identifier: Apache-2.0
#include "clients/owner/paths.h"

#include <sys/stat.h>

#include <cstdlib>

namespace postern::owner {
namespace {

// The XDG rules: a path that is not absolute counts as not set.
std::string AbsoluteFrom(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value == '/' ? value : "";
}

}  // namespace

Paths Paths::FromEnvironment() {
  Paths paths;
  if (const std::string runtime = AbsoluteFrom("XDG_RUNTIME_DIR"); !runtime.empty()) {
    paths.runtime_directory = runtime + "/postern";
    paths.socket = paths.runtime_directory + "/postern.sock";
  }
  std::string config = AbsoluteFrom("XDG_CONFIG_HOME");
  if (config.empty()) config = AbsoluteFrom("HOME") + "/.config";
  paths.config_file = config + "/postern/posternd.toml";
  std::string data = AbsoluteFrom("XDG_DATA_HOME");
  if (data.empty()) data = AbsoluteFrom("HOME") + "/.local/share";
  paths.data_directory = data + "/postern";
  paths.broker_certificate = paths.data_directory + "/broker.pem";
  paths.clients_directory = data + "/postern-clients";
  return paths;
}

absl::Status CheckSocketIsThere(const Paths& paths) {
  struct stat status {};
  if (paths.socket.empty() || ::lstat(paths.socket.c_str(), &status) != 0) {
    return absl::UnavailableError("no socket");
  }
  return absl::OkStatus();
}

}  // namespace postern::owner
