// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "clients/assistant/config.h"
#include "clients/sdk/options.h"
#include "postern/v1/manifest.pb.h"

namespace postern::assistant {

// The manifest that 'config' makes of manifest.toml: scopes by 'sending', the destination by the
// model. 'path' names another manifest to begin with; empty: the one built in.
absl::StatusOr<v1::Manifest> MakeManifest(const Config& config, const std::string& path);

// The manifest as TOML.
std::string ManifestText(const v1::Manifest& manifest);

// Where the SDK finds broker and key. The key lives in a folder of the destination that was said
// when the user was asked: an assistant that says something else about where text goes is another
// one, and asks anew.
absl::StatusOr<sdk::ClientOptions> MakeClientOptions(const Config& config,
                                                     const v1::Manifest& manifest);

}  // namespace postern::assistant
