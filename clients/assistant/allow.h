// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include "clients/sdk/options.h"
#include "postern/v1/manifest.pb.h"

namespace postern::assistant {

// `--allow`: has the user asked, waits for the answer, and prints what is allowed. Where the access
// was taken back it makes a new key first; where some scopes of the manifest are missing it asks
// for those, but not just after the user left them out. The error says what to do next.
absl::Status Allow(const v1::Manifest& manifest, const sdk::ClientOptions& options);

}  // namespace postern::assistant
