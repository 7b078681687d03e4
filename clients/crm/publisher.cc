// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/publisher.h"

#include <map>
#include <set>
#include <utility>

#include "clients/crm/note_text.h"

namespace postern::crm {

// No party: nobody in Tryton, or more than one, has an address of theirs; a person has to say.
absl::StatusOr<std::optional<int64_t>> Publisher::FindParty(const Person& person) {
  for (const std::string& id : person.linked) {
    const auto other = ledger_.FindPerson(id);
    if (!other.ok()) return other.status();
    if (other->has_value() && (*other)->party.has_value()) return (*other)->party;
  }
  if (!config_.identify || person.addresses.empty()) return std::nullopt;
  std::set<int64_t> found;
  for (const std::string& address : person.addresses) {
    const auto parties = parties_.WithAddress(address);
    if (!parties.ok()) return parties.status();
    for (const Party& party : *parties) found.insert(party.id);
  }
  if (found.size() == 1) return *found.begin();
  if (!found.empty() || !config_.create_parties) return std::nullopt;
  // Written down first: a party whose making was cut by a crash is found by its address, and still
  // known as ours.
  if (const absl::Status status = ledger_.SetPartyMade(person.id); !status.ok()) return status;
  const auto made = parties_.Create(person.name, person.addresses);
  if (!made.ok()) return made.status();
  return *made;
}

absl::StatusOr<Person> Publisher::WithParty(Person person) {
  if (person.party.has_value()) return person;
  const auto party = FindParty(person);
  if (!party.ok()) return party.status();
  if (!party->has_value()) return person;
  if (const absl::Status status = ledger_.SetParty(person.id, *party); !status.ok()) return status;
  person.party = *party;
  return person;
}

absl::StatusOr<std::string> Publisher::TextOf(const Person& person, const Note& note) {
  NoteWords words{person.name, config_.owner, person.network, "", false};
  if (note.day.empty()) {
    const auto sum = ledger_.SumOf(note.contact);
    if (!sum.ok()) return sum.status();
    if (sum->days == 0) return "";
    return SumText(words, *sum, config_.time_zone);
  }
  const auto entries = ledger_.EntriesOf(note);
  if (!entries.ok()) return entries.status();
  if (entries->empty()) return "";
  const auto chat = ledger_.FindChat(note.chat);
  if (!chat.ok()) return chat.status();
  if (chat->has_value() && (*chat)->peer.empty()) words.group = (*chat)->name;
  const auto gap = ledger_.HasGap(note.day);
  if (!gap.ok()) return gap.status();
  words.gap = *gap;
  return DayText(words, note.day, *entries, config_.time_zone);
}

absl::Status Publisher::PutNote(const Person& person, const Note& note) {
  const auto text = TextOf(person, note);
  if (!text.ok()) return text.status();
  if (text->empty()) {
    const absl::Status gone = parties_.DeleteNote(note.tryton_id, MarkOf(note));
    return gone.ok() ? ledger_.NoteGone(note) : gone;
  }
  const auto id = parties_.PutNote(note.tryton_id, *person.party, MarkOf(note), *text);
  return id.ok() ? ledger_.NoteWritten(note, *id) : id.status();
}

// A party that is gone (removed, or merged into another) is looked for anew the next time.
absl::Status Publisher::CheckParty(const Person& person, const absl::Status& refused) {
  if (!absl::IsAborted(refused)) return refused;
  const auto exists = parties_.Exists(*person.party);
  if (!exists.ok()) return exists.status();
  if (*exists) return refused;
  if (const absl::Status status = ledger_.SetParty(person.id, std::nullopt); !status.ok())
    return status;
  return absl::UnavailableError("a party is gone from Tryton; its people are matched anew");
}

absl::Status Publisher::Publish() {
  const auto notes = ledger_.NotesBehind();
  if (!notes.ok()) return notes.status();
  absl::Status first;
  std::map<std::string, Person> people;
  std::set<std::string> waiting, failed;
  for (Note note : *notes) {
    if (waiting.contains(note.contact) || failed.contains(note.contact)) continue;
    if (!people.contains(note.contact)) {
      const auto known = ledger_.FindPerson(note.contact);
      if (!known.ok()) return known.status();
      Person person;
      person.id = note.contact;
      auto matched = WithParty(known->value_or(person));
      if (!matched.ok() && !absl::IsAborted(matched.status())) return matched.status();
      if (!matched.ok()) {
        failed.insert(note.contact);
        first.Update(matched.status());
        continue;
      }
      people[note.contact] = *std::move(matched);
    }
    const Person& person = people[note.contact];
    if (!person.party.has_value()) {
      waiting.insert(note.contact);
      continue;
    }
    const absl::Status put = PutNote(person, note);
    if (put.ok()) continue;
    const absl::Status status = CheckParty(person, put);
    first.Update(status);
    // Away, or no longer allowed: the rest would fare no better.
    if (!absl::IsAborted(put)) break;
    failed.insert(note.contact);
  }
  waiting_ = static_cast<int>(waiting.size());
  return first;
}

absl::StatusOr<int> Publisher::EraseEverything() {
  if (const absl::Status status = parties_.DeleteAllNotes(); !status.ok()) return status;
  const auto people = ledger_.People();
  if (!people.ok()) return people.status();
  int kept = 0;
  for (const Person& person : *people) {
    if (!person.party_made || !person.party.has_value()) continue;
    const auto gone = parties_.DeleteParty(*person.party);
    if (!gone.ok()) return gone.status();
    if (!*gone) ++kept;
  }
  if (const absl::Status status = ledger_.Clear(); !status.ok()) return status;
  return kept;
}

}  // namespace postern::crm
