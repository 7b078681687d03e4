// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/rooms.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

namespace postern::xmpp_bridge {
namespace {

constexpr char kOccupant[] = "occupant:";
constexpr char kBridgeNick[] = "Postern";

void Field(gloox::Tag& form, const char* name, const std::string& value) {
  Add(*Add(form, "field", nullptr, {{"var", name}}), "value", nullptr, {}, value);
}

}  // namespace

std::string Rooms::JidOf(const ChatEntry& chat) const {
  return absl::StrCat(chat.node, "@", config_.rooms);
}

std::string Rooms::GhostJid(const Person& person) const {
  return absl::StrCat(person.node, "@", config_.component, "/", kResource);
}

std::string Rooms::FreeNick(const Room& room, const Person& person) const {
  // Without spaces at the ends, which servers refuse.
  const std::string name(absl::StripAsciiWhitespace(Clean(person.name)));
  const std::string wish = name.empty() ? "somebody" : name;
  for (int number = 1;; ++number) {
    const std::string nick = number == 1 ? wish : absl::StrCat(wish, " (", number, ")");
    bool taken = nick == kBridgeNick;
    for (const auto& [contact, ghost] : room.ghosts) {
      taken = taken || (contact != person.contact_id && ghost.second == nick);
    }
    if (!taken) return nick;
  }
}

std::string Rooms::Entry(const Room& room, const Person& person, const std::string& nick) const {
  TagPtr presence = MakeTag("presence", {{"from", GhostJid(person)},
                                         {"to", absl::StrCat(JidOf(room.chat), "/", nick)},
                                         {"id", absl::StrCat(kJoinId, person.node)}});
  if (person.presence == "away") Add(*presence, "show", nullptr, {}, "away");
  Add(*Add(*presence, "x", kMuc), "history", nullptr, {{"maxstanzas", "0"}});
  return presence->xml();
}

std::string Rooms::Admission(const Room& room, const std::string& jid) const {
  TagPtr iq = MakeTag("iq", {{"type", "set"},
                             {"from", absl::StrCat(config_.component, "/", kResource)},
                             {"to", JidOf(room.chat)},
                             {"id", absl::StrCat(kAdmitId, jid)}});
  // One at a time: Prosody 0.12 looks at the first item only.
  Add(*Add(*iq, "query", kMucAdmin), "item", nullptr, {{"affiliation", "member"}, {"jid", jid}});
  return iq->xml();
}

std::vector<std::string> Rooms::Make(const Room& room, int64_t missed_seconds) const {
  const std::string self = absl::StrCat(config_.component, "/", kResource);
  const std::string jid = JidOf(room.chat);
  std::vector<std::string> stanzas;
  TagPtr enter = MakeTag("presence", {{"from", self}, {"to", absl::StrCat(jid, "/", kBridgeNick)}});
  gloox::Tag* history = Add(*Add(*enter, "x", kMuc), "history", nullptr);
  history->addAttribute(missed_seconds > 0 ? "seconds" : "maxstanzas",
                        missed_seconds > 0 ? absl::StrCat(missed_seconds) : "0");
  stanzas.push_back(enter->xml());

  TagPtr configure =
      MakeTag("iq", {{"type", "set"}, {"from", self}, {"to", jid}, {"id", kMakeRoomId}});
  gloox::Tag* form =
      Add(*Add(*configure, "query", kMucOwner), "x", "jabber:x:data", {{"type", "submit"}});
  Field(*form, "FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig");
  Field(*form, "muc#roomconfig_roomname", room.chat.name);
  Field(*form, "muc#roomconfig_persistentroom", "1");
  Field(*form, "muc#roomconfig_membersonly", "1");
  Field(*form, "muc#roomconfig_publicroom", "0");
  Field(*form, "muc#roomconfig_whois", "anyone");
  Field(*form, "muc#roomconfig_allowinvites", "0");
  Field(*form, "muc#roomconfig_changesubject", "0");
  Field(*form, "muc#roomconfig_enablearchiving", "1");
  stanzas.push_back(configure->xml());
  stanzas.push_back(Admission(room, config_.owner));
  for (const auto& [contact, ghost] : room.ghosts) {
    stanzas.push_back(Admission(room, BareOf(GhostJid(ghost.first))));
    stanzas.push_back(Entry(room, ghost.first, ghost.second));
  }
  return stanzas;
}

std::vector<std::string> Rooms::Open(const ChatEntry& chat, const std::vector<Person>& people,
                                     int64_t missed_seconds) {
  absl::MutexLock lock(&mutex_);
  Room& room = rooms_[chat.chat_id];
  room.chat = chat;
  for (const Person& person : people) {
    room.ghosts[person.contact_id] = {person, FreeNick(room, person)};
  }
  return Make(room, missed_seconds);
}

std::vector<std::string> Rooms::OpenAllAgain(int64_t missed_seconds) {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> stanzas;
  for (const auto& [chat, room] : rooms_) {
    for (auto& stanza : Make(room, missed_seconds)) stanzas.push_back(std::move(stanza));
  }
  return stanzas;
}

std::vector<std::string> Rooms::Join(const ChatEntry& chat, const Person& person) {
  absl::MutexLock lock(&mutex_);
  Room& room = rooms_[chat.chat_id];
  room.chat = chat;
  const auto known = room.ghosts.find(person.contact_id);
  if (known != room.ghosts.end() && known->second.first.name == person.name) return {};
  // A changed name is a changed nick: entering again under it renames the occupant.
  const std::string nick = FreeNick(room, person);
  room.ghosts[person.contact_id] = {person, nick};
  return {Admission(room, BareOf(GhostJid(person))), Entry(room, person, nick)};
}

std::vector<std::string> Rooms::JoinAgain(const ChatEntry& chat, const Person& person,
                                          bool another_nick) {
  absl::MutexLock lock(&mutex_);
  Room& room = rooms_[chat.chat_id];
  auto& ghost = room.ghosts[person.contact_id];
  ghost.first = person;
  ghost.second = absl::StrCat(FreeNick(room, person), another_nick ? " *" : "");
  return {Admission(room, BareOf(GhostJid(person))), Entry(room, person, ghost.second)};
}

std::vector<std::string> Rooms::Leave(const ChatEntry& chat, const std::string& contact_id) {
  absl::MutexLock lock(&mutex_);
  Room& room = rooms_[chat.chat_id];
  const auto ghost = room.ghosts.find(contact_id);
  if (ghost == room.ghosts.end()) return {};
  TagPtr presence =
      MakeTag("presence", {{"type", "unavailable"},
                           {"from", GhostJid(ghost->second.first)},
                           {"to", absl::StrCat(JidOf(chat), "/", ghost->second.second)}});
  room.ghosts.erase(ghost);
  return {presence->xml()};
}

std::string Rooms::NickOf(const std::string& chat_id, const std::string& contact_id) {
  absl::MutexLock lock(&mutex_);
  const auto room = rooms_.find(chat_id);
  if (room == rooms_.end()) return {};
  const auto ghost = room->second.ghosts.find(contact_id);
  return ghost == room->second.ghosts.end() ? std::string() : ghost->second.second;
}

void Rooms::OnPresence(const gloox::Tag& presence) {
  const gloox::Tag* user = Child(presence, "x", kMucUser);
  const gloox::Tag* item = user == nullptr ? nullptr : Child(*user, "item", kMucUser);
  if (item == nullptr || presence.findAttribute("type") == "error") return;
  const std::string jid = absl::AsciiStrToLower(BareOf(item->findAttribute("jid")));
  if (jid.empty()) return;
  const std::string& occupant = presence.findAttribute("from");
  absl::MutexLock lock(&mutex_);
  std::string& known = occupants_[occupant];
  if (known != jid) {
    // A room's history names nobody but the nick, also when the user has left meanwhile: unless
    // somebody else has taken the nick since.
    const std::string name = absl::StrCat(kOccupant, occupant);
    const auto before = store_.Meta(name);
    if (jid == config_.owner || !before.ok() || !before->empty()) {
      store_.SetMeta(name, jid).IgnoreError();
    }
  }
  known = jid;
}

bool Rooms::IsOwner(const std::string& jid) {
  absl::MutexLock lock(&mutex_);
  if (const auto occupant = occupants_.find(jid); occupant != occupants_.end()) {
    return occupant->second == config_.owner;
  }
  const auto before = store_.Meta(absl::StrCat(kOccupant, jid));
  return before.ok() && *before == config_.owner;
}

}  // namespace postern::xmpp_bridge
