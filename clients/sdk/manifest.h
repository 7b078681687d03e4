// SPDX-License-Identifier: Apache-2.0
// What a program says of itself, from a TOML file. The form is described in clients/sdk/README.md.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "postern/v1/manifest.pb.h"

namespace postern::sdk {

// A manifest file larger than this is a mistake.
inline constexpr size_t kManifestBytesMax = 64 * 1024;

// Reads a manifest. NOT_FOUND when there is no such file; INVALID_ARGUMENT naming line and field
// when it is not TOML, has an unknown field or scope, or does not pass CheckManifest.
absl::StatusOr<v1::Manifest> LoadManifest(const std::string& path);

// The same from text; 'source_name' stands in front of the line in errors.
absl::StatusOr<v1::Manifest> ParseManifest(std::string_view toml, std::string_view source_name);

// Checks what the broker would refuse: app_id, display_name, purpose, role, data_destination,
// networks, scopes. INVALID_ARGUMENT naming the field. Connect and Open call it.
absl::Status CheckManifest(const v1::Manifest& manifest);

// "messages:read" for SCOPE_MESSAGES_READ; empty for SCOPE_UNSPECIFIED and values this SDK does not
// know.
std::string_view ScopeName(v1::Scope scope);
// SCOPE_UNSPECIFIED when there is no such scope.
v1::Scope ScopeOf(std::string_view name);

}  // namespace postern::sdk
