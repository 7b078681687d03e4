// SPDX-License-Identifier: Apache-2.0
#include "broker/objections.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <string>

#include "broker/access_history.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/limits.h"
#include "broker/notice_text.h"
#include "broker/owner_notices.h"
#include "broker/request_check.h"
#include "broker/seal_book.h"
#include "permissions/display_text.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ContactId;

// What one person said.
struct Said {
  ContactId person;
  ChatId chat;
  ObjectionAnswer answer = ObjectionAnswer::kNone;
  bool encrypted = false;
};

std::string NameOf(const Parts& parts, ContactId person) {
  const std::optional<v1::Contact> contact = parts.directory.FindContact(person);
  const std::string name = contact.has_value() ? contact->display_name() : std::string();
  return name.empty() ? "Somebody" : permissions::CleanName(name);
}

// Whether carrying it out changes anything.
bool IsNews(const Parts& parts, const Said& said) {
  const std::optional<Seal> seal = parts.seals.Find({{}, said.person});
  const bool objects = seal.has_value() && seal->objection != SealReach::kNone;
  return objects == (said.answer == ObjectionAnswer::kTakeBack);
}

absl::Status Record(const Parts& parts, v1::AccessVerb verb, ChatId chat) {
  AccessRow row;
  row.verb = verb;
  row.chat = chat;
  row.reason = "person";
  return parts.accesses.Record(std::move(row));
}

absl::Status CarryOut(const Parts& parts, AccountId account, const Said& said) {
  const bool objects = said.answer == ObjectionAnswer::kObject;
  if (IsNews(parts, said)) {
    RETURN_IF_ERROR(
        Record(parts, objects ? v1::ACCESS_VERB_SEALED : v1::ACCESS_VERB_UNSEALED, said.chat));
  }
  bool changed = false;
  if (objects) {
    ASSIGN_OR_RETURN(changed, parts.seals.Object(said.person, said.chat, said.encrypted,
                                                 parts.confirmed_clock.Now()));
  } else {
    ASSIGN_OR_RETURN(changed, parts.seals.TakeBack(said.person, said.encrypted));
  }
  if (!changed) return absl::OkStatus();
  if (parts.seals.overfull()) {
    parts.notices.Tell(
        v1::OwnerNotice::KIND_OBJECTION,
        "More people object to apps than can be written down, so apps that take text "
        "off this device get a mark in place of what anybody writes. `postern seal "
        "list` shows who and what is sealed; `postern unseal` makes room. Who objected "
        "since then has to say so again.");
  }
  const std::string name = NameOf(parts, said.person);
  parts.notices.Tell(
      v1::OwnerNotice::KIND_OBJECTION,
      objects ? absl::StrCat(name,
                             " does not want apps to pass on what they write. Apps that take text "
                             "off this device now get a mark in its place. You can talk to them.")
              : absl::StrCat(name, " no longer objects to apps."),
      {}, said.chat);
  if (said.chat.empty() || !parts.disclosures.NamesWord(said.chat)) return absl::OkStatus();
  return parts.disclosures.Say(account, said.chat,
                               objects ? ObjectionTaken() : ObjectionTakenBack(),
                               DisclosureBook::Manner::kSparing);
}

}  // namespace

absl::Status TakeObjections(const Parts& parts, AccountId account,
                            std::span<const TakenEvent> events) {
  for (const TakenEvent& taken : events) {
    if (!taken.event.has_message_created() || taken.record.backfill) continue;
    const v1::Message& message = taken.event.message_created().message();
    const ObjectionAnswer answer = AnswerIn(message.text());
    if (answer == ObjectionAnswer::kNone || message.from_owner()) continue;
    const ContactId person = taken.record.sender;
    if (person.empty() || parts.directory.IsSelf(account, person)) continue;
    if (!parts.disclosures.NamesWord(taken.record.chat)) continue;
    RETURN_IF_ERROR(CarryOut(parts, account,
                             {person, taken.record.chat, answer, message.end_to_end_encrypted()}));
  }
  return absl::OkStatus();
}

absl::Status TakeObjection(const Parts& parts, AccountId account, const v1::Objection& objection) {
  if (objection.contact_id().empty() || objection.contact_id().size() > kIdBytesMax ||
      objection.chat_id().size() > kIdBytesMax) {
    return InvalidField("objection.contact_id", "must have 1 to 512 bytes");
  }
  Said said;
  said.person = parts.ids.Contact(account, objection.contact_id());
  if (parts.directory.IsSelf(account, said.person)) {
    return InvalidField("objection.contact_id", "is the user");
  }
  if (!objection.chat_id().empty()) said.chat = parts.ids.Chat(account, objection.chat_id());
  said.answer = objection.withdrawn() ? ObjectionAnswer::kTakeBack : ObjectionAnswer::kObject;
  // The client knows who said it.
  said.encrypted = true;
  return CarryOut(parts, account, said);
}

}  // namespace postern::broker
