// SPDX-License-Identifier: Apache-2.0
// What the ways of writing have in common: fields that are checked, messages and people that are
// looked up.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <string_view>
#include <vector>

#include "broker/asker.h"
#include "broker/history.h"
#include "broker/outgoing.h"
#include "broker/parts.h"
#include "broker/recent_sent.h"
#include "broker/upload_book.h"
#include "permissions/decide.h"
#include "permissions/ids.h"
#include "permissions/scope.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

using Spans = google::protobuf::RepeatedPtrField<v1::FormattingSpan>;
using Mentions = google::protobuf::RepeatedPtrField<v1::Mention>;

// Fields. INVALID_ARGUMENT INVALID_FIELD.
absl::Status CheckTextFields(const std::string& text, const Spans& spans, const Mentions& mentions);
// An event that this app was sent, or nothing.
absl::Status CheckCause(const Asker& asker, const std::string& caused_by_event_id);
absl::StatusOr<std::vector<permissions::ContactId>> DecodedMentions(const Asker& asker,
                                                                    const Mentions& mentions);

// The first grant that would do alone, for the access history; empty when none would. 'opens' tells
// what an access opens.
permissions::GrantId OpenedBy(const Asker& asker,
                              absl::FunctionRef<bool(const permissions::Access&)> opens);
// The chat, if 'scope' is open in it (FindOpenChat), with the limits and the grant that say so.
absl::Status Open(const Parts& parts, const Asker& asker, permissions::ChatId chat,
                  permissions::Scope scope, std::string_view field, Outgoing& out);
// What 'scope', which is open there, allows and by which grant.
void SetAllowance(const Asker& asker, permissions::Scope scope, Outgoing& out);

// What the network calls a person. NOT_FOUND, naming 'field', for one who is not known, for people
// of another account, who are not this gatekeeper's business, and for sealed ones: to the app they
// are not there.
absl::StatusOr<std::string> RemotePerson(const Parts& parts, permissions::AccountId account,
                                         permissions::ContactId contact, std::string_view field);
// The mentions as the network knows the people; 'mentioned' are theirs. Errors as RemotePerson.
absl::StatusOr<Mentions> RemoteMentions(const Parts& parts, permissions::AccountId account,
                                        const Mentions& mentions,
                                        const std::vector<permissions::ContactId>& mentioned);

// What this app uploaded to this account. NOT_FOUND, naming 'field', for anything else: another
// network has not got it.
absl::StatusOr<UploadBook::Uploaded> FindUpload(const Parts& parts, const Asker& asker,
                                                permissions::AccountId account,
                                                permissions::AttachmentId id,
                                                std::string_view field);

// A message that the app can see something of, and what it sees. NOT_FOUND, naming 'field', for
// any other: missing, hidden and deleted are told in the same words.
struct SeenMessage {
  History::Origin origin;
  v1::Event event;
};
absl::StatusOr<SeenMessage> FindSeen(const Parts& parts, const Asker& asker,
                                     permissions::MessageId id, std::string_view field);
// The same, of this chat: what the network calls it.
absl::StatusOr<std::string> FindSeenIn(const Parts& parts, const Asker& asker,
                                       permissions::ChatId chat, permissions::MessageId id,
                                       std::string_view field);

// A message that this very app sent.
struct OwnMessage {
  permissions::ChatId chat;
  std::string remote_id;
  // By the network's clock.
  absl::Time time;
};
// NOT_FOUND "message_id" for any other, and for one that was deleted.
absl::StatusOr<OwnMessage> FindOwn(const Parts& parts, const Asker& asker, const RecentSent& recent,
                                   permissions::MessageId id);

}  // namespace postern::broker
