// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "broker/app_registry.h"
#include "broker/capabilities.h"
#include "broker/directory.h"
#include "broker/limits.h"
#include "broker/outgoing.h"
#include "broker/outgoing_check.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::MessageId;
using permissions::Scope;

}  // namespace

absl::StatusOr<Outgoing> PrepareMarkRead(const Parts& parts, const Asker& asker,
                                         const v1::MarkReadRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  const permissions::Pseudonyms& pseudonyms = asker.book.pseudonyms;
  ASSIGN_OR_RETURN(const ChatId chat,
                   CheckedId("chat_id", pseudonyms.DecodeChat(request.chat_id())));
  ASSIGN_OR_RETURN(
      const MessageId through,
      CheckedId("through_message_id", pseudonyms.DecodeMessage(request.through_message_id())));
  Outgoing out;
  out.request_id = request.request_id();
  // A receipt is the network's business, and yet no message: an app that keeps up with a busy chat
  // must not use up the user's messages by it.
  out.budget = Budget::kWrites;
  RETURN_IF_ERROR(Open(parts, asker, chat, Scope::kReceiptsWrite, "chat_id", out));
  v1::MarkReadCommand& mark = *out.command.mutable_mark_read();
  mark.set_chat_id(out.open.remote_id);
  ASSIGN_OR_RETURN(*mark.mutable_through_message_id(),
                   FindSeenIn(parts, asker, chat, through, "through_message_id"));
  mark.set_tell_sender(request.tell_sender());
  RETURN_IF_ERROR(RequireWhole(parts.directory.CapabilitiesOf(out.open.account, chat),
                               request.tell_sender() ? "read_receipt" : "mark_read"));
  return out;
}

absl::StatusOr<Outgoing> PrepareTyping(const Parts& parts, const Asker& asker,
                                       const v1::SetTypingRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  ASSIGN_OR_RETURN(const ChatId chat,
                   CheckedId("chat_id", asker.book.pseudonyms.DecodeChat(request.chat_id())));
  Outgoing out;
  RETURN_IF_ERROR(Open(parts, asker, chat, Scope::kTypingWrite, "chat_id", out));
  v1::SetTypingCommand& typing = *out.command.mutable_set_typing();
  typing.set_chat_id(out.open.remote_id);
  typing.set_active(request.active());
  RETURN_IF_ERROR(RequireWhole(parts.directory.CapabilitiesOf(out.open.account, chat), "typing"));
  return out;
}

absl::StatusOr<Outgoing> PrepareDraft(const Parts& parts, const Asker& asker,
                                      const v1::CreateDraftRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  const permissions::Pseudonyms& pseudonyms = asker.book.pseudonyms;
  ASSIGN_OR_RETURN(const ChatId chat,
                   CheckedId("chat_id", pseudonyms.DecodeChat(request.chat_id())));
  if (request.text().empty()) return InvalidField("text", "must not be empty");
  if (request.text().size() > kTextBytesMax) return InvalidField("text", "is longer than 64 KiB");
  MessageId reply_to;
  if (!request.reply_to_message_id().empty()) {
    ASSIGN_OR_RETURN(reply_to, CheckedId("reply_to_message_id",
                                         pseudonyms.DecodeMessage(request.reply_to_message_id())));
  }
  Outgoing out;
  out.request_id = request.request_id();
  RETURN_IF_ERROR(Open(parts, asker, chat, Scope::kMessagesDraft, "chat_id", out));
  v1::CreateDraftCommand& draft = *out.command.mutable_create_draft();
  draft.set_chat_id(out.open.remote_id);
  draft.set_text(request.text());
  draft.set_app_display_name(asker.app->app.display_name());
  if (!reply_to.empty()) {
    ASSIGN_OR_RETURN(*draft.mutable_reply_to_message_id(),
                     FindSeenIn(parts, asker, chat, reply_to, "reply_to_message_id"));
  }
  const v1::ChatCapabilities can = parts.directory.CapabilitiesOf(out.open.account, chat);
  RETURN_IF_ERROR(RequireWhole(can, "draft"));
  if (!reply_to.empty()) RETURN_IF_ERROR(RequireCapability(can, "reply"));
  RETURN_IF_ERROR(CheckTextBytes(can, request.text().size()));
  return out;
}

}  // namespace postern::broker
