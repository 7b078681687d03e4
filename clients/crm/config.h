// SPDX-License-Identifier: Apache-2.0
// What the user set, from a TOML file: crm.toml in this folder says what each option means.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "postern/v1/manifest.pb.h"

namespace postern::crm {

struct Config {
  std::string url;
  std::string database;
  std::string user;
  std::string password;  // from the file that the configuration names
  std::string ca_file;
  bool text = false;
  bool identify = true;
  bool create_parties = true;
  bool groups = false;
  std::string country_code;
  std::string owner = "You";
  absl::TimeZone time_zone = absl::LocalTimeZone();
  std::string socket;
  std::string state_directory;
};

// Reads and checks it. NOT_FOUND when there is none; INVALID_ARGUMENT naming line and option when
// it makes no sense; FAILED_PRECONDITION when the password's file is missing or open to others.
absl::StatusOr<Config> LoadConfig(const std::string& path);

// $XDG_CONFIG_HOME/postern-crm/crm.toml.
std::string DefaultConfigPath();

// The machine in a URL: "crm.example" of "https://crm.example:8000". Empty when there is none.
std::string HostOf(const std::string& url);
// Whether a host is this machine.
bool IsThisDevice(const std::string& host);

// The manifest with what this configuration needs, and with where the data goes under it: the
// built-in one, or the one at 'path'.
absl::StatusOr<v1::Manifest> ManifestFor(const Config& config, const std::string& path);

}  // namespace postern::crm
