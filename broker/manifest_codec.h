// SPDX-License-Identifier: Apache-2.0
// A program's manifest, from the contract's form to the one decisions know.
#pragma once

#include <absl/status/statusor.h>

#include "permissions/ids.h"
#include "permissions/manifest.h"
#include "postern/v1/manifest.pb.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::broker {

// Reads and validates. INVALID_ARGUMENT INVALID_FIELD naming the field; FAILED_PRECONDITION
// VERSION_MISMATCH for another major version.
absl::StatusOr<permissions::Manifest> ManifestFromProto(const v1::Manifest& proto);

// What the owner will be shown of it: cleaned, as the program's claim.
v1::App AppFromManifest(const permissions::Manifest& manifest,
                        const permissions::Principal& principal);

}  // namespace postern::broker
