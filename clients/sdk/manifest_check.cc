// SPDX-License-Identifier: Apache-2.0
// What the broker would refuse in a manifest, so that a developer hears of it before a user is
// asked.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <set>

#include "clients/sdk/manifest.h"
#include "platform/status_macros.h"

namespace postern::sdk {
namespace {

constexpr size_t kAppIdBytesMin = 3;
constexpr size_t kAppIdBytesMax = 100;
// The broker shows 40 and 200 characters as people count, after cleaning; this is its outer bound.
constexpr size_t kTextBytesMax = 2048;
constexpr size_t kServiceBytesMax = 253;
constexpr size_t kVersionBytesMax = 64;
constexpr size_t kHomepageBytesMax = 200;
constexpr size_t kUnitBytesMax = 255;
constexpr int kNetworksMax = 16;
constexpr size_t kNetworkBytesMax = 32;

absl::Status Bad(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsAppId(const std::string& id) {
  return id.size() >= kAppIdBytesMin && id.size() <= kAppIdBytesMax && IsLowerOrDigit(id.front()) &&
         IsLowerOrDigit(id.back()) && id.find("..") == std::string::npos &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '.' || c == '_' || c == '-'; });
}

// Printable ASCII without spaces: what an address or a version is made of.
bool IsPlain(const std::string& text, size_t size_max) {
  return text.size() <= size_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool IsNetwork(const std::string& network) {
  return !network.empty() && network.size() <= kNetworkBytesMax && network[0] >= 'a' &&
         network[0] <= 'z' && std::all_of(network.begin(), network.end(), [](char c) {
           return IsLowerOrDigit(c) || c == '-';
         });
}

bool IsUnit(const std::string& unit) {
  return unit.size() <= kUnitBytesMax && absl::EndsWith(unit, ".service") &&
         unit.size() > absl::string_view(".service").size() && unit.front() != '.' &&
         unit.front() != '-' && std::all_of(unit.begin(), unit.end(), [](char c) {
           return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-' ||
                  c == '@' || c == ':';
         });
}

absl::Status CheckDestination(const v1::DataDestination& destination) {
  switch (destination.kind()) {
    case v1::DataDestination::KIND_STAYS_ON_DEVICE:
      if (!destination.service().empty()) {
        return Bad("data_destination.service", "must be empty when data stays on the device");
      }
      return absl::OkStatus();
    case v1::DataDestination::KIND_LEAVES_DEVICE:
      if (destination.service().empty() || !IsPlain(destination.service(), kServiceBytesMax)) {
        return Bad("data_destination.service",
                   "must name the service that can read the data, e.g. translate.example");
      }
      return absl::OkStatus();
    default:
      return Bad("data_destination", "must say whether data leaves this device");
  }
}

absl::Status CheckDetails(const v1::Manifest& manifest) {
  if (!IsPlain(manifest.software_version(), kVersionBytesMax)) {
    return Bad("software_version", "must be at most 64 printable ASCII characters, no spaces");
  }
  const std::string& homepage = manifest.homepage();
  if (!homepage.empty() &&
      (!IsPlain(homepage, kHomepageBytesMax) ||
       !(absl::StartsWith(homepage, "https://") || absl::StartsWith(homepage, "http://")))) {
    return Bad("homepage", "must be a web address");
  }
  if (!manifest.systemd_unit().empty() && !IsUnit(manifest.systemd_unit())) {
    return Bad("systemd_unit", "must be the name of a .service unit");
  }
  return absl::OkStatus();
}

// Refuses unknown and doubled scopes; 'count' becomes how many there are.
absl::Status CheckScopes(const v1::Manifest& manifest, size_t& count) {
  std::set<int> seen;
  const auto check = [&seen](const google::protobuf::RepeatedField<int>& scopes,
                             absl::string_view field) {
    for (const int scope : scopes) {
      const std::string name(ScopeName(static_cast<v1::Scope>(scope)));
      if (name.empty()) return Bad(field, "unknown scope");
      if (!seen.insert(scope).second) return Bad(field, absl::StrCat("names \"", name, "\" twice"));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(check(manifest.required_scopes(), "required_scopes"));
  RETURN_IF_ERROR(check(manifest.optional_scopes(), "optional_scopes"));
  count = seen.size();
  return absl::OkStatus();
}

absl::Status CheckRole(const v1::Manifest& manifest, size_t scope_count) {
  const bool has_networks = !manifest.networks().empty();
  switch (manifest.role()) {
    case v1::ROLE_UNSPECIFIED:
    case v1::ROLE_APP:
      if (scope_count == 0) return Bad("required_scopes", "an app must ask for at least one scope");
      if (has_networks) return Bad("networks", "is only for gatekeepers");
      return absl::OkStatus();
    case v1::ROLE_GATEKEEPER:
      if (scope_count != 0) return Bad("required_scopes", "a gatekeeper asks for no scopes");
      if (!has_networks || manifest.networks_size() > kNetworksMax ||
          !std::all_of(manifest.networks().begin(), manifest.networks().end(), IsNetwork)) {
        return Bad("networks", "must name 1 to 16 networks, each of [a-z0-9-], e.g. \"xmpp\"");
      }
      return absl::OkStatus();
    default:
      return Bad("role", "must be app or gatekeeper");
  }
}

}  // namespace

absl::Status CheckManifest(const v1::Manifest& manifest) {
  if (!IsAppId(manifest.app_id())) {
    return Bad("app_id", "must be 3 to 100 characters of [a-z0-9._-], e.g. \"org.example.notes\"");
  }
  if (manifest.display_name().empty() || manifest.display_name().size() > kTextBytesMax) {
    return Bad("display_name", "must be a short name");
  }
  if (manifest.purpose().empty() || manifest.purpose().size() > kTextBytesMax) {
    return Bad("purpose", "must say in one sentence why the program wants access");
  }
  RETURN_IF_ERROR(CheckDestination(manifest.data_destination()));
  RETURN_IF_ERROR(CheckDetails(manifest));
  size_t scope_count = 0;
  RETURN_IF_ERROR(CheckScopes(manifest, scope_count));
  return CheckRole(manifest, scope_count);
}

}  // namespace postern::sdk
