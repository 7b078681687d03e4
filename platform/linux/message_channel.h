// SPDX-License-Identifier: Apache-2.0
// Whole messages over a SOCK_SEQPACKET socket: between posternd and the consent agent it starts.
//
// A message goes as one header packet ("postern 1 <size>") and then packets of at most 32 KiB,
// because one packet may not exceed the socket's send buffer and a question with thousands of chats
// does. What does not follow this exactly is an error, and the caller then has no message at all.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <absl/strings/string_view.h>
#include <cstddef>
#include <string>
#include <utility>

#include "platform/unique_fd.h"

namespace postern::platform {

// A question with 5,000 chats is about 1 MB; four times that.
inline constexpr size_t kChannelMessageBytesMax = 4 << 20;

struct ChannelMessage {
  std::string bytes;
  // The descriptor that came with it, when one did. Close-on-exec.
  UniqueFd attached;
};

// The clock of the timeouts below: does not jump, and counts suspend.
absl::Time ChannelNow();

// Both ends, close-on-exec. The calls below never block in the kernel, whatever the descriptors
// say.
absl::StatusOr<std::pair<UniqueFd, UniqueFd>> MakeChannel();

// Sends 'bytes' and, unless it is -1, a duplicate of 'attached'. Stops when 'wake' (an event or pid
// descriptor, or -1) becomes readable: CANCELLED. DEADLINE_EXCEEDED after 'timeout'; UNAVAILABLE
// when the other end is closed; INVALID_ARGUMENT when 'bytes' is over the bound.
absl::Status SendOnChannel(int channel, absl::string_view bytes, int attached, int wake,
                           absl::Duration timeout);

// Receives one message. Errors as above, and DATA_LOSS when what came is not a message.
absl::StatusOr<ChannelMessage> ReceiveFromChannel(int channel, int wake, absl::Duration timeout);

}  // namespace postern::platform
