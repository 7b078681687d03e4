// SPDX-License-Identifier: Apache-2.0
#include "broker/outgoing_check.h"

#include <optional>
#include <utility>

#include "broker/app_registry.h"
#include "broker/directory.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "broker/seal_book.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {

using permissions::Access;
using permissions::ChatId;
using permissions::ContactId;
using permissions::MessageId;
using permissions::Scope;

absl::Status CheckTextFields(const std::string& text, const Spans& spans,
                             const Mentions& mentions) {
  if (text.size() > kTextBytesMax) return InvalidField("text", "is longer than 64 KiB");
  if (mentions.size() > kMentionsMax) return InvalidField("mentions", "are too many");
  if (spans.size() > kSpansMax) return InvalidField("spans", "are too many");
  for (const v1::FormattingSpan& span : spans) {
    if (uint64_t{span.start()} + span.length() > text.size()) {
      return InvalidField("spans", "reach past the end of the text");
    }
    if (!v1::FormattingSpan::Style_IsValid(span.style())) {
      return InvalidField("spans", "have a style this broker does not know");
    }
  }
  for (const v1::Mention& mention : mentions) {
    if (uint64_t{mention.start()} + mention.length() > text.size()) {
      return InvalidField("mentions", "reach past the end of the text");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCause(const Asker& asker, const std::string& caused_by_event_id) {
  if (caused_by_event_id.empty() ||
      asker.book.pseudonyms.DecodeEvent(caused_by_event_id).has_value()) {
    return absl::OkStatus();
  }
  return InvalidField("caused_by_event_id", "is not an event this app was sent");
}

absl::StatusOr<std::vector<ContactId>> DecodedMentions(const Asker& asker,
                                                       const Mentions& mentions) {
  std::vector<ContactId> mentioned;
  for (const v1::Mention& mention : mentions) {
    ASSIGN_OR_RETURN(
        const ContactId contact,
        CheckedId("mentions", asker.book.pseudonyms.DecodeContact(mention.contact_id())));
    mentioned.push_back(contact);
  }
  return mentioned;
}

permissions::GrantId OpenedBy(const Asker& asker, absl::FunctionRef<bool(const Access&)> opens) {
  for (const permissions::Grant& grant : asker.viewer.access.grants) {
    Access one = asker.viewer.access;
    one.grants = {&grant, 1};
    if (opens(one)) return grant.id;
  }
  return {};
}

void SetAllowance(const Asker& asker, Scope scope, Outgoing& out) {
  out.limits = LimitsFor(asker.viewer.access, scope, out.open.facts, asker.viewer.now);
  out.grant = OpenedBy(asker, [&](const Access& access) {
    return Decide(access, scope, out.open.facts, asker.viewer.now) ==
           permissions::Verdict::kAllowed;
  });
}

absl::Status Open(const Parts& parts, const Asker& asker, ChatId chat, Scope scope,
                  std::string_view field, Outgoing& out) {
  out.chat = chat;
  ASSIGN_OR_RETURN(out.open, FindOpenChat(parts, asker, chat, scope, field));
  out.decision = {permissions::Verdict::kAllowed, permissions::SendMode::kSend, scope};
  SetAllowance(asker, scope, out);
  return absl::OkStatus();
}

absl::StatusOr<std::string> RemotePerson(const Parts& parts, permissions::AccountId account,
                                         ContactId contact, std::string_view field) {
  const std::optional<std::string> remote_id = parts.directory.RemoteContactId(contact);
  if (!remote_id.has_value() || parts.ids.Contact(account, *remote_id) != contact ||
      parts.seals.OfPerson(contact).sealed) {
    return NotFound(field);
  }
  return *remote_id;
}

absl::StatusOr<Mentions> RemoteMentions(const Parts& parts, permissions::AccountId account,
                                        const Mentions& mentions,
                                        const std::vector<ContactId>& mentioned) {
  Mentions told;
  for (int i = 0; i < mentions.size(); ++i) {
    ASSIGN_OR_RETURN(std::string remote_id,
                     RemotePerson(parts, account, mentioned[static_cast<size_t>(i)], "mentions"));
    v1::Mention& mention = *told.Add();
    mention = mentions.Get(i);
    mention.set_contact_id(std::move(remote_id));
  }
  return told;
}

absl::StatusOr<UploadBook::Uploaded> FindUpload(const Parts& parts, const Asker& asker,
                                                permissions::AccountId account,
                                                permissions::AttachmentId id,
                                                std::string_view field) {
  absl::StatusOr<UploadBook::Uploaded> file = parts.uploads.FindDone(asker.app->principal, id);
  if (absl::IsNotFound(file.status())) return NotFound(field);
  RETURN_IF_ERROR(file.status());
  if (parts.ids.Attachment(account, file->remote_id) != id) return NotFound(field);
  return file;
}

absl::StatusOr<SeenMessage> FindSeen(const Parts& parts, const Asker& asker, MessageId id,
                                     std::string_view field) {
  absl::StatusOr<History::Origin> origin = parts.history.Find(id);
  if (absl::IsNotFound(origin.status())) return NotFound(field);
  RETURN_IF_ERROR(origin.status());
  ASSIGN_OR_RETURN(std::optional<v1::Event> event, ViewEvent(*origin->record, asker.viewer));
  if (!event.has_value()) return NotFound(field);
  return SeenMessage{*std::move(origin), *std::move(event)};
}

absl::StatusOr<std::string> FindSeenIn(const Parts& parts, const Asker& asker, ChatId chat,
                                       MessageId id, std::string_view field) {
  ASSIGN_OR_RETURN(SeenMessage seen, FindSeen(parts, asker, id, field));
  if (seen.origin.record->chat != chat) return NotFound(field);
  return std::move(seen.origin.remote_message_id);
}

absl::StatusOr<OwnMessage> FindOwn(const Parts& parts, const Asker& asker, const RecentSent& recent,
                                   MessageId id) {
  const permissions::Principal& app = asker.app->principal;
  // Also what the index has not seen yet.
  ASSIGN_OR_RETURN(const RecordPointer record,
                   parts.history.FindCreated(id, parts.log.last_sequence() + 1));
  if (record == nullptr) {
    std::optional<RecentSent::Message> sent = recent.Find(id);
    if (!sent.has_value() || sent->app != app) return NotFound("message_id");
    return OwnMessage{sent->chat, std::move(sent->remote_id), sent->time};
  }
  if (record->origin != app || record->erased()) return NotFound("message_id");
  storage::v1::StoredEvent stored;
  if (!stored.ParseFromString(record->body)) {
    return absl::DataLossError("a stored event is unreadable");
  }
  const v1::Message& message = stored.event().message_created().message();
  return OwnMessage{record->chat, stored.remote_message_id(),
                    message.has_create_time() ? FromProto(message.create_time())
                                              : FromProto(stored.event().event_time())};
}

}  // namespace postern::broker
