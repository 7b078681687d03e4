// SPDX-License-Identifier: Apache-2.0
// From the XMPP client to Postern: what the user writes is put into the bridge's file when it
// arrives and carried out from there, in order, under an id that makes a second try the same call.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>

#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "clients/sdk/client.h"
#include "clients/xmpp_bridge/component.h"
#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/files.h"
#include "clients/xmpp_bridge/rooms.h"
#include "clients/xmpp_bridge/store.h"

namespace postern::xmpp_bridge {

class Inward {
 public:
  // All must outlive it.
  Inward(const Config& config, sdk::Client& client, Store& store, Component& component,
         Rooms& rooms, Files& files);
  ~Inward();

  void Start();
  void Stop();

  // A <message/>, on the component's thread. Takes what is the user's, and nobody else's.
  void Take(const gloox::Tag& message);

 private:
  // A stanza and the chat it belongs to.
  struct Said {
    const gloox::Tag& message;
    ChatEntry chat;
    std::string request_id;
    std::string id;         // as the client calls it
    std::string stanza_id;  // as the room calls it
  };
  using Links = std::vector<MessageLink>;

  void Loop();
  // OK when it is done with, for good or not; an error when it is to be tried again.
  absl::Status Carry(const Inbound& inbound);
  absl::StatusOr<Links> Act(const Said& said);
  // Anything but a new message.
  absl::StatusOr<Links> Change(const Said& said);
  absl::StatusOr<Links> SendMessage(const Said& said);
  absl::StatusOr<Links> Correct(const Said& said, const std::string& corrected);
  absl::StatusOr<Links> Retract(const Said& said, const std::string& retracted);
  absl::StatusOr<Links> React(const Said& said, const gloox::Tag& reactions);
  absl::StatusOr<Links> MarkRead(const Said& said, const std::string& marked);
  absl::StatusOr<MessageLink> Find(const Said& said, const std::string& id);
  absl::StatusOr<std::optional<ChatEntry>> ChatOf(const gloox::Tag& message);
  // The stanza that says that one was not carried out, and why.
  std::string Refusal(const gloox::Tag& message, const std::string& chat_name,
                      const std::string& why) const;
  // A line from the bridge itself about a message, which the user's server keeps while their client
  // is away. The same line about the same message has the same id.
  std::string Note(const gloox::Tag& message, const std::string& text) const;
  // Sends what says that one was not carried out. ABORTED when it is not known to have come.
  absl::Status Answer(const std::string& stanza);
  void ShowTyping(const std::string& chat_id, bool active);

  const Config& config_;
  sdk::Client& client_;
  Store& store_;
  Component& component_;
  Rooms& rooms_;
  Files& files_;
  std::thread thread_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool arrived_ ABSL_GUARDED_BY(mutex_) = true;  // what an earlier run left
  std::deque<std::pair<std::string, bool>> typing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::xmpp_bridge
