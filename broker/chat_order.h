// SPDX-License-Identifier: Apache-2.0
// What an app wants of a chat, started or changed, decided and made into a command, before anything
// of it is counted or done.
//
// Answers in one order: what is malformed (INVALID_ARGUMENT), what the app may not
// (PERMISSION_DENIED, and NOT_FOUND for what it may not see), what the chat cannot do
// (FAILED_PRECONDITION NOT_SUPPORTED_BY_CHAT, capabilities.h).
#pragma once

#include <absl/status/statusor.h>

#include <optional>

#include "broker/asker.h"
#include "broker/parts.h"
#include "permissions/grant.h"
#include "permissions/ids.h"
#include "postern/v1/chat_service.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

struct ChatOrder {
  permissions::AccountId account;
  // The chat that changes. Of a new one: the one that is there already and that the app may see,
  // so that nothing needs to be done; else empty.
  permissions::ChatId chat;
  v1::Command command;
  // Other people see it, so that it counts as a send: how many of those an hour.
  std::optional<uint32_t> sends_per_hour;
  // For a new chat.
  std::optional<uint32_t> new_chats_per_day;
  // What opened it, for the access history.
  permissions::GrantId grant;
};

// A 1:1 chat that is there already, and that the app may see, comes back as it is.
absl::StatusOr<ChatOrder> PrepareCreateChat(const Parts& parts, const Asker& asker,
                                            const v1::CreateChatRequest& request);
absl::StatusOr<ChatOrder> PrepareUpdateChat(const Parts& parts, const Asker& asker,
                                            const v1::UpdateChatRequest& request);

}  // namespace postern::broker
