// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <string>

namespace postern::assistant {

// One line for the model and its user: what went wrong, and what helps. It names no chat, person or
// text.
std::string Problem(const absl::Status& status);

// Says whether the user said no (or did not answer) or the access is over: only asking them anew
// changes it.
bool IsNo(const absl::Status& status);

// An absl::string_view's text, whatever that type is on this system.
std::string MessageOf(const absl::Status& status);

}  // namespace postern::assistant
