// SPDX-License-Identifier: Apache-2.0
#include "broker/directory.h"

#include <utility>

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ContactId;

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
  decltype(people_) people;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    RETURN_IF_ERROR(
        ReadRows(database, "SELECT id, remote_id, record, adapter, capabilities FROM accounts",
                 [&](Statement& row) -> absl::Status {
                   auto entry = std::make_unique<AccountEntry>();
                   entry->remote_id = std::string(row.Text(1));
                   if (!entry->account.ParseFromString(std::string(row.Bytes(2))) ||
                       !entry->capabilities.ParseFromString(std::string(row.Bytes(4)))) {
                     return BadRow();
                   }
                   entry->adapter = permissions::Principal::FromRaw(row.Bytes(3));
                   entry->network = entry->account.network();
                   entry->told_detached = entry->account.state() == v1::ACCOUNT_STATE_DETACHED;
                   entry->account.set_state(v1::ACCOUNT_STATE_DETACHED);
                   accounts[AccountId::FromRaw(row.Bytes(0))] = std::move(entry);
                   return absl::OkStatus();
                 }));
    RETURN_IF_ERROR(ReadRows(database, "SELECT id, account, remote_id, record, removed FROM chats",
                             [&](Statement& row) -> absl::Status {
                               auto entry = std::make_unique<ChatEntry>();
                               entry->account = AccountId::FromRaw(row.Bytes(1));
                               entry->remote_id = std::string(row.Text(2));
                               if (!entry->chat.ParseFromString(std::string(row.Bytes(3))))
                                 return BadRow();
                               entry->peer = IdFromText<ContactId>(entry->chat.peer_contact_id());
                               entry->removed = row.Integer(4) != 0;
                               chats[ChatId::FromRaw(row.Bytes(0))] = std::move(entry);
                               return absl::OkStatus();
                             }));
    RETURN_IF_ERROR(ReadRows(database, "SELECT id, account, remote_id, record, told FROM contacts",
                             [&](Statement& row) -> absl::Status {
                               auto entry = std::make_unique<ContactEntry>();
                               entry->account = AccountId::FromRaw(row.Bytes(1));
                               entry->remote_id = std::string(row.Text(2));
                               if (!entry->contact.ParseFromString(std::string(row.Bytes(3)))) {
                                 return BadRow();
                               }
                               entry->told = row.Integer(4) != 0;
                               contacts[ContactId::FromRaw(row.Bytes(0))] = std::move(entry);
                               return absl::OkStatus();
                             }));
    return ReadRows(database, "SELECT contact, person FROM contact_links ORDER BY contact",
                    [&](Statement& row) -> absl::Status {
                      const ContactId id = ContactId::FromRaw(row.Bytes(0));
                      const auto it = contacts.find(id);
                      if (it == contacts.end()) return BadRow();
                      it->second->person = ContactId::FromRaw(row.Bytes(1));
                      people[it->second->person].push_back(id);
                      return absl::OkStatus();
                    });
  }));
  platform::MutexLock lock(mutex_);
  accounts_ = std::move(accounts);
  chats_ = std::move(chats);
  contacts_ = std::move(contacts);
  people_ = std::move(people);
  return absl::OkStatus();
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
  if (changes.chats.empty() && changes.contacts.empty()) return absl::OkStatus();
  struct Row {
    std::string id;
    std::string account;
    std::string remote_id;
    std::string record;
    // A chat that is removed, a contact that was told of.
    bool mark;
  };
  std::vector<Row> chats;
  std::vector<Row> contacts;
  {
    platform::MutexLock lock(mutex_);
    for (const ChatId& id : changes.chats) {
      const ChatEntry& entry = *chats_.at(id);
      chats.push_back({std::string(id.view()), std::string(entry.account.view()), entry.remote_id,
                       entry.chat.SerializeAsString(), entry.removed});
    }
    for (const ContactId& id : changes.contacts) {
      const ContactEntry& entry = *contacts_.at(id);
      contacts.push_back({std::string(id.view()), std::string(entry.account.view()),
                          entry.remote_id, entry.contact.SerializeAsString(), entry.told});
    }
  }
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    for (const Row& row : chats) {
      RETURN_IF_ERROR(database.Run(
          "INSERT OR REPLACE INTO chats(id, account, remote_id, record, removed) "
          "VALUES(?, ?, ?, ?, ?)",
          Blob{row.id}, Blob{row.account}, row.remote_id, Blob{row.record}, row.mark ? 1 : 0));
    }
    for (const Row& row : contacts) {
      RETURN_IF_ERROR(database.Run(
          "INSERT OR REPLACE INTO contacts(id, account, remote_id, record, told) "
          "VALUES(?, ?, ?, ?, ?)",
          Blob{row.id}, Blob{row.account}, row.remote_id, Blob{row.record}, row.mark ? 1 : 0));
    }
    return absl::OkStatus();
  }));
  unwritten_ = Changes();
  return absl::OkStatus();
}

}  // namespace postern::broker
