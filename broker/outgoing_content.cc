// SPDX-License-Identifier: Apache-2.0
#include "broker/outgoing_content.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <cmath>
#include <string_view>

#include "broker/absl_text.h"
#include "broker/capabilities.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// What a kind takes; 'capability' is what the chat must carry for it.
struct KindRule {
  v1::MessageKind kind;
  bool text;
  int attachments_min;
  int attachments_max;
  std::string_view capability;
};
constexpr KindRule kRules[] = {
    {v1::MESSAGE_KIND_TEXT, true, 0, kAttachmentsMax, "text"},
    {v1::MESSAGE_KIND_NOTICE, true, 0, 0, "text"},
    {v1::MESSAGE_KIND_MEDIA, true, 1, kAttachmentsMax, "attachment"},
    {v1::MESSAGE_KIND_VOICE_NOTE, false, 1, 1, "voice_note"},
    {v1::MESSAGE_KIND_STICKER, false, 1, 1, "sticker"},
    {v1::MESSAGE_KIND_POLL, false, 0, 0, "poll"},
    {v1::MESSAGE_KIND_LOCATION, false, 0, 0, "location"},
    {v1::MESSAGE_KIND_CONTACT_CARD, false, 0, 0, "contact_card"},
};

v1::MessageKind KindOf(const v1::SendMessageRequest& request) {
  return request.kind() == v1::MESSAGE_KIND_UNSPECIFIED ? v1::MESSAGE_KIND_TEXT : request.kind();
}

const KindRule* FindRule(v1::MessageKind kind) {
  for (const KindRule& rule : kRules) {
    if (rule.kind == kind) return &rule;
  }
  return nullptr;
}

absl::Status CheckPoll(const v1::Poll& poll) {
  if (poll.question().empty() || poll.question().size() > kNameBytesMax) {
    return InvalidField("poll.question", "must have 1 to 1024 bytes");
  }
  if (poll.options_size() < 2 || poll.options_size() > kPollOptionsMax) {
    return InvalidField("poll.options", "must be 2 to 64");
  }
  absl::flat_hash_set<std::string> ids;
  for (const v1::PollOption& option : poll.options()) {
    if (option.text().empty() || option.text().size() > kNameBytesMax) {
      return InvalidField("poll.options", "must have texts of 1 to 1024 bytes");
    }
    if (option.id().empty() != poll.options(0).id().empty() || option.id().size() > kIdBytesMax) {
      return InvalidField("poll.options", "must all have ids of at most 512 bytes, or none");
    }
    if (!option.id().empty() && !ids.insert(option.id()).second) {
      return InvalidField("poll.options", "must have ids that differ");
    }
  }
  if (poll.choices_max() > static_cast<uint32_t>(poll.options_size())) {
    return InvalidField("poll.choices_max", "is more than there are options");
  }
  if (!poll.votes().empty()) return InvalidField("poll.votes", "must be empty");
  return absl::OkStatus();
}

absl::Status CheckLocation(const v1::Location& location, absl::Time now) {
  // Not-a-number is in no range.
  if (!(std::abs(location.latitude()) <= 90)) {
    return InvalidField("location.latitude", "must be -90 to 90 degrees");
  }
  if (!(std::abs(location.longitude()) <= 180)) {
    return InvalidField("location.longitude", "must be -180 to 180 degrees");
  }
  if (location.name().size() > kNameBytesMax) {
    return InvalidField("location.name", "is longer than 1024 bytes");
  }
  if (location.has_live_until_time() && FromProto(location.live_until_time()) <= now) {
    return InvalidField("location.live_until_time", "must be in the future");
  }
  return absl::OkStatus();
}

absl::Status CheckCard(const v1::ContactCard& card) {
  if (card.display_name().empty() || card.display_name().size() > kNameBytesMax) {
    return InvalidField("contact_card.display_name", "must have 1 to 1024 bytes");
  }
  if (card.vcard().size() > kTextBytesMax) {
    return InvalidField("contact_card.vcard", "is longer than 64 KiB");
  }
  return absl::OkStatus();
}

// What belongs to one kind alone must be there for it, and for no other.
absl::Status CheckBelongs(std::string_view field, bool there, bool wanted) {
  if (there == wanted) return absl::OkStatus();
  return InvalidField(field, there ? "does not go with this kind" : "is missing for this kind");
}

}  // namespace

absl::Status CheckContent(const v1::SendMessageRequest& request, absl::Time now) {
  const v1::MessageKind kind = KindOf(request);
  const KindRule* rule = FindRule(kind);
  if (rule == nullptr) return InvalidField("kind", "is none that can be sent");
  const int attachments = request.attachment_ids_size();
  if (attachments < rule->attachments_min || attachments > rule->attachments_max) {
    return InvalidField("attachment_ids",
                        rule->attachments_max == 0
                            ? std::string("do not go with this kind")
                            : absl::StrCat("must be ", rule->attachments_min, " to ",
                                           rule->attachments_max, " for this kind"));
  }
  if (!rule->text && !request.text().empty()) {
    return InvalidField("text", "does not go with this kind");
  }
  if (rule->text && request.text().empty() && attachments == 0) {
    return InvalidField("text", "must not be empty");
  }
  RETURN_IF_ERROR(CheckBelongs("poll", request.has_poll(), kind == v1::MESSAGE_KIND_POLL));
  RETURN_IF_ERROR(
      CheckBelongs("location", request.has_location(), kind == v1::MESSAGE_KIND_LOCATION));
  RETURN_IF_ERROR(CheckBelongs("contact_card", request.has_contact_card(),
                               kind == v1::MESSAGE_KIND_CONTACT_CARD));
  if (request.has_poll()) return CheckPoll(request.poll());
  if (request.has_location()) return CheckLocation(request.location(), now);
  return request.has_contact_card() ? CheckCard(request.contact_card()) : absl::OkStatus();
}

absl::Status CheckCarried(const v1::ChatCapabilities& capabilities,
                          const v1::SendMessageRequest& request) {
  const KindRule* rule = FindRule(KindOf(request));
  if (rule == nullptr) return absl::InternalError("a kind that was not checked");
  // A text that only goes along with files is a caption of theirs.
  if (rule->capability != "text" || !request.text().empty()) {
    RETURN_IF_ERROR(RequireWhole(capabilities, rule->capability));
  }
  if (rule->capability == "text" && !request.attachment_ids().empty()) {
    RETURN_IF_ERROR(RequireWhole(capabilities, "attachment"));
  }
  // Left out, it would stay where it was meant to go.
  if (request.view_once()) RETURN_IF_ERROR(RequireWhole(capabilities, "view_once"));
  if (!request.spans().empty()) RETURN_IF_ERROR(RequireCapability(capabilities, "formatting"));
  if (!request.mentions().empty()) RETURN_IF_ERROR(RequireCapability(capabilities, "mention"));
  if (!request.reply_to_message_id().empty()) {
    RETURN_IF_ERROR(RequireCapability(capabilities, "reply"));
  }
  return CheckTextBytes(capabilities, request.text().size());
}

void PutContent(const v1::SendMessageRequest& request, v1::SendMessageCommand& command) {
  command.set_kind(KindOf(request));
  command.set_text(request.text());
  *command.mutable_spans() = request.spans();
  command.set_view_once(request.view_once());
  if (request.has_poll()) {
    v1::Poll& poll = *command.mutable_poll();
    poll = request.poll();
    for (int i = 0; i < poll.options_size(); ++i) {
      v1::PollOption& option = *poll.mutable_options(i);
      if (option.id().empty()) option.set_id(absl::StrCat(i + 1));
    }
  }
  if (request.has_location()) *command.mutable_location() = request.location();
  if (request.has_contact_card()) *command.mutable_contact_card() = request.contact_card();
}

std::string ShownText(const v1::SendMessageCommand& command,
                      const google::protobuf::RepeatedPtrField<v1::Attachment>& attachments) {
  std::string shown = command.text();
  const auto line = [&](std::string_view sign, std::string_view text) {
    absl::StrAppend(&shown, shown.empty() ? "" : "\n", AbslText(sign), " ", AbslText(text));
  };
  if (command.view_once()) line("①", "");
  if (command.has_poll()) {
    line("📊", command.poll().question());
    for (const v1::PollOption& option : command.poll().options()) line("▫", option.text());
  }
  if (command.has_location()) {
    const v1::Location& place = command.location();
    line("📍", absl::StrFormat("%s %.5f, %.5f", place.name(), place.latitude(), place.longitude()));
  }
  if (command.has_contact_card()) {
    line("👤", command.contact_card().display_name());
    if (!command.contact_card().vcard().empty()) line("", command.contact_card().vcard());
  }
  for (const v1::Attachment& attachment : attachments) {
    line("📎", absl::StrCat(attachment.file_name(), " (", attachment.mime_type(), ", ",
                           attachment.size_bytes(), " B)"));
  }
  return shown;
}

}  // namespace postern::broker
