// SPDX-License-Identifier: Apache-2.0
#include "permissions/event_scopes.h"

#include <array>

namespace postern::permissions {
namespace {

using enum EventReach;
constexpr std::nullopt_t kNone = std::nullopt;
constexpr Scope kChats = Scope::kChatsRead;
constexpr Scope kRead = Scope::kMessagesRead;
constexpr Scope kMetadata = Scope::kMessagesMetadata;

// Row i is kind kFirstEventKind + i. What a message carries counts as ephemeral with it; what only
// says that a chat or a person changed does not.
constexpr std::array<EventScopes, kLastEventKind - kFirstEventKind + 1> kRows = {{
    // kind, name, reach, whole, reduced, also, ephemeral, objection, broker only
    {20, "message_created", kChat, kRead, kMetadata, kNone, true, true, false},
    {21, "message_edited", kChat, kRead, kMetadata, kNone, true, true, false},
    {22, "message_deleted", kChat, kRead, kMetadata, kNone, true, true, false},
    {23, "message_expired", kChat, kRead, kMetadata, kNone, true, true, false},
    {24, "reaction_set", kChat, Scope::kReactionsRead, kNone, kMetadata, true, true, false},
    {25, "reaction_removed", kChat, Scope::kReactionsRead, kNone, kMetadata, true, true, false},
    {26, "receipt", kChat, Scope::kReceiptsRead, kNone, kNone, true, false, false},
    {27, "typing", kChat, Scope::kTypingRead, kNone, kNone, false, false, false},
    {28, "presence", kChat, Scope::kPresenceRead, kNone, kNone, false, false, false},
    // What the user has read, and when.
    {29, "unread_mark", kChat, Scope::kReceiptsRead, kNone, kNone, false, false, false},
    {30, "chat_created", kChat, kChats, kNone, kNone, false, false, false},
    {31, "chat_changed", kChat, kChats, kNone, kNone, false, false, false},
    {32, "chat_removed", kChat, kChats, kNone, kNone, false, false, false},
    {33, "timer_changed", kChat, kRead, kMetadata, kNone, false, false, false},
    {34, "message_request", kChat, kChats, kNone, kNone, false, false, false},
    {35, "participant_joined", kChat, kChats, kNone, kNone, false, false, false},
    {36, "participant_left", kChat, kChats, kNone, kNone, false, false, false},
    {37, "participant_changed", kChat, kChats, kNone, kNone, false, false, false},
    {38, "contact_changed", kChat, Scope::kContactsRead, kNone, kNone, false, false, false},
    {39, "identity_changed", kChat, Scope::kContactsRead, kNone, kNone, false, false, false},
    {40, "attachment_ready", kChat, Scope::kAttachmentsRead, kNone, kRead, true, true, false},
    {41, "poll_voted", kChat, kRead, kMetadata, kNone, true, true, false},
    {42, "pin_changed", kChat, kRead, kMetadata, kNone, true, true, false},
    {43, "call", kChat, Scope::kCallsRead, kNone, kNone, false, false, false},
    {44, "account_state_changed", kAccount, kChats, kNone, kNone, false, false, false},
    {45, "capabilities_changed", kChat, kChats, kNone, kNone, false, false, false},
    {46, "backfill_progress", kChat, Scope::kMessagesHistory, kNone, kNone, false, false, false},
    {47, "erase_asked", kAddressed, kNone, kNone, kNone, false, false, true},
    {48, "grant_changed", kAddressed, kNone, kNone, kNone, false, false, true},
    {49, "lease_changed", kChat, kChats, kNone, kNone, false, false, true},
    {50, "disclosure_changed", kChat, kChats, kNone, kNone, false, false, true},
    // That something was lost is for each who may have missed it.
    {51, "gap", kAccount, kNone, kNone, kNone, false, false, false},
    {52, "request_completed", kAddressed, kNone, kNone, kNone, false, false, true},
    {53, "unsupported", kChat, kRead, kMetadata, kNone, true, true, false},
}};

consteval bool InOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].kind != kFirstEventKind + i) return false;
    if (kRows[i].reach == kChat && !kRows[i].whole.has_value()) return false;
  }
  return true;
}
static_assert(InOrder());

}  // namespace

const EventScopes* FindEventScopes(EventKind kind) {
  if (kind < kFirstEventKind || kind > kLastEventKind) return nullptr;
  return &kRows[static_cast<size_t>(kind - kFirstEventKind)];
}

bool IsBrokerOnly(EventKind kind) {
  const EventScopes* row = FindEventScopes(kind);
  return row != nullptr && row->broker_only;
}

}  // namespace postern::permissions
