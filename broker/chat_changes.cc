// SPDX-License-Identifier: Apache-2.0
// The calls by which apps start chats and change them.
//
// A chat that an app started is the app's only as far as its grants say: under a list of chats it
// is not on the list. The answer names it all the same, so that the app can ask for it.
#include <optional>
#include <utility>

#include "broker/access_history.h"
#include "broker/adapter_table.h"
#include "broker/asker.h"
#include "broker/chat_order.h"
#include "broker/chat_service.h"
#include "broker/chat_view.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/incoming_times.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "broker/send_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;

// What an order uses up of an app's limits; given back unless the gatekeeper has had it.
class Allowance {
 public:
  Allowance(const Parts& parts, const Principal& app) : parts_(parts), app_(app) {}
  ~Allowance() {
    if (used_) return;
    if (sends_per_hour_.has_value()) parts_.limits.GiveBackSend(app_, *sends_per_hour_);
    if (new_chat_) parts_.limits.GiveBackNewChat(app_);
  }
  Allowance(const Allowance&) = delete;
  Allowance& operator=(const Allowance&) = delete;

  absl::Status Take(const ChatOrder& order) {
    if (!order.sends_per_hour.has_value() && !order.new_chats_per_day.has_value()) {
      return parts_.limits.TakeWrite(app_);
    }
    if (order.sends_per_hour.has_value()) {
      RETURN_IF_ERROR(parts_.limits.TakeSend(app_, *order.sends_per_hour));
      sends_per_hour_ = order.sends_per_hour;
    }
    if (order.new_chats_per_day.has_value()) {
      RETURN_IF_ERROR(parts_.limits.TakeNewChat(app_, *order.new_chats_per_day));
      new_chat_ = true;
    }
    return absl::OkStatus();
  }
  void Used() { used_ = true; }

 private:
  const Parts& parts_;
  const Principal& app_;
  std::optional<uint32_t> sends_per_hour_;
  bool new_chat_ = false;
  bool used_ = false;
};

// Unlike messages, what becomes of it later is told by no event of its own.
absl::Status NotFinished() {
  return ReasonStatus(absl::StatusCode::kUnknown, v1::ERROR_REASON_OUTCOME_UNKNOWN,
                      "the gatekeeper has not finished; look at the chat before you repeat it");
}

// Writes the history, then has the gatekeeper do it.
absl::StatusOr<v1::CommandResult> Carry(const Parts& parts, const Principal& app, ChatOrder& order,
                                        const char* reason, Allowance& allowance) {
  AccessRow row;
  row.verb = v1::ACCESS_VERB_WRITE;
  row.principal = app;
  row.chat = order.chat;
  row.grant = order.grant;
  row.reason = reason;
  RETURN_IF_ERROR(parts.accesses.Record(std::move(row)));
  absl::StatusOr<v1::CommandResult> result =
      parts.adapters.Run(order.account, app, std::move(order.command), kCommandTimeout);
  if (!absl::IsUnavailable(result.status())) allowance.Used();
  if (result.ok() && result->state() == v1::CommandResult::STATE_PENDING) return NotFinished();
  return result;
}

absl::Status NotNamed() {
  return ReasonStatus(absl::StatusCode::kUnknown, v1::ERROR_REASON_OUTCOME_UNKNOWN,
                      "the gatekeeper did not name the chat it started; look for it in ListChats "
                      "before you repeat it");
}

// Takes the chat that the gatekeeper started, which its own event may not have told of yet.
absl::StatusOr<ChatId> TakeNewChat(const Parts& parts, permissions::AccountId account,
                                   const v1::Chat& made) {
  v1::Event event;
  *event.mutable_chat_created()->mutable_chat() = made;
  const absl::StatusOr<TakenEvent> taken =
      TakeEvent(parts.ids, account, event.SerializeAsString(), parts.clock.Now(),
                parts.confirmed_clock.Now());
  if (!taken.ok()) return NotNamed();
  // The event, where it came first, is the newer word.
  if (!parts.directory.FindChat(taken->record.chat).has_value()) {
    RETURN_IF_ERROR(parts.directory.Apply(account, {&*taken, 1}));
  }
  return taken->record.chat;
}

// The chat as the app may see it now; of one that it may not see, what it knows already.
absl::StatusOr<v1::Chat> Shown(const Parts& parts, const Caller& caller, ChatId id) {
  const Asker asker(parts, caller);
  absl::StatusOr<v1::Chat> chat = FindReadableChat(parts, asker.viewer, id);
  if (chat.ok()) {
    RETURN_IF_ERROR(FillFromLog(parts, asker.viewer, *chat));
    HideIds(*chat, asker.book.pseudonyms);
    return chat;
  }
  v1::Chat named;
  named.set_id(asker.book.pseudonyms.Encode(id));
  return named;
}

// Puts what the network was asked for, and took, over what its events have told so far.
void ShowAsAsked(const v1::UpdateChatRequest& request, v1::Chat& chat) {
  if (request.has_name()) chat.set_name(request.name());
  if (request.has_topic()) chat.set_topic(request.topic());
  if (request.has_muted()) chat.set_muted(request.muted());
  if (request.has_archived()) chat.set_archived(request.archived());
  if (request.has_marked_unread()) chat.set_marked_unread(request.marked_unread());
  if (request.has_blocked()) chat.set_blocked(request.blocked());
  if (!request.has_disappearing_timer()) return;
  if (request.disappearing_timer().seconds() > 0) {
    *chat.mutable_disappearing_timer() = request.disappearing_timer();
  } else {
    chat.clear_disappearing_timer();
  }
}

}  // namespace

grpc::Status ChatService::CreateChat(grpc::ServerContext* context,
                                     const v1::CreateChatRequest* request,
                                     v1::CreateChatResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/CreateChat", request,
      [&](const Caller& caller) -> absl::Status {
        const Asker asker(parts_, caller);
        ChatOrder order;
        Allowance allowance(parts_, caller.principal);
        return parts_.requests.Once(
            caller.principal, "CreateChat", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              ASSIGN_OR_RETURN(order, PrepareCreateChat(parts_, asker, *request));
              if (order.chat.empty()) {
                RETURN_IF_ERROR(parts_.adapters.CheckServed(order.account));
              }
              return allowance.Take(order);
            },
            [&]() -> absl::Status {
              ChatId id = order.chat;
              if (id.empty()) {
                ASSIGN_OR_RETURN(const v1::CommandResult result,
                                 Carry(parts_, caller.principal, order, "new_chat", allowance));
                ASSIGN_OR_RETURN(id, TakeNewChat(parts_, order.account, result.chat()));
                // The first message in it starts it no second time.
                parts_.incoming.NoteSent(id);
              }
              ASSIGN_OR_RETURN(v1::Chat chat, Shown(parts_, caller, id));
              if (chat.account_id().empty()) {
                chat.set_account_id(request->account_id());
                chat.set_kind(request->kind());
                chat.set_name(request->name());
              }
              *response->mutable_chat() = std::move(chat);
              return absl::OkStatus();
            });
      });
}

grpc::Status ChatService::UpdateChat(grpc::ServerContext* context,
                                     const v1::UpdateChatRequest* request,
                                     v1::UpdateChatResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.ChatService/UpdateChat", request,
      [&](const Caller& caller) -> absl::Status {
        const Asker asker(parts_, caller);
        ChatOrder order;
        Allowance allowance(parts_, caller.principal);
        return parts_.requests.Once(
            caller.principal, "UpdateChat", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              ASSIGN_OR_RETURN(order, PrepareUpdateChat(parts_, asker, *request));
              RETURN_IF_ERROR(parts_.adapters.CheckServed(order.account));
              return allowance.Take(order);
            },
            [&]() -> absl::Status {
              const ChatId id = order.chat;
              RETURN_IF_ERROR(Carry(parts_, caller.principal, order, "", allowance).status());
              ASSIGN_OR_RETURN(v1::Chat chat, Shown(parts_, caller, id));
              if (!chat.account_id().empty()) ShowAsAsked(*request, chat);
              *response->mutable_chat() = std::move(chat);
              return absl::OkStatus();
            });
      });
}

}  // namespace postern::broker
