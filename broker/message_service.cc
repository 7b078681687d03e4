// SPDX-License-Identifier: Apache-2.0
#include "broker/message_service.h"

#include "broker/message_reader.h"
#include "broker/message_sender.h"
#include "broker/method_gate.h"

namespace postern::broker {

grpc::Status MessageService::ListMessages(grpc::ServerContext* context,
                                          const v1::ListMessagesRequest* request,
                                          v1::ListMessagesResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/ListMessages", request,
      [&](const Caller& caller) { return reader_.List(caller, *request, *response); });
}

grpc::Status MessageService::GetMessage(grpc::ServerContext* context,
                                        const v1::GetMessageRequest* request,
                                        v1::GetMessageResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/GetMessage", request,
      [&](const Caller& caller) { return reader_.Get(caller, *request, *response); });
}

grpc::Status MessageService::GetMessageContext(grpc::ServerContext* context,
                                               const v1::GetMessageContextRequest* request,
                                               v1::GetMessageContextResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/GetMessageContext", request,
      [&](const Caller& caller) { return reader_.Around(caller, *request, *response); });
}

grpc::Status MessageService::SearchMessages(grpc::ServerContext* context,
                                            const v1::SearchMessagesRequest* request,
                                            v1::SearchMessagesResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/SearchMessages", request,
      [&](const Caller& caller) { return reader_.Search(caller, *request, *response); });
}

grpc::Status MessageService::SendMessage(grpc::ServerContext* context,
                                         const v1::SendMessageRequest* request,
                                         v1::SendMessageResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/SendMessage", request,
      [&](const Caller& caller) { return sender_.Send(caller, *request, *response); });
}

grpc::Status MessageService::EditMessage(grpc::ServerContext* context,
                                         const v1::EditMessageRequest* request,
                                         v1::EditMessageResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/EditMessage", request,
      [&](const Caller& caller) { return sender_.Edit(caller, *request, *response); });
}

grpc::Status MessageService::DeleteMessage(grpc::ServerContext* context,
                                           const v1::DeleteMessageRequest* request,
                                           v1::DeleteMessageResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/DeleteMessage", request,
      [&](const Caller& caller) { return sender_.Delete(caller, *request, *response); });
}

grpc::Status MessageService::SetReaction(grpc::ServerContext* context,
                                         const v1::SetReactionRequest* request,
                                         v1::SetReactionResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/SetReaction", request,
      [&](const Caller& caller) { return sender_.React(caller, *request, *response); });
}

grpc::Status MessageService::VotePoll(grpc::ServerContext* context,
                                      const v1::VotePollRequest* request,
                                      v1::VotePollResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/VotePoll", request,
      [&](const Caller& caller) { return sender_.Vote(caller, *request, *response); });
}

grpc::Status MessageService::MarkRead(grpc::ServerContext* context,
                                      const v1::MarkReadRequest* request,
                                      v1::MarkReadResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/MarkRead", request,
      [&](const Caller& caller) { return sender_.MarkRead(caller, *request, *response); });
}

grpc::Status MessageService::SetTyping(grpc::ServerContext* context,
                                       const v1::SetTypingRequest* request,
                                       v1::SetTypingResponse*) {
  return parts_.gate.Handle(context, "/postern.v1.MessageService/SetTyping", request,
                            [&](const Caller& caller) { return sender_.Type(caller, *request); });
}

grpc::Status MessageService::CreateDraft(grpc::ServerContext* context,
                                         const v1::CreateDraftRequest* request,
                                         v1::CreateDraftResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/CreateDraft", request,
      [&](const Caller& caller) { return sender_.Draft(caller, *request, *response); });
}

}  // namespace postern::broker
