// SPDX-License-Identifier: Apache-2.0
#include "broker/directory.h"

#include <algorithm>
#include <utility>

#include "broker/rpc_status.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ChatType;
using permissions::ContactId;
using permissions::ObjectFacts;
using v1::Event;

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

template <typename AnyId>
void AddOnce(std::vector<AnyId>& ids, const AnyId& id) {
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

// Reads all rows of a table of (id, account or nothing, remote id, record).
template <typename Row>
absl::Status ReadRows(Database& database, const char* sql, Row row) {
  ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) return absl::OkStatus();
    RETURN_IF_ERROR(row(statement));
  }
}

absl::Status BadRow() {
  return absl::DataLossError("a stored account, chat or contact is unreadable");
}

void RemoveParticipant(v1::Chat& chat, const std::string& contact_id) {
  auto& participants = *chat.mutable_participants();
  participants.erase(std::remove_if(participants.begin(), participants.end(),
                                    [&](const v1::Participant& participant) {
                                      return participant.contact_id() == contact_id;
                                    }),
                     participants.end());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Directory>> Directory::Open(Store& store, const SealBook& seals) {
  std::unique_ptr<Directory> directory(new Directory(store, seals));
  RETURN_IF_ERROR(directory->Load());
  return directory;
}

absl::Status Directory::Load() {
  decltype(accounts_) accounts;
  decltype(chats_) chats;
  decltype(contacts_) contacts;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    RETURN_IF_ERROR(ReadRows(database, "SELECT id, remote_id, record, adapter FROM accounts",
                             [&](Statement& row) -> absl::Status {
                               auto entry = std::make_unique<AccountEntry>();
                               entry->remote_id = std::string(row.Text(1));
                               if (!entry->account.ParseFromString(std::string(row.Bytes(2))))
                                 return BadRow();
                               entry->adapter = permissions::Principal::FromRaw(row.Bytes(3));
                               entry->network = entry->account.network();
                               entry->account.set_state(v1::ACCOUNT_STATE_DETACHED);
                               accounts[AccountId::FromRaw(row.Bytes(0))] = std::move(entry);
                               return absl::OkStatus();
                             }));
    RETURN_IF_ERROR(ReadRows(database, "SELECT id, account, remote_id, record FROM chats",
                             [&](Statement& row) -> absl::Status {
                               auto entry = std::make_unique<ChatEntry>();
                               entry->account = AccountId::FromRaw(row.Bytes(1));
                               entry->remote_id = std::string(row.Text(2));
                               if (!entry->chat.ParseFromString(std::string(row.Bytes(3))))
                                 return BadRow();
                               entry->peer = IdFromText<ContactId>(entry->chat.peer_contact_id());
                               chats[ChatId::FromRaw(row.Bytes(0))] = std::move(entry);
                               return absl::OkStatus();
                             }));
    return ReadRows(database, "SELECT id, account, remote_id, record FROM contacts",
                    [&](Statement& row) -> absl::Status {
                      auto entry = std::make_unique<ContactEntry>();
                      entry->account = AccountId::FromRaw(row.Bytes(1));
                      entry->remote_id = std::string(row.Text(2));
                      if (!entry->contact.ParseFromString(std::string(row.Bytes(3)))) {
                        return BadRow();
                      }
                      contacts[ContactId::FromRaw(row.Bytes(0))] = std::move(entry);
                      return absl::OkStatus();
                    });
  }));
  platform::MutexLock lock(mutex_);
  accounts_ = std::move(accounts);
  chats_ = std::move(chats);
  contacts_ = std::move(contacts);
  return absl::OkStatus();
}

permissions::Principal Directory::AdapterOf(AccountId id) const {
  platform::MutexLock lock(mutex_);
  const auto it = accounts_.find(id);
  return it == accounts_.end() ? permissions::Principal() : it->second->adapter;
}

absl::Status Directory::PutAccount(AccountId id, const std::string& remote_id,
                                   const permissions::Principal& adapter,
                                   const v1::Account& account) {
  platform::MutexLock change(change_mutex_);
  v1::Account stored = account;
  stored.set_id(IdText(id));
  {
    platform::MutexLock lock(mutex_);
    const auto it = accounts_.find(id);
    if (it != accounts_.end() && it->second->network != account.network()) {
      return ReasonStatus(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_INVALID_FIELD,
                          "this account is known on another network",
                          {{"field", "account.network"}});
    }
  }
  const std::string record = stored.SerializeAsString();
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run(
        "INSERT OR REPLACE INTO accounts(id, remote_id, adapter, record) VALUES(?, ?, ?, ?)",
        Blob{id.view()}, remote_id, Blob{adapter.view()}, Blob{record});
  }));
  platform::MutexLock lock(mutex_);
  auto& entry = accounts_[id];
  if (entry == nullptr) entry = std::make_unique<AccountEntry>();
  entry->remote_id = remote_id;
  entry->adapter = adapter;
  // Decisions hold views of the network's name: it is set once.
  if (entry->network.empty()) entry->network = stored.network();
  entry->account = std::move(stored);
  return absl::OkStatus();
}

void Directory::SetAccountState(AccountId id, v1::AccountState state) {
  platform::MutexLock lock(mutex_);
  const auto it = accounts_.find(id);
  if (it != accounts_.end()) it->second->account.set_state(state);
}

Directory::ChatEntry& Directory::ChatOf(AccountId account, const TakenEvent& taken,
                                        Changes& changes) {
  auto& entry = chats_[taken.record.chat];
  if (entry == nullptr) {
    entry = std::make_unique<ChatEntry>();
    entry->account = account;
    entry->remote_id = taken.remote_chat_id;
    entry->chat.set_id(IdText(taken.record.chat));
    entry->chat.set_account_id(IdText(account));
    AddOnce(changes.chats, taken.record.chat);
  }
  return *entry;
}

void Directory::PutContact(AccountId account, const TakenEvent& taken, const std::string& id_text,
                           const std::string& name, const v1::Contact* whole, Changes& changes) {
  const ContactId id = IdFromText<ContactId>(id_text);
  if (id.empty()) return;
  auto& entry = contacts_[id];
  const bool is_new = entry == nullptr;
  if (is_new) {
    entry = std::make_unique<ContactEntry>();
    entry->account = account;
    entry->contact.set_id(id_text);
    entry->contact.set_account_id(IdText(account));
    for (const auto& [contact, remote_id] : taken.remote_contacts) {
      if (contact == id) entry->remote_id = remote_id;
    }
  }
  v1::Contact next = entry->contact;
  if (whole != nullptr) {
    next = *whole;
    next.set_id(id_text);
    next.set_account_id(IdText(account));
  } else if (!name.empty()) {
    next.set_display_name(name);
  }
  if (is_new || next.SerializeAsString() != entry->contact.SerializeAsString()) {
    entry->contact = std::move(next);
    AddOnce(changes.contacts, id);
  }
}

void Directory::ApplyOne(AccountId account, const TakenEvent& taken, Changes& changes) {
  const Event& event = taken.event;
  if (event.kind_case() == Event::kContactChanged) {
    const v1::Contact& contact = event.contact_changed().contact();
    PutContact(account, taken, contact.id(), contact.display_name(), &contact, changes);
    return;
  }
  if (taken.record.chat.empty()) return;
  if (event.kind_case() == Event::kChatRemoved) {
    if (chats_.erase(taken.record.chat) > 0) AddOnce(changes.removed_chats, taken.record.chat);
    return;
  }
  ChatEntry& entry = ChatOf(account, taken, changes);
  const auto changed = [&] { AddOnce(changes.chats, taken.record.chat); };
  switch (event.kind_case()) {
    case Event::kChatCreated:
    case Event::kChatChanged: {
      const v1::Chat& told =
          event.has_chat_created() ? event.chat_created().chat() : event.chat_changed().chat();
      v1::Chat next = told;
      next.set_id(entry.chat.id());
      next.set_account_id(entry.chat.account_id());
      // A change that does not list the members does not empty the chat.
      if (next.participants().empty()) *next.mutable_participants() = entry.chat.participants();
      if (!next.has_capabilities() && entry.chat.has_capabilities()) {
        *next.mutable_capabilities() = entry.chat.capabilities();
      }
      for (const v1::Participant& participant : next.participants()) {
        PutContact(account, taken, participant.contact_id(), participant.display_name(), nullptr,
                   changes);
      }
      if (next.SerializeAsString() != entry.chat.SerializeAsString()) {
        entry.chat = std::move(next);
        entry.peer = IdFromText<ContactId>(entry.chat.peer_contact_id());
        changed();
      }
      break;
    }
    case Event::kParticipantJoined:
    case Event::kParticipantChanged: {
      const v1::Participant& participant = event.has_participant_joined()
                                               ? event.participant_joined().participant()
                                               : event.participant_changed().participant();
      RemoveParticipant(entry.chat, participant.contact_id());
      *entry.chat.add_participants() = participant;
      PutContact(account, taken, participant.contact_id(), participant.display_name(), nullptr,
                 changes);
      changed();
      break;
    }
    case Event::kParticipantLeft:
      RemoveParticipant(entry.chat, event.participant_left().contact_id());
      changed();
      break;
    case Event::kTimerChanged:
      if (event.timer_changed().has_disappearing_timer()) {
        *entry.chat.mutable_disappearing_timer() = event.timer_changed().disappearing_timer();
      } else {
        entry.chat.clear_disappearing_timer();
      }
      changed();
      break;
    case Event::kCapabilitiesChanged:
      *entry.chat.mutable_capabilities() = event.capabilities_changed().capabilities();
      changed();
      break;
    case Event::kMessageCreated: {
      const v1::Message& message = event.message_created().message();
      PutContact(account, taken, message.sender_contact_id(), message.sender_display_name(),
                 nullptr, changes);
      break;
    }
    default:
      break;
  }
}

absl::Status Directory::Apply(AccountId account, std::span<const TakenEvent> events) {
  platform::MutexLock change(change_mutex_);
  {
    platform::MutexLock lock(mutex_);
    for (const TakenEvent& taken : events) {
      ApplyOne(account, taken, unwritten_);
      if (taken.event.has_account_state_changed()) {
        const auto it = accounts_.find(account);
        if (it != accounts_.end()) {
          it->second->account.set_state(taken.event.account_state_changed().state());
        }
      }
    }
  }
  return Write();
}

absl::Status Directory::Write() {
  const Changes changes = unwritten_;
  const std::vector<ChatId>& removed_chats = changes.removed_chats;
  if (changes.chats.empty() && changes.contacts.empty() && changes.removed_chats.empty()) {
    return absl::OkStatus();
  }
  struct Row {
    std::string id;
    std::string account;
    std::string remote_id;
    std::string record;
  };
  std::vector<Row> chats;
  std::vector<Row> contacts;
  {
    platform::MutexLock lock(mutex_);
    for (const ChatId& id : changes.chats) {
      const auto it = chats_.find(id);
      if (it == chats_.end()) continue;
      chats.push_back({std::string(id.view()), std::string(it->second->account.view()),
                       it->second->remote_id, it->second->chat.SerializeAsString()});
    }
    for (const ContactId& id : changes.contacts) {
      const ContactEntry& entry = *contacts_.at(id);
      contacts.push_back({std::string(id.view()), std::string(entry.account.view()),
                          entry.remote_id, entry.contact.SerializeAsString()});
    }
  }
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    for (const ChatId& id : removed_chats) {
      RETURN_IF_ERROR(database.Run("DELETE FROM chats WHERE id = ?", Blob{id.view()}));
    }
    for (const Row& row : chats) {
      RETURN_IF_ERROR(database.Run(
          "INSERT OR REPLACE INTO chats(id, account, remote_id, record) VALUES(?, ?, ?, ?)",
          Blob{row.id}, Blob{row.account}, row.remote_id, Blob{row.record}));
    }
    for (const Row& row : contacts) {
      RETURN_IF_ERROR(database.Run(
          "INSERT OR REPLACE INTO contacts(id, account, remote_id, record) VALUES(?, ?, ?, ?)",
          Blob{row.id}, Blob{row.account}, row.remote_id, Blob{row.record}));
    }
    return absl::OkStatus();
  }));
  unwritten_ = Changes();
  return absl::OkStatus();
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

bool Directory::IsSelf(AccountId account, ContactId contact) const {
  platform::MutexLock lock(mutex_);
  const auto it = accounts_.find(account);
  return it != accounts_.end() &&
         IdFromText<ContactId>(it->second->account.self_contact_id()) == contact;
}

std::optional<v1::Chat> Directory::FindChat(ChatId id) const {
  platform::MutexLock lock(mutex_);
  const auto it = chats_.find(id);
  if (it == chats_.end()) return std::nullopt;
  return it->second->chat;
}

std::optional<std::string> Directory::RemoteChatId(ChatId id) const {
  platform::MutexLock lock(mutex_);
  const auto it = chats_.find(id);
  if (it == chats_.end()) return std::nullopt;
  return it->second->remote_id;
}

std::optional<std::string> Directory::RemoteContactId(ContactId id) const {
  platform::MutexLock lock(mutex_);
  const auto it = contacts_.find(id);
  if (it == contacts_.end() || it->second->remote_id.empty()) return std::nullopt;
  return it->second->remote_id;
}

std::optional<v1::Contact> Directory::FindContact(ContactId id) const {
  platform::MutexLock lock(mutex_);
  const auto it = contacts_.find(id);
  if (it == contacts_.end()) return std::nullopt;
  return it->second->contact;
}

std::vector<std::pair<AccountId, ChatId>> Directory::ChatIds() const {
  std::vector<std::pair<AccountId, ChatId>> chats;
  platform::MutexLock lock(mutex_);
  chats.reserve(chats_.size());
  for (const auto& [id, entry] : chats_) chats.emplace_back(entry->account, id);
  return chats;
}

std::vector<v1::Account> Directory::Accounts() const {
  std::vector<v1::Account> accounts;
  platform::MutexLock lock(mutex_);
  for (const auto& [id, entry] : accounts_) accounts.push_back(entry->account);
  std::sort(accounts.begin(), accounts.end(),
            [](const v1::Account& a, const v1::Account& b) { return a.id() < b.id(); });
  return accounts;
}

std::vector<v1::Chat> Directory::Chats() const {
  std::vector<v1::Chat> chats;
  platform::MutexLock lock(mutex_);
  for (const auto& [id, entry] : chats_) chats.push_back(entry->chat);
  std::sort(chats.begin(), chats.end(),
            [](const v1::Chat& a, const v1::Chat& b) { return a.id() < b.id(); });
  return chats;
}

}  // namespace postern::broker
