// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "broker/app_registry.h"
#include "broker/capabilities.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/incoming_times.h"
#include "broker/loop_words.h"
#include "broker/outgoing.h"
#include "broker/outgoing_check.h"
#include "broker/outgoing_content.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AttachmentId;
using permissions::ContactId;
using permissions::MessageId;
using permissions::Scope;
using permissions::SendMode;

// Sets whether and how the message may be sent. NOT_FOUND where it may not.
absl::Status DecideHow(const Parts& parts, const Asker& asker, Outgoing& out) {
  // The least of the scopes that send: the stronger ones open it too.
  RETURN_IF_ERROR(RequireScope(asker.viewer, Scope::kMessagesSendAsk));
  ASSIGN_OR_RETURN(out.open, FindChat(parts, out.chat, "chat_id"));
  permissions::SendFacts facts{out.open.facts};
  out.decision = DecideSend(asker.viewer.access, facts, asker.viewer.now);
  if (out.decision.mode == SendMode::kRefused) return NotFound("chat_id");
  if (out.decision.mode == SendMode::kAsk) {
    // Whether somebody wrote lately is looked up only where it makes a difference.
    ASSIGN_OR_RETURN(facts.last_incoming_time, parts.incoming.LastIncoming(out.chat));
    out.decision = DecideSend(asker.viewer.access, facts, asker.viewer.now);
  }
  SetAllowance(asker, out.decision.scope, out);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Outgoing> PrepareSend(const Parts& parts, const Asker& asker,
                                     const v1::SendMessageRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  RETURN_IF_ERROR(CheckTextFields(request.text(), request.spans(), request.mentions()));
  RETURN_IF_ERROR(CheckContent(request, asker.viewer.now));
  const permissions::Pseudonyms& pseudonyms = asker.book.pseudonyms;
  Outgoing out;
  out.request_id = request.request_id();
  out.caused_by_event_id = request.caused_by_event_id();
  out.verb = v1::ACCESS_VERB_SEND;
  out.is_message = true;
  ASSIGN_OR_RETURN(out.chat, CheckedId("chat_id", pseudonyms.DecodeChat(request.chat_id())));
  MessageId reply_to;
  if (!request.reply_to_message_id().empty()) {
    ASSIGN_OR_RETURN(reply_to, CheckedId("reply_to_message_id",
                                         pseudonyms.DecodeMessage(request.reply_to_message_id())));
  }
  RETURN_IF_ERROR(CheckCause(asker, request.caused_by_event_id()));
  ASSIGN_OR_RETURN(const std::vector<ContactId> mentioned,
                   DecodedMentions(asker, request.mentions()));
  std::vector<AttachmentId> attached;
  for (const std::string& text : request.attachment_ids()) {
    ASSIGN_OR_RETURN(const AttachmentId id,
                     CheckedId("attachment_ids", pseudonyms.DecodeAttachment(text)));
    attached.push_back(id);
  }

  RETURN_IF_ERROR(DecideHow(parts, asker, out));
  v1::SendMessageCommand& send = *out.command.mutable_send_message();
  send.set_chat_id(out.open.remote_id);
  PutContent(request, send);
  send.set_app_display_name(asker.app->app.display_name());
  send.set_attribution(parts.disclosures.AttributionFor(out.open.account, asker.app->principal));
  if (!reply_to.empty()) {
    ASSIGN_OR_RETURN(*send.mutable_reply_to_message_id(),
                     FindSeenIn(parts, asker, out.chat, reply_to, "reply_to_message_id"));
  }
  ASSIGN_OR_RETURN(*send.mutable_mentions(),
                   RemoteMentions(parts, out.open.account, request.mentions(), mentioned));
  v1::Message said;
  for (const AttachmentId id : attached) {
    ASSIGN_OR_RETURN(UploadBook::Uploaded file,
                     FindUpload(parts, asker, out.open.account, id, "attachment_ids"));
    send.add_attachment_ids(std::move(file.remote_id));
    *said.add_attachments() = std::move(file.description);
  }
  const v1::ChatCapabilities can = parts.directory.CapabilitiesOf(out.open.account, out.chat);
  RETURN_IF_ERROR(CheckCarried(can, request));
  for (const v1::Attachment& file : said.attachments()) {
    RETURN_IF_ERROR(CheckAttachmentBytes(can, file.size_bytes()));
  }

  said.set_text(send.text());
  *said.mutable_poll() = send.poll();
  if (send.has_location()) *said.mutable_location() = send.location();
  if (send.has_contact_card()) *said.mutable_contact_card() = send.contact_card();
  out.words = LoopWords(said);
  out.shown_text = ShownText(send, said.attachments());
  return out;
}

}  // namespace postern::broker
