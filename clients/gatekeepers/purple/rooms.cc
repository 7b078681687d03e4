// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/rooms.h"

#include <cmds.h>
#include <connection.h>
#include <conversation.h>
#include <glib.h>
#include <server.h>

#include <utility>

#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/reporter.h"
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/stanza.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr char kMuc[] = "http://jabber.org/protocol/muc";
constexpr char kMucUser[] = "http://jabber.org/protocol/muc#user";
constexpr char kDiscoInfo[] = "http://jabber.org/protocol/disco#info";
constexpr char kConference[] = "jabber:x:conference";
constexpr char kPrivateStorage[] = "jabber:iq:private";
constexpr char kBookmarks[] = "storage:bookmarks";

// XEP-0045, status codes.
constexpr char kSelf[] = "110";
constexpr char kRoomMade[] = "201";
constexpr char kBanned[] = "301";
constexpr char kNickChanged[] = "303";
constexpr char kKicked[] = "307";
constexpr char kNoLongerMember[] = "321";
constexpr char kMembersOnlyNow[] = "322";
constexpr char kServiceStops[] = "332";

// Rooms and people in one room that are kept in mind; beyond, a server is playing games.
constexpr size_t kRoomsMax = 1000;
constexpr size_t kOccupantsMax = 10000;

std::set<std::string> StatusCodes(xmlnode* user) {
  std::set<std::string> codes;
  for (xmlnode* status = xmlnode_get_child(user, "status"); status != nullptr;
       status = xmlnode_get_next_twin(status)) {
    codes.insert(Attribute(status, "code"));
  }
  return codes;
}

v1::ParticipantRole RoleOf(const xmlnode* item) {
  const std::string affiliation = Attribute(item, "affiliation");
  if (affiliation == "owner") return v1::PARTICIPANT_ROLE_OWNER;
  if (affiliation == "admin" || Attribute(item, "role") == "moderator") {
    return v1::PARTICIPANT_ROLE_ADMIN;
  }
  return v1::PARTICIPANT_ROLE_MEMBER;
}

}  // namespace

Room* Rooms::Find(const std::string& room_jid) {
  const auto found = rooms_.find(room_jid);
  return found == rooms_.end() ? nullptr : &found->second;
}

v1::Participant Rooms::ParticipantOf(const Room& room, const std::string& nick) const {
  const auto found = room.occupants.find(nick);
  v1::Participant participant;
  participant.set_display_name(nick);
  if (found != room.occupants.end()) {
    participant.set_contact_id(found->second.contact_id);
    participant.set_role(found->second.role);
  }
  return participant;
}

v1::Chat Rooms::ChatOf(const Room& room) const {
  GroupFacts facts;
  facts.jid = room.jid;
  facts.name = room.name.empty() ? room.jid.substr(0, room.jid.find('@')) : room.name;
  facts.topic = room.topic;
  facts.traits = parts_.chats.TraitsOf(room.jid, true);
  std::set<std::string> told;
  for (const auto& [nick, occupant] : room.occupants) {
    if (told.insert(occupant.contact_id).second) {
      facts.participants.push_back(ParticipantOf(room, nick));
    }
  }
  return parts_.maker.GroupChat(facts);
}

bool Rooms::IsHere(const Room& room, const std::string& contact_id) const {
  for (const auto& [nick, occupant] : room.occupants) {
    if (occupant.contact_id == contact_id) return true;
  }
  return false;
}

// -- entering and leaving

void Rooms::Join(const std::string& room_jid, const std::string& nick, Room::Entered entered) {
  const size_t at = room_jid.find('@');
  if (!purple_account_is_connected(parts_.account) || at == std::string::npos ||
      (rooms_.count(room_jid) == 0 && rooms_.size() >= kRoomsMax)) {
    if (entered) entered(false, false, "the account is offline, or this is no room's address");
    return;
  }
  Room& room = rooms_[room_jid];
  room.jid = room_jid;
  if (room.joined) {
    if (entered) entered(true, false, "");
    return;
  }
  if (entered) room.waiting.push_back(std::move(entered));
  const std::string& own = parts_.maker.owner_jid();
  const std::string handle = nick.empty() ? own.substr(0, own.find('@')) : nick;
  GHashTable* components = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert(components, g_strdup("room"), g_strdup(room_jid.substr(0, at).c_str()));
  g_hash_table_insert(components, g_strdup("server"), g_strdup(room_jid.substr(at + 1).c_str()));
  g_hash_table_insert(components, g_strdup("handle"), g_strdup(handle.c_str()));
  serv_join_chat(purple_account_get_connection(parts_.account), components);
  g_hash_table_destroy(components);
}

void Rooms::Leave(Room& room) {
  room.leaving = true;
  XmlNodePtr presence(xmlnode_new("presence"));
  xmlnode_set_attrib(presence.get(), "to", (room.jid + "/" + room.nick).c_str());
  xmlnode_set_attrib(presence.get(), "type", "unavailable");
  SendStanza(parts_.account, presence.get());
}

void Rooms::OwnPresenceLeaves(xmlnode* presence) {
  const std::string to = Attribute(presence, "to");
  if (ResourceOf(to).empty()) return;
  if (ChildOf(presence, "x", kMuc) != nullptr && Attribute(presence, "type").empty() &&
      rooms_.size() < kRoomsMax) {
    Room& room = rooms_[BareJid(to)];
    room.jid = BareJid(to);
    room.nick = ResourceOf(to);
    room.occupants.clear();
    room.joined = false;
    room.leaving = false;
  } else if (Attribute(presence, "type") == "unavailable") {
    if (Room* room = Find(BareJid(to))) room->leaving = true;
  }
}

void Rooms::EndRoom(const std::string& room_jid) {
  parts_.remembered.Forget(kRoomFact, room_jid);
  parts_.remembered.Forget(kChatFact, room_jid);
  parts_.reporter.Hand(parts_.maker.ChatRemoved(room_jid));
  rooms_.erase(room_jid);
}

void Rooms::SignedOn() {
  for (const std::string& room_jid : parts_.remembered.Keys(kRoomFact)) {
    Join(room_jid, parts_.remembered.Get(kRoomFact, room_jid), nullptr);
  }
  XmlNodePtr query(xmlnode_new("query"));
  xmlnode_set_namespace(query.get(), kPrivateStorage);
  AddChild(query.get(), "storage", kBookmarks);
  parts_.requests.Get("", std::move(query), [this](xmlnode* result, const StanzaError&) {
    xmlnode* storage = ChildOf(ChildOf(result, "query", kPrivateStorage), "storage", kBookmarks);
    xmlnode* bookmark = storage == nullptr ? nullptr : xmlnode_get_child(storage, "conference");
    for (; bookmark != nullptr; bookmark = xmlnode_get_next_twin(bookmark)) {
      const std::string wanted = Attribute(bookmark, "autojoin");
      if (wanted != "true" && wanted != "1") continue;
      Join(BareJid(Attribute(bookmark, "jid")), TextOf(xmlnode_get_child(bookmark, "nick")),
           nullptr);
    }
  });
}

void Rooms::SignedOff() {
  for (auto& [jid, room] : rooms_) {
    room.joined = false;
    room.described = false;
    for (const Room::Entered& entered : std::exchange(room.waiting, {})) {
      entered(false, false, "the connection was lost");
    }
  }
}

// -- who is there

void Rooms::TakePresence(xmlnode* presence) {
  const std::string from = Attribute(presence, "from");
  Room* room = Find(BareJid(from));
  const std::string nick = ResourceOf(from);
  if (room == nullptr) return;
  const std::string type = Attribute(presence, "type");
  if (type == "error") {
    if (room->joined) return;
    const std::string reason =
        "the room does not let the user in: " + ReadError(presence).condition;
    const std::vector<Room::Entered> waiting = std::move(room->waiting);
    rooms_.erase(room->jid);
    for (const Room::Entered& entered : waiting) entered(false, false, reason);
    return;
  }
  xmlnode* user = ChildOf(presence, "x", kMucUser);
  if (user == nullptr || nick.empty()) return;
  const std::set<std::string> codes = StatusCodes(user);
  if (type == "unavailable") {
    TakeDeparture(*room, nick, presence, codes);
  } else if (type.empty()) {
    TakeOccupant(*room, nick, presence, codes);
  }
}

void Rooms::TakeOccupant(Room& room, const std::string& nick, xmlnode* presence,
                         const std::set<std::string>& codes) {
  const bool self = codes.count(kSelf) > 0;
  xmlnode* item = xmlnode_get_child(ChildOf(presence, "x", kMucUser), "item");
  const std::string jid = BareJid(Attribute(item, "jid"));
  Occupant occupant;
  occupant.contact_id = self           ? parts_.maker.owner_contact_id()
                        : !jid.empty() ? ContactId(jid)
                                       : ContactId(room.jid + "/" + nick);
  occupant.role = RoleOf(item);
  const auto known = room.occupants.find(nick);
  const bool is_new = known == room.occupants.end();
  if (is_new && room.occupants.size() >= kOccupantsMax) return;
  const bool role_changed = !is_new && known->second.role != occupant.role;
  const bool was_here = IsHere(room, occupant.contact_id);
  room.occupants[nick] = occupant;
  if (self && !room.joined) {
    room.nick = nick;
    room.joined = true;
    TellEntered(room, codes.count(kRoomMade) > 0);
  } else if (room.joined && role_changed) {
    parts_.reporter.Hand(parts_.maker.Changed(room.jid, ParticipantOf(room, nick)));
  } else if (room.joined && is_new && !was_here) {
    parts_.reporter.Hand(parts_.maker.Joined(room.jid, ParticipantOf(room, nick)));
  }
}

void Rooms::TellEntered(Room& room, bool made) {
  const std::string room_jid = room.jid;
  room.first_visit = !parts_.remembered.Has(kRoomFact, room_jid);
  parts_.remembered.Put(kRoomFact, room_jid, room.nick);
  if (IsInvited(room_jid)) {
    const std::string inviter = ContactId(parts_.remembered.Get(kInvitedFact, room_jid));
    parts_.remembered.Forget(kInvitedFact, room_jid);
    parts_.reporter.Hand(
        parts_.maker.Request(room_jid, inviter, v1::MessageRequest::STATE_ACCEPTED));
  }
  // One that was made for a command is told of when it is what was asked for: until then it has
  // neither its name nor encryption.
  if (!made || room.waiting.empty()) Announce(room);
  if (!made) Describe(room_jid, nullptr);
  for (const Room::Entered& entered : std::exchange(room.waiting, {})) entered(true, made, "");
}

void Rooms::Announce(const Room& room) {
  const v1::Chat chat = ChatOf(room);
  parts_.reporter.Hand(parts_.chats.MarkAnnounced(room.jid) ? parts_.maker.ChatCreated(chat)
                                                            : parts_.maker.ChatChanged(chat));
}

void Rooms::TakeDeparture(Room& room, const std::string& nick, xmlnode* presence,
                          const std::set<std::string>& codes) {
  const auto found = room.occupants.find(nick);
  if (found == room.occupants.end()) return;
  xmlnode* item = xmlnode_get_child(ChildOf(presence, "x", kMucUser), "item");
  const bool self = codes.count(kSelf) > 0 || nick == room.nick;
  const Occupant occupant = found->second;
  room.occupants.erase(found);
  if (codes.count(kNickChanged) > 0) {
    const std::string new_nick = Attribute(item, "nick");
    room.occupants[new_nick] = occupant;
    if (self) {
      room.nick = new_nick;
      parts_.remembered.Put(kRoomFact, room.jid, new_nick);
    }
    parts_.reporter.Hand(parts_.maker.Changed(room.jid, ParticipantOf(room, new_nick)));
    return;
  }
  xmlnode* actor = item == nullptr ? nullptr : xmlnode_get_child(item, "actor");
  std::string removed_by;
  if (const std::string jid = BareJid(Attribute(actor, "jid")); !jid.empty()) {
    removed_by = ContactId(jid);
  } else if (actor != nullptr) {
    removed_by = ParticipantOf(room, Attribute(actor, "nick")).contact_id();
  }
  if (!room.joined) return;
  if (!self) {
    if (IsHere(room, occupant.contact_id)) return;
    parts_.reporter.Hand(parts_.maker.Left(room.jid, occupant.contact_id, removed_by));
    return;
  }
  room.joined = false;
  room.described = false;
  const bool thrown_out = codes.count(kKicked) > 0 || codes.count(kBanned) > 0 ||
                          codes.count(kNoLongerMember) > 0 || codes.count(kMembersOnlyNow) > 0 ||
                          xmlnode_get_child(ChildOf(presence, "x", kMucUser), "destroy") != nullptr;
  // A service that stops comes back, and the room with it.
  if (codes.count(kServiceStops) > 0 || (!thrown_out && !room.leaving)) return;
  parts_.reporter.Hand(parts_.maker.Left(room.jid, occupant.contact_id, removed_by));
  EndRoom(room.jid);
}

// -- what the room says of itself

void Rooms::Describe(const std::string& room_jid, std::function<void()> done) {
  XmlNodePtr query(xmlnode_new("query"));
  xmlnode_set_namespace(query.get(), kDiscoInfo);
  const auto take = [this, room_jid, done](xmlnode* result, const StanzaError&) {
    Room* room = Find(room_jid);
    xmlnode* info = ChildOf(result, "query", kDiscoInfo);
    if (room != nullptr && info != nullptr) {
      std::set<std::string> features;
      for (xmlnode* feature = xmlnode_get_child(info, "feature"); feature != nullptr;
           feature = xmlnode_get_next_twin(feature)) {
        features.insert(Attribute(feature, "var"));
      }
      const std::string name = Attribute(xmlnode_get_child(info, "identity"), "name");
      const std::string before = ChatOf(*room).SerializeAsString();
      room->name = name;
      room->described = true;
      if (features.count("muc_membersonly") > 0 && features.count("muc_nonanonymous") > 0) {
        EnableEncryption(*room);
      }
      if (!parts_.chats.IsAnnounced(room_jid) || ChatOf(*room).SerializeAsString() != before) {
        Announce(*room);
      }
    }
    if (done) done();
  };
  parts_.requests.Get(room_jid, std::move(query), take);
}

void Rooms::EnableEncryption(Room& room) {
  PurpleConversation* conversation = purple_find_conversation_with_account(
      PURPLE_CONV_TYPE_CHAT, room.jid.c_str(), parts_.account);
  if (conversation == nullptr) return;
  char* error = nullptr;
  const PurpleCmdStatus status =
      purple_cmd_do_command(conversation, "lurch enable", "lurch enable", &error);
  g_free(error);
  if (status == PURPLE_CMD_STATUS_OK) parts_.chats.MarkEncrypted(room.jid, true);
}

void Rooms::TakeTopic(Room& room, const std::string& topic) {
  if (std::exchange(room.topic, topic) != topic && room.joined) {
    parts_.reporter.Hand(parts_.maker.ChatChanged(ChatOf(room)));
  }
}

// -- invitations

bool Rooms::IsInvited(const std::string& room_jid) const {
  return parts_.remembered.Has(kInvitedFact, room_jid);
}

bool Rooms::TakeInvitation(xmlnode* message) {
  const std::string from = Attribute(message, "from");
  std::string room_jid, from_jid;
  xmlnode* user = ChildOf(message, "x", kMucUser);
  if (xmlnode* invite = user == nullptr ? nullptr : xmlnode_get_child(user, "invite")) {
    room_jid = BareJid(from);
    from_jid = BareJid(Attribute(invite, "from"));
  } else if (xmlnode* conference = ChildOf(message, "x", kConference)) {
    room_jid = BareJid(Attribute(conference, "jid"));
    from_jid = BareJid(from);
  }
  if (room_jid.find('@') == std::string::npos || from_jid.empty()) return false;
  const Room* room = Find(room_jid);
  if ((room != nullptr && room->joined) || IsInvited(room_jid)) {
    return true;  // the same invitation comes in both forms
  }
  parts_.remembered.Put(kInvitedFact, room_jid, from_jid);
  Room invited;
  invited.jid = room_jid;
  invited.occupants[parts_.chats.NameOf(from_jid)] = {ContactId(from_jid),
                                                      v1::PARTICIPANT_ROLE_MEMBER};
  if (parts_.chats.MarkAnnounced(room_jid)) {
    parts_.reporter.Hand(parts_.maker.ChatCreated(ChatOf(invited)));
  }
  parts_.reporter.Hand(
      parts_.maker.Request(room_jid, ContactId(from_jid), v1::MessageRequest::STATE_PENDING));
  return true;
}

void Rooms::AnswerInvitation(const std::string& command_id, const std::string& room_jid,
                             bool accept) {
  if (accept) {
    return Join(room_jid, "", [this, command_id](bool entered, bool, const std::string& reason) {
      if (entered) return parts_.reporter.Done(command_id);
      parts_.reporter.Fail(command_id, reason);
    });
  }
  const XmlNodePtr message(xmlnode_new("message"));
  xmlnode_set_attrib(message.get(), "to", room_jid.c_str());
  xmlnode_set_attrib(message.get(), "id", FreshId().c_str());
  xmlnode* decline = AddChild(AddChild(message.get(), "x", kMucUser), "decline", kMucUser);
  const std::string inviter_jid = parts_.remembered.Get(kInvitedFact, room_jid);
  xmlnode_set_attrib(decline, "to", inviter_jid.c_str());
  const auto take = [this, command_id, room_jid, inviter_jid](xmlnode* result,
                                                              const StanzaError& error) {
    // A room that is gone, or wants no answer, is declined all the same.
    if (result == nullptr && error.retriable) {
      return parts_.reporter.Refuse(command_id, "the room did not take the answer", error);
    }
    parts_.remembered.Forget(kInvitedFact, room_jid);
    parts_.reporter.Done(command_id, {parts_.maker.Request(room_jid, ContactId(inviter_jid),
                                                           v1::MessageRequest::STATE_DECLINED),
                                      parts_.maker.ChatRemoved(room_jid)});
    parts_.remembered.Forget(kChatFact, room_jid);
  };
  parts_.requests.SendMessage(message, take);
}

}  // namespace postern::purple
