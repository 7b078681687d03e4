// SPDX-License-Identifier: Apache-2.0
// Errors as people need them: what happened, what to do next, and the exit code for scripts.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "clients/postern/exit_code.h"

namespace postern::cli {

struct Problem {
  ExitCode exit_code = ExitCode::kFailed;
  // A reason of the contract, e.g. "GRANT_REVOKED", or the canonical code's name.
  std::string reason;
  // What happened, one plain sentence.
  std::string what;
  // What to do now; empty where there is nothing to do.
  std::string next;
};

// Whose call failed: the same refusal means another next step.
enum class Caller { kOwner, kApp };

// Explains a failed call. 'status' is not OK. The words are ours for every reason of the contract;
// for errors without one the status's own message is shown, as visible text.
Problem Explain(const absl::Status& status, Caller caller);

}  // namespace postern::cli
