// SPDX-License-Identifier: Apache-2.0
// An app that writes, and a network that does what it is told: each command becomes an event that
// names it, as with a real client.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/echoing_network.h"

namespace postern::behaviors {

// Chats "club" and "other". In the club Bob wrote "m1" and made the poll "poll" (a red, b blue, c
// green; two choices).
class WritingTest : public testing::Test {
 protected:
  void SetUp() override {
    Attach();
    Report(ChatEvent("club"));
    Report(ChatEvent("other"));
    Report(MessageEvent("club", "m1", "Who comes?"));
    v1::Event event = MessageEvent("club", "poll", "");
    v1::Message& message = *event.mutable_message_created()->mutable_message();
    message.set_kind(v1::MESSAGE_KIND_POLL);
    message.mutable_poll()->set_question("Which colour?");
    message.mutable_poll()->set_choices_max(2);
    for (const auto& [id, text] : {std::pair("a", "red"), {"b", "blue"}, {"c", "green"}}) {
      v1::PollOption& option = *message.mutable_poll()->add_options();
      option.set_id(id);
      option.set_text(text);
    }
    Report(event);
  }

  // ---- the network ----

  void Attach() {
    adapter_ = Adapter::Again(gatekeeper_);
    ASSERT_TRUE(adapter_->welcome()) << Text(adapter_->WaitEnd());
    adapter_->Answer([this](const v1::Command& command) { return Obey(command); });
  }
  // Answers in another way than by doing what it is told; nothing: as before.
  void Answer(Adapter::Handler handler) {
    platform::MutexLock lock(mutex_);
    handler_ = std::move(handler);
  }
  std::optional<v1::CommandResult> Obey(const v1::Command& command) {
    Adapter::Handler handler;
    {
      platform::MutexLock lock(mutex_);
      handler = handler_;
    }
    if (handler) return handler(command);
    return Do(command);
  }
  // Does it, and reports it as an event of the user's.
  v1::CommandResult Do(const v1::Command& command) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_SENT);
    v1::Event event;
    if (command.has_send_message()) {
      const v1::SendMessageCommand& send = command.send_message();
      result.set_message_id("sent-" + command.command_id().substr(0, 8));
      result.set_end_to_end_encrypted(true);
      event = MessageEvent(send.chat_id(), result.message_id(), send.text());
      v1::Message& message = *event.mutable_message_created()->mutable_message();
      message.set_kind(send.kind());
      message.set_sender_contact_id("self");
      message.set_from_owner(true);
      if (send.has_poll()) *message.mutable_poll() = send.poll();
    } else if (command.has_edit_message()) {
      event = EditEvent(command.edit_message().chat_id(), command.edit_message().message_id(),
                        command.edit_message().text());
      event.mutable_message_edited()->set_sender_contact_id("self");
    } else if (command.has_delete_message()) {
      event =
          DeleteEvent(command.delete_message().chat_id(), command.delete_message().message_id());
      event.mutable_message_deleted()->set_contact_id("self");
    } else if (command.has_set_reaction() && !command.set_reaction().remove()) {
      event = ReactionEvent(command.set_reaction().chat_id(), command.set_reaction().message_id(),
                            command.set_reaction().emoji());
      event.mutable_reaction_set()->set_contact_id("self");
    } else if (command.has_set_reaction()) {
      event.set_chat_id(command.set_reaction().chat_id());
      event.mutable_reaction_removed()->set_message_id(command.set_reaction().message_id());
      event.mutable_reaction_removed()->set_emoji(command.set_reaction().emoji());
      event.mutable_reaction_removed()->set_contact_id("self");
    } else if (command.has_vote_poll()) {
      event.set_chat_id(command.vote_poll().chat_id());
      event.mutable_poll_voted()->set_message_id(command.vote_poll().message_id());
      event.mutable_poll_voted()->set_contact_id("self");
      *event.mutable_poll_voted()->mutable_option_ids() = command.vote_poll().option_ids();
    } else {
      if (command.has_create_draft()) result.set_draft_id("draft-1");
      return result;
    }
    Push(event, command.command_id());
    return result;
  }
  uint64_t Push(const v1::Event& event, const std::string& command_id = {}) {
    platform::MutexLock lock(mutex_);
    adapter_->PushAt(++position_, event.SerializeAsString(), command_id);
    return position_;
  }
  void Report(const v1::Event& event) { ASSERT_TRUE(adapter_->WaitDurable(Push(event))); }
  // All that was pushed so far is in the log.
  void Settle() {
    uint64_t position = 0;
    {
      platform::MutexLock lock(mutex_);
      position = position_;
    }
    ASSERT_TRUE(adapter_->WaitDurable(position));
  }
  void SetCapabilities(const v1::ChatCapabilities& capabilities) {
    v1::Event event;
    event.set_chat_id("club");
    *event.mutable_capabilities_changed()->mutable_capabilities() = capabilities;
    Report(event);
  }
  size_t CommandCount() { return adapter_->commands().size(); }
  v1::Command LastCommand() {
    const std::vector<v1::Command> commands = adapter_->commands();
    return commands.empty() ? v1::Command() : commands.back();
  }

  // ---- the app ----

  Program Writer(const std::string& name = "Writer") {
    using enum permissions::Scope;
    return harness_.App(
        name, {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesSend, kMessagesEditOwn,
               kMessagesDeleteOwn, kReactionsRead, kReactionsWrite, kReceiptsWrite, kTypingWrite});
  }
  // The id by which the app knows a message of the club, by its text; of the poll, by none.
  std::string IdOf(const Program& app, const std::string& text) {
    v1::ListMessagesRequest request;
    request.set_chat_id(ChatIdOf(app, "club"));
    v1::ListMessagesResponse response;
    const grpc::Status status = app->message->ListMessages(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    for (const v1::Message& message : response.messages()) {
      if (message.text() == text) return message.id();
    }
    ADD_FAILURE() << "no message '" << text << "'";
    return {};
  }
  v1::Message Shown(const Program& app, const std::string& id) {
    v1::GetMessageRequest request;
    request.set_message_id(id);
    v1::GetMessageResponse response;
    const grpc::Status status = app->message->GetMessage(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return response.message();
  }
  // Sends into the club; the message's id once it is back as an event.
  std::string Sent(const Program& app, const std::string& text) {
    const SendResult result = SendText(harness_, app, ChatIdOf(app, "club"), text);
    EXPECT_TRUE(result.status.ok()) << Text(result.status);
    Settle();
    return result.response.message_id();
  }
  grpc::Status Send(const Program& app, v1::SendMessageRequest request,
                    v1::SendMessageResponse* response = nullptr) {
    if (request.request_id().empty()) request.set_request_id(harness_.NewRequestId());
    if (request.chat_id().empty()) request.set_chat_id(ChatIdOf(app, "club"));
    v1::SendMessageResponse ignored;
    return app->message->SendMessage(Patiently().get(), request,
                                     response == nullptr ? &ignored : response);
  }
  grpc::Status Edit(const Program& app, const std::string& id, const std::string& text,
                    const std::string& caused_by = {}) {
    v1::EditMessageRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_message_id(id);
    request.set_text(text);
    request.set_caused_by_event_id(caused_by);
    v1::EditMessageResponse response;
    return app->message->EditMessage(Patiently().get(), request, &response);
  }
  grpc::Status Delete(const Program& app, const std::string& id, bool for_everyone = true) {
    v1::DeleteMessageRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_message_id(id);
    request.set_for_everyone(for_everyone);
    v1::DeleteMessageResponse response;
    return app->message->DeleteMessage(Patiently().get(), request, &response);
  }
  grpc::Status React(const Program& app, const std::string& id, const std::string& emoji,
                     bool remove = false) {
    v1::SetReactionRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_message_id(id);
    request.set_emoji(emoji);
    request.set_remove(remove);
    v1::SetReactionResponse response;
    return app->message->SetReaction(Patiently().get(), request, &response);
  }
  grpc::Status Vote(const Program& app, const std::string& id,
                    const std::vector<std::string>& options) {
    v1::VotePollRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_message_id(id);
    for (const std::string& option : options) request.add_option_ids(option);
    v1::VotePollResponse response;
    return app->message->VotePoll(Patiently().get(), request, &response);
  }
  grpc::Status MarkRead(const Program& app, const std::string& id, bool tell_sender) {
    v1::MarkReadRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(ChatIdOf(app, "club"));
    request.set_through_message_id(id);
    request.set_tell_sender(tell_sender);
    v1::MarkReadResponse response;
    return app->message->MarkRead(Patiently().get(), request, &response);
  }
  grpc::Status Type(const Program& app, const std::string& chat_id, bool active = true) {
    v1::SetTypingRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(chat_id);
    request.set_active(active);
    v1::SetTypingResponse response;
    return app->message->SetTyping(Patiently().get(), request, &response);
  }
  grpc::Status Draft(const Program& app, const std::string& text,
                     v1::CreateDraftResponse* response = nullptr) {
    v1::CreateDraftRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(ChatIdOf(app, "club"));
    request.set_text(text);
    v1::CreateDraftResponse ignored;
    return app->message->CreateDraft(Patiently().get(), request,
                                     response == nullptr ? &ignored : response);
  }

  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  platform::Mutex mutex_;
  uint64_t position_ ABSL_GUARDED_BY(mutex_) = 0;
  Adapter::Handler handler_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Adapter> adapter_;
};

// The refusal of 'status', as "REASON metadata".
inline std::string Refusal(const grpc::Status& status, const std::string& metadata) {
  const v1::ErrorInfo info = InfoOf(status);
  const auto found = info.metadata().find(metadata);
  return info.reason() + " " + (found == info.metadata().end() ? "" : found->second);
}

}  // namespace postern::behaviors
