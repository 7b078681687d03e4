// SPDX-License-Identifier: Apache-2.0
// What this app knows: people, chats, who wrote when, and which notes in Tryton are behind.
//
// Every change is idempotent: an event that comes again finds what it would do done, marks no note,
// and so changes nothing in Tryton.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/crm/database.h"

namespace postern::crm {

struct Person {
  std::string id;
  std::string network;
  std::string name;
  std::vector<std::string> addresses;
  std::vector<std::string> linked;  // other contacts that are the same person
  bool is_self = false;
  // What this app decided, and not Postern said; PutPerson leaves it as it is.
  std::optional<int64_t> party;
  bool party_made = false;  // the party is of this app's making, or about to be
};

struct ChatFacts {
  std::string id;
  std::string network;
  std::string name;
  std::string peer;  // who is on the other side; empty for groups
};

// A message between the owner and one person.
struct Entry {
  std::string id;
  std::string chat;
  std::string contact;  // the other person, whoever wrote
  std::string day;      // "2026-11-21", where the owner lives
  int64_t time_ms = 0;  // since 1970
  bool from_owner = false;
  std::optional<std::string> text;
  bool erased = false;  // its text was taken back
  // When Postern wrote it down, since 1970. Lines stand in this order: what is deleted has no other
  // time any more.
  int64_t recorded_us = 0;
};

// A note: a day's conversation of one person in one chat, or, without chat and day, the sum of all.
struct Note {
  std::string chat;
  std::string contact;
  std::string day;
  std::optional<int64_t> tryton_id;
  int64_t changes = 0;  // since it was last written
};

struct Sum {
  int64_t from_person = 0;
  int64_t from_owner = 0;
  int64_t days = 0;
  std::string first_day;
  int64_t last_ms = 0;
  bool last_from_owner = false;
};

// Errors as Database::Run. One thread at a time; a command may use the file meanwhile.
class Ledger {
 public:
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(const std::string& path,
                                                      const platform::SecretBytes& key);

  absl::Status PutPerson(const Person& person);
  absl::StatusOr<std::optional<Person>> FindPerson(const std::string& id);
  absl::StatusOr<std::vector<Person>> People();
  absl::Status PutChat(const ChatFacts& chat);
  absl::StatusOr<std::optional<ChatFacts>> FindChat(const std::string& id);

  absl::Status Add(const Entry& entry);
  // 'at_ms': when Postern recorded the edit; an older one changes nothing. 'chat': where it was, so
  // that the text of a message that was never added is forgotten with its chat.
  absl::Status Edit(const std::string& message, const std::string& chat, const std::string& text,
                    int64_t at_ms);
  absl::Status EraseText(const std::string& message);
  absl::Status ForgetMessage(const std::string& message);
  absl::Status ForgetChat(const std::string& chat);
  // Something of that day was lost.
  absl::Status AddGap(const std::string& day);

  // Notes that are behind, of people who have a party or who have none yet.
  absl::StatusOr<std::vector<Note>> NotesBehind();
  absl::StatusOr<std::vector<Entry>> EntriesOf(const Note& note);
  absl::StatusOr<Sum> SumOf(const std::string& contact);
  absl::StatusOr<bool> HasGap(const std::string& day);
  absl::Status NoteWritten(const Note& note, int64_t tryton_id);
  absl::Status NoteGone(const Note& note);

  // Links a person with a party, or unlinks; their notes are then behind, so that they move.
  absl::Status SetParty(const std::string& contact, std::optional<int64_t> party);
  // Remembers that a party is being made for them.
  absl::Status SetPartyMade(const std::string& contact);

  // Forgets all.
  absl::Status Clear();

 private:
  explicit Ledger(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  absl::Status MarkNotesOf(const std::string& message);
  absl::Status Mark(const std::string& where, const Row& values);

  const std::unique_ptr<Database> database_;
};

}  // namespace postern::crm
