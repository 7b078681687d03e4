// SPDX-License-Identifier: Apache-2.0
#include "broker/open_chat.h"

#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::AccountId;
using permissions::ChatId;
using permissions::Scope;

absl::Status RequireScope(const Viewer& viewer, Scope scope) {
  return VerdictStatus(Decide(viewer.access, scope, {}, viewer.now), scope);
}

absl::StatusOr<OpenChat> FindChat(const Parts& parts, ChatId chat, std::string_view field) {
  const std::optional<v1::Chat> known = parts.directory.FindChat(chat);
  const std::optional<std::string> remote_id = parts.directory.RemoteChatId(chat);
  if (!known.has_value() || !remote_id.has_value()) return NotFound(field);
  OpenChat open;
  open.account = IdFromText<AccountId>(known->account_id());
  open.remote_id = *remote_id;
  open.name = known->name();
  open.facts = parts.directory.FactsOf(open.account, chat);
  return open;
}

absl::StatusOr<OpenChat> FindOpenChat(const Parts& parts, const Asker& asker, ChatId chat,
                                      Scope scope, std::string_view field) {
  RETURN_IF_ERROR(RequireScope(asker.viewer, scope));
  ASSIGN_OR_RETURN(OpenChat open, FindChat(parts, chat, field));
  if (Decide(asker.viewer.access, scope, open.facts, asker.viewer.now) !=
      permissions::Verdict::kAllowed) {
    return NotFound(field);
  }
  return open;
}

}  // namespace postern::broker
