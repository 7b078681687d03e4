// SPDX-License-Identifier: Apache-2.0
// What a chat can carry, asked before a command goes out: an app hears which capability is missing,
// by name, rather than that something was left out.
//
// Every refusal is FAILED_PRECONDITION NOT_SUPPORTED_BY_CHAT with the metadata "capability", the
// name of a field of ChatCapabilities; bounds add "limit", as a number. What a chat does not say is
// passed on: its adapter answers by itself (CommandResult.missing_capability).
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string_view>

#include "postern/v1/chat.pb.h"

namespace postern::broker {

// The refusal itself, also for what an adapter says is missing.
absl::Status NotSupportedByChat(std::string_view capability);

// OK unless 'capabilities' reject 'name', e.g. "reply": for a part of something. INTERNAL when it
// is not the name of a level.
absl::Status RequireCapability(const v1::ChatCapabilities& capabilities, std::string_view name);
// The same for a call that is nothing else: what the chat leaves out is refused too, since nothing
// of the call would remain and nobody would say so.
absl::Status RequireWhole(const v1::ChatCapabilities& capabilities, std::string_view name);

// The bounds. 'now' and 'created' are on one clock; a message from the future is new.
absl::Status CheckTextBytes(const v1::ChatCapabilities& capabilities, uint64_t bytes);
absl::Status CheckAttachmentBytes(const v1::ChatCapabilities& capabilities, uint64_t bytes);
absl::Status CheckEditAge(const v1::ChatCapabilities& capabilities, absl::Time created,
                          absl::Time now);
absl::Status CheckDeleteAge(const v1::ChatCapabilities& capabilities, absl::Time created,
                            absl::Time now);
// Whether 'emoji' may be set. A custom one is named between colons, e.g. ":party:". 'standing' is
// how many other reactions of the user stand on the message.
absl::Status CheckReaction(const v1::ChatCapabilities& capabilities, std::string_view emoji,
                           uint32_t standing);

}  // namespace postern::broker
