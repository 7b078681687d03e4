// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/runner.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "clients/conformance/compare.h"
#include "platform/digest.h"
#include "platform/status_macros.h"

namespace postern::conformance {
namespace {

// A far end with a real client may have to type, and to wait for a screen.
constexpr absl::Duration kDriverWait = absl::Minutes(2);
// More than one chunk, so that its order matters.
constexpr size_t kFileBytes = 150'000;
// A client that signed on just now may have to fetch keys first, and says so.
constexpr int kTriesMax = 30;
constexpr absl::Duration kBetweenTries = absl::Seconds(1);
// A client that signed on just now may be told late of what was asked before.
constexpr absl::Duration kAcceptWait = absl::Seconds(60);
// The far end's screen is looked at so often.
constexpr absl::Duration kLookAgain = absl::Milliseconds(100);
// What has come with losses may still come whole for so long.
constexpr absl::Duration kBetterMayFollow = absl::Seconds(1);

Json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return {};
  return Json::parse(text, nullptr, false);
}

// The same for the same number: what a run found can be found again.
std::string FileBytes(uint64_t number) {
  std::string bytes = "\xff\xd8\xff\xe0";  // for who looks whether it is a picture
  bytes.reserve(kFileBytes);
  uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
  while (bytes.size() < kFileBytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    bytes += static_cast<char>(state >> 56);
  }
  return bytes;
}

bool MakesMessage(const v1::Command& command) {
  return command.has_send_message() || command.has_post_notice();
}

// The far end shows what the command wrote, be it with losses.
bool IsThere(const v1::Command& command, const Json& seen) {
  const auto message = seen.find("message");
  if (message == seen.end() || !message->is_object()) return false;
  return MakesMessage(command) || (command.has_edit_message() &&
                                   message->value("text", Json()) == command.edit_message().text());
}

// What is expected and the far end's client has no way to show.
std::string Unseen(const Json& answer, const Json& expected) {
  const auto unseen = answer.find("unseen");
  if (unseen == answer.end() || !unseen->is_array()) return "";
  for (const Json& name : *unseen) {
    if (name.is_string() && expected.contains(name.get<std::string>())) return name;
  }
  return "";
}

}  // namespace

Runner::Runner(Door& door, Driver& driver, Json names, RunnerOptions options)
    : door_(door), driver_(driver), names_(std::move(names)), options_(std::move(options)) {}

absl::Status Runner::Accept(const Json& chats) {
  if (!chats.is_array()) return absl::OkStatus();
  for (const Json& chat : chats) {
    if (!chat.is_string()) continue;
    const std::string id = chat.get<std::string>();
    const auto requested = [&](v1::MessageRequest::State state) {
      const absl::Time deadline = absl::Now() + std::max(options_.wait, kAcceptWait);
      for (;;) {
        const size_t seen = door_.event_count();
        for (const TakenEvent& taken : door_.EventsAfter(0)) {
          if (taken.event.chat_id() == id && taken.event.message_request().state() == state) {
            return true;
          }
        }
        if (absl::Now() >= deadline) return false;
        door_.WaitForMore(seen, deadline - absl::Now());
      }
    };
    if (!requested(v1::MessageRequest::STATE_PENDING)) {
      return absl::NotFoundError("a request that the far end made did not come");
    }
    v1::Command command;
    command.mutable_update_chat()->mutable_chat()->set_id(id);
    command.mutable_update_chat()->set_request_answer(v1::MessageRequest::STATE_ACCEPTED);
    Finding finding;
    ASSIGN_OR_RETURN(const v1::CommandResult result, RunCommand(command, finding));
    if (result.state() != v1::CommandResult::STATE_SENT ||
        !requested(v1::MessageRequest::STATE_ACCEPTED)) {
      return absl::FailedPreconditionError("a request could not be accepted");
    }
  }
  return absl::OkStatus();
}

// ---- words ----

absl::StatusOr<std::string> Runner::Fill(const std::string& text, Quoting quoting) {
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

absl::StatusOr<std::string> Runner::Value(const std::string& word) {
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
    RETURN_IF_ERROR(MakeFile());
    ASSIGN_OR_RETURN(value, Upload(file_));
  } else if (word == "video" || word == "videosha" || word == "videosha64") {
    RETURN_IF_ERROR(MakeVideo());
    return words_[word];
  } else if (word == "file2") {
    RETURN_IF_ERROR(MakeFile());
    value = absl::StrCat("second-", words_["file"]);
  } else if (word == "file" || word == "size" || word == "sha" || word == "sha64") {
    RETURN_IF_ERROR(MakeFile());
    return words_[word];
  } else {
    return absl::NotFoundError(absl::StrCat("the far end names no '", word, "'"));
  }
  words_[word] = value;
  return value;
}

absl::Status Runner::MakeFile() {
  if (words_.count("file") != 0) return absl::OkStatus();
  file_.bytes = FileBytes(static_cast<uint64_t>(++made_));
  const std::string name = absl::StrCat("file-", made_, ".jpg");
  file_path_ = absl::StrCat(options_.folder, "/", name);
  std::ofstream(file_path_, std::ios::binary) << file_.bytes;
  const std::string hash = platform::Sha256(file_.bytes);
  file_.description.set_file_name(name);
  file_.description.set_mime_type("image/jpeg");
  file_.description.set_size_bytes(file_.bytes.size());
  file_.description.set_sha256(hash);
  words_["file"] = name;
  words_["size"] = absl::StrCat(file_.bytes.size());
  words_["sha"] = hash;
  words_["sha64"] = absl::Base64Escape(hash);
  return absl::OkStatus();
}

absl::Status Runner::MakeVideo() {
  if (words_.count("video") != 0) return absl::OkStatus();
  const std::string beginning(
      "\0\0\0\x18"
      "ftypisom",
      12);
  OfferedFile video;
  video.bytes = FileBytes(static_cast<uint64_t>(++made_)).replace(0, beginning.size(), beginning);
  video.description.set_file_name(absl::StrCat("film-", made_, ".mp4"));
  video.description.set_mime_type("video/mp4");
  video.description.set_size_bytes(video.bytes.size());
  video.description.set_sha256(platform::Sha256(video.bytes));
  video.description.set_width_pixels(640);
  video.description.set_height_pixels(480);
  video.description.mutable_duration()->set_seconds(3);
  ASSIGN_OR_RETURN(words_["video"], Upload(video));
  words_["videosha"] = video.description.sha256();
  words_["videosha64"] = absl::Base64Escape(video.description.sha256());
  return absl::OkStatus();
}

// Whole seconds, which are the same in both of protobuf's forms.
void Runner::MakeTimes() {
  const absl::Time now = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const absl::Time tomorrow = now + absl::Hours(24);
  words_["dayago"] = absl::StrCat(absl::ToUnixSeconds(now - absl::Hours(24)));
  words_["hourago"] = absl::StrCat(absl::ToUnixSeconds(now - absl::Hours(1)));
  words_["inaday"] = absl::StrCat(absl::ToUnixSeconds(tomorrow));
  words_["inadaytext"] = absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", tomorrow, absl::UTCTimeZone());
}

absl::StatusOr<std::string> Runner::Upload(const OfferedFile& file) {
  ASSIGN_OR_RETURN(const std::string chat, Value(chat_));
  ASSIGN_OR_RETURN(const v1::CommandResult result, door_.Upload(chat, file, options_.wait));
  if (result.state() != v1::CommandResult::STATE_SENT) {
    return absl::FailedPreconditionError(
        absl::StrCat("no upload: ", result.reason(), " ", result.missing_capability()));
  }
  return result.attachment_id();
}

absl::StatusOr<std::string> Runner::MakeTheirs(const std::string& rest) {
  // A message of its own, beside the one that the row is about.
  const std::string own = std::exchange(words_["m"], absl::StrCat("made-", ++made_));
  const std::string who = chat_ == "group" ? "$member" : "$peer";
  auto event = FilledEvent(absl::StrCat("chat_id: '$", chat_,
                                        "' message_created { message { id: '$m' chat_id: '$", chat_,
                                        "' sender_contact_id: '", who, "' ", rest, " } }"));
  words_["m"] = own;
  RETURN_IF_ERROR(event.status());
  const size_t mark = door_.event_count();
  RETURN_IF_ERROR(Do(*event).status());
  Finding finding;
  AwaitEvent(*event, mark, "", finding);
  for (const TakenEvent& taken : door_.EventsAfter(mark)) {
    if (!taken.event.has_message_created() || finding.carried == Carried::kNotAtAll) continue;
    const v1::Message& message = taken.event.message_created().message();
    if (!message.attachments().empty()) words_["theirfile"] = message.attachments(0).id();
    return message.id();
  }
  return absl::NotFoundError("a message of the other person did not come");
}

absl::StatusOr<std::string> Runner::MakeOurs() {
  ASSIGN_OR_RETURN(const v1::Command command,
                   FilledCommand(absl::StrCat("send_message { chat_id: '$", chat_, "' text: 'ours ",
                                              ++made_, "' app_display_name: 'Conformance' }")));
  Finding finding;
  ASSIGN_OR_RETURN(const v1::CommandResult result, RunCommand(command, finding));
  if (result.state() != v1::CommandResult::STATE_SENT || result.message_id().empty()) {
    return absl::FailedPreconditionError("a message of ours could not be sent");
  }
  return result.message_id();
}

absl::StatusOr<v1::Event> Runner::FilledEvent(const std::string& text) {
  ASSIGN_OR_RETURN(const std::string filled, Fill(text, Quoting::kTextFormat));
  v1::Event event;
  if (!google::protobuf::TextFormat::ParseFromString(filled, &event)) {
    return absl::InternalError("the row's event is malformed");
  }
  return event;
}

absl::StatusOr<v1::Command> Runner::FilledCommand(const std::string& text) {
  ASSIGN_OR_RETURN(const std::string filled, Fill(text, Quoting::kTextFormat));
  v1::Command command;
  if (!google::protobuf::TextFormat::ParseFromString(filled, &command)) {
    return absl::InternalError("the row's command is malformed");
  }
  return command;
}

// ---- the two sides ----

absl::StatusOr<Json> Runner::Do(const v1::Event& event) {
  Json request = {{"do", ToJson(event)}};
  for (const char* word : {"file", "file2"}) {
    if (words_.count(word) != 0) request["files"][words_[word]] = file_path_;
  }
  ASSIGN_OR_RETURN(const Json answer, driver_.Ask(request, kDriverWait));
  if (answer.contains("done")) return answer["done"];
  for (const char* word : {"cannot", "failed"}) {
    if (answer.contains(word) && answer[word].is_string()) {
      return absl::UnimplementedError(absl::StrCat(word, ": ", answer[word].get<std::string>()));
    }
  }
  return absl::UnimplementedError("the far end's program does not know 'do'");
}

absl::StatusOr<v1::CommandResult> Runner::RunCommand(const v1::Command& command, Finding& finding) {
  absl::StatusOr<v1::CommandResult> result;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    // A new name each time: what failed for now did not happen.
    result = command.has_upload() ? door_.Upload(command.upload().chat_id(), file_, kDriverWait)
                                  : door_.Run(command, kDriverWait);
    if (!result.ok()) {
      finding.carried = Carried::kNotAtAll;
      finding.detail = std::string(result.status().message());
      return result;
    }
    if (result->state() != v1::CommandResult::STATE_FAILED_RETRIABLE) break;
    absl::SleepFor(kBetweenTries);
  }
  return result;
}

void Runner::AwaitEvent(v1::Event expected, size_t mark, const std::string& command_id,
                        Finding& finding, const std::set<std::string>& also) {
  // The network gives new messages their ids, as it likes.
  if (expected.has_message_created() && command_id.empty()) {
    expected.mutable_message_created()->mutable_message()->clear_id();
  }
  const absl::Time deadline = absl::Now() + options_.wait;
  absl::Time settle = deadline;
  finding.carried = Carried::kNotAtAll;
  finding.detail = "no such event came";
  for (;;) {
    const size_t seen = door_.event_count();
    size_t fewest = SIZE_MAX;
    std::vector<std::string> best;
    for (const TakenEvent& taken : door_.EventsAfter(mark)) {
      if (taken.event.kind_case() != expected.kind_case()) continue;
      std::vector<std::string> differences = Differences(expected, taken.event, also);
      if (taken.event.has_message_created() &&
          taken.event.message_created().message().id().empty()) {
        differences.emplace_back("message_created.message.id");
      }
      if (!command_id.empty() && taken.event.has_message_created() &&
          taken.command_id != command_id) {
        differences.emplace_back("command_id");
      }
      if (differences.size() >= fewest) continue;
      fewest = differences.size();
      best = std::move(differences);
    }
    if (fewest == 0) {
      finding.carried = Carried::kWhole;
      finding.detail.clear();
      return;
    }
    const absl::Time now = absl::Now();
    if (fewest != SIZE_MAX) {
      finding.carried = Carried::kPartial;
      finding.detail = absl::StrCat("differs: ", absl::StrJoin(best, ", "));
      settle = std::min(settle, now + kBetterMayFollow);
    }
    if (now >= settle) return;
    door_.WaitForMore(seen, settle - now);
  }
}

void Runner::FetchFiles(const v1::Event& event, Finding& finding) {
  std::vector<std::string> ids;
  if (event.has_attachment_ready()) ids.push_back(event.attachment_ready().attachment().id());
  for (const v1::Attachment& attachment : event.message_created().message().attachments()) {
    ids.push_back(attachment.id());
  }
  for (const std::string& id : ids) {
    if (id.empty() || finding.carried != Carried::kWhole) return;
    const auto bytes = door_.Download(id, 0, kDriverWait);
    if (bytes.ok() && *bytes == file_.bytes) continue;
    finding.carried = Carried::kPartial;
    finding.detail =
        bytes.ok() ? "the bytes are others" : absl::StrCat("no bytes: ", bytes.status().message());
  }
}

void Runner::PlayIn(const Row& row, Finding& finding) {
  if (!row.before.empty()) {
    const auto before = FilledEvent(row.before);
    const size_t earlier = door_.event_count();
    // Where that cannot be, nor can it be taken back.
    const absl::Status done = before.ok() ? Do(*before).status() : before.status();
    if (!done.ok()) {
      finding.detail = std::string(done.message());
      return;
    }
    // Waited for, so that it is not taken for what the row is about.
    Finding unjudged;
    AwaitEvent(*before, earlier, "", unjudged);
  }
  const auto event = FilledEvent(row.what);
  if (!event.ok()) {
    finding.detail = std::string(event.status().message());
    return;
  }
  const size_t mark = door_.event_count();
  const auto done = Do(*event);
  if (!done.ok()) {
    finding.detail = std::string(done.status().message());
    return;
  }
  v1::Event expected = *event;
  std::set<std::string> also = row.also;
  if (done->contains("end_to_end_encrypted") && expected.has_message_created()) {
    expected.mutable_message_created()->mutable_message()->set_end_to_end_encrypted(
        (*done)["end_to_end_encrypted"] == Json(true));
    also.insert("postern.v1.Message.end_to_end_encrypted");
  }
  AwaitEvent(expected, mark, "", finding, also);
  for (const TakenEvent& taken : door_.EventsAfter(mark)) {
    if (taken.event.kind_case() == expected.kind_case()) FetchFiles(taken.event, finding);
  }
}

void Runner::LookAt(const Row& row, const v1::Command& command, const v1::CommandResult& result,
                    Finding& finding) {
  const auto filled = Fill(row.seen, Quoting::kJson);
  const Json expected = filled.ok() ? Json::parse(*filled, nullptr, false) : Json();
  if (!expected.is_object()) {
    finding.carried = Carried::kNotTested;
    finding.detail = "the row's view is malformed";
    return;
  }
  const auto word = [&](const char* name) {
    const auto found = words_.find(name);
    return found == words_.end() ? std::string() : found->second;
  };
  const bool new_message = MakesMessage(command);
  std::string message = word("ours");
  if (message.empty()) message = word("theirs");
  if (message.empty()) message = word("poll");
  if (new_message || message.empty()) message = result.message_id();
  Json look = {
      {"chat_id", result.has_chat() ? result.chat().id() : names_.value(chat_, std::string())},
      {"message_id", message},
      {"text", command.send_message().text()}};
  const absl::Time deadline = absl::Now() + options_.wait;
  absl::Time settle = deadline;
  for (;;) {
    const auto answer = driver_.Ask({{"look", look}}, kDriverWait);
    if (!answer.ok() || !answer->contains("seen")) {
      finding.carried = Carried::kNotTested;
      finding.detail = answer.ok() ? answer->value("cannot", std::string("the far end cannot look"))
                                   : std::string(answer.status().message());
      return;
    }
    if (const std::string blind = Unseen(*answer, expected); !blind.empty()) {
      finding.carried = Carried::kNotTested;
      finding.detail = absl::StrCat("the far end cannot see: ", blind);
      return;
    }
    const Json& seen = (*answer)["seen"];
    const auto differences = Differences(expected, seen);
    if (differences.empty()) {
      finding.carried = Carried::kWhole;
      return;
    }
    const absl::Time now = absl::Now();
    if (IsThere(command, seen)) settle = std::min(settle, now + kBetterMayFollow);
    if (now >= settle) {
      const bool nothing = new_message && !seen.contains("message");
      finding.carried = nothing ? Carried::kLies : Carried::kPartial;
      finding.detail =
          nothing ? "it says sent, and the far end sees nothing"
                  : absl::StrCat("the far end sees otherwise: ", absl::StrJoin(differences, ", "));
      return;
    }
    absl::SleepFor(kLookAgain);
  }
}

void Runner::PlayOut(const Row& row, Finding& finding) {
  if (!row.before.empty()) {
    const auto before = FilledCommand(row.before);
    if (before.ok()) door_.Run(*before, kDriverWait).status().IgnoreError();
  }
  const auto command = FilledCommand(row.what);
  if (!command.ok()) {
    finding.detail = std::string(command.status().message());
    // What it needs cannot be made because the adapter says that it cannot: that is its answer.
    if (absl::IsFailedPrecondition(command.status())) finding.carried = Carried::kSaysSo;
    return;
  }
  if (command->has_download()) {
    const uint64_t offset = command->download().offset();
    const auto bytes = door_.Download(command->download().attachment_id(), offset, kDriverWait);
    const bool same = bytes.ok() && *bytes == file_.bytes.substr(offset);
    finding.carried = same ? Carried::kWhole : bytes.ok() ? Carried::kPartial : Carried::kNotAtAll;
    if (!same)
      finding.detail = bytes.ok() ? "the bytes are others" : std::string(bytes.status().message());
    return;
  }
  const size_t mark = door_.event_count();
  const auto result = RunCommand(*command, finding);
  if (!result.ok()) return;
  if (result->state() != v1::CommandResult::STATE_SENT) {
    const bool says = !result->missing_capability().empty();
    finding.carried = says ? Carried::kSaysSo : Carried::kNotAtAll;
    finding.detail = says ? absl::StrCat("missing: ", result->missing_capability())
                          : absl::StrCat("refused: ", result->reason());
    return;
  }
  for (const std::string& id :
       {result->message_id(), result->chat().id(), result->draft_id(), result->attachment_id()}) {
    if (!id.empty()) words_["result"] = id;
  }
  finding.carried = Carried::kWhole;
  if (!row.seen.empty()) LookAt(row, *command, *result, finding);
  if (row.echo.empty() || finding.carried != Carried::kWhole) return;
  const auto echo = FilledEvent(row.echo);
  if (!echo.ok()) {
    finding.carried = Carried::kNotTested;
    finding.detail = std::string(echo.status().message());
    return;
  }
  const bool own = echo->has_message_created() && !echo->backfill();
  AwaitEvent(*echo, mark, own ? result->command_id() : "", finding, row.also);
  if (finding.carried != Carried::kWhole) {
    finding.carried = Carried::kPartial;
    finding.detail = absl::StrCat("done, but not told back: ", finding.detail);
  }
}

// ---- judging ----

v1::CapabilityLevel Runner::Claimed(const std::string& capability, const std::string& chat) const {
  if (capability.empty()) return v1::CAPABILITY_LEVEL_UNSPECIFIED;
  v1::ChatCapabilities can = door_.hello().default_capabilities();
  for (const TakenEvent& taken : door_.EventsAfter(0)) {
    const v1::Chat& made = taken.event.chat_created().chat();
    const v1::Chat& changed = taken.event.chat_changed().chat();
    if (made.id() == chat && made.has_capabilities()) can = made.capabilities();
    if (changed.id() == chat && changed.has_capabilities()) can = changed.capabilities();
    if (taken.event.chat_id() == chat && taken.event.has_capabilities_changed()) {
      can = taken.event.capabilities_changed().capabilities();
    }
  }
  const google::protobuf::FieldDescriptor* const field =
      can.GetDescriptor()->FindFieldByName(capability);
  return static_cast<v1::CapabilityLevel>(can.GetReflection()->GetEnumValue(can, field));
}

void Runner::Judge(Finding& finding) const {
  const bool short_of = finding.carried == Carried::kPartial ||
                        finding.carried == Carried::kNotAtAll ||
                        finding.carried == Carried::kSaysSo;
  if (finding.claimed == v1::CAPABILITY_LEVEL_FULL && short_of) {
    finding.detail = absl::StrCat("claims FULL; ", CarriedText(finding.carried),
                                  finding.detail.empty() ? "" : ": ", finding.detail);
    finding.carried = Carried::kLies;
  }
}

Finding Runner::Play(const Row& row) {
  words_.clear();
  MakeTimes();
  words_["m"] = absl::StrCat("row", ++made_);
  chat_ = absl::StrContains(row.what, "'$group'") ? "group" : "direct";
  Finding finding;
  finding.name = row.name;
  finding.capability = row.capability;
  finding.claimed = Claimed(row.capability, names_.value(chat_, std::string()));
  if (row.direction == Direction::kIn) {
    finding.direction = "in";
    PlayIn(row, finding);
  } else {
    finding.direction = "out";
    PlayOut(row, finding);
  }
  Judge(finding);
  return finding;
}

std::vector<Finding> Runner::PlayAll(const std::function<bool(const std::string&)>& wanted) {
  std::vector<Finding> findings;
  const auto add = [&](Finding finding) {
    if (options_.on_finding) options_.on_finding(finding);
    findings.push_back(std::move(finding));
  };
  for (const Row& row : Rows()) {
    if (wanted(row.name)) add(Play(row));
  }
  for (const auto& [name, check] : ContractChecks()) {
    if (!wanted(name)) continue;
    words_.clear();
    words_["m"] = absl::StrCat("row", ++made_);
    chat_ = "direct";
    Finding finding;
    finding.name = name;
    finding.direction = "contract";
    finding.detail = (this->*check)();
    finding.carried = finding.detail.empty() ? Carried::kWhole : Carried::kNotAtAll;
    add(std::move(finding));
  }
  return findings;
}

}  // namespace postern::conformance
