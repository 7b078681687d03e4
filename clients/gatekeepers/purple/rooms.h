// SPDX-License-Identifier: GPL-3.0-or-later
// Group chats (XEP-0045): which rooms the user is in, who else is there and as what, and what each
// room says of itself. libpurple joins and leaves; what is known here is read from the stanzas, so
// that rooms the user enters in the client itself count too.
//
// A room that is for members only and shows who they are is encrypted: lurch is told so as soon as
// that is known, and until then nothing is written there.
#pragma once

#include <xmlnode.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/parts.h"

namespace postern::purple {

struct Occupant {
  std::string contact_id;
  v1::ParticipantRole role = v1::PARTICIPANT_ROLE_MEMBER;
};

struct Room {
  // Told once: whether the user is in the room now, whether the room was made by entering it, and
  // otherwise why not.
  using Entered = std::function<void(bool entered, bool made, const std::string& reason)>;

  std::string jid;
  std::string nick;  // the user's own
  std::string name;
  std::string topic;
  std::map<std::string, Occupant> occupants;  // by nick
  bool joined = false;
  bool described = false;    // what the room is has been asked and answered
  bool first_visit = false;  // the user was not in it before
  bool leaving = false;
  std::vector<Entered> waiting;
};

class Rooms {
 public:
  explicit Rooms(const Parts& parts) : parts_(parts) {}

  // Null for a chat that is no room the user entered.
  Room* Find(const std::string& room_jid);
  v1::Chat ChatOf(const Room& room) const;

  // Enters a room, remembered from then on. 'nick' may be empty: the user's own name.
  void Join(const std::string& room_jid, const std::string& nick, Room::Entered entered);
  void Leave(Room& room);
  // Asks the room what it is, and tells what is new; of a room that was made for a command, that it
  // is there. 'done' may be empty.
  void Describe(const std::string& room_jid, std::function<void()> done);

  // Stanzas on their way in and out.
  void TakePresence(xmlnode* presence);
  void OwnPresenceLeaves(xmlnode* presence);
  // True when 'message' invites the user to a room; told as a request to be answered.
  bool TakeInvitation(xmlnode* message);
  // For a room that IsInvited.
  void AnswerInvitation(const std::string& command_id, const std::string& room_jid, bool accept);
  bool IsInvited(const std::string& room_jid) const;
  void TakeTopic(Room& room, const std::string& topic);

  void SignedOn();
  void SignedOff();

 private:
  void TakeOccupant(Room& room, const std::string& nick, xmlnode* presence,
                    const std::set<std::string>& codes);
  void TakeDeparture(Room& room, const std::string& nick, xmlnode* presence,
                     const std::set<std::string>& codes);
  void TellEntered(Room& room, bool made);
  // Tells of the room as it is: that it is there, when the broker has not heard of it.
  void Announce(const Room& room);
  void EnableEncryption(Room& room);
  void EndRoom(const std::string& room_jid);
  bool IsHere(const Room& room, const std::string& contact_id) const;
  v1::Participant ParticipantOf(const Room& room, const std::string& nick) const;

  Parts parts_;
  std::map<std::string, Room> rooms_;
};

}  // namespace postern::purple
