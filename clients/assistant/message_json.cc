// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/message_json.h"

#include <absl/strings/ascii.h>
#include <absl/strings/strip.h>
#include <absl/time/time.h>

#include "clients/assistant/untrusted.h"

namespace postern::assistant {
namespace {

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

// "voice_note" for MESSAGE_KIND_VOICE_NOTE.
std::string Word(const std::string& name, const char* prefix) {
  return absl::AsciiStrToLower(std::string(absl::StripPrefix(name, prefix)));
}

// Says only what is there.
void Say(Json& json, const char* field, const std::string& text) {
  if (!text.empty()) json[field] = Visible(text);
}
void Say(Json& json, const char* field, bool value) {
  if (value) json[field] = true;
}

Json AttachmentJson(const v1::Attachment& attachment) {
  Json json = {{"attachment_id", attachment.id()}};
  Say(json, "file_name", attachment.file_name());
  Say(json, "mime_type", attachment.mime_type());
  Say(json, "description", attachment.alt_text());
  if (attachment.size_bytes() > 0) json["size_bytes"] = attachment.size_bytes();
  return json;
}

Json PollJson(const v1::Poll& poll) {
  Json json = {{"question", Visible(poll.question())}, {"options", Json::array()}};
  for (const v1::PollOption& option : poll.options()) {
    int votes = 0;
    for (const v1::PollVote& vote : poll.votes()) {
      for (const std::string& chosen : vote.option_ids()) votes += chosen == option.id() ? 1 : 0;
    }
    json["options"].push_back({{"text", Visible(option.text())}, {"votes", votes}});
  }
  return json;
}

void SayWhatItHolds(Json& json, const v1::Message& message) {
  for (const v1::Attachment& attachment : message.attachments()) {
    json["attachments"].push_back(AttachmentJson(attachment));
  }
  if (message.has_poll()) json["poll"] = PollJson(message.poll());
  if (message.has_location()) {
    json["location"] = {{"latitude", message.location().latitude()},
                        {"longitude", message.location().longitude()}};
    Say(json["location"], "name", message.location().name());
  }
  if (message.has_contact_card()) Say(json, "contact_card", message.contact_card().display_name());
}

}  // namespace

Json MessageJson(const v1::Message& message, size_t text_bytes_max) {
  Json json = {{"message_id", message.id()},
               {"chat_id", message.chat_id()},
               {"time", TimeText(message.create_time())}};
  if (message.from_owner()) {
    json["from"] = "the user";
  } else {
    Say(json, "from", message.sender_display_name());
    Say(json, "from_contact_id", message.sender_contact_id());
  }
  json["kind"] = Word(v1::MessageKind_Name(message.kind()), "MESSAGE_KIND_");
  const std::string text = Visible(message.text());
  Say(json, "text", Shortened(text, text_bytes_max));
  Say(json, "text_is_cut", text.size() > text_bytes_max);
  Say(json, "answers_message_id", message.reply_to().message_id());
  SayWhatItHolds(json, message);
  Say(json, "end_to_end_encrypted", message.end_to_end_encrypted());
  Say(json, "edited", message.has_edit_time());
  Say(json, "deleted", message.deleted());
  Say(json, "withheld_from_apps_by_its_sender", message.withheld());
  Say(json, "sent_by_app", message.origin().app_display_name());
  if (message.has_expire_time()) json["disappears_at"] = TimeText(message.expire_time());
  return json;
}

Json ChatJson(const v1::Chat& chat) {
  Json json = {{"chat_id", chat.id()}};
  Say(json, "name", chat.name());
  Say(json, "topic", chat.topic());
  json["kind"] = Word(v1::ChatKind_Name(chat.kind()), "CHAT_KIND_");
  Say(json, "contact_id", chat.peer_contact_id());
  if (chat.has_last_message_time()) json["last_message_time"] = TimeText(chat.last_message_time());
  Say(json, "muted", chat.muted());
  Say(json, "archived", chat.archived());
  Say(json, "blocked", chat.blocked());
  Say(json, "end_to_end_encrypted", chat.end_to_end_encrypted());
  return json;
}

Json ParticipantJson(const v1::Participant& participant) {
  Json json = {{"contact_id", participant.contact_id()}};
  Say(json, "name", participant.display_name());
  json["role"] = Word(v1::ParticipantRole_Name(participant.role()), "PARTICIPANT_ROLE_");
  return json;
}

Json ContactJson(const v1::Contact& contact) {
  Json json = {{"contact_id", contact.id()}};
  Say(json, "name", contact.display_name());
  Say(json, "in_address_book", contact.in_address_book());
  Say(json, "is_the_user", contact.is_self());
  Say(json, "is_a_program", contact.is_bot());
  Say(json, "blocked", contact.blocked());
  for (const std::string& id : contact.linked_contact_ids()) json["same_person_as"].push_back(id);
  return json;
}

}  // namespace postern::assistant
