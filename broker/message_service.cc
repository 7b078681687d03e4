// SPDX-License-Identifier: Apache-2.0
#include "broker/message_service.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <utility>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/asker.h"
#include "broker/deliveries.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/limits.h"
#include "broker/message_sender.h"
#include "broker/method_gate.h"
#include "broker/open_chat.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/send_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {

namespace {

using permissions::ChatId;
using permissions::MessageId;
using permissions::Scope;

// Runs 'read', an absl::Status(const Asker&) that fills in 'response', until what the app may see
// is at its end what it was at its start: reading can take seconds, and a revocation does not wait
// for it.
template <typename Response, typename Read>
absl::Status ReadAsNow(const Parts& parts, const Caller& caller, Response& response, Read read) {
  while (true) {
    response.Clear();
    // Grants, the pause, and what is sealed: all raise it.
    const uint64_t epoch = parts.apps.epoch();
    const Asker asker(parts, caller);
    RETURN_IF_ERROR(read(asker));
    if (parts.apps.epoch() == epoch) return absl::OkStatus();
  }
}

// Tells the access history of a message that is about to leave.
void CountReading(const Parts& parts, const Caller& caller, const v1::Message& message) {
  const AccessHistory::Reading reading{
      .chat = parts.pseudonyms.Of(caller.principal)
                  .pseudonyms.DecodeChat(message.chat_id())
                  .value_or(ChatId()),
      .verb = message.withheld() ? v1::ACCESS_VERB_WITHHELD : v1::ACCESS_VERB_READ,
      .count = 1};
  parts.accesses.CountReadings(caller.principal, {&reading, 1});
}

}  // namespace

absl::Status MessageService::CheckReadBudget(const Asker& asker) const {
  return parts_.limits.MayRead(asker.app->principal,
                               ReadAllowance(asker.viewer.access, asker.viewer.now));
}

absl::Status MessageService::List(const Asker& asker, const v1::ListMessagesRequest& request,
                                  v1::ListMessagesResponse& response) {
  ASSIGN_OR_RETURN(const int page_size, CheckedPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const ChatId chat,
                   CheckedId("chat_id", asker.book.pseudonyms.DecodeChat(request.chat_id())));
  Sequence before = 0;
  if (!request.page_token().empty()) {
    const auto payload =
        asker.book.tokens.Open("ListMessages", request.chat_id(), request.page_token());
    if (!payload.has_value() || !absl::SimpleAtoi(*payload, &before)) return InvalidPageToken();
  }
  RETURN_IF_ERROR(FindOpenChat(parts_, asker, chat, Scope::kMessagesHistory, "chat_id").status());
  RETURN_IF_ERROR(CheckReadBudget(asker));
  ASSIGN_OR_RETURN(History::Page page, history_.List(asker.viewer, chat, before, page_size));
  if (!page.messages.empty()) {
    const Sequence last = before == 0 ? parts_.log.last_sequence() : before - 1;
    parts_.deliveries.Note(*asker.app, chat, std::max<Sequence>(page.next_before, 1), last);
  }
  for (v1::Message& message : page.messages) *response.add_messages() = std::move(message);
  if (page.next_before != 0) {
    response.set_next_page_token(
        asker.book.tokens.Seal("ListMessages", request.chat_id(), absl::StrCat(page.next_before)));
  }
  return absl::OkStatus();
}

grpc::Status MessageService::ListMessages(grpc::ServerContext* context,
                                          const v1::ListMessagesRequest* request,
                                          v1::ListMessagesResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/ListMessages", request,
      [&](const Caller& caller) -> absl::Status {
        RETURN_IF_ERROR(ReadAsNow(parts_, caller, *response, [&](const Asker& asker) {
          return List(asker, *request, *response);
        }));
        parts_.limits.CountRead(caller.principal, response->ByteSizeLong());
        for (const v1::Message& message : response->messages()) {
          CountReading(parts_, caller, message);
        }
        return absl::OkStatus();
      });
}

absl::Status MessageService::Get(const Asker& asker, const v1::GetMessageRequest& request,
                                 v1::GetMessageResponse& response) {
  ASSIGN_OR_RETURN(
      const MessageId id,
      CheckedId("message_id", asker.book.pseudonyms.DecodeMessage(request.message_id())));
  RETURN_IF_ERROR(
      VerdictStatus(Decide(asker.viewer.access, Scope::kMessagesHistory, {}, asker.viewer.now),
                    Scope::kMessagesHistory));
  ASSIGN_OR_RETURN(const History::Origin origin, history_.Find(id));
  RETURN_IF_ERROR(
      FindOpenChat(parts_, asker, origin.record->chat, Scope::kMessagesHistory, "message_id")
          .status());
  RETURN_IF_ERROR(CheckReadBudget(asker));
  ASSIGN_OR_RETURN(*response.mutable_message(), history_.Get(asker.viewer, id));
  parts_.deliveries.Note(*asker.app, origin.record->chat, origin.record->sequence,
                         origin.record->sequence);
  return absl::OkStatus();
}

grpc::Status MessageService::GetMessage(grpc::ServerContext* context,
                                        const v1::GetMessageRequest* request,
                                        v1::GetMessageResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/GetMessage", request,
      [&](const Caller& caller) -> absl::Status {
        RETURN_IF_ERROR(ReadAsNow(parts_, caller, *response, [&](const Asker& asker) {
          return Get(asker, *request, *response);
        }));
        parts_.limits.CountRead(caller.principal, response->ByteSizeLong());
        CountReading(parts_, caller, response->message());
        return absl::OkStatus();
      });
}

grpc::Status MessageService::SendMessage(grpc::ServerContext* context,
                                         const v1::SendMessageRequest* request,
                                         v1::SendMessageResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/SendMessage", request,
      [&](const Caller& caller) { return sender_.Send(caller, *request, *response); });
}

grpc::Status MessageService::SetReaction(grpc::ServerContext* context,
                                         const v1::SetReactionRequest* request,
                                         v1::SetReactionResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/SetReaction", request,
      [&](const Caller& caller) { return sender_.React(caller, *request, *response); });
}

}  // namespace postern::broker
