// SPDX-License-Identifier: Apache-2.0
#include "broker/chat_service.h"

#include <utility>

#include "broker/asker.h"
#include "broker/backfills.h"
#include "broker/chat_view.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/event_view.h"
#include "broker/method_gate.h"
#include "broker/open_chat.h"
#include "broker/page.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/seal_book.h"
#include "broker/seal_view.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::Scope;
using permissions::Verdict;

// An account is seen by who may see something in it.
bool MaySeeAccount(const Viewer& viewer, const v1::Account& account) {
  const AccountId id = IdFromText<AccountId>(account.id());
  for (const permissions::Grant& grant : viewer.access.grants) {
    if (grant.selection.accounts.contains(id) ||
        grant.selection.networks.contains(account.network())) {
      // The grant must also be in force.
      const permissions::Access one{
          {&grant, 1}, viewer.access.paused, viewer.access.session_unlocked};
      if (Decide(one, Scope::kChatsRead, {}, viewer.now) == Verdict::kAllowed) return true;
    }
  }
  return false;
}

}  // namespace

grpc::Status ChatService::ListAccounts(grpc::ServerContext* context,
                                       const v1::ListAccountsRequest* request,
                                       v1::ListAccountsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/ListAccounts", request,
      [&](const Caller& caller) -> absl::Status {
        const Asker asker(parts_, caller);
        const auto& book = asker.book;
        const Viewer& viewer = asker.viewer;
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(book.tokens, "ListAccounts", "", request->page_size(),
                                          request->page_token()));
        RETURN_IF_ERROR(RequireScope(viewer, Scope::kChatsRead));
        for (auto& [shown_id, account] :
             InCallersOrder(parts_.directory.Accounts(), [&](const v1::Account& item) {
               return book.pseudonyms.Encode(IdFromText<AccountId>(item.id()));
             })) {
          if (!MaySeeAccount(viewer, account) || !page.Takes(shown_id)) continue;
          const AccountId id = IdFromText<AccountId>(account.id());
          if (!MayIdentify(viewer, parts_.directory.FactsOf(id, {}))) account.clear_address();
          account.set_id(shown_id);
          account.set_self_contact_id(book.pseudonyms.Encode(
              IdFromText<permissions::ContactId>(account.self_contact_id())));
          *response->add_accounts() = std::move(account);
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

grpc::Status ChatService::ListChats(grpc::ServerContext* context,
                                    const v1::ListChatsRequest* request,
                                    v1::ListChatsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/ListChats", request,
      [&](const Caller& caller) -> absl::Status {
        const Asker asker(parts_, caller);
        const auto& book = asker.book;
        const Viewer& viewer = asker.viewer;
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(book.tokens, "ListChats", request->account_id(),
                                          request->page_size(), request->page_token()));
        std::string only_account;
        if (!request->account_id().empty()) {
          ASSIGN_OR_RETURN(
              const AccountId account,
              CheckedId("account_id", book.pseudonyms.DecodeAccount(request->account_id())));
          only_account = IdText(account);
        }
        RETURN_IF_ERROR(RequireScope(viewer, Scope::kChatsRead));
        for (auto& [shown_id, chat] :
             InCallersOrder(parts_.directory.Chats(), [&](const v1::Chat& item) {
               return book.pseudonyms.Encode(IdFromText<ChatId>(item.id()));
             })) {
          if (!only_account.empty() && chat.account_id() != only_account) continue;
          if (!MayReadChat(viewer, chat) || !page.Takes(shown_id)) continue;
          RETURN_IF_ERROR(FillFromLog(parts_, viewer, chat));
          HideSealedPeople(parts_.seals, chat);
          chat.clear_participants();
          HideIds(chat, book.pseudonyms);
          *response->add_chats() = std::move(chat);
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

grpc::Status ChatService::GetChat(grpc::ServerContext* context, const v1::GetChatRequest* request,
                                  v1::GetChatResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/GetChat", request,
      [&](const Caller& caller) -> absl::Status {
        const Asker asker(parts_, caller);
        const auto& book = asker.book;
        const Viewer& viewer = asker.viewer;
        ASSIGN_OR_RETURN(const ChatId id,
                         CheckedId("chat_id", book.pseudonyms.DecodeChat(request->chat_id())));
        ASSIGN_OR_RETURN(v1::Chat chat, FindReadableChat(parts_, viewer, id));
        RETURN_IF_ERROR(FillFromLog(parts_, viewer, chat));
        HideIds(chat, book.pseudonyms);
        *response->mutable_chat() = std::move(chat);
        return absl::OkStatus();
      });
}

grpc::Status ChatService::ListParticipants(grpc::ServerContext* context,
                                           const v1::ListParticipantsRequest* request,
                                           v1::ListParticipantsResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/ListParticipants", request,
      [&](const Caller& caller) -> absl::Status {
        const Asker asker(parts_, caller);
        const auto& book = asker.book;
        const Viewer& viewer = asker.viewer;
        ASSIGN_OR_RETURN(PageReader page,
                         PageReader::Open(book.tokens, "ListParticipants", request->chat_id(),
                                          request->page_size(), request->page_token()));
        ASSIGN_OR_RETURN(const ChatId id,
                         CheckedId("chat_id", book.pseudonyms.DecodeChat(request->chat_id())));
        ASSIGN_OR_RETURN(v1::Chat chat, FindReadableChat(parts_, viewer, id));
        std::vector<v1::Participant> participants(chat.participants().begin(),
                                                  chat.participants().end());
        for (auto& [shown_id, participant] :
             InCallersOrder(std::move(participants), [&](const v1::Participant& item) {
               return book.pseudonyms.Encode(IdFromText<permissions::ContactId>(item.contact_id()));
             })) {
          if (!page.Takes(shown_id)) continue;
          participant.set_contact_id(shown_id);
          *response->add_participants() = std::move(participant);
        }
        response->set_next_page_token(page.NextToken());
        return absl::OkStatus();
      });
}

grpc::Status ChatService::RequestBackfill(grpc::ServerContext* context,
                                          const v1::RequestBackfillRequest* request,
                                          v1::RequestBackfillResponse*) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/RequestBackfill", request,
      [&](const Caller& caller) { return backfills_.Begin(caller, *request); });
}

}  // namespace postern::broker
