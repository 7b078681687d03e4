// SPDX-License-Identifier: Apache-2.0
// Groups as rooms (XEP-0045): who of the ghosts is in which, under what nick; what has to be sent
// to make it so; and which occupant is the user.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <map>
#include <string>
#include <vector>

#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/store.h"
#include "clients/xmpp_bridge/wire.h"

namespace postern::xmpp_bridge {

// The ids of what makes a room, and of what lets a ghost in and brings it in: these two end in its
// address.
inline constexpr char kMakeRoomId[] = "make-room";
inline constexpr char kAdmitId[] = "admit-";
inline constexpr char kJoinId[] = "join-";

// Thread-safe.
class Rooms {
 public:
  Rooms(const Config& config, Store& store) : config_(config), store_(store) {}

  std::string JidOf(const ChatEntry& chat) const;
  // "maria-3f...@bridge.example.org/postern"
  std::string GhostJid(const Person& person) const;

  // What makes the room, or takes it as it is: the bridge enters as its owner, makes it
  // members-only, lets in the user and the ghosts, and brings these in. 'missed_seconds': how much
  // of what was said there the bridge wants to hear again.
  std::vector<std::string> Open(const ChatEntry& chat, const std::vector<Person>& people,
                                int64_t missed_seconds);
  // What brings one ghost in; nothing when it is there.
  std::vector<std::string> Join(const ChatEntry& chat, const Person& person);
  // What takes it out again.
  std::vector<std::string> Leave(const ChatEntry& chat, const std::string& contact_id);
  // The room does not let the ghost speak: what brings it in anew, under another nick when somebody
  // else may have its own.
  std::vector<std::string> JoinAgain(const ChatEntry& chat, const Person& person,
                                     bool another_nick);
  // All of it again: the connection is new.
  std::vector<std::string> OpenAllAgain(int64_t missed_seconds);
  // The nick of a ghost, "" when it is not there.
  std::string NickOf(const std::string& chat_id, const std::string& contact_id);

  // Presence that the room sends to the bridge itself.
  void OnPresence(const gloox::Tag& presence);
  // Whether 'jid', room and nick, is the user. Somebody who left is still known.
  bool IsOwner(const std::string& jid);

 private:
  struct Room {
    ChatEntry chat;
    std::map<std::string, std::pair<Person, std::string>> ghosts;  // by contact: and the nick
  };

  std::string FreeNick(const Room& room, const Person& person) const;
  std::string Entry(const Room& room, const Person& person, const std::string& nick) const;
  std::vector<std::string> Make(const Room& room, int64_t missed_seconds) const;
  std::string Admission(const Room& room, const std::string& jid) const;

  const Config& config_;
  Store& store_;
  absl::Mutex mutex_;
  std::map<std::string, Room> rooms_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> occupants_ ABSL_GUARDED_BY(mutex_);  // room/nick: bare JID
};

}  // namespace postern::xmpp_bridge
