// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <string>
#include <vector>

#include "broker/app_registry.h"
#include "broker/capabilities.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/outgoing.h"
#include "broker/outgoing_check.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ContactId;
using permissions::MessageId;
using permissions::Scope;

// The message, if this app sent it and 'scope' is open where it is; fills in what commands go by.
absl::StatusOr<OwnMessage> OpenOwn(const Parts& parts, const Asker& asker, const RecentSent& recent,
                                   MessageId id, Scope scope, Outgoing& out) {
  RETURN_IF_ERROR(RequireScope(asker.viewer, scope));
  ASSIGN_OR_RETURN(OwnMessage own, FindOwn(parts, asker, recent, id));
  RETURN_IF_ERROR(Open(parts, asker, own.chat, scope, "message_id", out));
  return own;
}

}  // namespace

absl::StatusOr<Outgoing> PrepareEdit(const Parts& parts, const Asker& asker,
                                     const RecentSent& recent,
                                     const v1::EditMessageRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  ASSIGN_OR_RETURN(
      const MessageId id,
      CheckedId("message_id", asker.book.pseudonyms.DecodeMessage(request.message_id())));
  if (request.text().empty()) return InvalidField("text", "must not be empty");
  RETURN_IF_ERROR(CheckTextFields(request.text(), request.spans(), request.mentions()));
  RETURN_IF_ERROR(CheckCause(asker, request.caused_by_event_id()));
  ASSIGN_OR_RETURN(const std::vector<ContactId> mentioned,
                   DecodedMentions(asker, request.mentions()));

  Outgoing out;
  out.request_id = request.request_id();
  out.caused_by_event_id = request.caused_by_event_id();
  ASSIGN_OR_RETURN(const OwnMessage own,
                   OpenOwn(parts, asker, recent, id, Scope::kMessagesEditOwn, out));
  v1::EditMessageCommand& edit = *out.command.mutable_edit_message();
  edit.set_chat_id(out.open.remote_id);
  edit.set_message_id(own.remote_id);
  // As adapters put it under what they send: an edit must not take away that an app wrote it.
  const std::string attribution =
      parts.disclosures.AttributionFor(out.open.account, asker.app->principal);
  edit.set_text(attribution.empty() ? request.text()
                                    : absl::StrCat(request.text(), "\n", attribution));
  *edit.mutable_spans() = request.spans();
  ASSIGN_OR_RETURN(*edit.mutable_mentions(),
                   RemoteMentions(parts, out.open.account, request.mentions(), mentioned));

  const v1::ChatCapabilities can = parts.directory.CapabilitiesOf(out.open.account, out.chat);
  RETURN_IF_ERROR(RequireWhole(can, "edit"));
  RETURN_IF_ERROR(CheckEditAge(can, own.time, asker.viewer.now));
  if (!request.spans().empty()) RETURN_IF_ERROR(RequireCapability(can, "formatting"));
  if (!request.mentions().empty()) RETURN_IF_ERROR(RequireCapability(can, "mention"));
  RETURN_IF_ERROR(CheckTextBytes(can, edit.text().size()));
  out.words = request.text();
  return out;
}

absl::StatusOr<Outgoing> PrepareDelete(const Parts& parts, const Asker& asker,
                                       const RecentSent& recent,
                                       const v1::DeleteMessageRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  ASSIGN_OR_RETURN(
      const MessageId id,
      CheckedId("message_id", asker.book.pseudonyms.DecodeMessage(request.message_id())));
  Outgoing out;
  out.request_id = request.request_id();
  ASSIGN_OR_RETURN(const OwnMessage own,
                   OpenOwn(parts, asker, recent, id, Scope::kMessagesDeleteOwn, out));
  v1::DeleteMessageCommand& remove = *out.command.mutable_delete_message();
  remove.set_chat_id(out.open.remote_id);
  remove.set_message_id(own.remote_id);
  remove.set_for_everyone(request.for_everyone());
  // What goes from the user's own view alone, no network has a say in.
  if (!request.for_everyone()) return out;
  const v1::ChatCapabilities can = parts.directory.CapabilitiesOf(out.open.account, out.chat);
  RETURN_IF_ERROR(RequireWhole(can, "delete"));
  RETURN_IF_ERROR(CheckDeleteAge(can, own.time, asker.viewer.now));
  return out;
}

}  // namespace postern::broker
