// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/caller.h"
#include "broker/history.h"
#include "broker/parts.h"
#include "postern/v1/message_service.grpc.pb.h"

namespace postern::broker {

struct Asker;
class MessageSender;

// Reads history; sends and reacts in the user's name (message_sender.h).
class MessageService final : public v1::MessageService::Service {
 public:
  MessageService(const Parts& parts, MessageSender& sender)
      : parts_(parts), history_(parts.history), sender_(sender) {}

  grpc::Status ListMessages(grpc::ServerContext* context, const v1::ListMessagesRequest* request,
                            v1::ListMessagesResponse* response) override;
  grpc::Status GetMessage(grpc::ServerContext* context, const v1::GetMessageRequest* request,
                          v1::GetMessageResponse* response) override;
  grpc::Status SendMessage(grpc::ServerContext* context, const v1::SendMessageRequest* request,
                           v1::SendMessageResponse* response) override;
  grpc::Status SetReaction(grpc::ServerContext* context, const v1::SetReactionRequest* request,
                           v1::SetReactionResponse* response) override;

 private:
  absl::Status List(const Asker& asker, const v1::ListMessagesRequest& request,
                    v1::ListMessagesResponse& response);
  absl::Status Get(const Asker& asker, const v1::GetMessageRequest& request,
                   v1::GetMessageResponse& response);
  // RESOURCE_EXHAUSTED LIMIT_EXCEEDED when the app has read its bytes of the day.
  absl::Status CheckReadBudget(const Asker& asker) const;

  const Parts& parts_;
  History& history_;
  MessageSender& sender_;
};

}  // namespace postern::broker
