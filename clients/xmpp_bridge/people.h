// SPDX-License-Identifier: Apache-2.0
// The people of the chats: whose ghost speaks, and what the user's client is shown of them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <set>
#include <string>
#include <vector>

#include "clients/xmpp_bridge/component.h"
#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/files.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/stanzas.h"
#include "clients/xmpp_bridge/store.h"
#include "postern/v1/event.pb.h"

namespace postern::xmpp_bridge {

// One thread at a time. Errors are the store's, a broker's that is away, and what a picture meets
// while the access rests (sdk::AccessRests).
class People {
 public:
  // All must outlive it.
  People(const Config& config, Store& store, Component& component, Rooms& rooms, Files& files)
      : config_(config), store_(store), component_(component), rooms_(rooms), files_(files) {}

  // A contact that stands for the user.
  void AddSelf(const std::string& contact_id) { self_.insert(contact_id); }
  bool IsSelf(const std::string& contact_id) const { return self_.contains(contact_id); }

  // 'name' may be empty when it is unknown. The user is called "You".
  absl::StatusOr<Person> PersonOf(const std::string& contact_id, const std::string& name = {});
  // Whose ghost speaks. What brings it into the room first is added to 'stanzas'.
  absl::StatusOr<Route> RouteOf(const ChatEntry& chat, const std::string& contact_id,
                                std::vector<std::string>& stanzas, const std::string& name = {});

  // Has a new name or picture: shown to the client when it subscribed.
  absl::Status OnContact(const v1::Contact& contact);
  // Came online or went: likewise.
  absl::Status OnPresence(const v1::Presence& presence);

 private:
  const Config& config_;
  Store& store_;
  Component& component_;
  Rooms& rooms_;
  Files& files_;
  std::set<std::string> self_;  // the contacts that stand for the user
};

}  // namespace postern::xmpp_bridge
