// SPDX-License-Identifier: Apache-2.0
#include "permissions/manifest.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "permissions/display_text.h"

namespace postern::permissions {
namespace {

// Names are cleaned and cut before they are shown; this only bounds the work.
constexpr size_t kTextBytesMax = 2048;
constexpr size_t kAppIdMin = 3;
constexpr size_t kAppIdMax = 100;
// DNS's own longest name.
constexpr size_t kServiceBytesMax = 253;
constexpr size_t kVersionBytesMax = 64;
constexpr size_t kHomepageBytesMax = 200;
constexpr size_t kUnitBytesMax = 255;
// One client that speaks more networks than this is a list made to fill the window.
constexpr size_t kNetworksMax = 16;
constexpr size_t kNetworkBytesMax = 32;

absl::Status Invalid(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(std::string(field), ": ", std::string(what)));
}

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsAppId(std::string_view id) {
  return id.size() >= kAppIdMin && id.size() <= kAppIdMax && IsLowerOrDigit(id.front()) &&
         IsLowerOrDigit(id.back()) && id.find("..") == std::string_view::npos &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '.' || c == '_' || c == '-'; });
}

// Printable ASCII without spaces: what an address or a version is made of.
bool IsPlain(std::string_view text, size_t size_max) {
  return text.size() <= size_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

absl::Status ValidateText(std::string_view field, std::string_view text) {
  if (text.size() > kTextBytesMax) return Invalid(field, "too long");
  if (CleanName(text) == kUnnamed) return Invalid(field, "must have visible characters");
  return absl::OkStatus();
}

absl::Status ValidateApp(const Manifest& manifest) {
  if (manifest.required_scopes.empty() && manifest.optional_scopes.empty()) {
    return Invalid("required_scopes", "an app asks for at least one scope");
  }
  if (!manifest.required_scopes.Intersection(manifest.optional_scopes).empty()) {
    return Invalid("optional_scopes", "a scope is either required or optional");
  }
  if (!manifest.networks.empty()) return Invalid("networks", "only a gatekeeper serves networks");
  return absl::OkStatus();
}

absl::Status ValidateGatekeeper(const Manifest& manifest) {
  if (!manifest.required_scopes.empty()) {
    return Invalid("required_scopes", "a gatekeeper has no scopes");
  }
  if (!manifest.optional_scopes.empty()) {
    return Invalid("optional_scopes", "a gatekeeper has no scopes");
  }
  if (manifest.networks.empty()) return Invalid("networks", "a gatekeeper names what it serves");
  if (manifest.networks.size() > kNetworksMax) return Invalid("networks", "too many");
  for (const std::string& network : manifest.networks) {
    if (!IsNetworkName(network)) {
      return Invalid("networks", "a network is 1 to 32 of [a-z0-9-], starting with a letter");
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool IsUnitName(std::string_view unit) {
  constexpr std::string_view kSuffix = ".service";
  return unit.size() > kSuffix.size() && unit.size() <= kUnitBytesMax && unit.ends_with(kSuffix) &&
         unit.front() != '.' && unit.front() != '-' &&
         std::all_of(unit.begin(), unit.end(), [](char c) {
           return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-' ||
                  c == '@' || c == ':';
         });
}

bool IsNetworkName(std::string_view network) {
  return !network.empty() && network.size() <= kNetworkBytesMax && network.front() >= 'a' &&
         network.front() <= 'z' && std::all_of(network.begin(), network.end(), [](char c) {
           return IsLowerOrDigit(c) || c == '-';
         });
}

absl::Status ValidateManifest(const Manifest& manifest) {
  const bool said = manifest.protocol_major != 0 || manifest.protocol_minor != 0;
  if (said && manifest.protocol_major != kProtocolMajor) {
    return absl::FailedPreconditionError(absl::StrCat(
        "protocol_version: the program speaks ", manifest.protocol_major, ".",
        manifest.protocol_minor, ", this broker ", kProtocolMajor, ".", kProtocolMinor));
  }
  if (!IsAppId(manifest.app_id)) {
    return Invalid("app_id", "3 to 100 of [a-z0-9._-], e.g. org.example.translator");
  }
  if (absl::Status status = ValidateText("display_name", manifest.display_name); !status.ok()) {
    return status;
  }
  if (absl::Status status = ValidateText("purpose", manifest.purpose); !status.ok()) return status;
  const DataDestination& destination = manifest.data_destination;
  switch (destination.kind) {
    case DestinationKind::kStaysOnDevice:
      if (!destination.service.empty()) {
        return Invalid("data_destination.service", "only for what leaves this device");
      }
      break;
    case DestinationKind::kLeavesDevice:
      if (destination.service.empty() || !IsPlain(destination.service, kServiceBytesMax)) {
        return Invalid("data_destination.service", "must name the service, e.g. translate.example");
      }
      break;
    default:
      return Invalid("data_destination.kind", "must say where the data goes");
  }
  if (!IsPlain(manifest.software_version, kVersionBytesMax)) {
    return Invalid("software_version", "at most 64 printable ASCII characters without spaces");
  }
  if (!manifest.homepage.empty() &&
      (!IsPlain(manifest.homepage, kHomepageBytesMax) ||
       !(manifest.homepage.starts_with("https://") || manifest.homepage.starts_with("http://")))) {
    return Invalid("homepage", "must be a web address");
  }
  if (!manifest.systemd_unit.empty() && !IsUnitName(manifest.systemd_unit)) {
    return Invalid("systemd_unit", "must be the name of a .service unit");
  }
  switch (manifest.role) {
    case Role::kApp:
      return ValidateApp(manifest);
    case Role::kGatekeeper:
      return ValidateGatekeeper(manifest);
    default:
      return Invalid("role", "a manifest asks for the role of an app or a gatekeeper");
  }
}

}  // namespace postern::permissions
