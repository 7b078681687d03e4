// SPDX-License-Identifier: Apache-2.0
// Whether an app may have the bytes of an attachment: it needs attachments:read where an event that
// names the attachment is, and must see that event whole.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "broker/asker.h"
#include "broker/attachment_index.h"
#include "broker/parts.h"
#include "permissions/ids.h"

namespace postern::broker {

struct OpenAttachment {
  KnownAttachment known;
  // Where the event is that shows it.
  permissions::ChatId chat;
};

// Returns the attachment that 'id' (the app's own word) names, if the app may have its bytes now.
// NOT_FOUND otherwise, as if there were none; INVALID_ARGUMENT for what is no id; when the app has
// the scope nowhere, the refusal says so.
absl::StatusOr<OpenAttachment> FindOpenAttachment(const Parts& parts, const Asker& asker,
                                                  const std::string& id);

}  // namespace postern::broker
