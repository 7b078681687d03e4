// SPDX-License-Identifier: Apache-2.0
#include "broker/message_service.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <utility>

#include "broker/access_history.h"
#include "broker/adapter_table.h"
#include "broker/app_registry.h"
#include "broker/asker.h"
#include "broker/deliveries.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "permissions/limits.h"
#include "platform/status_macros.h"

namespace postern::broker {

namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::ContactId;
using permissions::MessageId;
using permissions::ObjectFacts;
using permissions::Scope;

// The account and remote name of a chat in which 'scope' is open. A chat that is not, or is not
// there, is NOT_FOUND.
struct OpenChat {
  AccountId account;
  std::string remote_id;
  ObjectFacts facts;
};

absl::StatusOr<OpenChat> FindOpenChat(const Parts& parts, const Asker& asker, ChatId chat,
                                      Scope scope, std::string_view field) {
  RETURN_IF_ERROR(VerdictStatus(Decide(asker.viewer.access, scope, {}, asker.viewer.now), scope));
  const std::optional<v1::Chat> known = parts.directory.FindChat(chat);
  const std::optional<std::string> remote_id = parts.directory.RemoteChatId(chat);
  if (!known.has_value() || !remote_id.has_value()) return NotFound(field);
  OpenChat open;
  open.account = IdFromText<AccountId>(known->account_id());
  open.remote_id = *remote_id;
  open.facts = parts.directory.FactsOf(open.account, chat);
  if (Decide(asker.viewer.access, scope, open.facts, asker.viewer.now) !=
      permissions::Verdict::kAllowed) {
    return NotFound(field);
  }
  return open;
}

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

absl::Status CheckSend(const v1::SendMessageRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (request.text().empty()) return InvalidField("text", "must not be empty");
  if (request.text().size() > kTextBytesMax) return InvalidField("text", "is longer than 64 KiB");
  if (request.mentions_size() > kMentionsMax) return InvalidField("mentions", "are too many");
  if (request.spans_size() > kSpansMax) return InvalidField("spans", "are too many");
  for (const v1::FormattingSpan& span : request.spans()) {
    if (uint64_t{span.start()} + span.length() > request.text().size()) {
      return InvalidField("spans", "reach past the end of the text");
    }
    if (!v1::FormattingSpan::Style_IsValid(span.style())) {
      return InvalidField("spans", "have a style this broker does not know");
    }
  }
  for (const v1::Mention& mention : request.mentions()) {
    if (uint64_t{mention.start()} + mention.length() > request.text().size()) {
      return InvalidField("mentions", "reach past the end of the text");
    }
  }
  if (!request.attachment_ids().empty()) {
    return InvalidField("attachment_ids", "must be empty: this broker takes no uploads yet");
  }
  return absl::OkStatus();
}

}  // namespace

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
        CountReading(parts_, caller, response->message());
        return absl::OkStatus();
      });
}

grpc::Status MessageService::SendMessage(grpc::ServerContext* context,
                                         const v1::SendMessageRequest* request,
                                         v1::SendMessageResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/SendMessage", request,
      [&](const Caller& caller) { return Send(caller, *request, *response); });
}

absl::Status MessageService::Send(const Caller& caller, const v1::SendMessageRequest& request,
                                  v1::SendMessageResponse& response) {
  RETURN_IF_ERROR(CheckSend(request));
  const Asker asker(parts_, caller);
  const permissions::Pseudonyms& pseudonyms = asker.book.pseudonyms;
  ASSIGN_OR_RETURN(const ChatId chat,
                   CheckedId("chat_id", pseudonyms.DecodeChat(request.chat_id())));
  MessageId reply_to;
  if (!request.reply_to_message_id().empty()) {
    ASSIGN_OR_RETURN(reply_to, CheckedId("reply_to_message_id",
                                         pseudonyms.DecodeMessage(request.reply_to_message_id())));
  }
  if (!request.caused_by_event_id().empty() &&
      !pseudonyms.DecodeEvent(request.caused_by_event_id()).has_value()) {
    return InvalidField("caused_by_event_id", "is not an event this app was sent");
  }
  std::vector<ContactId> mentioned;
  for (const v1::Mention& mention : request.mentions()) {
    ASSIGN_OR_RETURN(const ContactId contact,
                     CheckedId("mentions", pseudonyms.DecodeContact(mention.contact_id())));
    mentioned.push_back(contact);
  }
  ASSIGN_OR_RETURN(const OpenChat open,
                   FindOpenChat(parts_, asker, chat, Scope::kMessagesSend, "chat_id"));

  v1::Command command;
  v1::SendMessageCommand& send = *command.mutable_send_message();
  send.set_chat_id(open.remote_id);
  send.set_text(request.text());
  *send.mutable_spans() = request.spans();
  send.set_app_display_name(asker.app->app.display_name());
  if (!reply_to.empty()) {
    const absl::StatusOr<History::Origin> answered = history_.Find(reply_to);
    // Missing and hidden are told in the same words.
    if (absl::IsNotFound(answered.status())) return NotFound("reply_to_message_id");
    RETURN_IF_ERROR(answered.status());
    const auto seen = ViewEvent(*answered->record, asker.viewer);
    if (answered->record->chat != chat || !seen.ok() || !seen->has_value()) {
      return NotFound("reply_to_message_id");
    }
    send.set_reply_to_message_id(answered->remote_message_id);
  }
  for (int i = 0; i < request.mentions_size(); ++i) {
    const ContactId contact = mentioned[static_cast<size_t>(i)];
    const std::optional<std::string> remote_id = parts_.directory.RemoteContactId(contact);
    // People of another account are not this gatekeeper's business.
    if (!remote_id.has_value() || parts_.ids.Contact(open.account, *remote_id) != contact) {
      return NotFound("mentions");
    }
    v1::Mention& told = *send.add_mentions();
    told = request.mentions(i);
    told.set_contact_id(*remote_id);
  }
  return parts_.requests.Once(
      caller.principal, "SendMessage", request.request_id(), request, response,
      [&]() -> absl::Status {
        RETURN_IF_ERROR(TakeSend(caller));
        ASSIGN_OR_RETURN(const v1::CommandResult result,
                         parts_.adapters.Run(open.account, caller.principal, std::move(command),
                                             kCommandTimeout));
        response.set_state(result.state() == v1::CommandResult::STATE_PENDING
                               ? v1::SEND_STATE_PENDING
                               : v1::SEND_STATE_SENT);
        response.set_end_to_end_encrypted(result.end_to_end_encrypted());
        if (!result.message_id().empty()) {
          response.set_message_id(
              pseudonyms.Encode(parts_.ids.Message(open.account, chat, result.message_id())));
        }
        return absl::OkStatus();
      });
}

grpc::Status MessageService::SetReaction(grpc::ServerContext* context,
                                         const v1::SetReactionRequest* request,
                                         v1::SetReactionResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.MessageService/SetReaction", request,
      [&](const Caller& caller) -> absl::Status {
        if (request->emoji().empty() || request->emoji().size() > kEmojiBytesMax) {
          return InvalidField("emoji", "must have 1 to 64 bytes");
        }
        return parts_.requests.Once(caller.principal, "SetReaction", request->request_id(),
                                    *request, *response, [&] { return React(caller, *request); });
      });
}

absl::Status MessageService::React(const Caller& caller, const v1::SetReactionRequest& request) {
  const Asker asker(parts_, caller);
  const permissions::Pseudonyms& pseudonyms = asker.book.pseudonyms;
  ASSIGN_OR_RETURN(const MessageId id,
                   CheckedId("message_id", pseudonyms.DecodeMessage(request.message_id())));
  RETURN_IF_ERROR(
      VerdictStatus(Decide(asker.viewer.access, Scope::kReactionsWrite, {}, asker.viewer.now),
                    Scope::kReactionsWrite));
  ASSIGN_OR_RETURN(const History::Origin target, history_.Find(id));
  // Who may not see a message cannot react to it, nor learn that it is there.
  const auto seen = ViewEvent(*target.record, asker.viewer);
  if (!seen.ok() || !seen->has_value()) return NotFound("message_id");
  ASSIGN_OR_RETURN(const OpenChat open, FindOpenChat(parts_, asker, target.record->chat,
                                                     Scope::kReactionsWrite, "message_id"));
  RETURN_IF_ERROR(TakeSend(caller));
  v1::Command command;
  v1::SetReactionCommand& react = *command.mutable_set_reaction();
  react.set_chat_id(open.remote_id);
  react.set_message_id(target.remote_message_id);
  react.set_emoji(request.emoji());
  react.set_remove(request.remove());
  return parts_.adapters.Run(open.account, caller.principal, std::move(command), kCommandTimeout)
      .status();
}

absl::Status MessageService::TakeSend(const Caller& caller) {
  // The largest allowance among the grants in force; a grant that names none has the default.
  uint32_t per_hour = 0;
  for (const permissions::Grant& grant : parts_.apps.Find(caller.principal)->grants) {
    if (grant.state != permissions::GrantState::kActive) continue;
    per_hour =
        std::max(per_hour, grant.limits.sends_per_hour == 0 ? permissions::kSendsPerHourDefault
                                                            : grant.limits.sends_per_hour);
  }
  platform::MutexLock lock(mutex_);
  auto [bucket, added] = sends_.try_emplace(caller.principal, per_hour, absl::Hours(1));
  if (!added && bucket->second.capacity() != per_hour) {
    bucket->second.Resize(per_hour, absl::Hours(1));
  }
  const absl::Duration wait = bucket->second.Take(parts_.clock.Elapsed());
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  const std::string seconds =
      absl::StrCat(absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1))));
  return ReasonStatus(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
      absl::StrCat("this app may send ", per_hour, " an hour; again in ", seconds, " s"),
      {{"limit", absl::StrCat(per_hour)}, {"retry_after_seconds", seconds}});
}

}  // namespace postern::broker
