// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/parts.h"
#include "postern/v1/chat_service.grpc.pb.h"

namespace postern::broker {

class Backfills;

// Shows an app the accounts, chats and people its user has opened to it, and changes chats for it.
class ChatService final : public v1::ChatService::Service {
 public:
  ChatService(const Parts& parts, Backfills& backfills) : parts_(parts), backfills_(backfills) {}

  grpc::Status ListAccounts(grpc::ServerContext* context, const v1::ListAccountsRequest* request,
                            v1::ListAccountsResponse* response) override;
  grpc::Status ListChats(grpc::ServerContext* context, const v1::ListChatsRequest* request,
                         v1::ListChatsResponse* response) override;
  grpc::Status GetChat(grpc::ServerContext* context, const v1::GetChatRequest* request,
                       v1::GetChatResponse* response) override;
  grpc::Status ListParticipants(grpc::ServerContext* context,
                                const v1::ListParticipantsRequest* request,
                                v1::ListParticipantsResponse* response) override;
  // See backfills.h.
  grpc::Status RequestBackfill(grpc::ServerContext* context,
                               const v1::RequestBackfillRequest* request,
                               v1::RequestBackfillResponse* response) override;
  // In chat_changes.cc.
  grpc::Status CreateChat(grpc::ServerContext* context, const v1::CreateChatRequest* request,
                          v1::CreateChatResponse* response) override;
  grpc::Status UpdateChat(grpc::ServerContext* context, const v1::UpdateChatRequest* request,
                          v1::UpdateChatResponse* response) override;
  // In chat_contacts.cc.
  grpc::Status ListContacts(grpc::ServerContext* context, const v1::ListContactsRequest* request,
                            v1::ListContactsResponse* response) override;
  grpc::Status ResolveContact(grpc::ServerContext* context,
                              const v1::ResolveContactRequest* request,
                              v1::ResolveContactResponse* response) override;

 private:
  const Parts& parts_;
  Backfills& backfills_;
};

}  // namespace postern::broker
