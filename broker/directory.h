// SPDX-License-Identifier: Apache-2.0
// The accounts, chats and people that adapters have told of, as they are now: what decisions need
// to know about them, and what lists show. Kept in memory, written before the events that changed
// it. One file for each noun: directory_accounts.cc, directory_chats.cc, directory_contacts.cc.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

  // Takes an account that an adapter attaches. 'remote_id' is the network's name for it,
  // 'capabilities' what its chats can do unless they say otherwise. Returns the chats that can do
  // something else with it than before. An account's network never changes: FAILED_PRECONDITION
  // otherwise.
  absl::StatusOr<std::vector<permissions::ChatId>> PutAccount(
      permissions::AccountId id, const std::string& remote_id,
      const permissions::Principal& adapter, const v1::Account& account,
      const v1::ChatCapabilities& capabilities);
  // Whose account it is: the adapter that attached it last; empty when none did.
  permissions::Principal AdapterOf(permissions::AccountId id) const;
  void SetAccountState(permissions::AccountId id, v1::AccountState state);
  // Whether the last that apps heard of the account's adapter is that it went (attach_news.h).
  // Durable when Put returns.
  bool IsToldDetached(permissions::AccountId id) const;
  absl::Status PutToldDetached(permissions::AccountId id, bool told);
  // The account as its adapter told of it.
  std::optional<v1::Account> FindAccount(permissions::AccountId id) const;
  // What the chat can do: what it says itself, else what its account says of all. With an empty
  // 'chat': the account's. The hash is filled in. Nothing is said of what is not known.
  v1::ChatCapabilities CapabilitiesOf(permissions::AccountId account,
                                      permissions::ChatId chat) const;
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
  // A contact comes with 'is_self', and with the others of its person in 'linked_contact_ids'.
  std::optional<v1::Contact> FindContact(permissions::ContactId id) const;
  // Every chat with its account, in no order.
  std::vector<std::pair<permissions::AccountId, permissions::ChatId>> ChatIds() const;
  // The chats that the contact is in, in no order.
  std::vector<permissions::ChatId> ChatsWith(permissions::ContactId contact) const;
  // The 1:1 chat with the contact, if there is one.
  std::optional<permissions::ChatId> DirectChatWith(permissions::ContactId contact) const;
  // The contact of the account that is known by this address, whatever its case and, for "tel:",
  // its separators.
  std::optional<permissions::ContactId> FindByAddress(permissions::AccountId account,
                                                      std::string_view address) const;
  // In order of their ids. Chats come with their capabilities.
  std::vector<v1::Account> Accounts() const;
  std::vector<v1::Chat> Chats() const;
  std::vector<v1::Contact> Contacts() const;

  // Says that the contacts are one person; each brings those along that it is linked with already.
  // Returns all of that person, in order of their ids. NOT_FOUND, naming 'contact_ids', for one
  // that is not known; RESOURCE_EXHAUSTED LIMIT_EXCEEDED above kLinkedContactsMax. Safe to repeat.
  absl::StatusOr<std::vector<permissions::ContactId>> Link(
      std::span<const permissions::ContactId> contacts);
  // Takes the contact out of its person; who is left alone then is no longer linked either. Returns
  // all that the person had. NOT_FOUND, naming 'contact_id', for one that is not known.
  absl::StatusOr<std::vector<permissions::ContactId>> Unlink(permissions::ContactId contact);

 private:
  struct AccountEntry {
    std::string remote_id;
    std::string network;
    permissions::Principal adapter;
    v1::Account account;
    // With the hash.
    v1::ChatCapabilities capabilities;
    // Kept as the state of the stored record; the account's own state here is of this very moment.
    bool told_detached = false;
  };
  struct ChatEntry {
    permissions::AccountId account;
    std::string remote_id;
    v1::Chat chat;
    permissions::ContactId peer;
    // Gone from the user's list. Kept, because what is in the log of it, the news that it is gone
    // among them, is still decided by what kind of chat it was.
    bool removed = false;
  };
  struct ContactEntry {
    permissions::AccountId account;
    std::string remote_id;
    v1::Contact contact;
    // Told of by itself: what the person is called in some chat no longer names them.
    bool told = false;
    // The same for all that are linked; empty when nobody is.
    permissions::ContactId person;
  };
  struct Changes {
    std::vector<permissions::ChatId> chats;
    std::vector<permissions::ContactId> contacts;
  };
  // A change names each thing once.
  template <typename AnyId>
  static void AddChange(std::vector<AnyId>& ids, const AnyId& id) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }

  Directory(Store& store, const SealBook& seals) : store_(store), seals_(seals) {}
  absl::Status Load();
  // Null when it is not there, or no longer.
  const ChatEntry* FindEntry(permissions::ChatId id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::ChatCapabilities CapabilitiesOf(const ChatEntry& entry) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::Chat Whole(const ChatEntry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::Contact Whole(const ContactEntry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsSelfLocked(permissions::AccountId account, const std::string& contact_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes one person of 'linked', and of those in 'alone' nobody's: written first, shown then. Both
  // name all of the persons that they break up; 'linked' is in order.
  absl::Status SetPerson(const std::vector<permissions::ContactId>& linked,
                         const std::vector<permissions::ContactId>& alone)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  // What is closed about any person of the chat.
  Closure ClosureOfPeople(const ChatEntry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyOne(permissions::AccountId account, const TakenEvent& taken, Changes& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whom the user let write, or blocked.
  void TakeRequest(permissions::AccountId account, const TakenEvent& taken, Changes& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What an event says of its chat; false when nothing changed.
  bool ChangeChat(permissions::AccountId account, const TakenEvent& taken, ChatEntry& entry,
                  Changes& changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
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
  // By person, in order of their ids.
  absl::flat_hash_map<permissions::ContactId, std::vector<permissions::ContactId>> people_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
