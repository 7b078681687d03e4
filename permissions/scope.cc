// SPDX-License-Identifier: Apache-2.0
#include "permissions/scope.h"

#include <absl/status/status.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <array>

namespace postern::permissions {
namespace {

struct ScopeRow {
  Scope scope;
  std::string_view name;
  std::string_view sentence;
  bool writes;
};

// Marks a text that is shown in the person's language; xgettext looks for this word.
consteval std::string_view Sentence(std::string_view text) { return text; }

// In the order of the numbers: row i is scope i + 1.
constexpr std::array<ScopeRow, kScopeCount> kScopes = {{
    {Scope::kChatsRead, "chats:read", Sentence("See the chats, their names and who is in them"),
     false},
    {Scope::kMessagesMetadata, "messages:metadata",
     Sentence("See who writes when and how much, but not what"), false},
    {Scope::kMessagesRead, "messages:read", Sentence("Read new messages"), false},
    {Scope::kMessagesHistory, "messages:history", Sentence("Read older messages"), false},
    {Scope::kMessagesSearch, "messages:search", Sentence("Search the messages it may read"), false},
    {Scope::kAttachmentsRead, "attachments:read", Sentence("Open pictures and files"), false},
    {Scope::kContactsRead, "contacts:read",
     Sentence("See your contacts and what they call themselves"), false},
    {Scope::kContactsIdentify, "contacts:identify",
     Sentence("See real phone numbers and addresses"), false},
    {Scope::kReactionsRead, "reactions:read", Sentence("See reactions to messages"), false},
    {Scope::kReceiptsRead, "receipts:read", Sentence("See when messages are delivered and read"),
     false},
    {Scope::kTypingRead, "typing:read", Sentence("See who is typing"), false},
    {Scope::kPresenceRead, "presence:read", Sentence("See who is online"), false},
    {Scope::kCallsRead, "calls:read", Sentence("See who calls and when, but not hear it"), false},
    {Scope::kEphemeralRead, "ephemeral:read", Sentence("Read disappearing and view-once messages"),
     false},
    {Scope::kMessagesDraft, "messages:draft", Sentence("Leave drafts for you to send"), true},
    {Scope::kMessagesSendAsk, "messages:send.ask",
     Sentence("Send messages as you, after you confirm each one"), true},
    {Scope::kMessagesReply, "messages:reply",
     Sentence("Send messages as you where someone wrote in the last 24 hours"), true},
    {Scope::kMessagesSend, "messages:send", Sentence("Send messages as you"), true},
    {Scope::kMessagesEditOwn, "messages:edit_own", Sentence("Edit messages it sent as you"), true},
    {Scope::kMessagesDeleteOwn, "messages:delete_own", Sentence("Delete messages it sent as you"),
     true},
    {Scope::kReactionsWrite, "reactions:write", Sentence("React to messages as you"), true},
    {Scope::kAttachmentsWrite, "attachments:write", Sentence("Send pictures and files as you"),
     true},
    {Scope::kReceiptsWrite, "receipts:write", Sentence("Mark messages as read for you"), true},
    {Scope::kTypingWrite, "typing:write", Sentence("Show that you are typing"), true},
    {Scope::kChatsCreate, "chats:create", Sentence("Start chats as you"), true},
    {Scope::kChatsWrite, "chats:write", Sentence("Change chats as you: names, members, timers"),
     true},
    {Scope::kForward, "forward", Sentence("Pass messages on to another network"), true},
    {Scope::kExport, "export",
     Sentence("Take out copies of messages, with proof of where they are from"), false},
}};

consteval bool InOrder() {
  for (int i = 0; i < kScopeCount; ++i) {
    if (static_cast<int>(kScopes[static_cast<size_t>(i)].scope) != i + 1) return false;
  }
  return true;
}
static_assert(InOrder());

const ScopeRow* FindRow(Scope scope) {
  const int number = static_cast<int>(scope);
  return number >= 1 && number <= kScopeCount ? &kScopes[static_cast<size_t>(number - 1)] : nullptr;
}

}  // namespace

bool ScopeSet::FromBits(uint32_t bits, ScopeSet& set) {
  uint32_t known = 0;
  for (const ScopeRow& row : kScopes) known |= Bit(row.scope);
  if ((bits & ~known) != 0) return false;
  set = FromRaw(bits);
  return true;
}

std::vector<Scope> ScopeSet::ToVector() const {
  std::vector<Scope> scopes;
  for (const ScopeRow& row : kScopes) {
    if (Has(row.scope)) scopes.push_back(row.scope);
  }
  return scopes;
}

std::string_view ScopeName(Scope scope) {
  const ScopeRow* row = FindRow(scope);
  return row == nullptr ? "unknown" : row->name;
}

absl::StatusOr<Scope> ParseScope(std::string_view name) {
  for (const ScopeRow& row : kScopes) {
    if (row.name == name) return row.scope;
  }
  // Strangers write these: bounded, and nothing of it can steer a terminal.
  constexpr size_t kShownMax = 64;
  const std::string_view shown = name.substr(0, kShownMax);
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown scope '", absl::CHexEscape(absl::string_view(shown.data(), shown.size())), "'"));
}

absl::StatusOr<Scope> ScopeFromNumber(int number) {
  if (number < 1 || number > kScopeCount) {
    return absl::InvalidArgumentError(absl::StrCat("unknown scope number ", number));
  }
  return static_cast<Scope>(number);
}

std::string_view ScopeSentence(Scope scope) {
  const ScopeRow* row = FindRow(scope);
  return row == nullptr ? "unknown" : row->sentence;
}

bool IsWriteScope(Scope scope) {
  const ScopeRow* row = FindRow(scope);
  // What is not known is shown among the more serious ones.
  return row == nullptr || row->writes;
}

ScopeSet WithImplied(ScopeSet scopes) {
  if (scopes.Has(Scope::kMessagesRead)) scopes.Add(Scope::kMessagesMetadata);
  if (scopes.Has(Scope::kMessagesSend)) scopes.Add(Scope::kMessagesReply);
  if (scopes.Has(Scope::kMessagesReply)) scopes.Add(Scope::kMessagesSendAsk);
  if (scopes.Has(Scope::kMessagesSendAsk)) scopes.Add(Scope::kMessagesDraft);
  return scopes;
}

ScopeSet ScopesOpening(Scope scope) {
  switch (scope) {
    case Scope::kMessagesMetadata:
      return {Scope::kMessagesMetadata, Scope::kMessagesRead};
    case Scope::kMessagesDraft:
      return {Scope::kMessagesDraft, Scope::kMessagesSendAsk, Scope::kMessagesReply,
              Scope::kMessagesSend};
    case Scope::kMessagesSendAsk:
      return {Scope::kMessagesSendAsk, Scope::kMessagesReply, Scope::kMessagesSend};
    case Scope::kMessagesReply:
      return {Scope::kMessagesReply, Scope::kMessagesSend};
    default:
      return {scope};
  }
}

}  // namespace postern::permissions
