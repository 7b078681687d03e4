// SPDX-License-Identifier: Apache-2.0
#include "broker/message_sender.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "broker/request_ledger.h"
#include "broker/send_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::MessageId;
using permissions::SendMode;

absl::StatusOr<std::unique_ptr<MessageSender>> MessageSender::Open(const Parts& parts) {
  std::unique_ptr<MessageSender> sender(new MessageSender(parts));
  RETURN_IF_ERROR(sender->late_.Open());
  RETURN_IF_ERROR(sender->asked_.Open());
  return sender;
}

absl::Status MessageSender::Once(const Caller& caller, std::string_view method,
                                 const std::string& request_id,
                                 const google::protobuf::MessageLite& request,
                                 google::protobuf::MessageLite& response, Prepare prepare,
                                 Answer answer,
                                 absl::FunctionRef<absl::Status(const Outgoing&)> ask) {
  const Asker asker(parts_, caller);
  Outgoing outgoing;
  const absl::Status status = parts_.requests.Once(
      caller.principal, method, request_id, request, response,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(outgoing, prepare(asker));
        RETURN_IF_ERROR(dispatch_.Trace(asker, outgoing));
        return outgoing.decision.mode == SendMode::kAsk ? parts_.limits.TakeWrite(caller.principal)
                                                        : dispatch_.Admit(asker, outgoing);
      },
      [&]() -> absl::Status {
        if (outgoing.decision.mode == SendMode::kAsk) return ask(outgoing);
        ASSIGN_OR_RETURN(const v1::CommandResult result, dispatch_.Run(caller.principal, outgoing));
        answer(asker, outgoing, result);
        return absl::OkStatus();
      });
  dispatch_.TakeBack(caller.principal, outgoing);
  return status;
}

absl::Status MessageSender::Once(const Caller& caller, std::string_view method,
                                 const std::string& request_id,
                                 const google::protobuf::MessageLite& request,
                                 google::protobuf::MessageLite& response, Prepare prepare) {
  return Once(
      caller, method, request_id, request, response, prepare,
      [](const Asker&, const Outgoing&, const v1::CommandResult&) {},
      [](const Outgoing&) { return absl::InternalError("nothing but messages is asked about"); });
}

absl::Status MessageSender::Send(const Caller& caller, const v1::SendMessageRequest& request,
                                 v1::SendMessageResponse& response) {
  return Once(
      caller, "SendMessage", request.request_id(), request, response,
      [&](const Asker& asker) { return PrepareSend(parts_, asker, request); },
      [&](const Asker& asker, const Outgoing& outgoing, const v1::CommandResult& result) {
        response.set_state(result.state() == v1::CommandResult::STATE_PENDING
                               ? v1::SEND_STATE_PENDING
                               : v1::SEND_STATE_SENT);
        response.set_end_to_end_encrypted(result.end_to_end_encrypted());
        if (result.message_id().empty()) return;
        const MessageId id =
            parts_.ids.Message(outgoing.open.account, outgoing.chat, result.message_id());
        recent_.Note(id, {caller.principal, outgoing.chat, result.message_id(), asker.viewer.now});
        response.set_message_id(asker.book.pseudonyms.Encode(id));
      },
      [&](const Outgoing& outgoing) -> absl::Status {
        RETURN_IF_ERROR(asked_.Ask(caller, outgoing, request));
        response.set_state(v1::SEND_STATE_PENDING);
        return absl::OkStatus();
      });
}

absl::Status MessageSender::Edit(const Caller& caller, const v1::EditMessageRequest& request,
                                 v1::EditMessageResponse& response) {
  return Once(caller, "EditMessage", request.request_id(), request, response,
              [&](const Asker& asker) { return PrepareEdit(parts_, asker, recent_, request); });
}

absl::Status MessageSender::Delete(const Caller& caller, const v1::DeleteMessageRequest& request,
                                   v1::DeleteMessageResponse& response) {
  return Once(caller, "DeleteMessage", request.request_id(), request, response,
              [&](const Asker& asker) { return PrepareDelete(parts_, asker, recent_, request); });
}

absl::Status MessageSender::React(const Caller& caller, const v1::SetReactionRequest& request,
                                  v1::SetReactionResponse& response) {
  return Once(caller, "SetReaction", request.request_id(), request, response,
              [&](const Asker& asker) { return PrepareReaction(parts_, asker, request); });
}

absl::Status MessageSender::Vote(const Caller& caller, const v1::VotePollRequest& request,
                                 v1::VotePollResponse& response) {
  return Once(caller, "VotePoll", request.request_id(), request, response,
              [&](const Asker& asker) { return PrepareVote(parts_, asker, request); });
}

absl::Status MessageSender::MarkRead(const Caller& caller, const v1::MarkReadRequest& request,
                                     v1::MarkReadResponse& response) {
  return Once(caller, "MarkRead", request.request_id(), request, response,
              [&](const Asker& asker) { return PrepareMarkRead(parts_, asker, request); });
}

absl::Status MessageSender::Type(const Caller& caller, const v1::SetTypingRequest& request) {
  const Asker asker(parts_, caller);
  ASSIGN_OR_RETURN(Outgoing outgoing, PrepareTyping(parts_, asker, request));
  return dispatch_.RunLightly(caller.principal, std::move(outgoing));
}

absl::Status MessageSender::Draft(const Caller& caller, const v1::CreateDraftRequest& request,
                                  v1::CreateDraftResponse& response) {
  return Once(
      caller, "CreateDraft", request.request_id(), request, response,
      [&](const Asker& asker) { return PrepareDraft(parts_, asker, request); },
      [&](const Asker& asker, const Outgoing& outgoing, const v1::CommandResult& result) {
        if (result.draft_id().empty()) return;
        // Hidden as ids of messages are, and none of theirs.
        response.set_draft_id(asker.book.pseudonyms.Encode(parts_.ids.Message(
            outgoing.open.account, outgoing.chat, absl::StrCat("draft:", result.draft_id()))));
      },
      [](const Outgoing&) { return absl::InternalError("drafts are not asked about"); });
}

}  // namespace postern::broker
