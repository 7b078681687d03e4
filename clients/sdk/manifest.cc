// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/manifest.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "platform/status_macros.h"

namespace postern::sdk {
namespace {

constexpr uint32_t kProtocolMajor = 1;

// Turns one table into one manifest; every error says where.
class Reader {
 public:
  Reader(const toml::table& table, std::string source)
      : table_(table), source_(std::move(source)) {}

  absl::StatusOr<v1::Manifest> Read() {
    static const std::set<std::string_view> kFields = {
        "protocol_version", "app_id",          "display_name",     "purpose",  "role",
        "required_scopes",  "optional_scopes", "data_destination", "networks", "software_version",
        "homepage",         "systemd_unit"};
    RETURN_IF_ERROR(RefuseUnknown(table_, kFields, ""));
    v1::Manifest manifest;
    ASSIGN_OR_RETURN(*manifest.mutable_app_id(), Text(table_, "app_id"));
    ASSIGN_OR_RETURN(*manifest.mutable_display_name(), Text(table_, "display_name"));
    ASSIGN_OR_RETURN(*manifest.mutable_purpose(), Text(table_, "purpose"));
    ASSIGN_OR_RETURN(*manifest.mutable_software_version(), Text(table_, "software_version"));
    ASSIGN_OR_RETURN(*manifest.mutable_homepage(), Text(table_, "homepage"));
    ASSIGN_OR_RETURN(*manifest.mutable_systemd_unit(), Text(table_, "systemd_unit"));
    RETURN_IF_ERROR(ReadVersion(manifest));
    RETURN_IF_ERROR(ReadRole(manifest));
    RETURN_IF_ERROR(ReadScopes("required_scopes", *manifest.mutable_required_scopes()));
    RETURN_IF_ERROR(ReadScopes("optional_scopes", *manifest.mutable_optional_scopes()));
    RETURN_IF_ERROR(ReadDestination(manifest));
    ASSIGN_OR_RETURN(const auto networks, Texts("networks"));
    for (const auto& [network, line] : networks) manifest.add_networks(network);
    if (absl::Status status = CheckManifest(manifest); !status.ok()) {
      const std::string field(status.message().substr(0, status.message().find_first_of(".:")));
      return At(table_.contains(field) ? Line(*table_.get(field)) : 1, status.message());
    }
    return manifest;
  }

 private:
  static uint32_t Line(const toml::node& node) { return node.source().begin.line; }
  absl::Status At(uint32_t line, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(source_, ":", line, ": ", what));
  }

  absl::Status RefuseUnknown(const toml::table& table, const std::set<std::string_view>& known,
                             absl::string_view prefix) const {
    for (const auto& [key, value] : table) {
      if (!known.contains(key.str())) {
        return At(Line(value),
                  absl::StrCat(prefix, std::string(key.str()), ": no such field in a manifest"));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Text(const toml::table& table, const char* field) const {
    const toml::node* node = table.get(field);
    if (node == nullptr) return std::string();
    if (!node->is_string()) return At(Line(*node), absl::StrCat(field, ": must be a text"));
    return node->as_string()->get();
  }

  absl::StatusOr<std::vector<std::pair<std::string, uint32_t>>> Texts(const char* field) const {
    std::vector<std::pair<std::string, uint32_t>> texts;
    const toml::node* node = table_.get(field);
    if (node == nullptr) return texts;
    if (!node->is_array()) return At(Line(*node), absl::StrCat(field, ": must be a list of texts"));
    for (const toml::node& element : *node->as_array()) {
      if (!element.is_string()) return At(Line(element), absl::StrCat(field, ": must hold texts"));
      texts.emplace_back(element.as_string()->get(), Line(element));
    }
    return texts;
  }

  absl::Status ReadVersion(v1::Manifest& manifest) const {
    ASSIGN_OR_RETURN(const std::string version, Text(table_, "protocol_version"));
    manifest.mutable_protocol_version()->set_major(kProtocolMajor);
    if (version.empty()) return absl::OkStatus();
    unsigned major = 0, minor = 0;
    char rest = 0;
    if (std::sscanf(version.c_str(), "%3u.%3u%c", &major, &minor, &rest) != 2) {
      return At(Line(*table_.get("protocol_version")), "protocol_version: must look like \"1.0\"");
    }
    manifest.mutable_protocol_version()->set_major(major);
    manifest.mutable_protocol_version()->set_minor(minor);
    return absl::OkStatus();
  }

  absl::Status ReadRole(v1::Manifest& manifest) const {
    ASSIGN_OR_RETURN(const std::string role, Text(table_, "role"));
    if (role.empty() || role == "app") {
      manifest.set_role(v1::ROLE_APP);
    } else if (role == "gatekeeper") {
      manifest.set_role(v1::ROLE_GATEKEEPER);
    } else {
      return At(Line(*table_.get("role")), "role: must be \"app\" or \"gatekeeper\"");
    }
    return absl::OkStatus();
  }

  absl::Status ReadScopes(const char* field, google::protobuf::RepeatedField<int>& scopes) const {
    ASSIGN_OR_RETURN(const auto names, Texts(field));
    for (const auto& [name, line] : names) {
      const v1::Scope scope = ScopeOf(name);
      if (scope == v1::SCOPE_UNSPECIFIED) {
        return At(line, absl::StrCat(field, ": there is no scope \"", name, "\""));
      }
      scopes.Add(scope);
    }
    return absl::OkStatus();
  }

  absl::Status ReadDestination(v1::Manifest& manifest) const {
    const toml::node* node = table_.get("data_destination");
    if (node == nullptr) return absl::OkStatus();
    if (!node->is_table()) {
      return At(Line(*node), "data_destination: must be a table with 'kind' (and 'service')");
    }
    const toml::table& table = *node->as_table();
    RETURN_IF_ERROR(RefuseUnknown(table, {"kind", "service"}, "data_destination."));
    ASSIGN_OR_RETURN(const std::string kind, Text(table, "kind"));
    ASSIGN_OR_RETURN(*manifest.mutable_data_destination()->mutable_service(),
                     Text(table, "service"));
    if (kind == "stays_on_device") {
      manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
    } else if (kind == "leaves_device") {
      manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
    } else {
      return At(Line(*node),
                "data_destination.kind: must be \"stays_on_device\" or \"leaves_device\"");
    }
    return absl::OkStatus();
  }

  const toml::table& table_;
  const std::string source_;
};

}  // namespace

absl::StatusOr<v1::Manifest> ParseManifest(std::string_view toml, std::string_view source_name) {
  const std::string source(source_name);
  if (toml.size() > kManifestBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": larger than 64 KiB"));
  }
  const toml::parse_result parsed = toml::parse(toml, source);
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrCat(source, ":", parsed.error().source().begin.line,
                                                   ": ",
                                                   std::string(parsed.error().description())));
  }
  return Reader(parsed.table(), source).Read();
}

absl::StatusOr<v1::Manifest> LoadManifest(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read the manifest ", path));
  std::string text(kManifestBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return absl::UnavailableError(absl::StrCat("cannot read the manifest ", path));
  text.resize(static_cast<size_t>(file.gcount()));
  return ParseManifest(text, path);
}

}  // namespace postern::sdk
