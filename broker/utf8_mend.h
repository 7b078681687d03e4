// SPDX-License-Identifier: Apache-2.0
// Makes an event readable whose strings are not valid UTF-8.
//
// Protobuf refuses a whole message for one bad byte in one string, and a gatekeeper's counterparty
// chooses those bytes: unmended, one hostile message would end every subscriber's stream.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "postern/v1/event.pb.h"

namespace postern::broker {

// Parses a serialised event. Bad bytes in a string become U+FFFD and the event is flagged; the text
// of a message or an edit moves whole into its `raw_text` instead. INVALID_ARGUMENT when 'bytes' is
// not a protobuf message at all.
absl::StatusOr<v1::Event> ParseEvent(std::string_view bytes);

// Returns whether 'text' is valid UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF, shortest
// form).
bool IsValidUtf8(std::string_view text);
// Returns 'text' with every bad byte replaced by U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view text);

}  // namespace postern::broker
