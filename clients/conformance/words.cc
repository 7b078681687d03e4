// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/words.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <google/protobuf/text_format.h>

#include <fstream>
#include <utility>

#include "clients/conformance/adapter_end.h"
#include "clients/conformance/far_end.h"
#include "clients/conformance/sent_file.h"
#include "platform/status_macros.h"

namespace postern::conformance {
namespace {

template <typename Message>
absl::StatusOr<Message> Parsed(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) {
    return absl::InternalError(
        absl::StrCat("the row's ", Message::descriptor()->name(), " is malformed"));
  }
  return message;
}

}  // namespace

Words::Words(const Ends& ends, Json names, std::string folder)
    : ends_(ends), names_(std::move(names)), folder_(std::move(folder)) {}

void Words::Begin(const std::string& chat) {
  words_.clear();
  MakeTimes();
  words_["m"] = absl::StrCat("row", ++made_);
  chat_ = chat;
}

std::string Words::Known(const std::string& word) const {
  const auto found = words_.find(word);
  return found == words_.end() ? std::string() : found->second;
}

Json Words::file_paths() const {
  Json paths;
  for (const char* word : {"file", "file2"}) {
    if (const std::string id = Known(word); !id.empty()) paths[id] = file_path_;
  }
  return paths;
}

absl::StatusOr<v1::Event> Words::FilledEvent(const std::string& text) {
  ASSIGN_OR_RETURN(const std::string filled, Fill(text, Quoting::kTextFormat));
  return Parsed<v1::Event>(filled);
}

absl::StatusOr<v1::Command> Words::FilledCommand(const std::string& text) {
  ASSIGN_OR_RETURN(const std::string filled, Fill(text, Quoting::kTextFormat));
  return Parsed<v1::Command>(filled);
}

absl::StatusOr<Json> Words::FilledView(const std::string& text) {
  ASSIGN_OR_RETURN(const std::string filled, Fill(text, Quoting::kJson));
  Json view = Json::parse(filled, nullptr, false);
  if (!view.is_object()) return absl::InternalError("the row's view is malformed");
  return view;
}

absl::StatusOr<std::string> Words::Fill(const std::string& text, Quoting quoting) {
  std::string filled;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    while (text[i] == '$' && end < text.size() && (absl::ascii_isalnum(text[end]))) ++end;
    const std::string word = text.substr(i + 1, end - i - 1);
    if (text[i] != '$' || word.empty() || word == "contains" || word == "lacks") {
      filled += text[i++];
      continue;
    }
    ASSIGN_OR_RETURN(const std::string value, Value(word));
    if (quoting == Quoting::kTextFormat) {
      filled += absl::CHexEscape(value);
    } else {
      const std::string json = Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
      filled += json.substr(1, json.size() - 2);
    }
    i = end;
  }
  return filled;
}

absl::StatusOr<std::string> Words::Value(const std::string& word) {
  if (const auto found = words_.find(word); found != words_.end()) return found->second;
  if (names_.contains(word) && names_[word].is_string()) return names_[word].get<std::string>();
  std::string value;
  if (word == "theirs") {
    ASSIGN_OR_RETURN(value, MakeTheirs("kind: MESSAGE_KIND_TEXT text: 'for $m'"));
  } else if (word == "poll") {
    ASSIGN_OR_RETURN(value,
                     MakeTheirs("kind: MESSAGE_KIND_POLL poll { question: 'q $m' options { id: '1' "
                                "text: 'x' } options { id: '2' text: 'y' } choices_max: 1 }"));
  } else if (word == "theirfile") {
    RETURN_IF_ERROR(MakeTheirs("kind: MESSAGE_KIND_MEDIA attachments { id: '$file' file_name: "
                               "'$file' mime_type: 'image/jpeg' size_bytes: $size sha256: '$sha' }")
                        .status());
    value = words_["theirfile"];
  } else if (word == "ours") {
    ASSIGN_OR_RETURN(value, MakeOurs());
  } else if (word == "upload" || word == "upload2") {
    MakeFile();
    ASSIGN_OR_RETURN(value, Upload(file_));
  } else if (word == "video" || word == "videosha" || word == "videosha64") {
    RETURN_IF_ERROR(MakeVideo());
    return words_[word];
  } else if (word == "file2") {
    MakeFile();
    value = absl::StrCat("second-", words_["file"]);
  } else if (word == "file" || word == "size" || word == "sha" || word == "sha64") {
    MakeFile();
    return words_[word];
  } else {
    return absl::NotFoundError(absl::StrCat("the far end names no '", word, "'"));
  }
  words_[word] = value;
  return value;
}

void Words::MakeFile() {
  if (words_.count("file") != 0) return;
  file_ = MakePicture(static_cast<uint64_t>(++made_));
  const std::string& name = file_.description.file_name();
  file_path_ = absl::StrCat(folder_, "/", name);
  std::ofstream(file_path_, std::ios::binary) << file_.bytes;
  words_["file"] = name;
  words_["size"] = absl::StrCat(file_.bytes.size());
  words_["sha"] = file_.description.sha256();
  words_["sha64"] = absl::Base64Escape(file_.description.sha256());
}

absl::Status Words::MakeVideo() {
  if (words_.count("video") != 0) return absl::OkStatus();
  const OfferedFile video = MakeFilm(static_cast<uint64_t>(++made_));
  ASSIGN_OR_RETURN(words_["video"], Upload(video));
  words_["videosha"] = video.description.sha256();
  words_["videosha64"] = absl::Base64Escape(video.description.sha256());
  return absl::OkStatus();
}

// Whole seconds, which are the same in both of protobuf's forms.
void Words::MakeTimes() {
  const absl::Time now = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const absl::Time tomorrow = now + absl::Hours(24);
  words_["dayago"] = absl::StrCat(absl::ToUnixSeconds(now - absl::Hours(24)));
  words_["hourago"] = absl::StrCat(absl::ToUnixSeconds(now - absl::Hours(1)));
  words_["inaday"] = absl::StrCat(absl::ToUnixSeconds(tomorrow));
  words_["inadaytext"] = absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", tomorrow, absl::UTCTimeZone());
}

absl::StatusOr<std::string> Words::Upload(const OfferedFile& file) {
  ASSIGN_OR_RETURN(const std::string chat, Value(chat_));
  ASSIGN_OR_RETURN(const v1::CommandResult result, ends_.door.Upload(chat, file, ends_.wait));
  if (result.state() != v1::CommandResult::STATE_SENT) {
    return absl::FailedPreconditionError(
        absl::StrCat("no upload: ", result.reason(), " ", result.missing_capability()));
  }
  return result.attachment_id();
}

absl::StatusOr<std::string> Words::MakeTheirs(const std::string& rest) {
  // A message of its own, beside the one that the row is about.
  const std::string own = std::exchange(words_["m"], absl::StrCat("made-", ++made_));
  const std::string who = chat_ == "group" ? "$member" : "$peer";
  auto event = FilledEvent(absl::StrCat("chat_id: '$", chat_,
                                        "' message_created { message { id: '$m' chat_id: '$", chat_,
                                        "' sender_contact_id: '", who, "' ", rest, " } }"));
  words_["m"] = own;
  RETURN_IF_ERROR(event.status());
  const size_t mark = ends_.door.event_count();
  RETURN_IF_ERROR(BringAbout(ends_.driver, *event, file_paths()).status());
  Finding finding;
  AwaitEvent(ends_.door, ends_.wait, *event, mark, "", finding);
  for (const TakenEvent& taken : ends_.door.EventsAfter(mark)) {
    if (!taken.event.has_message_created() || finding.carried == Carried::kNotAtAll) continue;
    const v1::Message& message = taken.event.message_created().message();
    if (!message.attachments().empty()) words_["theirfile"] = message.attachments(0).id();
    return message.id();
  }
  return absl::NotFoundError("a message of the other person did not come");
}

absl::StatusOr<std::string> Words::MakeOurs() {
  ASSIGN_OR_RETURN(const v1::Command command,
                   FilledCommand(absl::StrCat("send_message { chat_id: '$", chat_, "' text: 'ours ",
                                              ++made_, "' app_display_name: 'Conformance' }")));
  ASSIGN_OR_RETURN(const v1::CommandResult result, RunCommand(ends_.door, command));
  if (result.state() != v1::CommandResult::STATE_SENT || result.message_id().empty()) {
    return absl::FailedPreconditionError("a message of ours could not be sent");
  }
  return result.message_id();
}

}  // namespace postern::conformance
