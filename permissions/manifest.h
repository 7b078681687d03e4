// SPDX-License-Identifier: Apache-2.0
// What a program says of itself when it asks to be allowed. Nothing in it is believed.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "permissions/scope.h"

namespace postern::permissions {

// The contract this broker speaks.
inline constexpr uint32_t kProtocolMajor = 1;
inline constexpr uint32_t kProtocolMinor = 0;

// Numbers equal those of postern.v1.Role.
enum class Role : uint8_t { kApp = 1, kGatekeeper = 2, kOwner = 3 };

// Whether text leaves this device, in the program's words. Numbers equal DataDestination.Kind.
enum class DestinationKind : uint8_t { kUnspecified = 0, kStaysOnDevice = 1, kLeavesDevice = 2 };

struct DataDestination {
  DestinationKind kind = DestinationKind::kUnspecified;
  // For kLeavesDevice: the service that will be able to read it.
  std::string service;

  bool operator==(const DataDestination&) const = default;
};

struct Manifest {
  // 0.0 means "not said" and is taken as 1.0.
  uint32_t protocol_major = 0;
  uint32_t protocol_minor = 0;
  std::string app_id;
  std::string display_name;
  std::string purpose;
  Role role = Role::kApp;
  ScopeSet required_scopes;
  ScopeSet optional_scopes;
  DataDestination data_destination;
  std::vector<std::string> networks;
  std::string software_version;
  std::string homepage;
  std::string systemd_unit;

  bool operator==(const Manifest&) const = default;
};

// OK when the manifest can be put before the user. INVALID_ARGUMENT otherwise; the message starts
// with the field's name and ": ". FAILED_PRECONDITION, with both versions, for another major
// version.
absl::Status ValidateManifest(const Manifest& manifest);
// Whether 'unit' names one .service unit of systemd: [A-Za-z0-9:_.@-]+, no path, not hidden.
bool IsUnitName(std::string_view unit);
// Whether 'network' is 1 to 32 of [a-z0-9-], starting with a letter.
bool IsNetworkName(std::string_view network);

}  // namespace postern::permissions
