// SPDX-License-Identifier: Apache-2.0
#include "tests/behaviors/echoing_network.h"

#include <gtest/gtest.h>

#include <utility>

namespace postern::behaviors {

EchoingNetwork::EchoingNetwork(BrokerHarness& harness, const std::string& network,
                               const std::vector<std::string>& chats)
    : network_(network), chats_(chats), gatekeeper_(harness.Connect(network + " client")) {
  v1::Manifest manifest = AppManifest(gatekeeper_.name, {});
  manifest.set_role(v1::ROLE_GATEKEEPER);
  manifest.add_networks(network);
  EXPECT_TRUE(harness.Enroll(gatekeeper_, manifest).granted());
  Attach();
  for (const std::string& chat : chats_) PushNext(ChatEvent(chat));
  EXPECT_TRUE(adapter_->WaitDurable(chats_.size()));
}

void EchoingNetwork::Attach() {
  v1::AttachHello hello = Adapter::Hello("me-" + network_);
  hello.mutable_account()->set_network(network_);
  adapter_ = std::make_unique<Adapter>(gatekeeper_, std::move(hello));
  ASSERT_TRUE(adapter_->welcome()) << Text(adapter_->WaitEnd());
  adapter_->Answer([this](const v1::Command& command) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_SENT);
    if (!command.has_send_message()) return std::optional(result);
    const v1::SendMessageCommand& send = command.send_message();
    std::string id;
    {
      platform::MutexLock lock(mutex_);
      id = "message-" + std::to_string(++messages_);
      sent_.push_back(send);
    }
    v1::Event event = MessageEvent(send.chat_id(), id, send.text());
    v1::Message& message = *event.mutable_message_created()->mutable_message();
    message.set_sender_contact_id("self");
    message.set_from_owner(true);
    PushNext(event, command.command_id());
    result.set_message_id(id);
    return std::optional(result);
  });
}

void EchoingNetwork::PushNext(const v1::Event& event, const std::string& command_id) {
  // One at a time: positions only grow.
  platform::MutexLock lock(mutex_);
  adapter_->PushAt(++position_, event.SerializeAsString(), command_id);
}

void EchoingNetwork::Say(const std::string& chat, const std::string& text) {
  std::string id;
  {
    platform::MutexLock lock(mutex_);
    id = "message-" + std::to_string(++messages_);
  }
  PushNext(MessageEvent(chat, id, text));
  uint64_t position = 0;
  {
    platform::MutexLock lock(mutex_);
    position = position_;
  }
  EXPECT_TRUE(adapter_->WaitDurable(position));
}

std::vector<v1::SendMessageCommand> EchoingNetwork::sent() {
  platform::MutexLock lock(mutex_);
  return sent_;
}

void EchoingNetwork::Reattach(BrokerHarness& harness) {
  adapter_.reset();
  gatekeeper_ = harness.Reconnect(gatekeeper_);
  Attach();
}

SendResult SendText(BrokerHarness& harness, const Program& app, const std::string& chat_id,
                    const std::string& text, const std::string& caused_by_event_id) {
  v1::SendMessageRequest request;
  request.set_request_id(harness.NewRequestId());
  request.set_chat_id(chat_id);
  request.set_text(text);
  request.set_caused_by_event_id(caused_by_event_id);
  SendResult result;
  result.status = app->message->SendMessage(Patiently().get(), request, &result.response);
  return result;
}

std::vector<v1::OwnerNotice> NoticesOf(BrokerHarness& harness, v1::OwnerNotice::Kind kind) {
  v1::GetStatusResponse shown;
  const grpc::Status status = harness.Owner()->owner->GetStatus(Patiently().get(), {}, &shown);
  EXPECT_TRUE(status.ok()) << Text(status);
  std::vector<v1::OwnerNotice> notices;
  for (const v1::OwnerNotice& notice : shown.notices()) {
    if (notice.kind() == kind) notices.push_back(notice);
  }
  return notices;
}

uint64_t TimesInHistory(BrokerHarness& harness, const Program& app, v1::AccessVerb verb) {
  const Program owner = harness.Owner();
  v1::ListAccessHistoryRequest request;
  request.set_principal(app.principal);
  request.add_verbs(verb);
  request.set_page_size(500);
  uint64_t times = 0;
  do {
    v1::ListAccessHistoryResponse page;
    const grpc::Status status = owner->owner->ListAccessHistory(Patiently().get(), request, &page);
    EXPECT_TRUE(status.ok()) << Text(status);
    for (const v1::AccessEntry& entry : page.entries()) times += entry.count();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return times;
}

}  // namespace postern::behaviors
