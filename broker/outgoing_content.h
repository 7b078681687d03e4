// SPDX-License-Identifier: Apache-2.0
// What a message to be sent holds beside its text, by its kind.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <string>

#include "postern/v1/chat.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "postern/v1/message_service.pb.h"

namespace postern::broker {

// Checks that the request holds what its kind takes, and nothing else. INVALID_ARGUMENT naming the
// field. 'now' is what a live location is held against.
absl::Status CheckContent(const v1::SendMessageRequest& request, absl::Time now);

// Whether the chat carries the kind, its parts and its size; of attachments CheckAttachmentBytes is
// left to who knows them.
absl::Status CheckCarried(const v1::ChatCapabilities& capabilities,
                          const v1::SendMessageRequest& request);

// Puts text, spans, kind and what the kind holds into the command. Options without ids are
// numbered.
void PutContent(const v1::SendMessageRequest& request, v1::SendMessageCommand& command);

// The command as a person reads it who is asked about it: its text, or what stands in place of one.
std::string ShownText(const v1::SendMessageCommand& command,
                      const google::protobuf::RepeatedPtrField<v1::Attachment>& attachments);

}  // namespace postern::broker
