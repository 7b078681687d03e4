// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/parts.h"
#include "postern/v1/chat_service.grpc.pb.h"

namespace postern::broker {

// Shows an app the accounts and chats its user has opened to it.
class ChatService final : public v1::ChatService::Service {
 public:
  explicit ChatService(const Parts& parts) : parts_(parts) {}

  grpc::Status ListAccounts(grpc::ServerContext* context, const v1::ListAccountsRequest* request,
                            v1::ListAccountsResponse* response) override;
  grpc::Status ListChats(grpc::ServerContext* context, const v1::ListChatsRequest* request,
                         v1::ListChatsResponse* response) override;
  grpc::Status GetChat(grpc::ServerContext* context, const v1::GetChatRequest* request,
                       v1::GetChatResponse* response) override;
  grpc::Status ListParticipants(grpc::ServerContext* context,
                                const v1::ListParticipantsRequest* request,
                                v1::ListParticipantsResponse* response) override;

 private:
  const Parts& parts_;
};

}  // namespace postern::broker
