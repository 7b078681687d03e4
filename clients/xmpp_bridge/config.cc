// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/config.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

// As in the SDK: one program has one of the two forms.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "clients/sdk/files.h"
#include "clients/sdk/manifest.h"
#include "clients/xmpp_bridge/manifest_text.h"

namespace postern::xmpp_bridge {
namespace {

std::string Home() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : home;
}

std::string Expand(const std::string& path) {
  return absl::StartsWith(path, "~/") ? Home() + path.substr(1) : path;
}

bool IsLoopback(const std::string& server) {
  in6_addr six{};
  in_addr four{};
  if (::inet_pton(AF_INET, server.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  if (::inet_pton(AF_INET6, server.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
  return server == "localhost";
}

// Read here, or the first file would find out.
bool HoldsCertificates(const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (absl::StrContains(line, "CERTIFICATE-----")) return true;
  }
  return false;
}

absl::Status Check(const Config& config, const std::string& path) {
  const auto wrong = [&](std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", std::string(what), " (postern-xmpp-bridge --print-example)"));
  };
  if (config.owner.find('@') == std::string::npos || absl::StrContains(config.owner, "/")) {
    return wrong("owner must be your address on the XMPP side, such as \"bob@example.org\"");
  }
  if (config.component.empty() || absl::StrContains(config.component, "@")) {
    return wrong("component must be the domain that your server gives to the bridge");
  }
  if (config.secret_file.empty()) return wrong("secret_file must name a file with the secret");
  if (config.port < 1 || config.port > 65535) return wrong("port must be from 1 to 65535");
  if (!config.ca_file.empty() && !HoldsCertificates(config.ca_file)) {
    return wrong(absl::StrCat("ca_file: ", config.ca_file,
                              " cannot be read, or holds no certificate (PEM)"));
  }
  if (config.history_messages < 0 || config.history_messages > 10000) {
    return wrong("history_messages must be from 0 to 10000");
  }
  if (!config.allow_unencrypted && !IsLoopback(config.server)) {
    return wrong(
        "server is not on this device, and a component's connection is not encrypted: use a tunnel "
        "to 127.0.0.1, or say allow_unencrypted = true if the network between is yours");
  }
  return absl::OkStatus();
}

}  // namespace

std::string DefaultConfigPath() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const std::string folder =
      config != nullptr && *config != '\0' ? std::string(config) : Home() + "/.config";
  return folder + "/postern-xmpp-bridge.toml";
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  if (!std::filesystem::exists(path)) {
    return absl::NotFoundError(absl::StrCat(
        path, ": there is no such file; make one: postern-xmpp-bridge --print-example > ", path));
  }
  const toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrCat(path, ", line ",
                                                   parsed.error().source().begin.line, ": ",
                                                   std::string(parsed.error().description())));
  }
  Config config;
  std::map<std::string, std::string*> texts{
      {"owner", &config.owner},     {"component", &config.component},
      {"server", &config.server},   {"secret_file", &config.secret_file},
      {"rooms", &config.rooms},     {"upload", &config.upload},
      {"ca_file", &config.ca_file}, {"app_id", &config.app_id}};
  std::map<std::string, bool*> flags{{"server_on_this_device", &config.server_on_this_device},
                                     {"allow_unencrypted", &config.allow_unencrypted}};
  std::map<std::string, std::function<void(int64_t)>> numbers{
      {"port", [&](int64_t n) { config.port = n > 65535 ? 0 : static_cast<int>(n); }},
      {"history_messages",
       [&](int64_t n) { config.history_messages = n > 10000 ? -1 : static_cast<int>(n); }},
      {"file_bytes_max",
       [&](int64_t n) { config.file_bytes_max = n < 0 ? 0 : static_cast<uint64_t>(n); }}};
  for (const auto& [key, value] : parsed.table()) {
    const std::string name(key.str());
    bool taken = false;
    if (const auto text = texts.find(name); text != texts.end() && value.is_string()) {
      *text->second = value.as_string()->get();
      taken = true;
    } else if (const auto flag = flags.find(name); flag != flags.end() && value.is_boolean()) {
      *flag->second = value.as_boolean()->get();
      taken = true;
    } else if (const auto number = numbers.find(name);
               number != numbers.end() && value.is_integer()) {
      number->second(value.as_integer()->get());
      taken = true;
    }
    if (!taken) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ", line ", value.source().begin.line,
                       ": no such option, or not of its "
                       "kind: ",
                       name, " (postern-xmpp-bridge --print-example lists them)"));
    }
  }
  config.owner = absl::AsciiStrToLower(config.owner);
  config.secret_file = Expand(config.secret_file);
  config.ca_file = Expand(config.ca_file);
  if (auto status = Check(config, path); !status.ok()) return status;
  return config;
}

absl::StatusOr<std::string> ReadComponentSecret(const Config& config) {
  auto bytes = sdk::ReadTrustedFile(config.secret_file, sdk::FileTrust::kPrivate);
  if (!bytes.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the component's secret cannot be used (it belongs into a file of yours "
                     "alone, chmod 600): ",
                     bytes.status().message()));
  }
  const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  const std::string secret(absl::StripAsciiWhitespace(text));
  if (secret.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        config.secret_file, ": is empty; put the component's secret into it, and nothing else"));
  }
  return secret;
}

absl::StatusOr<v1::Manifest> MakeManifest(const Config& config) {
  auto manifest = sdk::ParseManifest(kManifestText, "manifest.toml");
  if (!manifest.ok()) return manifest.status();
  auto* destination = manifest->mutable_data_destination();
  if (config.server_on_this_device) {
    destination->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
    destination->clear_service();
  } else {
    destination->set_service(config.owner.substr(config.owner.find('@') + 1));
  }
  if (!config.app_id.empty()) {
    manifest->set_app_id(config.app_id);
    manifest->clear_systemd_unit();
  }
  if (auto status = sdk::CheckManifest(*manifest); !status.ok()) return status;
  return manifest;
}

}  // namespace postern::xmpp_bridge
