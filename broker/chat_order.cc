// SPDX-License-Identifier: Apache-2.0
#include "broker/chat_order.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/app_registry.h"
#include "broker/capabilities.h"
#include "broker/directory.h"
#include "broker/limits.h"
#include "broker/open_chat.h"
#include "broker/outgoing_check.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "broker/upload_book.h"
#include "permissions/account_access.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::Access;
using permissions::AccountId;
using permissions::AttachmentId;
using permissions::ChatId;
using permissions::ChatType;
using permissions::ContactId;
using permissions::MessageId;
using permissions::ObjectFacts;
using permissions::Scope;
using permissions::Verdict;

// The people that a request names. INVALID_ARGUMENT for what is no id of this app's, and for one
// that is named twice.
template <typename Ids>
absl::StatusOr<std::vector<ContactId>> DecodedPeople(const Asker& asker, const Ids& ids,
                                                     std::string_view field) {
  if (ids.size() > kParticipantsMax) return InvalidField(field, "are too many");
  std::vector<ContactId> people;
  std::set<ContactId> named;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(const ContactId contact,
                     CheckedId(field, asker.book.pseudonyms.DecodeContact(id)));
    if (!named.insert(contact).second) return InvalidField(field, "name somebody twice");
    people.push_back(contact);
  }
  return people;
}

absl::Status CheckCreate(const v1::CreateChatRequest& request) {
  if (request.kind() != v1::CHAT_KIND_DIRECT && request.kind() != v1::CHAT_KIND_GROUP) {
    return InvalidField("kind", "must be CHAT_KIND_DIRECT or CHAT_KIND_GROUP");
  }
  if (request.contact_ids().empty()) return InvalidField("contact_ids", "must name somebody");
  if (request.name().size() > kNameBytesMax) return InvalidField("name", "is too long");
  if (request.kind() == v1::CHAT_KIND_GROUP) return absl::OkStatus();
  if (request.contact_ids_size() != 1) {
    return InvalidField("contact_ids", "must name one person for a 1:1 chat");
  }
  return request.name().empty() ? absl::OkStatus() : InvalidField("name", "is for groups");
}

// The 1:1 chat with 'peer' that is there. Empty when there is none, or none that the app may see:
// then the gatekeeper is asked like for any, so that the app does not learn which it was.
absl::StatusOr<ChatId> KnownDirectChat(const Parts& parts, const Asker& asker, AccountId account,
                                       ContactId peer) {
  const std::optional<ChatId> chat = parts.directory.DirectChatWith(peer);
  if (!chat.has_value()) return ChatId();
  const ObjectFacts facts = parts.directory.FactsOf(account, *chat);
  // As good as a sealed person.
  if (facts.sealed) return NotFound("contact_ids");
  const bool visible =
      Decide(asker.viewer.access, Scope::kChatsRead, facts, asker.viewer.now) == Verdict::kAllowed;
  return visible ? *chat : ChatId();
}

// Whether an UpdateChat asks for anything, and for nothing malformed.
absl::Status CheckUpdate(const v1::UpdateChatRequest& request) {
  v1::UpdateChatRequest asked = request;
  asked.clear_request_id();
  asked.clear_chat_id();
  if (asked.ByteSizeLong() == 0) return InvalidField("name", "and all other changes are missing");
  if (request.name().size() > kNameBytesMax) return InvalidField("name", "is too long");
  if (request.topic().size() > kNameBytesMax) return InvalidField("topic", "is too long");
  if (request.has_disappearing_timer()) {
    const google::protobuf::Duration& timer = request.disappearing_timer();
    if (timer.seconds() < 0 || timer.seconds() > kDurationSecondsMax || timer.nanos() != 0) {
      return InvalidField("disappearing_timer", "must be whole seconds, or zero");
    }
  }
  if (request.roles_size() > kParticipantsMax) return InvalidField("roles", "are too many");
  for (const v1::Participant& one : request.roles()) {
    if (one.role() == v1::PARTICIPANT_ROLE_UNSPECIFIED ||
        !v1::ParticipantRole_IsValid(one.role())) {
      return InvalidField("roles", "must say which role");
    }
  }
  const v1::MessageRequest::State answer = request.request_answer();
  if (answer != v1::MessageRequest::STATE_UNSPECIFIED &&
      answer != v1::MessageRequest::STATE_ACCEPTED &&
      answer != v1::MessageRequest::STATE_DECLINED) {
    return InvalidField("request_answer", "must be STATE_ACCEPTED or STATE_DECLINED");
  }
  if (request.leave()) {
    asked.clear_leave();
    if (asked.ByteSizeLong() != 0) return InvalidField("leave", "must come alone");
  }
  return absl::OkStatus();
}

// What a request asks a chat to be able to do. Its names are those of ChatCapabilities.
struct Needs {
  bool manage = false;
  bool disappearing = false;
  bool organize = false;
  bool pin = false;
  bool block = false;
};

Needs NeedsOf(const v1::UpdateChatRequest& request) {
  Needs needs;
  needs.manage = request.has_name() || request.has_topic() || request.has_avatar_attachment_id() ||
                 !request.add_contact_ids().empty() || !request.remove_contact_ids().empty() ||
                 !request.roles().empty() || request.leave();
  needs.disappearing = request.has_disappearing_timer();
  needs.organize = request.has_muted() || request.has_archived() || request.has_marked_unread();
  needs.pin = !request.pin_message_id().empty() || !request.unpin_message_id().empty();
  needs.block =
      request.has_blocked() || request.request_answer() != v1::MessageRequest::STATE_UNSPECIFIED;
  return needs;
}

absl::Status CheckCapabilities(const v1::ChatCapabilities& capabilities, const Needs& needs) {
  if (needs.manage) RETURN_IF_ERROR(RequireWhole(capabilities, "manage"));
  if (needs.disappearing) RETURN_IF_ERROR(RequireWhole(capabilities, "disappearing"));
  if (needs.organize) RETURN_IF_ERROR(RequireWhole(capabilities, "organize"));
  if (needs.pin) RETURN_IF_ERROR(RequireWhole(capabilities, "pin"));
  if (needs.block) RETURN_IF_ERROR(RequireWhole(capabilities, "block"));
  return absl::OkStatus();
}

// Of what only one kind of chat has.
absl::Status CheckKind(const v1::UpdateChatRequest& request, v1::ChatKind kind) {
  const bool for_groups = !request.add_contact_ids().empty() ||
                          !request.remove_contact_ids().empty() || !request.roles().empty() ||
                          request.leave();
  if (for_groups && kind == v1::CHAT_KIND_DIRECT) return NotSupportedByChat("manage");
  if (request.has_blocked() && kind == v1::CHAT_KIND_GROUP) return NotSupportedByChat("block");
  return absl::OkStatus();
}

// An id of the request that may be empty.
absl::StatusOr<MessageId> DecodedMessage(const Asker& asker, const std::string& id,
                                         std::string_view field) {
  if (id.empty()) return MessageId();
  return CheckedId(field, asker.book.pseudonyms.DecodeMessage(id));
}

// The fields of the chat that change, and their names.
void SetFields(const v1::UpdateChatRequest& request, v1::UpdateChatCommand& update) {
  v1::Chat& chat = *update.mutable_chat();
  google::protobuf::FieldMask& mask = *update.mutable_update_mask();
  if (request.has_name()) {
    chat.set_name(request.name());
    mask.add_paths("name");
  }
  if (request.has_topic()) {
    chat.set_topic(request.topic());
    mask.add_paths("topic");
  }
  if (request.has_disappearing_timer()) {
    // Zero turns it off, and a chat without one has none.
    if (request.disappearing_timer().seconds() > 0) {
      *chat.mutable_disappearing_timer() = request.disappearing_timer();
    }
    mask.add_paths("disappearing_timer");
  }
  if (request.has_muted()) {
    chat.set_muted(request.muted());
    mask.add_paths("muted");
  }
  if (request.has_archived()) {
    chat.set_archived(request.archived());
    mask.add_paths("archived");
  }
  if (request.has_marked_unread()) {
    chat.set_marked_unread(request.marked_unread());
    mask.add_paths("marked_unread");
  }
  if (request.has_blocked()) {
    chat.set_blocked(request.blocked());
    mask.add_paths("blocked");
  }
}

}  // namespace

absl::StatusOr<ChatOrder> PrepareCreateChat(const Parts& parts, const Asker& asker,
                                            const v1::CreateChatRequest& request) {
  RETURN_IF_ERROR(CheckCreate(request));
  const Viewer& viewer = asker.viewer;
  ChatOrder order;
  ASSIGN_OR_RETURN(
      order.account,
      CheckedId("account_id", asker.book.pseudonyms.DecodeAccount(request.account_id())));
  ASSIGN_OR_RETURN(const std::vector<ContactId> people,
                   DecodedPeople(asker, request.contact_ids(), "contact_ids"));

  RETURN_IF_ERROR(RequireScope(viewer, Scope::kChatsCreate));
  ObjectFacts facts = parts.directory.FactsOf(order.account, {});
  if (facts.network.empty() ||
      Decide(viewer.access, Scope::kChatsCreate, facts, viewer.now) != Verdict::kAllowed) {
    return NotFound("account_id");
  }
  v1::CreateChatCommand& create = *order.command.mutable_create_chat();
  create.set_kind(request.kind());
  create.set_name(request.name());
  const bool direct = request.kind() == v1::CHAT_KIND_DIRECT;
  for (const ContactId& contact : people) {
    ASSIGN_OR_RETURN(std::string remote_id,
                     RemotePerson(parts, order.account, contact, "contact_ids"));
    if (direct && parts.directory.IsSelf(order.account, contact)) {
      return InvalidField("contact_ids", "must name somebody other than the user");
    }
    create.add_contact_ids(std::move(remote_id));
  }
  facts.chat_type = direct ? ChatType::kDirect : ChatType::kGroup;
  if (direct) {
    const std::optional<v1::Contact> peer = parts.directory.FindContact(people.front());
    facts.peer_in_address_book = peer.has_value() && peer->in_address_book();
  }
  const auto opens = [&](const Access& access) {
    return permissions::DecideNewChat(access, facts, viewer.now) == Verdict::kAllowed;
  };
  // The account is open, but not for a chat of this kind, or with this person.
  if (!opens(viewer.access)) return NotFound(direct ? "contact_ids" : "kind");
  order.grant = OpenedBy(asker, opens);
  if (direct) {
    ASSIGN_OR_RETURN(order.chat, KnownDirectChat(parts, asker, order.account, people.front()));
    if (!order.chat.empty()) return order;
  }
  RETURN_IF_ERROR(RequireWhole(parts.directory.CapabilitiesOf(order.account, {}), "create_chat"));
  order.new_chats_per_day =
      permissions::LimitsForNewChat(viewer.access, facts, viewer.now).new_chats_per_day;
  return order;
}

absl::StatusOr<ChatOrder> PrepareUpdateChat(const Parts& parts, const Asker& asker,
                                            const v1::UpdateChatRequest& request) {
  RETURN_IF_ERROR(CheckUpdate(request));
  const permissions::Pseudonyms& pseudonyms = asker.book.pseudonyms;
  ChatOrder order;
  ASSIGN_OR_RETURN(order.chat, CheckedId("chat_id", pseudonyms.DecodeChat(request.chat_id())));
  ASSIGN_OR_RETURN(const std::vector<ContactId> added,
                   DecodedPeople(asker, request.add_contact_ids(), "add_contact_ids"));
  ASSIGN_OR_RETURN(const std::vector<ContactId> removed,
                   DecodedPeople(asker, request.remove_contact_ids(), "remove_contact_ids"));
  std::vector<std::string> role_ids;
  for (const v1::Participant& one : request.roles()) role_ids.push_back(one.contact_id());
  ASSIGN_OR_RETURN(const std::vector<ContactId> roles, DecodedPeople(asker, role_ids, "roles"));
  ASSIGN_OR_RETURN(const MessageId pinned,
                   DecodedMessage(asker, request.pin_message_id(), "pin_message_id"));
  ASSIGN_OR_RETURN(const MessageId unpinned,
                   DecodedMessage(asker, request.unpin_message_id(), "unpin_message_id"));
  AttachmentId avatar;
  if (!request.avatar_attachment_id().empty()) {
    ASSIGN_OR_RETURN(avatar,
                     CheckedId("avatar_attachment_id",
                               pseudonyms.DecodeAttachment(request.avatar_attachment_id())));
  }

  ASSIGN_OR_RETURN(const OpenChat open,
                   FindOpenChat(parts, asker, order.chat, Scope::kChatsWrite, "chat_id"));
  order.account = open.account;
  v1::UpdateChatCommand& update = *order.command.mutable_update_chat();
  SetFields(request, update);
  update.mutable_chat()->set_id(open.remote_id);
  for (const ContactId& contact : added) {
    ASSIGN_OR_RETURN(*update.add_add_contact_ids(),
                     RemotePerson(parts, order.account, contact, "add_contact_ids"));
  }
  for (const ContactId& contact : removed) {
    ASSIGN_OR_RETURN(*update.add_remove_contact_ids(),
                     RemotePerson(parts, order.account, contact, "remove_contact_ids"));
  }
  for (size_t i = 0; i < roles.size(); ++i) {
    v1::Participant& shall = *update.add_roles();
    ASSIGN_OR_RETURN(*shall.mutable_contact_id(),
                     RemotePerson(parts, order.account, roles[i], "roles"));
    shall.set_role(request.roles(static_cast<int>(i)).role());
  }
  if (request.has_avatar_attachment_id()) {
    update.mutable_update_mask()->add_paths("avatar_attachment_id");
    if (!avatar.empty()) {
      ASSIGN_OR_RETURN(UploadBook::Uploaded uploaded,
                       FindUpload(parts, asker, order.account, avatar, "avatar_attachment_id"));
      update.mutable_chat()->set_avatar_attachment_id(std::move(uploaded.remote_id));
    }
  }
  if (!pinned.empty()) {
    ASSIGN_OR_RETURN(*update.mutable_pin_message_id(),
                     FindSeenIn(parts, asker, order.chat, pinned, "pin_message_id"));
  }
  if (!unpinned.empty()) {
    ASSIGN_OR_RETURN(*update.mutable_unpin_message_id(),
                     FindSeenIn(parts, asker, order.chat, unpinned, "unpin_message_id"));
  }
  update.set_request_answer(request.request_answer());
  update.set_leave(request.leave());

  const Needs needs = NeedsOf(request);
  RETURN_IF_ERROR(
      CheckCapabilities(parts.directory.CapabilitiesOf(order.account, order.chat), needs));
  const std::optional<v1::Chat> chat = parts.directory.FindChat(order.chat);
  RETURN_IF_ERROR(CheckKind(request, chat.has_value() ? chat->kind() : v1::CHAT_KIND_UNSPECIFIED));
  // Muting and the like only the user sees.
  if (needs.manage || needs.disappearing || needs.pin || needs.block) {
    order.sends_per_hour =
        LimitsFor(asker.viewer.access, Scope::kChatsWrite, open.facts, asker.viewer.now)
            .sends_per_hour;
  }
  order.grant = OpenedBy(asker, [&](const Access& access) {
    return Decide(access, Scope::kChatsWrite, open.facts, asker.viewer.now) == Verdict::kAllowed;
  });
  return order;
}

}  // namespace postern::broker
