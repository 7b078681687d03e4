// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/parts.h"
#include "postern/v1/message_service.grpc.pb.h"

namespace postern::broker {

class MessageReader;
class MessageSender;

// Reads history (message_reader.h); sends and reacts in the user's name (message_sender.h).
class MessageService final : public v1::MessageService::Service {
 public:
  MessageService(const Parts& parts, MessageReader& reader, MessageSender& sender)
      : parts_(parts), reader_(reader), sender_(sender) {}

  grpc::Status ListMessages(grpc::ServerContext* context, const v1::ListMessagesRequest* request,
                            v1::ListMessagesResponse* response) override;
  grpc::Status GetMessage(grpc::ServerContext* context, const v1::GetMessageRequest* request,
                          v1::GetMessageResponse* response) override;
  grpc::Status GetMessageContext(grpc::ServerContext* context,
                                 const v1::GetMessageContextRequest* request,
                                 v1::GetMessageContextResponse* response) override;
  grpc::Status SearchMessages(grpc::ServerContext* context,
                              const v1::SearchMessagesRequest* request,
                              v1::SearchMessagesResponse* response) override;
  grpc::Status SendMessage(grpc::ServerContext* context, const v1::SendMessageRequest* request,
                           v1::SendMessageResponse* response) override;
  grpc::Status EditMessage(grpc::ServerContext* context, const v1::EditMessageRequest* request,
                           v1::EditMessageResponse* response) override;
  grpc::Status DeleteMessage(grpc::ServerContext* context, const v1::DeleteMessageRequest* request,
                             v1::DeleteMessageResponse* response) override;
  grpc::Status SetReaction(grpc::ServerContext* context, const v1::SetReactionRequest* request,
                           v1::SetReactionResponse* response) override;
  grpc::Status VotePoll(grpc::ServerContext* context, const v1::VotePollRequest* request,
                        v1::VotePollResponse* response) override;
  grpc::Status MarkRead(grpc::ServerContext* context, const v1::MarkReadRequest* request,
                        v1::MarkReadResponse* response) override;
  grpc::Status SetTyping(grpc::ServerContext* context, const v1::SetTypingRequest* request,
                         v1::SetTypingResponse* response) override;
  grpc::Status CreateDraft(grpc::ServerContext* context, const v1::CreateDraftRequest* request,
                           v1::CreateDraftResponse* response) override;

 private:
  const Parts& parts_;
  MessageReader& reader_;
  MessageSender& sender_;
};

}  // namespace postern::broker
