// SPDX-License-Identifier: Apache-2.0
// What a message becomes on the XMPP side: its text, its files, its reactions, and how it is named
// there later.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <set>
#include <string>

#include "clients/sdk/backoff.h"
#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/files.h"
#include "clients/xmpp_bridge/people.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/stanzas.h"
#include "clients/xmpp_bridge/store.h"
#include "clients/xmpp_bridge/teller.h"
#include "postern/v1/message.pb.h"

namespace postern::xmpp_bridge {

// One thread at a time. CANCELLED when the bridge is stopping, what a file meets while the access
// rests (sdk::AccessRests), else the store's errors.
class MessageStanzas {
 public:
  // All must outlive it.
  MessageStanzas(const Config& config, Store& store, Rooms& rooms, Files& files, People& people,
                 sdk::Pause& pauses)
      : config_(config),
        store_(store),
        rooms_(rooms),
        files_(files),
        people_(people),
        pauses_(pauses) {}

  // Nothing when it has been told. 'old': it comes as history.
  absl::Status Add(const ChatEntry& chat, const v1::Message& message, bool old, Telling& telling);
  // All that 'contact_id' now has on a message; nothing when the message is not known there.
  absl::Status AddReactions(const ChatEntry& chat, const std::string& message_id,
                            const std::string& contact_id, const std::set<std::string>& emojis,
                            const std::string& event_id, Telling& telling);
  // A file as its address, or in words when it cannot be carried.
  absl::StatusOr<std::string> FileOf(const Route& route, const std::string& id,
                                     const v1::Attachment& attachment, absl::Time delayed_from);

  // The link of a message; waits while one is being made.
  absl::StatusOr<std::optional<MessageLink>> Find(const std::string& message_id);
  // How the chat's other side names a message.
  std::string Reference(const ChatEntry& chat, const MessageLink& link) const;

 private:
  absl::StatusOr<Answered> AnsweredBy(const ChatEntry& chat, const v1::ReplyTo& reply);

  const Config& config_;
  Store& store_;
  Rooms& rooms_;
  Files& files_;
  People& people_;
  sdk::Pause& pauses_;
};

absl::Time TimeOf(const google::protobuf::Timestamp& time);

}  // namespace postern::xmpp_bridge
