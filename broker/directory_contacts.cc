// SPDX-License-Identifier: Apache-2.0
// The people of the directory: one contact for each network they are on, and which of these the
// user said are the same person.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "broker/address.h"
#include "broker/directory.h"
#include "broker/limits.h"
#include "broker/request_check.h"
#include "broker/rpc_status.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::AccountId;
using permissions::ContactId;

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
  // Nearly every message: it says nothing new of its sender.
  if (whole == nullptr && !is_new &&
      (name.empty() || entry->told || name == entry->contact.display_name())) {
    return;
  }
  v1::Contact next = entry->contact;
  const bool told = entry->told || (whole != nullptr && !whole->display_name().empty());
  if (whole != nullptr) {
    next = *whole;
    if (next.display_name().empty()) next.set_display_name(entry->contact.display_name());
    next.set_id(id_text);
    next.set_account_id(IdText(account));
  } else if (!name.empty() && !told) {
    next.set_display_name(name);
  }
  if (is_new || told != entry->told ||
      next.SerializeAsString() != entry->contact.SerializeAsString()) {
    entry->contact = std::move(next);
    entry->told = told;
    AddChange(changes.contacts, id);
  }
}

void Directory::TakeRequest(AccountId account, const TakenEvent& taken, Changes& changes) {
  const v1::MessageRequest& request = taken.event.message_request();
  PutContact(account, taken, request.contact_id(), "", nullptr, changes);
  const bool blocked = request.state() == v1::MessageRequest::STATE_BLOCKED;
  if (!blocked && request.state() != v1::MessageRequest::STATE_ACCEPTED) return;
  const auto it = contacts_.find(IdFromText<ContactId>(request.contact_id()));
  if (it == contacts_.end() || it->second->contact.blocked() == blocked) return;
  it->second->contact.set_blocked(blocked);
  AddChange(changes.contacts, it->first);
}

v1::Contact Directory::Whole(const ContactEntry& entry) const {
  v1::Contact contact = entry.contact;
  contact.set_is_self(contact.is_self() || IsSelfLocked(entry.account, contact.id()));
  contact.clear_linked_contact_ids();
  if (const auto people = people_.find(entry.person); people != people_.end()) {
    for (const ContactId& id : people->second) {
      const std::string text = IdText(id);
      if (text != contact.id()) contact.add_linked_contact_ids(text);
    }
  }
  return contact;
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
  return Whole(*it->second);
}

std::optional<ContactId> Directory::FindByAddress(AccountId account,
                                                  std::string_view address) const {
  const std::string key = AddressKey(address);
  platform::MutexLock lock(mutex_);
  for (const auto& [id, entry] : contacts_) {
    if (entry->account != account) continue;
    const auto& known = entry->contact.addresses();
    if (std::any_of(known.begin(), known.end(),
                    [&](const std::string& one) { return AddressKey(one) == key; })) {
      return id;
    }
  }
  return std::nullopt;
}

std::vector<v1::Contact> Directory::Contacts() const {
  std::vector<v1::Contact> contacts;
  platform::MutexLock lock(mutex_);
  contacts.reserve(contacts_.size());
  for (const auto& [id, entry] : contacts_) contacts.push_back(Whole(*entry));
  std::sort(contacts.begin(), contacts.end(),
            [](const v1::Contact& a, const v1::Contact& b) { return a.id() < b.id(); });
  return contacts;
}

absl::Status Directory::SetPerson(const std::vector<ContactId>& linked,
                                  const std::vector<ContactId>& alone) {
  const ContactId person = linked.empty() ? ContactId() : linked.front();
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    for (const ContactId& id : alone) {
      RETURN_IF_ERROR(database.Run("DELETE FROM contact_links WHERE contact = ?", Blob{id.view()}));
    }
    for (const ContactId& id : linked) {
      RETURN_IF_ERROR(
          database.Run("INSERT OR REPLACE INTO contact_links(contact, person) VALUES(?, ?)",
                       Blob{id.view()}, Blob{person.view()}));
    }
    for (const std::vector<ContactId>* contacts : {&linked, &alone}) {
      for (const ContactId& id : *contacts) {
        RETURN_IF_ERROR(
            database.Run("INSERT INTO untold_links(contact) VALUES(?)", Blob{id.view()}));
      }
    }
    return absl::OkStatus();
  }));
  platform::MutexLock lock(mutex_);
  for (const std::vector<ContactId>* contacts : {&linked, &alone}) {
    for (const ContactId& id : *contacts) people_.erase(contacts_.at(id)->person);
  }
  for (const ContactId& id : alone) contacts_.at(id)->person = {};
  for (const ContactId& id : linked) contacts_.at(id)->person = person;
  if (!person.empty()) people_[person] = linked;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ContactId>> Directory::Link(std::span<const ContactId> contacts) {
  platform::MutexLock change(change_mutex_);
  std::vector<ContactId> person;
  {
    platform::MutexLock lock(mutex_);
    for (const ContactId& id : contacts) {
      const auto it = contacts_.find(id);
      if (it == contacts_.end()) return NotFound("contact_ids");
      person.push_back(id);
      if (const auto linked = people_.find(it->second->person); linked != people_.end()) {
        person.insert(person.end(), linked->second.begin(), linked->second.end());
      }
    }
  }
  std::sort(person.begin(), person.end());
  person.erase(std::unique(person.begin(), person.end()), person.end());
  if (person.size() > kLinkedContactsMax) {
    return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                        absl::StrCat("one person has at most ", kLinkedContactsMax,
                                     " contacts; take one out first"),
                        {{"limit", "linked_contacts"}, {"max", absl::StrCat(kLinkedContactsMax)}});
  }
  if (person.size() > 1) RETURN_IF_ERROR(SetPerson(person, {}));
  return person;
}

absl::StatusOr<std::vector<ContactId>> Directory::Unlink(ContactId contact) {
  platform::MutexLock change(change_mutex_);
  std::vector<ContactId> person;
  {
    platform::MutexLock lock(mutex_);
    const auto it = contacts_.find(contact);
    if (it == contacts_.end()) return NotFound("contact_id");
    if (const auto linked = people_.find(it->second->person); linked != people_.end()) {
      person = linked->second;
    }
  }
  if (person.empty()) return std::vector<ContactId>{contact};
  std::vector<ContactId> rest = person;
  rest.erase(std::remove(rest.begin(), rest.end(), contact), rest.end());
  RETURN_IF_ERROR(rest.size() == 1 ? SetPerson({}, person) : SetPerson(rest, {contact}));
  return person;
}

}  // namespace postern::broker
