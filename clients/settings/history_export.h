// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "clients/owner/owner.h"

namespace postern::settings {

// Writes all rows that 'request' asks for to 'path', newest first: one AccessEntry a line, as JSON
// under the contract's field names, each with its chained hash. The file is the user's alone, and
// appears only once it is whole. Returns how many rows. Blocks.
absl::StatusOr<uint64_t> ExportHistory(owner::Owner& owner, v1::ListAccessHistoryRequest request,
                                       const std::string& path);

}  // namespace postern::settings
