// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/ledger.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace postern::crm {
namespace {

using nlohmann::json;

constexpr const char* kTables[] = {
    R"(CREATE TABLE IF NOT EXISTS person (
         id TEXT PRIMARY KEY, network TEXT, name TEXT, addresses TEXT, linked TEXT, is_self INTEGER,
         party INTEGER, party_made INTEGER NOT NULL DEFAULT 0))",
    "CREATE TABLE IF NOT EXISTS chat (id TEXT PRIMARY KEY, network TEXT, name TEXT, peer TEXT)",
    // A change can come before its message: then contact is empty, and the message fills the row.
    R"(CREATE TABLE IF NOT EXISTS message (
         id TEXT PRIMARY KEY, chat TEXT NOT NULL DEFAULT '', contact TEXT NOT NULL DEFAULT '',
         day TEXT NOT NULL DEFAULT '', time INTEGER, recorded INTEGER, from_owner INTEGER, text TEXT,
         text_time INTEGER NOT NULL DEFAULT 0, erased INTEGER NOT NULL DEFAULT 0))",
    "CREATE INDEX IF NOT EXISTS message_by_note ON message (contact, day, chat)",
    R"(CREATE TABLE IF NOT EXISTS note (
         chat TEXT, contact TEXT, day TEXT, tryton_id INTEGER, changes INTEGER NOT NULL,
         PRIMARY KEY (chat, contact, day)))",
    "CREATE TABLE IF NOT EXISTS gap (day TEXT PRIMARY KEY)"};

std::vector<std::string> Words(const Value& value) {
  const json parsed = json::parse(Text(value), nullptr, false);
  return parsed.is_array() ? parsed.get<std::vector<std::string>>() : std::vector<std::string>();
}

std::optional<int64_t> Maybe(const Value& value) {
  if (!std::holds_alternative<int64_t>(value)) return std::nullopt;
  return std::get<int64_t>(value);
}

Person PersonOf(const Row& row) {
  return {Text(row[0]),  Text(row[1]),        Text(row[2]),  Words(row[3]),
          Words(row[4]), Number(row[5]) != 0, Maybe(row[6]), Number(row[7]) != 0};
}

constexpr char kPersonColumns[] =
    "SELECT id, network, name, addresses, linked, is_self, party, party_made FROM person ";

}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& path,
                                                     const platform::SecretBytes& key) {
  auto database = Database::Open(path, key);
  if (!database.ok()) return database.status();
  for (const char* table : kTables) {
    if (const auto made = (*database)->Run(table); !made.ok()) return made.status();
  }
  return std::unique_ptr<Ledger>(new Ledger(*std::move(database)));
}

absl::Status Ledger::PutPerson(const Person& person) {
  const auto put = database_->Run(
      "INSERT INTO person (id, network, name, addresses, linked, is_self) VALUES (?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (id) DO UPDATE SET network = excluded.network, name = excluded.name,"
      " addresses = excluded.addresses, linked = excluded.linked, is_self = excluded.is_self",
      {person.id, person.network, person.name, json(person.addresses).dump(),
       json(person.linked).dump(), int64_t{person.is_self}});
  return put.status();
}

absl::StatusOr<std::optional<Person>> Ledger::FindPerson(const std::string& id) {
  const auto rows = database_->Run(absl::StrCat(kPersonColumns, "WHERE id = ?"), {id});
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return std::nullopt;
  return std::make_optional(PersonOf(rows->front()));
}

absl::StatusOr<std::vector<Person>> Ledger::People() {
  const auto rows = database_->Run(absl::StrCat(kPersonColumns, "ORDER BY name, id"));
  if (!rows.ok()) return rows.status();
  std::vector<Person> people;
  for (const Row& row : *rows) people.push_back(PersonOf(row));
  return people;
}

absl::Status Ledger::PutChat(const ChatFacts& chat) {
  return database_
      ->Run("INSERT OR REPLACE INTO chat (id, network, name, peer) VALUES (?, ?, ?, ?)",
            {chat.id, chat.network, chat.name, chat.peer})
      .status();
}

absl::StatusOr<std::optional<ChatFacts>> Ledger::FindChat(const std::string& id) {
  const auto rows = database_->Run("SELECT id, network, name, peer FROM chat WHERE id = ?", {id});
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return std::nullopt;
  const Row& row = rows->front();
  return std::make_optional(ChatFacts{Text(row[0]), Text(row[1]), Text(row[2]), Text(row[3])});
}

absl::Status Ledger::Mark(const std::string& where, const Row& values) {
  // 'WHERE' ends what could be read as part of the conflict.
  return database_
      ->Run(absl::StrCat("INSERT INTO note (chat, contact, day, changes) ", where,
                         " ON CONFLICT (chat, contact, day) DO UPDATE SET changes = changes + 1"),
            values)
      .status();
}

absl::Status Ledger::MarkNotesOf(const std::string& message) {
  const absl::Status day =
      Mark("SELECT chat, contact, day, 1 FROM message WHERE id = ? AND contact <> ''", {message});
  if (!day.ok()) return day;
  return Mark("SELECT '', contact, '', 1 FROM message WHERE id = ? AND contact <> ''", {message});
}

absl::Status Ledger::Add(const Entry& entry) {
  Transaction transaction(*database_);
  if (!transaction.begun().ok()) return transaction.begun();
  const auto put = database_->Run(
      "INSERT INTO message (id, chat, contact, day, time, recorded, from_owner, text, erased)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (id) DO UPDATE SET chat = excluded.chat, contact = excluded.contact,"
      " day = excluded.day, time = excluded.time, recorded = excluded.recorded,"
      " from_owner = excluded.from_owner, text = CASE"
      " WHEN erased OR excluded.erased THEN NULL WHEN text_time > 0 THEN text ELSE excluded.text "
      "END,"
      " erased = erased OR excluded.erased"
      " WHERE message.contact = ''",
      {entry.id, entry.chat, entry.contact, entry.day, entry.time_ms, entry.recorded_us,
       int64_t{entry.from_owner}, entry.text.has_value() ? Value(*entry.text) : Value(),
       int64_t{entry.erased}});
  if (!put.ok() || database_->changes() == 0) return put.status();
  if (const absl::Status status = MarkNotesOf(entry.id); !status.ok()) return status;
  return transaction.Commit();
}

absl::Status Ledger::Edit(const std::string& message, const std::string& chat,
                          const std::string& text, int64_t at_ms) {
  Transaction transaction(*database_);
  if (!transaction.begun().ok()) return transaction.begun();
  const auto put = database_->Run(
      "INSERT INTO message (id, chat, text, text_time) VALUES (?, ?, ?, ?)"
      " ON CONFLICT (id) DO UPDATE SET text = excluded.text, text_time = excluded.text_time"
      " WHERE NOT erased AND text_time < excluded.text_time",
      {message, chat, text, at_ms});
  if (!put.ok() || database_->changes() == 0) return put.status();
  if (const absl::Status status = MarkNotesOf(message); !status.ok()) return status;
  return transaction.Commit();
}

absl::Status Ledger::EraseText(const std::string& message) {
  Transaction transaction(*database_);
  if (!transaction.begun().ok()) return transaction.begun();
  const auto put = database_->Run(
      "INSERT INTO message (id, erased) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET"
      " text = NULL, erased = 1 WHERE NOT erased",
      {message});
  if (!put.ok() || database_->changes() == 0) return put.status();
  if (const absl::Status status = MarkNotesOf(message); !status.ok()) return status;
  return transaction.Commit();
}

absl::Status Ledger::ForgetMessage(const std::string& message) {
  Transaction transaction(*database_);
  if (!transaction.begun().ok()) return transaction.begun();
  if (const absl::Status status = MarkNotesOf(message); !status.ok()) return status;
  const auto gone = database_->Run("DELETE FROM message WHERE id = ?", {message});
  return gone.ok() ? transaction.Commit() : gone.status();
}

absl::Status Ledger::ForgetChat(const std::string& chat) {
  Transaction transaction(*database_);
  if (!transaction.begun().ok()) return transaction.begun();
  for (const char* notes :
       {"SELECT DISTINCT chat, contact, day, 1 FROM message WHERE chat = ? AND contact <> ''",
        "SELECT DISTINCT '', contact, '', 1 FROM message WHERE chat = ? AND contact <> ''"}) {
    if (const absl::Status status = Mark(notes, {chat}); !status.ok()) return status;
  }
  const auto gone = database_->Run("DELETE FROM message WHERE chat = ?", {chat});
  return gone.ok() ? transaction.Commit() : gone.status();
}

absl::Status Ledger::AddGap(const std::string& day) {
  Transaction transaction(*database_);
  if (!transaction.begun().ok()) return transaction.begun();
  const auto put = database_->Run("INSERT OR IGNORE INTO gap (day) VALUES (?)", {day});
  if (!put.ok() || database_->changes() == 0) return put.status();
  const auto marked = database_->Run("UPDATE note SET changes = changes + 1 WHERE day = ?", {day});
  return marked.ok() ? transaction.Commit() : marked.status();
}

absl::StatusOr<std::vector<Note>> Ledger::NotesBehind() {
  const auto rows = database_->Run(
      "SELECT chat, contact, day, tryton_id, changes FROM note WHERE changes > 0"
      " ORDER BY contact, day, chat");
  if (!rows.ok()) return rows.status();
  std::vector<Note> notes;
  for (const Row& row : *rows) {
    notes.push_back({Text(row[0]), Text(row[1]), Text(row[2]), Maybe(row[3]), Number(row[4])});
  }
  return notes;
}

absl::StatusOr<std::vector<Entry>> Ledger::EntriesOf(const Note& note) {
  const auto rows = database_->Run(
      "SELECT id, time, from_owner, text, erased FROM message"
      " WHERE chat = ? AND contact = ? AND day = ? ORDER BY recorded, rowid",
      {note.chat, note.contact, note.day});
  if (!rows.ok()) return rows.status();
  std::vector<Entry> entries;
  for (const Row& row : *rows) {
    Entry entry{Text(row[0]),   note.chat,           note.contact, note.day,
                Number(row[1]), Number(row[2]) != 0, {},           false};
    if (std::holds_alternative<std::string>(row[3])) entry.text = Text(row[3]);
    entry.erased = Number(row[4]) != 0;
    entries.push_back(std::move(entry));
  }
  return entries;
}

absl::StatusOr<Sum> Ledger::SumOf(const std::string& contact) {
  const auto rows = database_->Run(
      "SELECT SUM(NOT from_owner), SUM(from_owner), COUNT(DISTINCT day), MIN(day), MAX(time),"
      " (SELECT from_owner FROM message WHERE contact = ?1 ORDER BY time DESC, rowid DESC LIMIT 1)"
      " FROM message WHERE contact = ?1",
      {contact});
  if (!rows.ok()) return rows.status();
  const Row& row = rows->front();
  return Sum{Number(row[0]), Number(row[1]), Number(row[2]),
             Text(row[3]),   Number(row[4]), Number(row[5]) != 0};
}

absl::StatusOr<bool> Ledger::HasGap(const std::string& day) {
  const auto rows = database_->Run("SELECT 1 FROM gap WHERE day = ?", {day});
  if (!rows.ok()) return rows.status();
  return !rows->empty();
}

absl::Status Ledger::NoteWritten(const Note& note, int64_t tryton_id) {
  // What changed meanwhile stays to be written.
  return database_
      ->Run(
          "UPDATE note SET tryton_id = ?, changes = changes - ?"
          " WHERE chat = ? AND contact = ? AND day = ?",
          {tryton_id, note.changes, note.chat, note.contact, note.day})
      .status();
}

absl::Status Ledger::NoteGone(const Note& note) {
  return database_
      ->Run("DELETE FROM note WHERE chat = ? AND contact = ? AND day = ? AND changes = ?",
            {note.chat, note.contact, note.day, note.changes})
      .status();
}

absl::Status Ledger::SetParty(const std::string& contact, std::optional<int64_t> party) {
  Transaction transaction(*database_);
  if (!transaction.begun().ok()) return transaction.begun();
  const auto set = database_->Run("UPDATE person SET party = ? WHERE id = ?",
                                  {party.has_value() ? Value(*party) : Value(), contact});
  if (!set.ok()) return set.status();
  const auto marked =
      database_->Run("UPDATE note SET changes = changes + 1 WHERE contact = ?", {contact});
  return marked.ok() ? transaction.Commit() : marked.status();
}

absl::Status Ledger::SetPartyMade(const std::string& contact) {
  return database_->Run("UPDATE person SET party_made = 1 WHERE id = ?", {contact}).status();
}

absl::Status Ledger::Clear() {
  Transaction transaction(*database_);
  if (!transaction.begun().ok()) return transaction.begun();
  for (const char* table : {"person", "chat", "message", "note", "gap"}) {
    if (const auto gone = database_->Run(absl::StrCat("DELETE FROM ", table)); !gone.ok())
      return gone.status();
  }
  return transaction.Commit();
}

}  // namespace postern::crm
