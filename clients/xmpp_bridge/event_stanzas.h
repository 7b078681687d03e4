// SPDX-License-Identifier: Apache-2.0
// What an event of a chat becomes on the XMPP side.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/message_stanzas.h"
#include "clients/xmpp_bridge/people.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/store.h"
#include "clients/xmpp_bridge/teller.h"
#include "postern/v1/event.pb.h"

namespace postern::xmpp_bridge {

// One thread at a time. Errors as MessageStanzas.
class EventStanzas {
 public:
  // All must outlive it.
  EventStanzas(const Config& config, Store& store, Rooms& rooms, People& people,
               MessageStanzas& messages)
      : config_(config), store_(store), rooms_(rooms), people_(people), messages_(messages) {}

  // Without stanzas when there is nothing to tell: the message is not known there, or is gone.
  absl::StatusOr<Telling> Convert(const v1::Event& event, const ChatEntry& chat);

 private:
  absl::Status AddEvent(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  // One for each kind of event.
  absl::Status AddCreated(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddEdited(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddGone(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddReaction(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddReceipt(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddTyping(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddFile(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddParticipant(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddProgress(const v1::Event& event, const ChatEntry& chat, Telling& telling);
  absl::Status AddCall(const v1::Event& event, const ChatEntry& chat, Telling& telling);

  const Config& config_;
  Store& store_;
  Rooms& rooms_;
  People& people_;
  MessageStanzas& messages_;
};

}  // namespace postern::xmpp_bridge
