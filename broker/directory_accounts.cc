// SPDX-License-Identifier: Apache-2.0
// The accounts of the directory, and what a decision needs to know of anything in them.
#include <algorithm>
#include <utility>

#include "broker/directory.h"
#include "broker/rpc_status.h"
#include "broker/told_capabilities.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ChatType;
using permissions::ContactId;
using permissions::ObjectFacts;

namespace {

ChatType TypeOf(const v1::Chat& chat) {
  switch (chat.kind()) {
    case v1::CHAT_KIND_DIRECT:
      return ChatType::kDirect;
    case v1::CHAT_KIND_GROUP:
      return ChatType::kGroup;
    default:
      return ChatType::kUnknown;
  }
}

// The record that is kept of an account: in the place of its state, which the next attach says,
// only what apps were told.
std::string StoredAccount(v1::Account account, bool told_detached) {
  account.set_state(told_detached ? v1::ACCOUNT_STATE_DETACHED : v1::ACCOUNT_STATE_UNSPECIFIED);
  return account.SerializeAsString();
}

}  // namespace

permissions::Principal Directory::AdapterOf(AccountId id) const {
  platform::MutexLock lock(mutex_);
  const auto it = accounts_.find(id);
  return it == accounts_.end() ? permissions::Principal() : it->second->adapter;
}

absl::StatusOr<std::vector<ChatId>> Directory::PutAccount(
    AccountId id, const std::string& remote_id, const permissions::Principal& adapter,
    const v1::Account& account, const v1::ChatCapabilities& capabilities) {
  platform::MutexLock change(change_mutex_);
  v1::Account stored = account;
  stored.set_id(IdText(id));
  v1::ChatCapabilities able = capabilities;
  SetCapabilityHash(able);
  bool told_detached = false;
  {
    platform::MutexLock lock(mutex_);
    const auto it = accounts_.find(id);
    if (it != accounts_.end()) told_detached = it->second->told_detached;
    if (it != accounts_.end() && it->second->network != account.network()) {
      return ReasonStatus(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_INVALID_FIELD,
                          "this account is known on another network",
                          {{"field", "account.network"}});
    }
  }
  const std::string record = StoredAccount(stored, told_detached);
  const std::string able_record = able.SerializeAsString();
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run(
        "INSERT OR REPLACE INTO accounts(id, remote_id, adapter, record, capabilities) "
        "VALUES(?, ?, ?, ?, ?)",
        Blob{id.view()}, remote_id, Blob{adapter.view()}, Blob{record}, Blob{able_record});
  }));
  platform::MutexLock lock(mutex_);
  auto& entry = accounts_[id];
  if (entry == nullptr) {
    entry = std::make_unique<AccountEntry>();
    SetCapabilityHash(entry->capabilities);
  }
  std::vector<ChatId> changed;
  if (entry->capabilities.hash() != able.hash()) {
    for (const auto& [chat_id, chat] : chats_) {
      if (chat->account == id && !chat->removed && !chat->chat.has_capabilities()) {
        changed.push_back(chat_id);
      }
    }
  }
  entry->remote_id = remote_id;
  entry->adapter = adapter;
  // Decisions hold views of the network's name: it is set once.
  if (entry->network.empty()) entry->network = stored.network();
  entry->account = std::move(stored);
  entry->capabilities = std::move(able);
  return changed;
}

void Directory::SetAccountState(AccountId id, v1::AccountState state) {
  platform::MutexLock lock(mutex_);
  const auto it = accounts_.find(id);
  if (it != accounts_.end()) it->second->account.set_state(state);
}

bool Directory::IsToldDetached(AccountId id) const {
  platform::MutexLock lock(mutex_);
  const auto it = accounts_.find(id);
  return it != accounts_.end() && it->second->told_detached;
}

absl::Status Directory::PutToldDetached(AccountId id, bool told) {
  platform::MutexLock change(change_mutex_);
  std::string record;
  {
    platform::MutexLock lock(mutex_);
    const auto it = accounts_.find(id);
    if (it == accounts_.end()) return absl::OkStatus();
    record = StoredAccount(it->second->account, told);
  }
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run("UPDATE accounts SET record = ? WHERE id = ?", Blob{record},
                        Blob{id.view()});
  }));
  platform::MutexLock lock(mutex_);
  accounts_[id]->told_detached = told;
  return absl::OkStatus();
}

std::optional<v1::Account> Directory::FindAccount(AccountId id) const {
  platform::MutexLock lock(mutex_);
  const auto it = accounts_.find(id);
  if (it == accounts_.end()) return std::nullopt;
  return it->second->account;
}

std::vector<v1::Account> Directory::Accounts() const {
  std::vector<v1::Account> accounts;
  platform::MutexLock lock(mutex_);
  for (const auto& [id, entry] : accounts_) accounts.push_back(entry->account);
  std::sort(accounts.begin(), accounts.end(),
            [](const v1::Account& a, const v1::Account& b) { return a.id() < b.id(); });
  return accounts;
}

bool Directory::IsSelfLocked(AccountId account, const std::string& contact_id) const {
  const auto it = accounts_.find(account);
  return it != accounts_.end() && !contact_id.empty() &&
         it->second->account.self_contact_id() == contact_id;
}

bool Directory::IsSelf(AccountId account, ContactId contact) const {
  platform::MutexLock lock(mutex_);
  return IsSelfLocked(account, IdText(contact));
}

ObjectFacts Directory::FactsOf(AccountId account, ChatId chat) const {
  ObjectFacts facts;
  facts.account = account;
  facts.chat = chat;
  platform::MutexLock lock(mutex_);
  if (const auto it = accounts_.find(account); it != accounts_.end()) {
    facts.network = it->second->network;
  }
  const Closure closure = seals_.OfChat(chat);
  facts.sealed = closure.sealed;
  facts.objection = closure.objection;
  const auto it = chats_.find(chat);
  if (it == chats_.end()) return facts;
  facts.chat_type = TypeOf(it->second->chat);
  if (const auto peer = contacts_.find(it->second->peer); peer != contacts_.end()) {
    facts.peer_in_address_book = peer->second->contact.in_address_book();
  }
  // A chat that is not said to be a group may be the 1:1 chat with who is in it.
  if (facts.chat_type != ChatType::kGroup && seals_.concerns_people()) {
    facts.sealed = facts.sealed || ClosureOfPeople(*it->second).sealed;
  }
  return facts;
}

Closure Directory::ClosureOfPeople(const ChatEntry& entry) const {
  Closure closure = seals_.OfPerson(entry.peer);
  for (const v1::Participant& participant : entry.chat.participants()) {
    closure.Add(seals_.OfPerson(IdFromText<ContactId>(participant.contact_id())));
  }
  return closure;
}

ObjectFacts Directory::FactsOfWords(AccountId account, ChatId chat, ContactId writer) const {
  ObjectFacts facts = FactsOf(account, chat);
  if (!seals_.concerns_people()) return facts;
  Closure closure;
  if (!writer.empty()) {
    closure = seals_.OfPerson(writer);
  } else {
    platform::MutexLock lock(mutex_);
    const auto it = chats_.find(chat);
    if (it != chats_.end()) closure = ClosureOfPeople(*it->second);
  }
  facts.sealed = facts.sealed || closure.sealed;
  facts.objection = std::max(facts.objection, closure.objection);
  return facts;
}

}  // namespace postern::broker
