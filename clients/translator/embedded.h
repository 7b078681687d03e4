// SPDX-License-Identifier: Apache-2.0
// manifest.toml and translator.toml, so that the program works without files beside it.
#pragma once

namespace postern::translator {

extern const char kManifestToml[];
// All options with their defaults: what --print-config prints, and what is read first.
extern const char kConfigToml[];

}  // namespace postern::translator
