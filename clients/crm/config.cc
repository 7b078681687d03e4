// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/config.h"

// What is not in the file is said by us, not thrown.
#define TOML_EXCEPTIONS 0
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <toml++/toml.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "clients/crm/manifest_text.h"
#include "clients/sdk/files.h"
#include "clients/sdk/manifest.h"

namespace postern::crm {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string WithHome(const std::string& path) {
  return absl::StartsWith(path, "~/") ? Environment("HOME") + path.substr(1) : path;
}

// Reads one table and remembers the first thing that is wrong with it.
class Section {
 public:
  Section(const std::string& path, const toml::table& file, const std::string& name)
      : path_(path), name_(name), node_(file.get(name)), table_(file[name].as_table()) {
    if (node_ != nullptr && table_ == nullptr) Note(*node_, "must be a table");
  }

  void Take(const char* key, std::string& value) { TakeAs<std::string>(key, value, "a text"); }
  void Take(const char* key, bool& value) { TakeAs<bool>(key, value, "true or false"); }

  // What the file has and nobody took.
  absl::Status End() {
    if (status_.ok() && table_ != nullptr) {
      for (const auto& [key, value] : *table_) {
        if (!taken_.contains(std::string(key.str()))) {
          Note(value, absl::StrCat("there is no option '", std::string(key.str()), "'"));
        }
      }
    }
    return status_;
  }

 private:
  template <typename T>
  void TakeAs(const char* key, T& value, const char* kind) {
    taken_.insert(key);
    const toml::node* node = table_ == nullptr ? nullptr : table_->get(key);
    if (node == nullptr) return;
    if (const auto found = node->value_exact<T>()) {
      value = *found;
    } else {
      Note(*node, absl::StrCat("'", key, "' must be ", kind));
    }
  }

  void Note(const toml::node& node, const std::string& what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(path_, ":", node.source().begin.line, ": [", name_, "] ", what));
  }

  const std::string& path_;
  const std::string name_;
  const toml::node* const node_;
  const toml::table* const table_;
  std::set<std::string> taken_;
  absl::Status status_;
};

absl::Status CheckUrl(const Config& config, const std::string& path) {
  const auto wrong = [&](const char* what) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": [tryton] url ", what));
  };
  const std::string host = HostOf(config.url);
  if (host.empty()) return wrong("must be like \"https://crm.example:8000\"");
  if (absl::StrContains(config.url, '@')) return wrong("must not hold a user or a password");
  if (absl::StartsWith(config.url, "http://") && !IsThisDevice(host)) {
    return wrong("must begin with https:// when Tryton is on another machine");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadPassword(const std::string& path) {
  const auto read = sdk::ReadTrustedFile(path, sdk::FileTrust::kPrivate);
  if (!read.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the password of Tryton's user cannot be read (", read.status().message(),
        "); write it to the file that [tryton] password_file names, and chmod 600 it"));
  }
  const auto bytes = read->span();
  std::string text(bytes.begin(), bytes.end());
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.pop_back();
  if (text.empty()) return absl::FailedPreconditionError(absl::StrCat(path, " is empty"));
  return text;
}

}  // namespace

std::string DefaultConfigPath() {
  const std::string config = Environment("XDG_CONFIG_HOME");
  return absl::StrCat(config.empty() ? Environment("HOME") + "/.config" : config,
                      "/postern-crm/crm.toml");
}

std::string HostOf(const std::string& url) {
  for (const char* scheme : {"https://", "http://"}) {
    if (!absl::StartsWith(url, scheme)) continue;
    const std::string rest = url.substr(std::string(scheme).size());
    if (absl::StartsWith(rest, "[")) return rest.substr(0, rest.find(']') + 1);
    return absl::AsciiStrToLower(rest.substr(0, rest.find_first_of(":/?#")));
  }
  return "";
}

bool IsThisDevice(const std::string& host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat("there is no configuration at ", path,
                     "; copy the example there (clients/crm/crm.toml in Postern's source tree), or "
                     "name another file with --config"));
  }
  std::ostringstream text;
  text << file.rdbuf();
  const toml::parse_result parsed = toml::parse(text.str());
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":", parsed.error().source().begin.line,
                                                   ": ",
                                                   std::string(parsed.error().description())));
  }
  for (const auto& [key, value] : parsed.table()) {
    const std::string name(key.str());
    if (name == "tryton" || name == "records" || name == "postern") continue;
    return absl::InvalidArgumentError(absl::StrCat(path, ":", value.source().begin.line,
                                                   ": there is no section or option '", name, "'"));
  }
  Config config;
  std::string password_file, time_zone;
  Section tryton(path, parsed.table(), "tryton");
  tryton.Take("url", config.url);
  tryton.Take("database", config.database);
  tryton.Take("user", config.user);
  tryton.Take("password_file", password_file);
  tryton.Take("ca_file", config.ca_file);
  Section records(path, parsed.table(), "records");
  records.Take("text", config.text);
  records.Take("identify", config.identify);
  records.Take("create_parties", config.create_parties);
  records.Take("groups", config.groups);
  records.Take("country_code", config.country_code);
  records.Take("owner", config.owner);
  records.Take("time_zone", time_zone);
  Section postern(path, parsed.table(), "postern");
  postern.Take("socket", config.socket);
  postern.Take("state_directory", config.state_directory);
  for (Section* section : {&tryton, &records, &postern}) {
    if (const absl::Status status = section->End(); !status.ok()) return status;
  }
  for (const auto& [name, value] : {std::pair("url", config.url),
                                    {"database", config.database},
                                    {"user", config.user},
                                    {"password_file", password_file}}) {
    if (!value.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat(path, ": [tryton] ", name, " is missing"));
  }
  if (const absl::Status status = CheckUrl(config, path); !status.ok()) return status;
  if (!config.country_code.empty() && !absl::StartsWith(config.country_code, "+")) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": [records] country_code must begin with '+'"));
  }
  if (!time_zone.empty() && !absl::LoadTimeZone(time_zone, &config.time_zone)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": [records] time_zone is not known; it is like \"Europe/Vienna\""));
  }
  config.ca_file = WithHome(config.ca_file);
  if (!config.ca_file.empty() && !std::ifstream(config.ca_file)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": [tryton] ca_file: ", config.ca_file,
                                                   " is not there, or not readable"));
  }
  config.state_directory = WithHome(config.state_directory);
  auto password = ReadPassword(WithHome(password_file));
  if (!password.ok()) return password.status();
  config.password = *std::move(password);
  return config;
}

absl::StatusOr<v1::Manifest> ManifestFor(const Config& config, const std::string& path) {
  auto manifest =
      path.empty() ? sdk::ParseManifest(kManifestText, "manifest.toml") : sdk::LoadManifest(path);
  if (!manifest.ok()) return manifest;
  const std::vector<int> optional(manifest->optional_scopes().begin(),
                                  manifest->optional_scopes().end());
  manifest->clear_optional_scopes();
  for (const int scope : optional) {
    if (scope == v1::SCOPE_CONTACTS_IDENTIFY && !config.identify) continue;
    if (scope == v1::SCOPE_MESSAGES_READ && !config.text) continue;
    manifest->add_optional_scopes(static_cast<v1::Scope>(scope));
  }
  if (const std::string host = HostOf(config.url); !IsThisDevice(host)) {
    manifest->mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
    manifest->mutable_data_destination()->set_service(host);
  }
  return manifest;
}

}  // namespace postern::crm
