// SPDX-License-Identifier: Apache-2.0
// The accounts, chats and people that adapters have told of, as they are now: what decisions need
// to know about them, and what lists show. Kept in memory, written before the events that changed
// it.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/event_intake.h"
#include "broker/seal_book.h"
#include "broker/store.h"
#include "permissions/decide.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/v1/account.pb.h"
#include "postern/v1/chat.pb.h"

namespace postern::broker {

// Thread-safe. Ids inside of the protos it takes and gives are in the broker's text form (IdText).
class Directory {
 public:
  // Borrows both.
  static absl::StatusOr<std::unique_ptr<Directory>> Open(Store& store, const SealBook& seals);

  // Takes an account that an adapter attaches. 'remote_id' is the network's name for it. An
  // account's network never changes: FAILED_PRECONDITION otherwise.
  absl::Status PutAccount(permissions::AccountId id, const std::string& remote_id,
                          const permissions::Principal& adapter, const v1::Account& account);
  // Whose account it is: the adapter that attached it last; empty when none did.
  permissions::Principal AdapterOf(permissions::AccountId id) const;
  void SetAccountState(permissions::AccountId id, v1::AccountState state);
  // Takes what these events say of chats and people, before they are appended: written durably once
  // for all of them, and nothing written when nothing changed. Safe to repeat.
  absl::Status Apply(permissions::AccountId account, std::span<const TakenEvent> events);

  // What a decision needs. Unknown things have facts too: their account and chat, and nothing that
  // would open them. The network's name lives as long as the directory. Sealing a person seals the
  // 1:1 chat with them; what a person objects to is about what they write (FactsOfWords).
  permissions::ObjectFacts FactsOf(permissions::AccountId account, permissions::ChatId chat) const;
  // The same for what 'writer' says or does there. Where the writer is not known it can be anybody
  // in the chat: closed as far as any of them asked.
  permissions::ObjectFacts FactsOfWords(permissions::AccountId account, permissions::ChatId chat,
                                        permissions::ContactId writer) const;
  const SealBook& seals() const { return seals_; }

  // Whether the contact is the user, by what the account's adapter calls them.
  bool IsSelf(permissions::AccountId account, permissions::ContactId contact) const;

  std::optional<v1::Chat> FindChat(permissions::ChatId id) const;
  std::optional<std::string> RemoteChatId(permissions::ChatId id) const;
  std::optional<std::string> RemoteContactId(permissions::ContactId id) const;
  std::optional<v1::Contact> FindContact(permissions::ContactId id) const;
  // Every chat with its account, in no order.
  std::vector<std::pair<permissions::AccountId, permissions::ChatId>> ChatIds() const;
  // In order of their ids.
  std::vector<v1::Account> Accounts() const;
  std::vector<v1::Chat> Chats() const;

 private:
  struct AccountEntry {
    std::string remote_id;
    std::string network;
    permissions::Principal adapter;
    v1::Account account;
  };
  struct ChatEntry {
    permissions::AccountId account;
    std::string remote_id;
    v1::Chat chat;
    permissions::ContactId peer;
  };
  struct ContactEntry {
    permissions::AccountId account;
    std::string remote_id;
    v1::Contact contact;
  };
  struct Changes {
    std::vector<permissions::ChatId> chats;
    std::vector<permissions::ContactId> contacts;
    std::vector<permissions::ChatId> removed_chats;
  };

  Directory(Store& store, const SealBook& seals) : store_(store), seals_(seals) {}
  absl::Status Load();
  // What is closed about any person of the chat.
  Closure ClosureOfPeople(const ChatEntry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyOne(permissions::AccountId account, const TakenEvent& taken, Changes& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ChatEntry& ChatOf(permissions::AccountId account, const TakenEvent& taken, Changes& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PutContact(permissions::AccountId account, const TakenEvent& taken,
                  const std::string& id_text, const std::string& name, const v1::Contact* whole,
                  Changes& changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Writes all that is unwritten; after an error it stays so for the next time.
  absl::Status Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);

  Store& store_;
  const SealBook& seals_;
  // One batch at a time is applied and written. Taken before mutex_.
  platform::Mutex change_mutex_;
  Changes unwritten_ ABSL_GUARDED_BY(change_mutex_);
  mutable platform::Mutex mutex_;
  absl::flat_hash_map<permissions::AccountId, std::unique_ptr<AccountEntry>> accounts_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<permissions::ChatId, std::unique_ptr<ChatEntry>> chats_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<permissions::ContactId, std::unique_ptr<ContactEntry>> contacts_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
