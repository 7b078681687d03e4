// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "postern/v1/chat.pb.h"

namespace postern::broker {

// Takes what an adapter says a chat can do: levels of a newer contract count as not said, and the
// hash is the broker's own (SetCapabilityHash). False when it goes over a bound.
bool TakeCapabilities(v1::ChatCapabilities& capabilities);

// Sets 'hash' to what follows from all the rest, and from nothing else: 32 hex digits.
void SetCapabilityHash(v1::ChatCapabilities& capabilities);

}  // namespace postern::broker
