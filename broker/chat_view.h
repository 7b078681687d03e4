// SPDX-License-Identifier: Apache-2.0
// A chat as one app may see it.
#pragma once

#include <absl/status/statusor.h>

#include "broker/event_view.h"
#include "broker/parts.h"
#include "permissions/ids.h"
#include "postern/v1/chat.pb.h"

namespace postern::broker {

// Whether chats:read is open for a chat of the directory.
bool MayReadChat(const Viewer& viewer, const v1::Chat& chat);

// A chat that the viewer may read, in the broker's ids, without what it may not see of it.
// NOT_FOUND, naming 'chat_id', for one that it may not, as for one that is not there.
absl::StatusOr<v1::Chat> FindReadableChat(const Parts& parts, const Viewer& viewer,
                                          permissions::ChatId id);

// What only the log can tell of a chat of the directory: which of its pinned messages the viewer
// may see, and when somebody last wrote. The latter comes from the newest message in the index,
// which may lag behind the log by a moment.
absl::Status FillFromLog(const Parts& parts, const Viewer& viewer, v1::Chat& chat);

}  // namespace postern::broker
