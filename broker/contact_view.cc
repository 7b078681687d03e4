// SPDX-License-Identifier: Apache-2.0
#include "broker/contact_view.h"

#include <optional>
#include <utility>

#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/seal_book.h"
#include "permissions/account_access.h"
#include "permissions/scope.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ContactId;
using permissions::ObjectFacts;
using permissions::Scope;
using permissions::Verdict;

void Add(ContactSight& sight, ContactSight more) {
  sight.seen = sight.seen || more.seen;
  sight.identified = sight.identified || more.identified;
}

// What the account alone shows of everybody.
ContactSight SightInAccount(const Viewer& viewer, AccountId account) {
  const ObjectFacts facts = viewer.directory.FactsOf(account, {});
  const auto open = [&](Scope scope) {
    return permissions::DecidePerson(viewer.access, scope, facts, viewer.now) == Verdict::kAllowed;
  };
  return {open(Scope::kContactsRead), open(Scope::kContactsIdentify)};
}

// What a chat of 'account' shows of those in it; with an empty 'chat': what any chat could.
ContactSight SightInChat(const Viewer& viewer, AccountId account, ChatId chat) {
  const ObjectFacts facts = viewer.directory.FactsOf(account, chat);
  const auto open = [&](Scope scope) {
    return Decide(viewer.access, scope, facts, viewer.now) == Verdict::kAllowed;
  };
  return {open(Scope::kContactsRead), open(Scope::kContactsIdentify)};
}

bool IsSealed(const Viewer& viewer, const v1::Contact& contact) {
  return viewer.directory.seals().OfPerson(IdFromText<ContactId>(contact.id())).sealed;
}

}  // namespace

ContactSight SightOf(const Viewer& viewer, const v1::Contact& contact) {
  if (IsSealed(viewer, contact)) return {};
  const AccountId account = IdFromText<AccountId>(contact.account_id());
  ContactSight sight = SightInAccount(viewer, account);
  const ContactSight most = SightInChat(viewer, account, {});
  if (sight.seen == most.seen && sight.identified == most.identified) return sight;
  for (const ChatId& chat : viewer.directory.ChatsWith(IdFromText<ContactId>(contact.id()))) {
    Add(sight, SightInChat(viewer, account, chat));
  }
  return sight;
}

ContactSights::ContactSights(const Viewer& viewer) : viewer_(viewer) {
  for (const v1::Account& account : viewer.directory.Accounts()) {
    in_accounts_[account.id()] = SightInAccount(viewer, IdFromText<AccountId>(account.id()));
  }
  for (const v1::Chat& chat : viewer.directory.Chats()) {
    const ContactSight sight = SightInChat(viewer, IdFromText<AccountId>(chat.account_id()),
                                           IdFromText<ChatId>(chat.id()));
    if (!sight.seen && !sight.identified) continue;
    if (!chat.peer_contact_id().empty()) Add(in_chats_[chat.peer_contact_id()], sight);
    for (const v1::Participant& participant : chat.participants()) {
      Add(in_chats_[participant.contact_id()], sight);
    }
  }
}

ContactSight ContactSights::Of(const v1::Contact& contact) const {
  ContactSight sight;
  if (IsSealed(viewer_, contact)) return sight;
  if (const auto it = in_accounts_.find(contact.account_id()); it != in_accounts_.end()) {
    Add(sight, it->second);
  }
  if (const auto it = in_chats_.find(contact.id()); it != in_chats_.end()) Add(sight, it->second);
  return sight;
}

void ReduceContact(const Viewer& viewer, ContactSight sight,
                   absl::FunctionRef<bool(const v1::Contact&)> sees, v1::Contact& contact) {
  if (!sight.identified) contact.clear_addresses();
  google::protobuf::RepeatedPtrField<std::string> linked;
  for (std::string& id : *contact.mutable_linked_contact_ids()) {
    const std::optional<v1::Contact> other =
        viewer.directory.FindContact(IdFromText<ContactId>(id));
    if (other.has_value() && sees(*other)) *linked.Add() = std::move(id);
  }
  *contact.mutable_linked_contact_ids() = std::move(linked);
}

}  // namespace postern::broker
