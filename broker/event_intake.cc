// SPDX-License-Identifier: Apache-2.0
#include "broker/event_intake.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "broker/absl_text.h"
#include "broker/address.h"
#include "broker/event_ids.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "broker/rpc_status.h"
#include "broker/told_capabilities.h"
#include "broker/utf8_mend.h"
#include "permissions/event_scopes.h"
#include "platform/digest.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::ContactId;
using permissions::MessageId;
using v1::Event;

absl::Status OutOfBounds(std::string_view field) {
  return ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_EVENT_OUT_OF_BOUNDS,
                      absl::StrCat("the event goes over the bound of '", AbslText(field), "'"),
                      {{"field", std::string(field)}});
}

absl::Status Invalid(std::string_view field) {
  return ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_FIELD,
                      absl::StrCat("the event's '", AbslText(field), "' is missing or malformed"),
                      {{"field", std::string(field)}});
}

void AddFlag(Event& event, v1::EventFlag flag) {
  const auto& flags = event.flags();
  if (std::find(flags.begin(), flags.end(), flag) == flags.end()) event.add_flags(flag);
}

absl::Status CheckName(const std::string& name, std::string_view field) {
  return name.size() <= kNameBytesMax ? absl::OkStatus() : OutOfBounds(field);
}

// A file name is data, never a path: what a careless app could follow is replaced.
bool CleanFileName(std::string& name) {
  bool cleaned = false;
  for (char& c : name) {
    if (c == '/' || c == '\\' || static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      c = '_';
      cleaned = true;
    }
  }
  if (name == "." || name == "..") {
    name = std::string(name.size(), '_');
    cleaned = true;
  }
  return cleaned;
}

absl::Status CheckAttachment(Event& event, v1::Attachment& attachment) {
  RETURN_IF_ERROR(CheckName(attachment.file_name(), "file_name"));
  RETURN_IF_ERROR(CheckName(attachment.mime_type(), "mime_type"));
  RETURN_IF_ERROR(CheckName(attachment.alt_text(), "alt_text"));
  if (!attachment.sha256().empty() && attachment.sha256().size() != platform::kSha256Bytes) {
    return Invalid("sha256");
  }
  if (CleanFileName(*attachment.mutable_file_name())) {
    AddFlag(event, v1::EVENT_FLAG_NAME_CLEANED);
  }
  return absl::OkStatus();
}

template <typename Repeated>
absl::Status CheckCount(const Repeated& repeated, int max, std::string_view field) {
  return repeated.size() <= max ? absl::OkStatus() : OutOfBounds(field);
}

// Spans and mentions point into the text: what points past its end is dropped, the text stays.
template <typename Repeated>
void DropOutside(Repeated& ranges, size_t text_bytes) {
  ranges.erase(std::remove_if(ranges.begin(), ranges.end(),
                              [&](const auto& range) {
                                return uint64_t{range.start()} + range.length() > text_bytes;
                              }),
               ranges.end());
}

template <typename TextHolder>
absl::Status CheckText(Event& event, TextHolder& holder) {
  if (holder.text().size() > kTextBytesMax || holder.raw_text().size() > kTextBytesMax) {
    return OutOfBounds("text");
  }
  RETURN_IF_ERROR(CheckCount(holder.mentions(), kMentionsMax, "mentions"));
  RETURN_IF_ERROR(CheckCount(holder.spans(), kSpansMax, "spans"));
  const bool raw = !holder.raw_text().empty();
  holder.set_text_bytes(
      static_cast<uint32_t>(raw ? holder.raw_text().size() : holder.text().size()));
  if (raw) AddFlag(event, v1::EVENT_FLAG_INVALID_UTF8);
  const std::string& bytes = raw ? holder.raw_text() : holder.text();
  if (bytes.find('\0') != std::string::npos) AddFlag(event, v1::EVENT_FLAG_CONTAINS_NUL);
  DropOutside(*holder.mutable_spans(), holder.text().size());
  DropOutside(*holder.mutable_mentions(), holder.text().size());
  // Which app sent it is the broker's word, not an adapter's.
  holder.clear_origin();
  return absl::OkStatus();
}

absl::Status CheckMessage(Event& event, v1::Message& message) {
  if (message.id().empty()) return Invalid("message.id");
  if (message.sender_contact_id().empty()) return Invalid("message.sender_contact_id");
  RETURN_IF_ERROR(CheckText(event, message));
  RETURN_IF_ERROR(CheckCount(message.attachments(), kAttachmentsMax, "attachments"));
  for (v1::Attachment& attachment : *message.mutable_attachments()) {
    RETURN_IF_ERROR(CheckAttachment(event, attachment));
  }
  RETURN_IF_ERROR(CheckName(message.sender_display_name(), "sender_display_name"));
  if (message.reply_to().excerpt().size() > kTextBytesMax) return OutOfBounds("reply_to.excerpt");
  RETURN_IF_ERROR(CheckCount(message.poll().options(), kPollOptionsMax, "poll.options"));
  // What stands in history is computed, never taken.
  message.clear_reactions();
  message.clear_edit_time();
  message.clear_deleted();
  message.clear_withheld();
  if (message.has_poll()) message.mutable_poll()->clear_votes();
  if (message.kind() == v1::MESSAGE_KIND_UNSPECIFIED) message.set_kind(v1::MESSAGE_KIND_TEXT);
  return absl::OkStatus();
}

absl::Status CheckChat(v1::Chat& chat) {
  if (chat.id().empty()) return Invalid("chat.id");
  RETURN_IF_ERROR(CheckName(chat.name(), "chat.name"));
  RETURN_IF_ERROR(CheckName(chat.topic(), "chat.topic"));
  RETURN_IF_ERROR(CheckCount(chat.participants(), kParticipantsMax, "chat.participants"));
  for (const v1::Participant& participant : chat.participants()) {
    RETURN_IF_ERROR(CheckName(participant.display_name(), "participant.display_name"));
  }
  RETURN_IF_ERROR(
      CheckCount(chat.pinned_message_ids(), kPinnedMessagesMax, "chat.pinned_message_ids"));
  if (chat.has_capabilities() && !TakeCapabilities(*chat.mutable_capabilities())) {
    return OutOfBounds("chat.capabilities");
  }
  return absl::OkStatus();
}

absl::Status CheckContact(v1::Contact& contact) {
  if (contact.id().empty()) return Invalid("contact.id");
  RETURN_IF_ERROR(CheckName(contact.display_name(), "contact.display_name"));
  RETURN_IF_ERROR(CheckCount(contact.addresses(), kAddressesMax, "contact.addresses"));
  for (const std::string& address : contact.addresses()) {
    if (!IsAddress(address)) return Invalid("contact.addresses");
  }
  // Who is the same person is the user's word.
  contact.clear_linked_contact_ids();
  return absl::OkStatus();
}

// A member that is named, within bounds.
absl::Status CheckParticipant(const v1::Participant& participant) {
  if (participant.contact_id().empty()) return Invalid("participant.contact_id");
  return CheckName(participant.display_name(), "participant.display_name");
}

absl::Status CheckKind(Event& event) {
  switch (event.kind_case()) {
    case Event::kMessageCreated:
      return CheckMessage(event, *event.mutable_message_created()->mutable_message());
    case Event::kMessageEdited:
      return CheckText(event, *event.mutable_message_edited());
    case Event::kReactionSet:
      if (event.reaction_set().emoji().empty()) return Invalid("emoji");
      if (event.reaction_set().emoji().size() > kEmojiBytesMax) return OutOfBounds("emoji");
      return absl::OkStatus();
    case Event::kReactionRemoved:
      return event.reaction_removed().emoji().size() <= kEmojiBytesMax ? absl::OkStatus()
                                                                       : OutOfBounds("emoji");
    case Event::kReceipt:
      if (event.receipt().message_ids().empty()) return Invalid("receipt.message_ids");
      return CheckCount(event.receipt().message_ids(), kReceiptMessagesMax, "receipt.message_ids");
    case Event::kChatCreated:
      return CheckChat(*event.mutable_chat_created()->mutable_chat());
    case Event::kChatChanged:
      return CheckChat(*event.mutable_chat_changed()->mutable_chat());
    case Event::kParticipantJoined:
      return CheckParticipant(event.participant_joined().participant());
    case Event::kParticipantChanged:
      return CheckParticipant(event.participant_changed().participant());
    case Event::kContactChanged:
      return CheckContact(*event.mutable_contact_changed()->mutable_contact());
    case Event::kAccountStateChanged:
      // That there is no adapter is not an adapter's to say.
      return event.account_state_changed().state() == v1::ACCOUNT_STATE_DETACHED
                 ? Invalid("account_state_changed.state")
                 : absl::OkStatus();
    case Event::kCapabilitiesChanged:
      return TakeCapabilities(*event.mutable_capabilities_changed()->mutable_capabilities())
                 ? absl::OkStatus()
                 : OutOfBounds("capabilities");
    case Event::kAttachmentReady:
      return CheckAttachment(event, *event.mutable_attachment_ready()->mutable_attachment());
    case Event::kPollVoted:
      return CheckCount(event.poll_voted().option_ids(), kPollOptionsMax, "option_ids");
    case Event::kUnsupported:
      return event.unsupported().fallback_text().size() <= kTextBytesMax
                 ? absl::OkStatus()
                 : OutOfBounds("fallback_text");
    case Event::KIND_NOT_SET:
      // A newer adapter's event that this broker has no words for.
      return Invalid("kind");
    default:
      return permissions::IsBrokerOnly(static_cast<permissions::EventKind>(event.kind_case()))
                 ? Invalid("kind")
                 : absl::OkStatus();
  }
}

// Whether the kind says something about a message, and must name it.
bool NeedsMessage(Event::KindCase kind) {
  switch (kind) {
    case Event::kMessageEdited:
    case Event::kMessageDeleted:
    case Event::kMessageExpired:
    case Event::kReactionSet:
    case Event::kReactionRemoved:
    case Event::kAttachmentReady:
    case Event::kPollVoted:
    case Event::kPinChanged:
      return true;
    default:
      return false;
  }
}

// Where the event's chat is named: beside it, or only inside the thing it brings.
const std::string& RemoteChatOf(const Event& event) {
  if (!event.chat_id().empty()) return event.chat_id();
  switch (event.kind_case()) {
    case Event::kMessageCreated:
      return event.message_created().message().chat_id();
    case Event::kChatCreated:
      return event.chat_created().chat().id();
    case Event::kChatChanged:
      return event.chat_changed().chat().id();
    default:
      return event.chat_id();
  }
}

bool NeedsChat(Event::KindCase kind) {
  switch (kind) {
    case Event::kPresence:
    case Event::kContactChanged:
    case Event::kIdentityChanged:
    case Event::kMessageRequest:
    case Event::kAccountStateChanged:
    case Event::kCall:
    case Event::kGap:
    case Event::kBackfillProgress:
    case Event::kUnsupported:
      return false;
    default:
      return true;
  }
}

bool IsEphemeral(const Event& event) {
  if (!event.has_message_created()) return false;
  const v1::Message& message = event.message_created().message();
  return message.view_once() || message.has_expire_time() ||
         (message.has_disappearing_timer() && message.disappearing_timer().seconds() > 0);
}

void CheckTime(Event& event, absl::Time now) {
  const absl::Time time = event.has_event_time() ? FromProto(event.event_time()) : now;
  if (time < kEarliestEventTime || time > now + kEventTimeAheadMax) {
    AddFlag(event, v1::EVENT_FLAG_TIME_IMPLAUSIBLE);
    *event.mutable_event_time() = ToProto(now);
  } else if (!event.has_event_time()) {
    *event.mutable_event_time() = ToProto(now);
  }
  if (event.has_message_created()) {
    v1::Message& message = *event.mutable_message_created()->mutable_message();
    const absl::Time created = message.has_create_time() ? FromProto(message.create_time())
                                                         : FromProto(event.event_time());
    if (created < kEarliestEventTime || created > now + kEventTimeAheadMax) {
      AddFlag(event, v1::EVENT_FLAG_TIME_IMPLAUSIBLE);
      *message.mutable_create_time() = event.event_time();
    } else {
      *message.mutable_create_time() = ToProto(created);
    }
  }
}

// Replaces the network's ids by the text form of the broker's.
absl::Status MakeIdsInternal(const permissions::IdMaker& ids, permissions::AccountId account,
                             ChatId chat, Event& event, TakenEvent& taken) {
  absl::Status status;
  VisitIds(event, [&](IdKind kind, std::string* id) {
    if (id->size() > kIdBytesMax) {
      if (status.ok()) status = OutOfBounds("id");
      return;
    }
    switch (kind) {
      case IdKind::kAccount:
        *id = IdText(account);
        break;
      case IdKind::kChat:
        *id = IdText(ids.Chat(account, *id));
        break;
      case IdKind::kContact: {
        const ContactId contact = ids.Contact(account, *id);
        taken.remote_contacts.emplace_back(contact, std::move(*id));
        *id = IdText(contact);
        break;
      }
      case IdKind::kMessage:
        *id = IdText(ids.Message(account, chat, *id));
        break;
      case IdKind::kAttachment: {
        const std::string known = IdText(ids.Attachment(account, *id));
        taken.remote_attachments.emplace_back(known, std::move(*id));
        *id = known;
        break;
      }
      case IdKind::kCall:
        *id = IdText(ids.Message(account, ChatId{}, absl::StrCat("call:", *id)));
        break;
      case IdKind::kGrant:
        id->clear();
        break;
    }
  });
  return status;
}

std::string Fingerprint(const LogRecord& record, std::string_view bytes) {
  // A message is the same message whatever else the adapter says the second time.
  if (record.kind == Event::kMessageCreated) return std::string(record.message.view());
  // What only says how things stand may be said again: a reaction set, taken back and set within
  // one second of the network's clock is three events.
  if (record.kind != Event::kMessageEdited && record.kind != Event::kMessageDeleted &&
      record.kind != Event::kMessageExpired) {
    return {};
  }
  return platform::Sha256(bytes).substr(0, 16);
}

}  // namespace

absl::StatusOr<TakenEvent> TakeEvent(const permissions::IdMaker& ids,
                                     permissions::AccountId account, std::string_view bytes,
                                     absl::Time now, absl::Time record_time) {
  if (bytes.size() > kEventBytesMax) return OutOfBounds("event");
  ASSIGN_OR_RETURN(Event event, ParseEvent(bytes));
  // What a newer adapter says in fields that have no name here has no rule that could hide it from
  // an app, so it stays out.
  event.DiscardUnknownFields();
  // These are the broker's to say.
  event.clear_id();
  event.clear_view();
  event.clear_record_time();
  RETURN_IF_ERROR(CheckKind(event));
  const std::string remote_chat = RemoteChatOf(event);
  if (remote_chat.size() > kIdBytesMax) return OutOfBounds("chat_id");
  if (remote_chat.empty() && NeedsChat(event.kind_case())) return Invalid("chat_id");
  if (NeedsMessage(event.kind_case()) && MessageIdOf(event).empty()) return Invalid("message_id");
  CheckTime(event, now);

  TakenEvent taken;
  LogRecord& record = taken.record;
  record.account = account;
  if (!remote_chat.empty()) {
    record.chat = ids.Chat(account, remote_chat);
    taken.remote_chat_id = remote_chat;
    event.set_chat_id(remote_chat);
    if (event.has_message_created()) {
      event.mutable_message_created()->mutable_message()->set_chat_id(remote_chat);
    }
  }
  if (event.has_message_created()) taken.remote_message_id = MessageIdOf(event);
  event.set_account_id("-");  // replaced below, like every id
  RETURN_IF_ERROR(MakeIdsInternal(ids, account, record.chat, event, taken));
  record.record_time = record_time;
  record.kind = static_cast<uint8_t>(event.kind_case());
  record.backfill = event.backfill();
  if (record.backfill) record.backfill_time = FromProto(event.event_time());
  record.ephemeral = IsEphemeral(event);
  record.message = IdFromText<MessageId>(MessageIdOf(event));
  record.sender = IdFromText<ContactId>(ActorIdOf(event));
  *event.mutable_record_time() = ToProto(record_time);
  taken.fingerprint = Fingerprint(record, bytes);
  taken.event = std::move(event);
  return taken;
}

std::string IdTextFromRaw(std::string_view raw16) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(raw16.size() * 2);
  for (const char c : raw16) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

std::string RawFromIdText(std::string_view text) {
  if (text.size() != 32) return {};
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  std::string raw;
  raw.reserve(16);
  for (size_t i = 0; i < 32; i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return {};
    raw += static_cast<char>(high * 16 + low);
  }
  return raw;
}

}  // namespace postern::broker
