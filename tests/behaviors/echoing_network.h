// SPDX-License-Identifier: Apache-2.0
// A network whose adapter does as real ones do: what the broker sends appears in the chat as an
// event that names its command. Events go out one after another under growing positions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {

class EchoingNetwork {
 public:
  // Enrols a gatekeeper for 'network' and attaches it with chats of these names. 'account' is the
  // account's name on it.
  EchoingNetwork(BrokerHarness& harness, const std::string& network,
                 const std::vector<std::string>& chats);

  // A person writes in the chat.
  void Say(const std::string& chat, const std::string& text);
  // The messages that were sent through the broker, in order.
  std::vector<v1::SendMessageCommand> sent();
  // Detaches and attaches again, after the broker was restarted.
  void Reattach(BrokerHarness& harness);

 private:
  void Attach();
  void PushNext(const v1::Event& event, const std::string& command_id = {});

  const std::string network_;
  const std::vector<std::string> chats_;
  Program gatekeeper_;
  platform::Mutex mutex_;
  uint64_t position_ ABSL_GUARDED_BY(mutex_) = 0;
  int messages_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<v1::SendMessageCommand> sent_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Adapter> adapter_;
};

// Sends as an app would.
struct SendResult {
  grpc::Status status;
  v1::SendMessageResponse response;
};
SendResult SendText(BrokerHarness& harness, const Program& app, const std::string& chat_id,
                    const std::string& text, const std::string& caused_by_event_id = {});

// What the owner is told of now, of one kind.
std::vector<v1::OwnerNotice> NoticesOf(BrokerHarness& harness, v1::OwnerNotice::Kind kind);

// How often an app did something, as the access history has it.
uint64_t TimesInHistory(BrokerHarness& harness, const Program& app, v1::AccessVerb verb);

}  // namespace postern::behaviors
