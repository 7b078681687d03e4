// SPDX-License-Identifier: Apache-2.0
// Opens the chats on the XMPP side: a group's room with its people and an invitation, or a person's
// offer to be a contact; then the history, once.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "clients/sdk/client.h"
#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/leases.h"
#include "clients/xmpp_bridge/message_stanzas.h"
#include "clients/xmpp_bridge/people.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/store.h"
#include "clients/xmpp_bridge/teller.h"
#include "postern/v1/chat.pb.h"
#include "postern/v1/event.pb.h"

namespace postern::xmpp_bridge {

// One thread at a time. Errors are the broker's, the store's, and CANCELLED when the bridge is
// stopping; what was opened until then stays so.
class ChatOpener {
 public:
  // All must outlive it. 'heard_until': what was said in rooms later than this the bridge wants to
  // hear again when it enters them.
  ChatOpener(const Config& config, sdk::Client& client, Store& store, Rooms& rooms, Leases& leases,
             People& people, MessageStanzas& messages, Teller& teller, absl::Time heard_until)
      : config_(config),
        client_(client),
        store_(store),
        rooms_(rooms),
        leases_(leases),
        people_(people),
        messages_(messages),
        teller_(teller),
        heard_until_(heard_until) {}

  // Opens every chat that is ours and not open yet, and learns which contacts stand for the user.
  absl::Status OpenAll();
  // A chat is new, has another name or topic, or has become ours.
  absl::Status OnChat(const v1::Event& event);
  // Whether the chat was opened in this run.
  bool IsOpen(const std::string& chat_id) const { return opened_.contains(chat_id); }
  // The chat was forgotten: it would be opened as a new one.
  void Forget(const std::string& chat_id) {
    offered_.erase(chat_id);
    older_.erase(chat_id);
    opened_.erase(chat_id);
  }

 private:
  absl::Status Open(const v1::Chat& chat);
  // What makes the room, or the person a contact.
  absl::StatusOr<Telling> RoomOf(const v1::Chat& chat, const ChatEntry& entry);
  absl::StatusOr<Telling> ContactOf(const v1::Chat& chat, const ChatEntry& entry);
  absl::StatusOr<std::vector<Person>> ParticipantsOf(const std::string& chat_id);
  std::string SubjectOf(const v1::Chat& chat, const ChatEntry& entry) const;
  absl::Status BringHistory(const v1::Chat& chat, const ChatEntry& entry);
  // Tells what Postern has, and returns how many older messages are to be asked for.
  absl::StatusOr<size_t> TellHistory(const v1::Chat& chat, const ChatEntry& entry);
  absl::Status TellOld(const ChatEntry& entry, const v1::Message& message);
  absl::Status AskForOlder(const std::string& chat_id, size_t messages_max);

  const Config& config_;
  sdk::Client& client_;
  Store& store_;
  Rooms& rooms_;
  Leases& leases_;
  People& people_;
  MessageStanzas& messages_;
  Teller& teller_;
  const absl::Time heard_until_;
  // Of this run, for a chat that takes several tries: whether the user was invited or offered the
  // contact; and what TellHistory returned.
  std::set<std::string> offered_;
  std::map<std::string, size_t> older_;
  std::set<std::string> opened_;  // chats that were opened in this run
};

}  // namespace postern::xmpp_bridge
