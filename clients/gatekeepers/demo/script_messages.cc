// SPDX-License-Identifier: Apache-2.0
// What a script says about messages.
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <array>
#include <utility>

#include "clients/gatekeepers/demo/script_parser.h"
#include "platform/status_macros.h"

namespace postern::demo {
namespace {

constexpr int64_t kSecondsMax = 10LL * 365 * 24 * 3600;
constexpr int64_t kPixelsMax = 100'000;

struct Markup {
  const char* option;
  v1::FormattingSpan::Style style;
};
constexpr std::array<Markup, 8> kMarkup = {{
    {"bold", v1::FormattingSpan::STYLE_BOLD},
    {"italic", v1::FormattingSpan::STYLE_ITALIC},
    {"strike", v1::FormattingSpan::STYLE_STRIKETHROUGH},
    {"code", v1::FormattingSpan::STYLE_CODE},
    {"code_block", v1::FormattingSpan::STYLE_CODE_BLOCK},
    {"spoiler", v1::FormattingSpan::STYLE_SPOILER},
    {"quote", v1::FormattingSpan::STYLE_QUOTE},
    {"link", v1::FormattingSpan::STYLE_LINK},
}};

}  // namespace

absl::Status ScriptParser::SetMarkup(
    const std::string& text, google::protobuf::RepeatedPtrField<v1::FormattingSpan>& spans,
    google::protobuf::RepeatedPtrField<v1::Mention>& mentions) const {
  // "words>argument": where the words are in the text, and the link's target or code's language.
  for (const Markup& markup : kMarkup) {
    if (!Has(markup.option)) continue;
    const std::vector<std::string> parts =
        absl::StrSplit(Option(markup.option), absl::MaxSplits('>', 1));
    const size_t at = text.find(parts[0]);
    if (at == std::string::npos || parts[0].empty()) {
      return Invalid(absl::StrCat(markup.option, "= must name words of the text"));
    }
    v1::FormattingSpan& span = *spans.Add();
    span.set_start(static_cast<uint32_t>(at));
    span.set_length(static_cast<uint32_t>(parts[0].size()));
    span.set_style(markup.style);
    if (parts.size() == 2) span.set_argument(parts[1]);
  }
  if (!Has("mention")) return absl::OkStatus();
  const std::vector<std::string> parts = absl::StrSplit(Option("mention"), absl::MaxSplits(':', 1));
  const size_t at = parts.size() == 2 ? text.find(parts[1]) : std::string::npos;
  if (at == std::string::npos || parts[1].empty()) {
    return Invalid("mention= must be PERSON:words of the text");
  }
  RETURN_IF_ERROR(KnownPerson(parts[0]));
  v1::Mention& mention = *mentions.Add();
  mention.set_contact_id(parts[0]);
  mention.set_start(static_cast<uint32_t>(at));
  mention.set_length(static_cast<uint32_t>(parts[1].size()));
  return absl::OkStatus();
}

absl::StatusOr<v1::Event> ScriptParser::NewMessage(v1::MessageKind kind, const std::string& text) {
  const std::string& id = words_[0];
  if (!writers_.emplace(id, person_).second) {
    return Invalid(absl::StrCat("there is a message '", id, "' already"));
  }
  v1::Event event;
  v1::Message& message = *event.mutable_message_created()->mutable_message();
  message.set_id(id);
  message.set_chat_id(chat_id_);
  message.set_sender_contact_id(person_);
  message.set_sender_display_name(script_.people[person_]);
  message.set_from_owner(person_ == kSelf);
  message.set_kind(kind);
  message.set_text(text);
  message.set_end_to_end_encrypted(!Has("clear"));
  message.set_view_once(Has("once"));
  RETURN_IF_ERROR(SetMarkup(text, *message.mutable_spans(), *message.mutable_mentions()));
  if (Has("reply")) {
    ASSIGN_OR_RETURN(const std::string answered, MessageNamed(Option("reply")));
    message.mutable_reply_to()->set_message_id(answered);
    if (const auto writer = writers_.find(answered); writer != writers_.end()) {
      message.mutable_reply_to()->set_sender_contact_id(writer->second);
    }
    if (Has("excerpt")) message.mutable_reply_to()->set_excerpt(Option("excerpt"));
  }
  if (Has("timer")) {
    ASSIGN_OR_RETURN(const int64_t seconds, Number(Option("timer"), 1, kSecondsMax));
    message.mutable_disappearing_timer()->set_seconds(seconds);
  }
  if (Has("expires")) {
    ASSIGN_OR_RETURN(const int64_t seconds, Number(Option("expires"), 1, kSecondsMax));
    message.mutable_expire_time()->set_seconds(seconds);
  }
  return event;
}

absl::Status ScriptParser::Says() {
  ASSIGN_OR_RETURN(v1::Event event, NewMessage(v1::MESSAGE_KIND_TEXT, words_[1]));
  Emit(std::move(event), absl::StrCat(where_, Has("reply") ? " (reply): " : ": ", words_[1]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Notices() {
  ASSIGN_OR_RETURN(v1::Event event, NewMessage(v1::MESSAGE_KIND_NOTICE, words_[1]));
  Emit(std::move(event), absl::StrCat(where_, " (notice): ", words_[1]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Oddity() {
  ASSIGN_OR_RETURN(v1::Event event, NewMessage(v1::MESSAGE_KIND_UNSUPPORTED, words_[1]));
  Emit(std::move(event), absl::StrCat(where_, " (something AliceChat alone knows): ", words_[1]));
  return absl::OkStatus();
}

absl::StatusOr<v1::Attachment> ScriptParser::MakeFile(const std::string& owner,
                                                      const std::string& name,
                                                      const std::string& mime_type,
                                                      const std::string& bytes) {
  const std::string id = absl::StrCat("attachment:", owner);
  ASSIGN_OR_RETURN(const int64_t size, Number(bytes, 0, static_cast<int64_t>(kFileBytesMax)));
  GeneratedFile file{static_cast<uint64_t>(size), seed_, Beginning(mime_type)};
  // What it says it is it does not begin like.
  if (Has("lie") && Option("lie") == "type") file.beginning = "not of this type";
  v1::Attachment attachment;
  attachment.set_id(id);
  attachment.set_file_name(name);
  attachment.set_mime_type(mime_type);
  attachment.set_size_bytes(file.size);
  attachment.set_sha256(HashGenerated(file, id));
  attachment.set_end_to_end_encrypted(!Has("file_clear") && !Has("clear"));
  if (Has("alt")) attachment.set_alt_text(Option("alt"));
  if (Has("lie")) {
    if (Option("lie") == "size") {
      attachment.set_size_bytes(file.size + 1);
    } else if (Option("lie") == "hash") {
      attachment.mutable_sha256()->front() ^= 1;
    } else if (Option("lie") != "type") {
      return Invalid("lie= is size, hash or type");
    }
  }
  script_.files[id] = file;
  return attachment;
}

absl::Status ScriptParser::SetPixels(const std::string& word, v1::Attachment& attachment) const {
  const std::vector<std::string> size = absl::StrSplit(word, 'x');
  if (size.size() != 2) return Invalid("a picture's size is WIDTHxHEIGHT, e.g. 1600x1200");
  ASSIGN_OR_RETURN(const int64_t width, Number(size[0], 1, kPixelsMax));
  ASSIGN_OR_RETURN(const int64_t height, Number(size[1], 1, kPixelsMax));
  attachment.set_width_pixels(static_cast<uint32_t>(width));
  attachment.set_height_pixels(static_cast<uint32_t>(height));
  return absl::OkStatus();
}

// What the verbs with a file share: 'sign' and 'title' are how AliceChat shows it.
absl::Status ScriptParser::EmitFile(v1::MessageKind kind, v1::Attachment attachment,
                                    const std::string& sign, const std::string& title) {
  const std::string caption = Has("caption") ? Option("caption") : "";
  ASSIGN_OR_RETURN(v1::Event event, NewMessage(kind, caption));
  if (Has("later")) {
    files_later_[words_[0]] = attachment;
    attachment.clear_size_bytes();
    attachment.clear_sha256();
  }
  *event.mutable_message_created()->mutable_message()->add_attachments() = std::move(attachment);
  Emit(std::move(event),
       absl::StrCat(where_, ": ", sign, " ", title, caption.empty() ? "" : " ", caption));
  return absl::OkStatus();
}

absl::Status ScriptParser::Photo() {
  ASSIGN_OR_RETURN(v1::Attachment photo, MakeFile(words_[0], words_[1], "image/jpeg", words_[3]));
  RETURN_IF_ERROR(SetPixels(words_[2], photo));
  return EmitFile(v1::MESSAGE_KIND_MEDIA, std::move(photo), "📷",
                  absl::StrCat(words_[1], " (", words_[2], ")"));
}

absl::Status ScriptParser::Video() {
  ASSIGN_OR_RETURN(const int64_t seconds, Number(words_[3], 0, kSecondsMax));
  ASSIGN_OR_RETURN(v1::Attachment video, MakeFile(words_[0], words_[1], "video/mp4", words_[4]));
  RETURN_IF_ERROR(SetPixels(words_[2], video));
  video.mutable_duration()->set_seconds(seconds);
  return EmitFile(v1::MESSAGE_KIND_MEDIA, std::move(video), "🎬",
                  absl::StrCat(words_[1], " (", seconds, " s)"));
}

absl::Status ScriptParser::Voice() {
  ASSIGN_OR_RETURN(const int64_t seconds, Number(words_[1], 0, kSecondsMax));
  ASSIGN_OR_RETURN(v1::Attachment voice, MakeFile(words_[0], "voice.ogg", "audio/ogg", words_[2]));
  voice.mutable_duration()->set_seconds(seconds);
  return EmitFile(v1::MESSAGE_KIND_VOICE_NOTE, std::move(voice), "🎤",
                  absl::StrCat("voice note (", seconds, " s)"));
}

absl::Status ScriptParser::File() {
  ASSIGN_OR_RETURN(v1::Attachment file, MakeFile(words_[0], words_[1], words_[2], words_[3]));
  return EmitFile(v1::MESSAGE_KIND_MEDIA, std::move(file), "📎",
                  absl::StrCat(words_[1], " (", words_[3], " bytes)"));
}

absl::Status ScriptParser::Sticker() {
  ASSIGN_OR_RETURN(v1::Attachment sticker, MakeFile(words_[0], words_[1], "image/webp", words_[3]));
  RETURN_IF_ERROR(SetPixels(words_[2], sticker));
  return EmitFile(v1::MESSAGE_KIND_STICKER, std::move(sticker), "🏷", words_[1]);
}

absl::Status ScriptParser::Place() {
  double latitude = 0, longitude = 0;
  if (!absl::SimpleAtod(words_[1], &latitude) || !absl::SimpleAtod(words_[2], &longitude) ||
      !(latitude >= -90 && latitude <= 90) || !(longitude >= -180 && longitude <= 180)) {
    return Invalid("a place is LATITUDE LONGITUDE in degrees, e.g. 48.2082 16.3738");
  }
  ASSIGN_OR_RETURN(v1::Event event, NewMessage(v1::MESSAGE_KIND_LOCATION, ""));
  v1::Location& location = *event.mutable_message_created()->mutable_message()->mutable_location();
  location.set_latitude(latitude);
  location.set_longitude(longitude);
  location.set_name(words_[3]);
  if (Has("live")) {
    ASSIGN_OR_RETURN(const int64_t seconds, Number(Option("live"), 1, kSecondsMax));
    location.mutable_live_until_time()->set_seconds(seconds);
  }
  Emit(std::move(event), absl::StrCat(where_, ": 📍 ", words_[3]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Card() {
  ASSIGN_OR_RETURN(v1::Event event, NewMessage(v1::MESSAGE_KIND_CONTACT_CARD, ""));
  v1::ContactCard& card =
      *event.mutable_message_created()->mutable_message()->mutable_contact_card();
  card.set_display_name(words_[1]);
  card.set_vcard(words_[2]);
  Emit(std::move(event), absl::StrCat(where_, ": 👤 ", words_[1]));
  return absl::OkStatus();
}

// The answers are options "1", "2", ...
absl::Status ScriptParser::Poll() {
  ASSIGN_OR_RETURN(v1::Event event, NewMessage(v1::MESSAGE_KIND_POLL, ""));
  v1::Poll& poll = *event.mutable_message_created()->mutable_message()->mutable_poll();
  poll.set_question(words_[1]);
  poll.set_choices_max(1);
  if (Has("choices")) {
    ASSIGN_OR_RETURN(const int64_t choices, Number(Option("choices"), 0, 64));
    poll.set_choices_max(static_cast<uint32_t>(choices));
  }
  for (size_t i = 2; i < words_.size(); ++i) {
    v1::PollOption& option = *poll.add_options();
    option.set_id(absl::StrCat(i - 1));
    option.set_text(words_[i]);
  }
  Emit(std::move(event), absl::StrCat(where_, ": 📊 ", words_[1]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Edits() {
  ASSIGN_OR_RETURN(const std::string id, MessageNamed(words_[0]));
  v1::Event event;
  v1::MessageEdited& edited = *event.mutable_message_edited();
  edited.set_message_id(id);
  edited.set_sender_contact_id(person_);
  edited.set_text(words_[1]);
  edited.set_end_to_end_encrypted(true);
  RETURN_IF_ERROR(SetMarkup(words_[1], *edited.mutable_spans(), *edited.mutable_mentions()));
  Emit(std::move(event), absl::StrCat(where_, " (edited): ", words_[1]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Deletes() {
  ASSIGN_OR_RETURN(const std::string id, MessageNamed(words_[0]));
  v1::Event event;
  event.mutable_message_deleted()->set_message_id(id);
  event.mutable_message_deleted()->set_contact_id(person_);
  event.mutable_message_deleted()->set_for_everyone(!Has("for_me"));
  Emit(std::move(event), absl::StrCat(where_, " deleted a message"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Expires() {
  ASSIGN_OR_RETURN(const std::string id, MessageNamed(words_[0]));
  v1::Event event;
  event.mutable_message_expired()->set_message_id(id);
  Emit(std::move(event), absl::StrCat("[", script_.chats[chat_id_], "] a message disappeared"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Reacts() {
  ASSIGN_OR_RETURN(const std::string id, MessageNamed(words_[0]));
  v1::Event event;
  v1::ReactionSet& reaction = *event.mutable_reaction_set();
  reaction.set_message_id(id);
  reaction.set_contact_id(person_);
  reaction.set_emoji(words_[1]);
  if (Has("picture")) {
    ASSIGN_OR_RETURN(const v1::Attachment picture,
                     MakeFile(words_[1], "emoji.webp", "image/webp", Option("picture")));
    reaction.set_custom_emoji_attachment_id(picture.id());
  }
  Emit(std::move(event), absl::StrCat(where_, " reacted ", words_[1]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Unreacts() {
  ASSIGN_OR_RETURN(const std::string id, MessageNamed(words_[0]));
  v1::Event event;
  v1::ReactionRemoved& reaction = *event.mutable_reaction_removed();
  reaction.set_message_id(id);
  reaction.set_contact_id(person_);
  if (words_.size() == 2) reaction.set_emoji(words_[1]);
  Emit(std::move(event),
       absl::StrCat(where_, " took ", words_.size() == 2 ? words_[1] : "all reactions", " back"));
  return absl::OkStatus();
}

absl::Status ScriptParser::EmitReceipt(v1::Receipt::Kind kind, const std::string& words) {
  v1::Event event;
  for (const std::string& name : words_) {
    ASSIGN_OR_RETURN(*event.mutable_receipt()->add_message_ids(), MessageNamed(name));
  }
  event.mutable_receipt()->set_contact_id(person_);
  event.mutable_receipt()->set_kind(kind);
  Emit(std::move(event), absl::StrCat(where_, words));
  return absl::OkStatus();
}

absl::Status ScriptParser::Receives() {
  return EmitReceipt(v1::Receipt::KIND_DELIVERED, " ✓ received");
}
absl::Status ScriptParser::Reads() { return EmitReceipt(v1::Receipt::KIND_READ, " ✓✓ read"); }

absl::Status ScriptParser::Votes() {
  ASSIGN_OR_RETURN(const std::string id, MessageNamed(words_[0]));
  v1::Event event;
  v1::PollVoted& voted = *event.mutable_poll_voted();
  voted.set_message_id(id);
  voted.set_contact_id(person_);
  for (size_t i = 1; i < words_.size(); ++i) voted.add_option_ids(words_[i]);
  Emit(std::move(event), words_.size() == 1
                             ? absl::StrCat(where_, " took the vote back")
                             : absl::StrCat(where_, " voted for ",
                                            absl::StrJoin(words_.begin() + 1, words_.end(), ", ")));
  return absl::OkStatus();
}

absl::Status ScriptParser::EmitPin(bool pinned, const std::string& words) {
  ASSIGN_OR_RETURN(const std::string id, MessageNamed(words_[0]));
  v1::Event event;
  event.mutable_pin_changed()->set_message_id(id);
  event.mutable_pin_changed()->set_contact_id(person_);
  event.mutable_pin_changed()->set_pinned(pinned);
  Emit(std::move(event), absl::StrCat(where_, words));
  return absl::OkStatus();
}

absl::Status ScriptParser::Pins() { return EmitPin(true, " pinned a message"); }
absl::Status ScriptParser::Unpins() { return EmitPin(false, " unpinned a message"); }

absl::Status ScriptParser::Ready() {
  const auto file = files_later_.find(words_[0]);
  if (file == files_later_.end()) {
    return Invalid(absl::StrCat("'", words_[0], "' has no file that comes later"));
  }
  v1::Event event;
  event.mutable_attachment_ready()->set_message_id(words_[0]);
  *event.mutable_attachment_ready()->mutable_attachment() = file->second;
  Emit(std::move(event),
       absl::StrCat("[", script_.chats[chat_id_], "] ", file->second.file_name(), " has arrived"));
  return absl::OkStatus();
}

}  // namespace postern::demo
