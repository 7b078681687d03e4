// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <cstdint>

#include "broker/limits.h"
#include "platform/status_macros.h"

namespace postern::broker {

// Runs 'read', which fills in 'response', until 'epoch' (grants, the pause, and what is sealed: all
// raise it) is at its end what it was at its start: reading can take seconds, and a revocation does
// not wait for it. ABORTED, with nothing read, when that changes each of kReadAttemptsMax times.
template <typename Response>
absl::Status ReadSteadily(absl::FunctionRef<uint64_t()> epoch, Response& response,
                          absl::FunctionRef<absl::Status()> read) {
  for (int attempt = 0; attempt < kReadAttemptsMax; ++attempt) {
    response.Clear();
    const uint64_t before = epoch();
    RETURN_IF_ERROR(read());
    if (epoch() == before) return absl::OkStatus();
  }
  response.Clear();
  return absl::AbortedError("what this app may see changed again and again meanwhile; call again");
}

}  // namespace postern::broker
