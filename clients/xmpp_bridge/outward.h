// SPDX-License-Identifier: Apache-2.0
// From Postern to the XMPP client: reads the events, one after the other, and tells each to the
// server.
//
// The cursor moves only over what the server has handled and the bridge's file knows of.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <atomic>
#include <memory>
#include <string>

#include "clients/sdk/backoff.h"
#include "clients/sdk/client.h"
#include "clients/xmpp_bridge/chat_opener.h"
#include "clients/xmpp_bridge/component.h"
#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/event_stanzas.h"
#include "clients/xmpp_bridge/files.h"
#include "clients/xmpp_bridge/leases.h"
#include "clients/xmpp_bridge/message_stanzas.h"
#include "clients/xmpp_bridge/people.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/store.h"
#include "clients/xmpp_bridge/teller.h"

namespace postern::xmpp_bridge {

// The bridge's subscription to the events.
inline constexpr char kSubscription[] = "xmpp";

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
  // Begins the stream of events, or begins it anew. CANCELLED after Stop.
  absl::Status Subscribe();
  // Opens the chats and carries events until that ends, and returns why.
  absl::Status Follow();
  // Forgets the chats whose erasure an event asks for.
  absl::Status Forget(const v1::Event& event);
  absl::Status Carry(const v1::Event& event);
  // The same for an event of one chat.
  absl::Status CarryInChat(const v1::Event& event);

  sdk::Client& client_;
  Store& store_;
  Component& component_;
  Leases& leases_;
  sdk::Pause pauses_;
  People people_;
  Teller teller_;
  MessageStanzas messages_;
  EventStanzas stanzas_;
  ChatOpener chats_;
  std::atomic<bool> bridging_ = false;
  absl::Time begun_;  // of the bridge's first run: what is older comes as history
  // Run's thread changes it under mutex_, and alone reads it without.
  std::unique_ptr<sdk::Subscription> events_;
  absl::Mutex mutex_;
};

}  // namespace postern::xmpp_bridge
