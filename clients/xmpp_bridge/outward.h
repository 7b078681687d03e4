// SPDX-License-Identifier: Apache-2.0
// From Postern to the XMPP client: reads the events, one after the other, and tells each to the
// server.
//
// The cursor moves only over what the server has handled and the bridge's file knows of. An event
// is told alone and then written down: a kill between the two tells that one event a second time,
// with the same XMPP ids, and clients drop it.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "clients/sdk/client.h"
#include "clients/xmpp_bridge/component.h"
#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/files.h"
#include "clients/xmpp_bridge/leases.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/stanzas.h"
#include "clients/xmpp_bridge/store.h"

namespace postern::xmpp_bridge {

// The bridge's subscription to the events.
inline constexpr char kSubscription[] = "xmpp";

// Whether the access was taken back or has run out: for good, and all of it.
bool AccessIsOver(const absl::Status& status);

class Outward {
 public:
  // All must outlive it. 'heard_until': what was said in rooms later than this the bridge wants to
  // hear again when it enters them.
  Outward(const Config& config, sdk::Client& client, Store& store, Component& component,
          Rooms& rooms, Leases& leases, Files& files, absl::Time heard_until);

  // Runs until Stop or until the access is over, and returns why: CANCELLED after Stop.
  absl::Status Run();
  // Any thread.
  void Stop();
  // Every chat has been opened. Any thread.
  bool bridging() const { return bridging_; }

 private:
  // What one event or message becomes.
  struct Telling {
    std::vector<std::string> stanzas;
    std::vector<MessageLink> links;
  };

  // Begins the stream of events, or begins it anew. CANCELLED after Stop.
  absl::Status Subscribe();
  // Opens the chats and carries events until that ends, and returns why.
  absl::Status Follow();
  // Forgets the chats whose erasure an event asks for.
  absl::Status Forget(const v1::Event& event);
  absl::Status OpenChats();
  absl::Status OpenChat(const v1::Chat& chat);
  absl::Status BringHistory(const v1::Chat& chat, const ChatEntry& entry);
  absl::Status Carry(const v1::Event& event);
  absl::StatusOr<Telling> Convert(const v1::Event& event, const ChatEntry& chat);
  // Delivers and writes down. 'people' are those who speak, to bring them in anew if the room
  // refuses.
  absl::Status Tell(const ChatEntry& chat, const std::string& event_id, Telling telling,
                    const std::string& speaker);

  absl::Status AddMessage(const ChatEntry& chat, const v1::Message& message, bool old,
                          Telling& telling);
  absl::Status AddReactions(const ChatEntry& chat, const std::string& message_id,
                            const std::string& contact_id, const std::set<std::string>& emojis,
                            const std::string& event_id, Telling& telling);
  // A file as its address, or in words when it cannot be carried.
  absl::StatusOr<std::string> FileOf(const Route& route, const std::string& id,
                                     const v1::Attachment& attachment, absl::Time delayed_from);
  absl::Status OnContact(const v1::Contact& contact);
  absl::Status OnChat(const v1::Event& event);

  absl::StatusOr<Person> PersonOf(const std::string& contact_id, const std::string& name = {});
  // Whose ghost speaks, and brings it into the room first.
  absl::StatusOr<Route> RouteOf(const ChatEntry& chat, const std::string& contact_id,
                                Telling& telling, const std::string& name = {});
  // How the chat's other side names a message.
  std::string Reference(const ChatEntry& chat, const MessageLink& link) const;
  // The link of a message; waits while one is being made.
  absl::StatusOr<std::optional<MessageLink>> Find(const std::string& message_id);
  absl::StatusOr<Answered> AnsweredBy(const ChatEntry& chat, const v1::ReplyTo& reply);
  bool IsSelf(const std::string& contact_id) const { return self_.contains(contact_id); }
  // Tells the user something that belongs to no chat.
  absl::Status Say(const std::string& event_id, const std::string& text);
  // Waits a little; false when the bridge is stopping.
  bool Pause(absl::Duration pause);

  const Config& config_;
  sdk::Client& client_;
  Store& store_;
  Component& component_;
  Rooms& rooms_;
  Leases& leases_;
  Files& files_;
  const absl::Time heard_until_;
  std::atomic<bool> bridging_ = false;
  // Run's thread changes it under mutex_, and alone reads it without.
  std::unique_ptr<sdk::Subscription> events_;
  std::set<std::string> self_;    // the contacts that stand for the user
  std::set<std::string> opened_;  // chats that were opened in this run
  absl::Time begun_;              // of the bridge's first run: what is older comes as history
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace postern::xmpp_bridge
