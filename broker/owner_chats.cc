// SPDX-License-Identifier: Apache-2.0
// The owner's view of accounts and chats: all of them, whatever is granted or sealed.
#include <vector>

#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/message_index.h"
#include "broker/method_gate.h"
#include "broker/owner_service.h"
#include "broker/page.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// From the newest message in the index, which may lag behind the log by a moment.
absl::Status SetLastMessageTime(const Parts& parts, v1::Chat& chat) {
  ASSIGN_OR_RETURN(const std::vector<MessageIndex::Entry> newest,
                   parts.index.ListChat(IdFromText<permissions::ChatId>(chat.id()), kPlaceEnd, 1));
  if (newest.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> record,
                   parts.log.Read({newest.front().sequence}));
  if (record.front() == nullptr) return absl::OkStatus();
  *chat.mutable_last_message_time() = ToProto(record.front()->history_time());
  return absl::OkStatus();
}

}  // namespace

grpc::Status OwnerService::ListOwnedAccounts(grpc::ServerContext* context,
                                             const v1::ListOwnedAccountsRequest* request,
                                             v1::ListOwnedAccountsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ListOwnedAccounts", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& book = parts_.pseudonyms.Of(caller.principal);
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(book.tokens, "ListOwnedAccounts", "",
                                          request->page_size(), request->page_token()));
        for (v1::Account& account : parts_.directory.Accounts()) {
          if (!page.Takes(account.id())) continue;
          const auto id = IdFromText<permissions::AccountId>(account.id());
          account.set_id(book.pseudonyms.Encode(id));
          account.set_self_contact_id(book.pseudonyms.Encode(
              IdFromText<permissions::ContactId>(account.self_contact_id())));
          (*response->mutable_notice_policies())[account.id()] = parts_.disclosures.PolicyOf(id);
          *response->add_accounts() = std::move(account);
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::ListOwnedChats(grpc::ServerContext* context,
                                          const v1::ListOwnedChatsRequest* request,
                                          v1::ListOwnedChatsResponse* response) {
  return parts_.gate.Handle(context, "/postern.v1.OwnerService/ListOwnedChats", request,
                            [&](const Caller& caller) -> absl::Status {
                              const auto& book = parts_.pseudonyms.Of(caller.principal);
                              ASSIGN_OR_RETURN(
                                  PageReader page,
                                  PageReader::Open(book.tokens, "ListOwnedChats", "",
                                                   request->page_size(), request->page_token()));
                              for (v1::Chat& chat : parts_.directory.Chats()) {
                                if (!page.Takes(chat.id())) continue;
                                RETURN_IF_ERROR(SetLastMessageTime(parts_, chat));
                                HideIds(chat, book.pseudonyms);
                                *response->add_chats() = std::move(chat);
                              }
                              response->set_next_page_token(page.NextToken());
                              return absl::OkStatus();
                            });
}

}  // namespace postern::broker
