// SPDX-License-Identifier: Apache-2.0
// Tells the XMPP server, and writes down that it knows.
//
// Each event is told alone and then written down: a kill between the two tells that one event a
// second time, with the same XMPP ids, and clients drop it.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <vector>

#include "clients/xmpp_bridge/component.h"
#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/people.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/store.h"

namespace postern::xmpp_bridge {

// What one event or message becomes.
struct Telling {
  std::vector<std::string> stanzas;
  std::vector<MessageLink> links;
};

// One thread at a time.
class Teller {
 public:
  // All must outlive it.
  Teller(const Config& config, Store& store, Component& component, Rooms& rooms, People& people)
      : config_(config), store_(store), component_(component), rooms_(rooms), people_(people) {}

  // Delivers and writes down. 'event_id' is empty for what is no event: a chat that is opened, its
  // history. 'speaker' is who speaks, to bring them in anew if the room refuses; "" for nobody.
  // CANCELLED when the bridge is stopping; else the store's errors.
  absl::Status Tell(const ChatEntry& chat, const std::string& event_id, Telling telling,
                    const std::string& speaker);
  // Tells the user something that belongs to no chat.
  absl::Status Say(const std::string& event_id, const std::string& text);

 private:
  // Says what kind of stanza the server refuses, and why; of rooms that cannot be made once.
  // 'what' is the stanza's id and the condition.
  void Refused(const std::string& what);

  const Config& config_;
  Store& store_;
  Component& component_;
  Rooms& rooms_;
  People& people_;
  bool told_of_rooms_ = false;
};

}  // namespace postern::xmpp_bridge
