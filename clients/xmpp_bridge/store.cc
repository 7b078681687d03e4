// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/store.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <openssl/sha.h>

namespace postern::xmpp_bridge {
namespace {

// Events are asked for again from the last acknowledged frame on, which holds 64 at most.
constexpr int64_t kDeliveredKept = 4096;
// A stanza that a room's history brings again is known for so many newer ones.
constexpr int64_t kInboundKept = 4096;

constexpr char kSchema[] = R"sql(
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS people (contact_id TEXT PRIMARY KEY, node TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL, subscribed INTEGER NOT NULL DEFAULT 0, presence TEXT NOT NULL DEFAULT '',
  avatar_id TEXT NOT NULL DEFAULT '', avatar BLOB, avatar_type TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS chats (chat_id TEXT PRIMARY KEY, node TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL, is_group INTEGER NOT NULL, peer TEXT NOT NULL, opened INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS links (number INTEGER PRIMARY KEY, chat_id TEXT NOT NULL,
  xmpp_id TEXT NOT NULL, message_id TEXT NOT NULL, stanza_id TEXT NOT NULL, sender TEXT NOT NULL,
  from_xmpp INTEGER NOT NULL, told INTEGER NOT NULL, UNIQUE (chat_id, xmpp_id));
CREATE INDEX IF NOT EXISTS links_by_message ON links (message_id);
CREATE INDEX IF NOT EXISTS links_by_stanza ON links (chat_id, stanza_id);
CREATE TABLE IF NOT EXISTS delivered (number INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS reactions (message_id TEXT NOT NULL, contact_id TEXT NOT NULL,
  emoji TEXT NOT NULL, PRIMARY KEY (message_id, contact_id, emoji)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbound (number INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE,
  stanza TEXT, done INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS inbound_waiting ON inbound (number) WHERE done = 0;
)sql";

constexpr char kPersonColumns[] =
    "contact_id, node, name, subscribed, presence, avatar_id, avatar, avatar_type";

Person ToPerson(const std::vector<std::string>& row) {
  return {row[0], row[1], row[2], row[3] == "1", row[4], row[5], row[6], row[7]};
}

}  // namespace

std::string MakeNode(const std::string& name, const std::string& id) {
  std::string node;
  for (const char character : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(character))) {
      node.push_back(absl::ascii_tolower(static_cast<unsigned char>(character)));
    } else if (!node.empty() && node.back() != '-' && (character == ' ' || character == '-')) {
      node.push_back('-');
    }
    if (node.size() == 24) break;
  }
  while (!node.empty() && node.back() == '-') node.pop_back();
  unsigned char hash[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(id.data()), id.size(), hash);
  const std::string tail =
      absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(hash), 8));
  return node.empty() ? tail : absl::StrCat(node, "-", tail);
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path,
                                                   const platform::SecretBytes& key) {
  auto database = Database::Open(path, key, kSchema);
  if (!database.ok()) return database.status();
  return std::unique_ptr<Store>(new Store(*std::move(database)));
}

absl::Status Store::Together(const std::function<absl::Status()>& work) {
  if (auto begun = Do("BEGIN IMMEDIATE"); !begun.ok()) return begun;
  absl::Status status = work();
  if (status.ok()) status = Do("COMMIT");
  if (!status.ok()) Do("ROLLBACK").IgnoreError();
  return status;
}

absl::StatusOr<std::string> Store::Meta(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  auto rows = Query("SELECT value FROM meta WHERE name = ?", {name});
  if (!rows.ok()) return rows.status();
  return rows->empty() ? std::string() : (*rows)[0][0];
}

absl::Status Store::SetMeta(const std::string& name, const std::string& value) {
  absl::MutexLock lock(&mutex_);
  return Do("INSERT OR REPLACE INTO meta VALUES (?, ?)", {name, value});
}

int64_t Store::Seen() {
  const auto text = Meta("seen");
  int64_t seconds = 0;
  return text.ok() && absl::SimpleAtoi(*text, &seconds) ? seconds : 0;
}

absl::Status Store::SetSeen(absl::Time now) {
  return SetMeta("seen", absl::StrCat(absl::ToUnixSeconds(now)));
}

absl::StatusOr<Person> Store::PersonOf(const std::string& contact_id, const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const std::string find =
      absl::StrCat("SELECT ", kPersonColumns, " FROM people WHERE contact_id = ?");
  auto rows = Query(find.c_str(), {contact_id});
  if (!rows.ok()) return rows.status();
  if (rows->empty()) {
    Person made;
    made.contact_id = contact_id;
    made.node = MakeNode(name, contact_id);
    made.name = name;
    if (auto status = Do("INSERT INTO people (contact_id, node, name) VALUES (?, ?, ?)",
                         {made.contact_id, made.node, made.name});
        !status.ok()) {
      return status;
    }
    return made;
  }
  Person person = ToPerson((*rows)[0]);
  if (!name.empty() && person.name != name) {
    person.name = name;
    if (auto status = Do("UPDATE people SET name = ? WHERE contact_id = ?", {name, contact_id});
        !status.ok()) {
      return status;
    }
  }
  return person;
}

absl::StatusOr<std::optional<Person>> Store::PersonByNode(const std::string& node) {
  absl::MutexLock lock(&mutex_);
  const std::string find = absl::StrCat("SELECT ", kPersonColumns, " FROM people WHERE node = ?");
  auto rows = Query(find.c_str(), {node});
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return std::nullopt;
  return ToPerson((*rows)[0]);
}

absl::StatusOr<std::vector<Person>> Store::People() {
  absl::MutexLock lock(&mutex_);
  auto rows = Query(absl::StrCat("SELECT ", kPersonColumns, " FROM people ORDER BY name").c_str());
  if (!rows.ok()) return rows.status();
  std::vector<Person> people;
  for (const auto& row : *rows) people.push_back(ToPerson(row));
  return people;
}

absl::Status Store::SetSubscribed(const std::string& contact_id, bool subscribed) {
  absl::MutexLock lock(&mutex_);
  return Do("UPDATE people SET subscribed = ? WHERE contact_id = ?",
            {int64_t{subscribed}, contact_id});
}

absl::Status Store::SetPresence(const std::string& contact_id, const std::string& presence) {
  absl::MutexLock lock(&mutex_);
  return Do("UPDATE people SET presence = ? WHERE contact_id = ?", {presence, contact_id});
}

absl::Status Store::SetAvatar(const Person& person) {
  absl::MutexLock lock(&mutex_);
  return Do("UPDATE people SET avatar_id = ?, avatar = ?, avatar_type = ? WHERE contact_id = ?",
            {person.avatar_id, person.avatar, person.avatar_type, person.contact_id});
}

absl::StatusOr<std::optional<ChatEntry>> Store::OneChat(const char* sql, const std::string& value) {
  auto rows = Query(sql, {value});
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return std::nullopt;
  const auto& row = (*rows)[0];
  return ChatEntry{row[0], row[1], row[2], row[3] == "1", row[4], row[5] == "1"};
}

absl::StatusOr<ChatEntry> Store::ChatOf(const std::string& chat_id, const std::string& name,
                                        bool group, const std::string& peer_contact_id) {
  absl::MutexLock lock(&mutex_);
  if (auto status =
          Do("INSERT INTO chats (chat_id, node, name, is_group, peer) VALUES (?, ?, ?, ?, ?) "
             "ON CONFLICT (chat_id) DO UPDATE SET name = excluded.name",
             {chat_id, MakeNode(name, chat_id), name, int64_t{group}, peer_contact_id});
      !status.ok()) {
    return status;
  }
  auto chat = OneChat("SELECT * FROM chats WHERE chat_id = ?", chat_id);
  if (!chat.ok()) return chat.status();
  return **chat;
}

absl::StatusOr<std::optional<ChatEntry>> Store::ChatById(const std::string& chat_id) {
  absl::MutexLock lock(&mutex_);
  return OneChat("SELECT * FROM chats WHERE chat_id = ?", chat_id);
}

absl::StatusOr<std::optional<ChatEntry>> Store::RoomByNode(const std::string& node) {
  absl::MutexLock lock(&mutex_);
  return OneChat("SELECT * FROM chats WHERE node = ? AND is_group = 1", node);
}

absl::StatusOr<std::optional<ChatEntry>> Store::DirectWith(const std::string& contact_id) {
  absl::MutexLock lock(&mutex_);
  return OneChat("SELECT * FROM chats WHERE peer = ? AND is_group = 0", contact_id);
}

absl::Status Store::SetOpened(const std::string& chat_id) {
  absl::MutexLock lock(&mutex_);
  return Do("UPDATE chats SET opened = 1 WHERE chat_id = ?", {chat_id});
}

absl::Status Store::ForgetChat(const std::string& chat_id) {
  absl::MutexLock lock(&mutex_);
  return Together([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    for (const char* sql :
         {"DELETE FROM reactions WHERE message_id IN "
          "(SELECT message_id FROM links WHERE chat_id = ?)",
          "DELETE FROM links WHERE chat_id = ?", "DELETE FROM chats WHERE chat_id = ?"}) {
      if (auto status = Do(sql, {chat_id}); !status.ok()) return status;
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::optional<MessageLink>> Store::OneLink(const char* sql,
                                                          std::initializer_list<Value> values) {
  auto rows = Query(sql, values);
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return std::nullopt;
  const auto& row = (*rows)[0];
  return MessageLink{row[0], row[1], row[2], row[3], row[4], row[5] == "1", row[6] == "1"};
}

absl::StatusOr<std::optional<MessageLink>> Store::LinkOf(const std::string& message_id) {
  absl::MutexLock lock(&mutex_);
  return OneLink(
      "SELECT chat_id, message_id, xmpp_id, stanza_id, sender, from_xmpp, told FROM links "
      "WHERE message_id = ? ORDER BY number LIMIT 1",
      {message_id});
}

absl::StatusOr<std::optional<MessageLink>> Store::LinkByXmppId(const std::string& chat_id,
                                                               const std::string& id) {
  if (id.empty()) return std::nullopt;
  absl::MutexLock lock(&mutex_);
  return OneLink(
      "SELECT chat_id, message_id, xmpp_id, stanza_id, sender, from_xmpp, told FROM links "
      "WHERE chat_id = ?1 AND (xmpp_id = ?2 OR stanza_id = ?2) AND message_id <> '' "
      "ORDER BY number LIMIT 1",
      {chat_id, id});
}

absl::Status Store::SetStanzaId(const std::string& chat_id, const std::string& xmpp_id,
                                const std::string& stanza_id) {
  absl::MutexLock lock(&mutex_);
  return Do(
      "INSERT INTO links (chat_id, xmpp_id, message_id, stanza_id, sender, from_xmpp, told) "
      "VALUES (?, ?, '', ?, '', 0, 0) "
      "ON CONFLICT (chat_id, xmpp_id) DO UPDATE SET stanza_id = excluded.stanza_id",
      {chat_id, xmpp_id, stanza_id});
}

absl::Status Store::Link(const std::vector<MessageLink>& links) {
  for (const auto& link : links) {
    // The room may have told its id before.
    if (auto status = Do(
            "INSERT INTO links (chat_id, xmpp_id, message_id, stanza_id, sender, from_xmpp, told) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chat_id, xmpp_id) DO UPDATE SET "
            "message_id = excluded.message_id, sender = excluded.sender, "
            "from_xmpp = excluded.from_xmpp, told = max(told, excluded.told), stanza_id = CASE "
            "excluded.stanza_id WHEN '' THEN "
            "stanza_id ELSE excluded.stanza_id END",
            {link.chat_id, link.xmpp_id, link.message_id, link.stanza_id, link.sender_contact_id,
             int64_t{link.from_xmpp}, int64_t{link.told}});
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Store::SetMessageOf(const std::string& request_id, const std::string& message_id) {
  absl::MutexLock lock(&mutex_);
  return Do("UPDATE links SET message_id = ? WHERE message_id = ?",
            {message_id, absl::StrCat("request:", request_id)});
}

absl::StatusOr<bool> Store::WasDelivered(const std::string& event_id) {
  absl::MutexLock lock(&mutex_);
  auto rows = Query("SELECT 1 FROM delivered WHERE event_id = ?", {event_id});
  if (!rows.ok()) return rows.status();
  return !rows->empty();
}

absl::Status Store::Announce(const std::vector<MessageLink>& links) {
  if (links.empty()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  return Together([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return Link(links); });
}

absl::Status Store::Delivered(const std::string& event_id, const std::vector<MessageLink>& links) {
  absl::MutexLock lock(&mutex_);
  return Together([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    if (auto status = Link(links); !status.ok()) return status;
    if (event_id.empty()) return absl::OkStatus();
    if (auto status = Do("INSERT OR IGNORE INTO delivered (event_id) VALUES (?)", {event_id});
        !status.ok()) {
      return status;
    }
    return Do("DELETE FROM delivered WHERE number <= (SELECT max(number) FROM delivered) - ?",
              {kDeliveredKept});
  });
}

absl::StatusOr<std::set<std::string>> Store::Reactions(const std::string& message_id,
                                                       const std::string& contact_id) {
  absl::MutexLock lock(&mutex_);
  auto rows = Query("SELECT emoji FROM reactions WHERE message_id = ? AND contact_id = ?",
                    {message_id, contact_id});
  if (!rows.ok()) return rows.status();
  std::set<std::string> emojis;
  for (const auto& row : *rows) emojis.insert(row[0]);
  return emojis;
}

absl::Status Store::SetReactions(const std::string& message_id, const std::string& contact_id,
                                 const std::set<std::string>& emojis) {
  absl::MutexLock lock(&mutex_);
  return Together([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    if (auto status = Do("DELETE FROM reactions WHERE message_id = ? AND contact_id = ?",
                         {message_id, contact_id});
        !status.ok()) {
      return status;
    }
    for (const auto& emoji : emojis) {
      if (auto status =
              Do("INSERT INTO reactions VALUES (?, ?, ?)", {message_id, contact_id, emoji});
          !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  });
}

absl::Status Store::Spool(const std::string& request_id, const std::string& stanza) {
  absl::MutexLock lock(&mutex_);
  return Do("INSERT OR IGNORE INTO inbound (request_id, stanza) VALUES (?, ?)",
            {request_id, stanza});
}

absl::StatusOr<std::optional<Inbound>> Store::NextInbound() {
  absl::MutexLock lock(&mutex_);
  auto rows = Query(
      "SELECT number, request_id, stanza FROM inbound WHERE done = 0 ORDER BY number LIMIT 1");
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return std::nullopt;
  return Inbound{std::stoll((*rows)[0][0]), (*rows)[0][1], (*rows)[0][2]};
}

absl::Status Store::FinishInbound(const Inbound& inbound, const std::vector<MessageLink>& links) {
  absl::MutexLock lock(&mutex_);
  return Together([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    if (auto status = Link(links); !status.ok()) return status;
    if (auto status =
            Do("UPDATE inbound SET done = 1, stanza = NULL WHERE number = ?", {inbound.number});
        !status.ok()) {
      return status;
    }
    return Do("DELETE FROM inbound WHERE done = 1 AND number <= ?",
              {inbound.number - kInboundKept});
  });
}

absl::Status Store::EraseAll() {
  absl::MutexLock lock(&mutex_);
  return Together([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    for (const char* sql :
         {"DELETE FROM meta", "DELETE FROM people", "DELETE FROM chats", "DELETE FROM links",
          "DELETE FROM delivered", "DELETE FROM reactions", "DELETE FROM inbound"}) {
      if (auto status = Do(sql); !status.ok()) return status;
    }
    return absl::OkStatus();
  });
}

}  // namespace postern::xmpp_bridge
