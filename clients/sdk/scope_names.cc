// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "clients/sdk/manifest.h"

namespace postern::sdk {
namespace {

constexpr std::array<std::pair<v1::Scope, std::string_view>, 28> kScopeNames = {{
    {v1::SCOPE_CHATS_READ, "chats:read"},
    {v1::SCOPE_MESSAGES_METADATA, "messages:metadata"},
    {v1::SCOPE_MESSAGES_READ, "messages:read"},
    {v1::SCOPE_MESSAGES_HISTORY, "messages:history"},
    {v1::SCOPE_MESSAGES_SEARCH, "messages:search"},
    {v1::SCOPE_ATTACHMENTS_READ, "attachments:read"},
    {v1::SCOPE_CONTACTS_READ, "contacts:read"},
    {v1::SCOPE_CONTACTS_IDENTIFY, "contacts:identify"},
    {v1::SCOPE_REACTIONS_READ, "reactions:read"},
    {v1::SCOPE_RECEIPTS_READ, "receipts:read"},
    {v1::SCOPE_TYPING_READ, "typing:read"},
    {v1::SCOPE_PRESENCE_READ, "presence:read"},
    {v1::SCOPE_CALLS_READ, "calls:read"},
    {v1::SCOPE_EPHEMERAL_READ, "ephemeral:read"},
    {v1::SCOPE_MESSAGES_DRAFT, "messages:draft"},
    {v1::SCOPE_MESSAGES_SEND_ASK, "messages:send.ask"},
    {v1::SCOPE_MESSAGES_REPLY, "messages:reply"},
    {v1::SCOPE_MESSAGES_SEND, "messages:send"},
    {v1::SCOPE_MESSAGES_EDIT_OWN, "messages:edit_own"},
    {v1::SCOPE_MESSAGES_DELETE_OWN, "messages:delete_own"},
    {v1::SCOPE_REACTIONS_WRITE, "reactions:write"},
    {v1::SCOPE_ATTACHMENTS_WRITE, "attachments:write"},
    {v1::SCOPE_RECEIPTS_WRITE, "receipts:write"},
    {v1::SCOPE_TYPING_WRITE, "typing:write"},
    {v1::SCOPE_CHATS_CREATE, "chats:create"},
    {v1::SCOPE_CHATS_WRITE, "chats:write"},
    {v1::SCOPE_FORWARD, "forward"},
    {v1::SCOPE_EXPORT, "export"},
}};

}  // namespace

std::string_view ScopeName(v1::Scope scope) {
  for (const auto& [value, name] : kScopeNames) {
    if (value == scope) return name;
  }
  return {};
}

v1::Scope ScopeOf(std::string_view name) {
  for (const auto& [value, known] : kScopeNames) {
    if (known == name) return value;
  }
  return v1::SCOPE_UNSPECIFIED;
}

}  // namespace postern::sdk
