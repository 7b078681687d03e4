// SPDX-License-Identifier: Apache-2.0
// Everything that a chat does, through the whole of Postern and both ways: what happens in
// AliceChat reaches an app field by field, and what an app does is seen in AliceChat by the people
// in it. The rows are those that any adapter is tried with (clients/conformance); the broker and
// the door are real, the adapter is the demo's own, and the far end is asked, not our log.
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "broker/limits.h"
#include "clients/conformance/compare.h"
#include "clients/conformance/rows.h"
#include "clients/gatekeepers/demo/connection.h"
#include "clients/gatekeepers/demo/control.h"
#include "clients/gatekeepers/demo/player.h"
#include "permissions/scope.h"
#include "platform/mutex.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using conformance::Direction;
using conformance::Row;
using Json = nlohmann::ordered_json;
using Words = std::map<std::string, std::string>;

// What is not known to one side has this value, and is not compared there.
constexpr char kUnknown[] = "?unknown?";
// Time between rows: below every limit of an app that writes.
constexpr absl::Duration kBetweenRows = absl::Minutes(2);
// While something is awaited that comes after a time that the test lets pass: how long each look.
constexpr absl::Duration kALook = absl::Milliseconds(50);

// Rows whose command no app can give: the broker gives it by itself.
const std::set<std::string>& BrokersOwn() {
  static const std::set<std::string> rows = {"send words of attribution",
                                             "post a notice about apps"};
  return rows;
}

std::string Fill(const std::string& text, const Words& words, bool json) {
  std::string filled;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    while (text[i] == '$' && end < text.size() && absl::ascii_isalnum(text[end])) ++end;
    const std::string word = text.substr(i + 1, end - i - 1);
    if (text[i] != '$' || word.empty() || word == "contains" || word == "lacks") {
      filled += text[i++];
      continue;
    }
    const auto found = words.find(word);
    const std::string value = found == words.end() ? kUnknown : found->second;
    filled += json ? value : absl::CHexEscape(value);
    i = end;
  }
  return filled;
}

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Takes out what this side cannot know: what it has no word for, and the network's names for what
// is new in this row, which all end with the row's own.
void ClearUnknown(const std::string& row, google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->message_type() != nullptr) {
      const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
      for (int i = 0; i < size; ++i) {
        ClearUnknown(row,
                     *(field->is_repeated() ? reflection.MutableRepeatedMessage(&message, field, i)
                                            : reflection.MutableMessage(&message, field)));
      }
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING &&
               !field->is_repeated()) {
      const std::string value = reflection.GetString(message, field);
      if (value == kUnknown || absl::EndsWith(value, "-" + row) ||
          (value == row && field->name() == "id")) {
        reflection.ClearField(&message, field);
      }
    }
  }
}

// Copies the fields that both have under one name.
void CopySameNamed(const google::protobuf::Message& from, google::protobuf::Message& to) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  from.GetReflection()->ListFields(from, &fields);
  std::string text;
  google::protobuf::util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(from, &text, print).ok());
  google::protobuf::util::JsonParseOptions parse;
  parse.ignore_unknown_fields = true;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text, &to, parse).ok());
}

std::vector<permissions::Scope> AllScopes() {
  std::vector<permissions::Scope> scopes;
  for (int number = v1::Scope_MIN + 1; number <= v1::Scope_MAX; ++number) {
    // These two are asked about each message, or only where somebody wrote: the strongest goes.
    if (number == v1::SCOPE_MESSAGES_SEND_ASK || number == v1::SCOPE_MESSAGES_REPLY) continue;
    scopes.push_back(static_cast<permissions::Scope>(number));
  }
  return scopes;
}

class BothWays : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [id, file] : script_.files) files_.AddGenerated(id, file);
    for (const demo::Step& step : script_.setup) world_.Apply(step.event);
    v1::Manifest manifest = AppManifest("AliceChat", {});
    manifest.set_role(v1::ROLE_GATEKEEPER);
    manifest.add_networks("alicechat");
    v1::AttachHello hello;
    *hello.mutable_account() = script_.account;
    *hello.mutable_default_capabilities() = script_.capabilities;
    sdk::GatekeeperOptions options{.secret_store = &secrets_};
    folder_ = harness_.data_dir() + "-adapter";
    std::filesystem::create_directories(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms(0700));
    options.client.socket_path = harness_.socket_path();
    options.client.state_directory = folder_;
    options.client.broker_certificate_path = harness_.data_dir() + "/broker.pem";
    connection_ = std::make_unique<demo::Connection>(
        demo::Connection::Parts{alice_, files_, faults_,
                                [this](const std::string& line) {
                                  platform::MutexLock lock(shown_mutex_);
                                  shown_.push_back(line);
                                },
                                [](const std::string&) {}},
        manifest, hello, options, sdk::GatekeeperCallbacks{});
    const absl::Status opened = connection_->Open();
    ASSERT_TRUE(opened.ok()) << opened;
    auto journal = *demo::Journal::Open("");
    demo::Player player(script_, {.setup_only = true},
                        {.link = [&]() -> sdk::GatekeeperLink& { return connection_->link(); },
                         .reconnect = [] { return absl::OkStatus(); },
                         .world = world_,
                         .faults = faults_,
                         .journal = *journal,
                         .show = [](const std::string&) {},
                         .wait = [](absl::Duration) { return true; }});
    ASSERT_TRUE(player.Run().ok());
    ASSERT_TRUE(connection_->link().WaitUntilDurable(kPatience).ok());
    control_ = std::make_unique<demo::Control>(
        script_, world_, files_, start_,
        [&](const v1::Event& event) { return connection_->link().Submit(event).status(); });
    app_ = harness_.App("Conformance", AllScopes());
    v1::SubscribeRequest request;
    request.set_include_own(true);
    request.set_include_backfill(true);
    reader_ = std::make_unique<EventReader>(app_, request);
    ASSERT_TRUE(reader_->WaitLive());
    LearnNames();
  }
  void TearDown() override {
    connection_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  Json Ask(const Json& request) { return Json::parse(control_->Handle(request.dump())); }

  // Who is who, in AliceChat's words and in the app's.
  void LearnNames() {
    const Json hello = Ask({{"hello", Json::object()}});
    for (const auto& [name, value] : hello.at("names").items()) {
      alices_names_[name] = value.get<std::string>();
    }
    v1::ListAccountsResponse accounts;
    ASSERT_TRUE(app_->chat->ListAccounts(Patiently().get(), {}, &accounts).ok());
    apps_names_["account"] = accounts.accounts(0).id();
    apps_names_["self"] = accounts.accounts(0).self_contact_id();
    v1::ListContactsRequest request;
    request.set_page_size(500);
    v1::ListContactsResponse contacts;
    ASSERT_TRUE(app_->chat->ListContacts(Patiently().get(), request, &contacts).ok());
    for (const char* person : {"peer", "member", "newcomer"}) {
      const std::string name = world_.NameOf(alices_names_[person]);
      for (const v1::Contact& contact : contacts.contacts()) {
        if (contact.display_name() == name) apps_names_[person] = contact.id();
      }
      ASSERT_FALSE(apps_names_[person].empty()) << person;
    }
    for (const char* same : {"oldtext", "oldtime"}) apps_names_[same] = alices_names_[same];
    for (const char* person : {"self", "peer"}) {
      if (alices_names_[person] == alices_names_["oldsender"]) {
        apps_names_["oldsender"] = apps_names_[person];
      }
    }
    for (const char* chat : {"direct", "group"}) {
      apps_names_[chat] = ChatIdOf(app_, world_.FindChat(alices_names_[chat])->name());
      ASSERT_FALSE(apps_names_[chat].empty()) << chat;
    }
  }

  // ---- what a row needs ----

  void Begin(const Row& row) {
    harness_.clock().Advance(kBetweenRows);
    alices_ = alices_names_;
    apps_ = apps_names_;
    group_ = absl::StrContains(row.what, "'$group'");
    alices_["m"] = apps_["m"] = absl::StrCat("row", ++made_);
    MakeTimes();
    const std::string all = row.what + row.seen + row.before;
    const auto needs = [&](const char* word) {
      return absl::StrContains(all, absl::StrCat("$", word));
    };
    if (needs("file") || needs("upload") || needs("theirfile") || needs("sha")) MakeFile();
    if (needs("theirs")) MakeTheirs("theirs", "kind: MESSAGE_KIND_TEXT text: 'for $m'");
    if (needs("theirfile")) {
      MakeTheirs("made",
                 "kind: MESSAGE_KIND_MEDIA text: 'file $m' attachments { id: '$file' "
                 "file_name: '$file' mime_type: 'image/jpeg' size_bytes: $size sha256: "
                 "'$sha' }");
    }
    if (needs("poll'")) {
      MakeTheirs("poll",
                 "kind: MESSAGE_KIND_POLL poll { question: 'q $m' options { id: '1' text: "
                 "'x' } options { id: '2' text: 'y' } choices_max: 1 }");
    }
    if (needs("ours")) MakeOurs();
    if (needs("upload'") || needs("upload\"")) apps_["upload"] = Upload();
    if (needs("upload2")) apps_["upload2"] = Upload();
    if (needs("video")) UploadVideo();
  }

  void MakeTimes() {
    const absl::Time now = harness_.clock().Now();
    for (Words* words : {&alices_, &apps_}) {
      (*words)["dayago"] = absl::StrCat(absl::ToUnixSeconds(now - absl::Hours(24)));
      (*words)["hourago"] = absl::StrCat(absl::ToUnixSeconds(now - absl::Hours(1)));
      (*words)["inaday"] = absl::StrCat(absl::ToUnixSeconds(now + absl::Hours(24)));
      (*words)["inadaytext"] =
          absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ", now + absl::Hours(24), absl::UTCTimeZone());
    }
  }

  void MakeFile() {
    bytes_ = "\xff\xd8\xff\xe0";  // a picture, for who looks at its first bytes
    for (int i = 0; i < 150'000; ++i) bytes_ += static_cast<char>((i * 31 + made_) % 251);
    path_ = absl::StrCat(folder_, "/file-", made_, ".jpg");
    std::ofstream(path_, std::ios::binary) << bytes_;
    const std::string name = absl::StrCat("file-", made_, ".jpg");
    EXPECT_TRUE(files_.AddFromPath(name, path_).ok());
    hash_ = files_.Describe(name)->sha256();
    for (Words* words : {&alices_, &apps_}) {
      (*words)["size"] = absl::StrCat(bytes_.size());
      (*words)["sha"] = hash_;
      (*words)["sha64"] = absl::Base64Escape(hash_);
    }
    alices_["file"] = name;
    alices_["file2"] = "second-" + name;
    EXPECT_TRUE(files_.AddFromPath("second-" + name, path_).ok());
    file_name_ = name;
  }

  // A message of the other person, as both sides know it.
  void MakeTheirs(const std::string& word, const std::string& rest) {
    Words words = alices_;
    words["m"] = absl::StrCat("made-", ++made_);
    const std::string chat = group_ ? "$group" : "$direct";
    const v1::Event event = Parse<v1::Event>(Fill(
        absl::StrCat("chat_id: '", chat, "' message_created { message { id: '$m' chat_id: '", chat,
                     "' sender_contact_id: '", group_ ? "$member" : "$peer", "' ", rest, " } }"),
        words, false));
    const size_t mark = reader_->events().size();
    Do(event);
    const v1::Event seen = AwaitKind(event.kind_case(), mark);
    alices_[word] = words["m"];
    apps_[word] = seen.message_created().message().id();
    if (seen.message_created().message().attachments_size() > 0) {
      alices_["theirfile"] = alices_["file"];
      apps_["theirfile"] = seen.message_created().message().attachments(0).id();
    }
  }

  void MakeOurs() {
    v1::SendMessageRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(apps_[group_ ? "group" : "direct"]);
    request.set_text(absl::StrCat("ours ", ++made_));
    v1::SendMessageResponse response;
    const grpc::Status status = app_->message->SendMessage(Patiently().get(), request, &response);
    ASSERT_TRUE(status.ok()) << Text(status);
    apps_["ours"] = response.message_id();
    alices_["ours"] = world_.ViewOf(alices_[group_ ? "group" : "direct"])->order.back();
  }

  std::string Upload() {
    v1::Attachment attachment;
    attachment.set_file_name(file_name_);
    attachment.set_mime_type("image/jpeg");
    attachment.set_size_bytes(bytes_.size());
    attachment.set_sha256(hash_);
    return Upload(attachment, bytes_);
  }

  // A film, known to AliceChat as an app uploaded it.
  void UploadVideo() {
    const demo::GeneratedFile film{150'000, 7, demo::Beginning("video/mp4")};
    v1::Attachment attachment;
    attachment.set_file_name("film.mp4");
    attachment.set_mime_type("video/mp4");
    attachment.set_size_bytes(film.size);
    attachment.set_sha256(demo::HashGenerated(film, "film"));
    attachment.set_width_pixels(640);
    attachment.set_height_pixels(480);
    attachment.mutable_duration()->set_seconds(3);
    apps_["video"] = Upload(attachment, demo::GenerateBytes(film, "film", 0, film.size));
    for (Words* words : {&alices_, &apps_}) {
      (*words)["videosha"] = attachment.sha256();
      (*words)["videosha64"] = absl::Base64Escape(attachment.sha256());
    }
  }

  std::string Upload(const v1::Attachment& attachment, const std::string& bytes) {
    const auto context = Patiently();
    v1::UploadResponse response;
    const auto stream = app_->attachment->Upload(context.get(), &response);
    v1::UploadRequest request;
    request.mutable_start()->set_request_id(harness_.NewRequestId());
    request.mutable_start()->set_chat_id(apps_[group_ ? "group" : "direct"]);
    *request.mutable_start()->mutable_attachment() = attachment;
    stream->Write(request);
    for (size_t at = 0; at < bytes.size(); at += 64 * 1024) {
      request.set_data(bytes.substr(at, 64 * 1024));
      stream->Write(request);
    }
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    EXPECT_TRUE(status.ok()) << Text(status);
    EXPECT_EQ(response.size_bytes(), bytes.size());
    return response.attachment_id();
  }

  void Do(const v1::Event& event) {
    std::string text;
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(event, &text, options).ok());
    const Json answer = Ask({{"do", Json::parse(text)}});
    ASSERT_TRUE(answer.contains("done")) << answer.dump();
  }

  // The first event of a kind after 'mark' that is like 'expected'.
  v1::Event AwaitKind(v1::Event::KindCase kind, size_t mark) {
    for (size_t at = mark; reader_->WaitForEvents(at + 1); ++at) {
      const v1::Event event = reader_->events()[at];
      if (event.kind_case() == kind) return event;
    }
    ADD_FAILURE() << "no event of kind " << kind;
    return {};
  }

  // Waits for an event like 'expected' among those after 'mark'.
  void ExpectEvent(v1::Event expected, size_t mark, const std::set<std::string>& also = {}) {
    ClearUnknown(alices_["m"], expected);
    std::vector<std::string> best = {"no event of its kind came"};
    size_t fewest = SIZE_MAX;
    // What the row brings about is followed by a message: when that has come, so has the event.
    for (size_t at = mark; reader_->WaitForEvents(at + 1, absl::Seconds(10)); ++at) {
      const v1::Event event = reader_->events()[at];
      if (event.kind_case() != expected.kind_case()) continue;
      const auto differences = conformance::Differences(expected, event, also);
      if (differences.empty()) return;
      if (differences.size() < fewest) {
        fewest = differences.size();
        best = differences;
        best.push_back(event.ShortDebugString());
      }
    }
    ADD_FAILURE() << absl::StrJoin(best, ", ") << "\nexpected " << expected.ShortDebugString();
  }

  void PlayIn(const Row& row) {
    if (!row.before.empty()) {
      const size_t earlier = reader_->events().size();
      Do(Parse<v1::Event>(Fill(row.before, alices_, false)));
      // Waited for, so that it is not taken for what the row is about.
      ExpectEvent(Parse<v1::Event>(Fill(row.before, apps_, false)), earlier);
    }
    const size_t mark = reader_->events().size();
    Do(Parse<v1::Event>(Fill(row.what, alices_, false)));
    std::set<std::string> also = row.also;
    // A message is as encrypted as it was, and an edit too.
    also.insert({"postern.v1.Message.end_to_end_encrypted",
                 "postern.v1.MessageEdited.end_to_end_encrypted",
                 "postern.v1.Attachment.end_to_end_encrypted"});
    ExpectEvent(Parse<v1::Event>(Fill(row.what, apps_, false)), mark, also);
  }

  // ---- commands, as apps give them ----

  template <typename Request, typename Response, typename Method>
  grpc::Status Call(const google::protobuf::Message& command, Method method, Response& response) {
    Request request;
    CopySameNamed(command, request);
    request.set_request_id(harness_.NewRequestId());
    return method(Patiently().get(), request, &response);
  }

  grpc::Status Give(const v1::Command& command) {
    v1::MessageService::Stub& message = *app_->message;
    switch (command.kind_case()) {
      case v1::Command::kSendMessage: {
        v1::SendMessageResponse response;
        const grpc::Status status = Call<v1::SendMessageRequest>(
            command.send_message(),
            [&](auto* context, const auto& request, auto* out) {
              return message.SendMessage(context, request, out);
            },
            response);
        apps_["result"] = response.message_id();
        return status;
      }
      case v1::Command::kEditMessage: {
        v1::EditMessageResponse response;
        return Call<v1::EditMessageRequest>(
            command.edit_message(),
            [&](auto* c, const auto& r, auto* o) { return message.EditMessage(c, r, o); },
            response);
      }
      case v1::Command::kDeleteMessage: {
        v1::DeleteMessageResponse response;
        return Call<v1::DeleteMessageRequest>(
            command.delete_message(),
            [&](auto* c, const auto& r, auto* o) { return message.DeleteMessage(c, r, o); },
            response);
      }
      case v1::Command::kSetReaction: {
        v1::SetReactionResponse response;
        return Call<v1::SetReactionRequest>(
            command.set_reaction(),
            [&](auto* c, const auto& r, auto* o) { return message.SetReaction(c, r, o); },
            response);
      }
      case v1::Command::kVotePoll: {
        v1::VotePollResponse response;
        return Call<v1::VotePollRequest>(
            command.vote_poll(),
            [&](auto* c, const auto& r, auto* o) { return message.VotePoll(c, r, o); }, response);
      }
      case v1::Command::kMarkRead: {
        v1::MarkReadResponse response;
        return Call<v1::MarkReadRequest>(
            command.mark_read(),
            [&](auto* c, const auto& r, auto* o) { return message.MarkRead(c, r, o); }, response);
      }
      case v1::Command::kSetTyping: {
        v1::SetTypingResponse response;
        return Call<v1::SetTypingRequest>(
            command.set_typing(),
            [&](auto* c, const auto& r, auto* o) { return message.SetTyping(c, r, o); }, response);
      }
      case v1::Command::kCreateDraft: {
        v1::CreateDraftResponse response;
        return Call<v1::CreateDraftRequest>(
            command.create_draft(),
            [&](auto* c, const auto& r, auto* o) { return message.CreateDraft(c, r, o); },
            response);
      }
      default:
        return GiveToChat(command);
    }
  }

  grpc::Status GiveToChat(const v1::Command& command) {
    v1::ChatService::Stub& chat = *app_->chat;
    if (command.has_create_chat()) {
      v1::CreateChatRequest request;
      CopySameNamed(command.create_chat(), request);
      request.set_request_id(harness_.NewRequestId());
      request.set_account_id(apps_["account"]);
      v1::CreateChatResponse response;
      const grpc::Status status = chat.CreateChat(Patiently().get(), request, &response);
      apps_["result"] = response.chat().id();
      return status;
    }
    if (command.has_update_chat()) {
      v1::UpdateChatRequest request;
      CopySameNamed(command.update_chat(), request);
      request.set_request_id(harness_.NewRequestId());
      request.set_chat_id(command.update_chat().chat().id());
      const v1::Chat& wanted = command.update_chat().chat();
      for (const std::string& path : command.update_chat().update_mask().paths()) {
        if (path == "name") request.set_name(wanted.name());
        if (path == "topic") request.set_topic(wanted.topic());
        if (path == "muted") request.set_muted(wanted.muted());
        if (path == "archived") request.set_archived(wanted.archived());
        if (path == "marked_unread") request.set_marked_unread(wanted.marked_unread());
        if (path == "blocked") request.set_blocked(wanted.blocked());
        if (path == "avatar_attachment_id") {
          request.set_avatar_attachment_id(wanted.avatar_attachment_id());
        }
        if (path == "disappearing_timer") {
          *request.mutable_disappearing_timer() = wanted.disappearing_timer();
        }
      }
      v1::UpdateChatResponse response;
      return chat.UpdateChat(Patiently().get(), request, &response);
    }
    if (command.has_backfill()) {
      v1::RequestBackfillRequest request;
      request.set_request_id(harness_.NewRequestId());
      request.set_chat_id(command.backfill().chat_id());
      request.set_messages_max(command.backfill().messages_max());
      v1::RequestBackfillResponse response;
      return chat.RequestBackfill(Patiently().get(), request, &response);
    }
    if (command.has_upload()) {
      return Upload().empty() ? grpc::Status(grpc::StatusCode::UNKNOWN, "no upload")
                              : grpc::Status::OK;
    }
    if (command.has_download()) return Download(command.download());
    return {grpc::StatusCode::UNIMPLEMENTED, "no app can give this command"};
  }

  grpc::Status Download(const v1::DownloadCommand& download) {
    const auto context = Patiently();
    v1::DownloadRequest request;
    request.set_attachment_id(download.attachment_id());
    request.set_offset(download.offset());
    const auto stream = app_->attachment->Download(context.get(), request);
    std::string bytes;
    v1::DownloadResponse response;
    while (stream->Read(&response)) bytes += response.data();
    EXPECT_TRUE(bytes == bytes_.substr(download.offset())) << bytes.size() << " bytes came";
    return stream->Finish();
  }

  // What AliceChat calls what the app's call made.
  void LearnResult(const v1::Command& command) {
    const auto view = world_.ViewOf(alices_[group_ ? "group" : "direct"]);
    if (!view->order.empty() && command.has_send_message()) alices_["result"] = view->order.back();
    if (!view->drafts.empty() && command.has_create_draft()) {
      alices_["result"] = view->drafts.back().id;
    }
    if (command.has_create_chat()) {
      alices_["result"] = command.create_chat().kind() == v1::CHAT_KIND_DIRECT
                              ? "direct:" + alices_["newcomer"]
                              : world_.ChatCalled(command.create_chat().name());
    }
    // The picture that the app uploaded, by what it holds.
    const std::string picture = view->chat.avatar_attachment_id();
    if (const auto file = files_.Describe(picture); file.ok() && file->sha256() == hash_) {
      alices_["upload"] = picture;
    }
  }

  void PlayOut(const Row& row) {
    if (!row.before.empty()) {
      const grpc::Status before = Give(Parse<v1::Command>(Fill(row.before, apps_, false)));
      ASSERT_TRUE(before.ok()) << Text(before);
      harness_.clock().Advance(kBetweenRows);
    }
    const v1::Command command = Parse<v1::Command>(Fill(row.what, apps_, false));
    const size_t mark = reader_->events().size();
    const grpc::Status status = Give(command);
    ASSERT_TRUE(status.ok()) << Text(status);
    LearnResult(command);
    if (!row.seen.empty()) {
      Words words = alices_;
      words["file"] = file_name_;
      const Json expected = Json::parse(Fill(row.seen, words, true), nullptr, false);
      ASSERT_TRUE(expected.is_object()) << row.seen;
      std::string message = alices_["result"];
      for (const char* word : {"ours", "theirs", "poll"}) {
        if (!command.has_send_message() && alices_.contains(word)) message = alices_[word];
      }
      const std::string chat =
          command.has_create_chat() ? alices_["result"] : alices_[group_ ? "group" : "direct"];
      const Json seen = Ask({{"look", {{"chat_id", chat}, {"message_id", message}}}})["seen"];
      EXPECT_EQ(absl::StrJoin(conformance::Differences(expected, seen), ", "), "")
          << expected.dump() << "\n"
          << seen.dump();
    }
    if (!row.echo.empty()) {
      v1::Event echo = Parse<v1::Event>(Fill(row.echo, apps_, false));
      ExpectEvent(echo, mark, row.also);
    }
  }

  const demo::Script script_ = *demo::ParseScript(demo::DefaultScript());
  BrokerHarness harness_;
  fakes::MemorySecretStore secrets_;
  demo::World world_;
  demo::Files files_;
  demo::Faults faults_;
  const absl::Time start_ = absl::Now();
  demo::AliceChat alice_{script_, world_, files_, faults_, start_};
  std::string folder_;
  platform::Mutex shown_mutex_;
  std::vector<std::string> shown_ ABSL_GUARDED_BY(shown_mutex_);  // the lines of AliceChat
  std::unique_ptr<demo::Connection> connection_;
  std::unique_ptr<demo::Control> control_;
  Program app_;
  std::unique_ptr<EventReader> reader_;
  Words alices_names_, apps_names_, alices_, apps_;
  bool group_ = false;
  int made_ = 0;
  std::string bytes_, hash_, path_, file_name_;
};

TEST_F(BothWays, WhatHappensInAliceChatReachesTheAppFieldByField) {
  for (const Row& row : conformance::Rows()) {
    if (row.direction != Direction::kIn) continue;
    SCOPED_TRACE(row.name);
    Begin(row);
    PlayIn(row);
  }
}

// The answer is durable, so a kill between the two would leave what counts as sent and nobody saw.
TEST_F(BothWays, WhatTheAppSendsIsShownBeforeItIsAnswered) {
  alices_ = alices_names_;
  apps_ = apps_names_;
  for (int i = 0; i < 8; ++i) {
    MakeOurs();
    const std::string text = absl::StrCat("ours ", made_);
    platform::MutexLock lock(shown_mutex_);
    EXPECT_TRUE(std::any_of(shown_.begin(), shown_.end(), [&](const std::string& line) {
      return absl::EndsWith(line, text);
    })) << text;
  }
}

// The two commands that no app gives: the broker gives them by itself.
TEST_F(BothWays, ThePeopleAreToldOfAnAppWhoseTextLeavesTheDevice) {
  const std::string direct = alices_names_["direct"];
  const auto shown = [&](const std::string& message) {
    return Ask({{"look", {{"chat_id", direct}, {"message_id", message}}}})["seen"]["message"];
  };
  const size_t mark = reader_->events().size();
  harness_.Decide("Translator", [](const permissions::ConsentQuestion& question) {
    return fakes::ScriptedConsentPrompt::AllowAll(question);
  });
  const Program translator = harness_.Connect("Translator");
  v1::Manifest manifest = AppManifest("Translator", AllScopes());
  manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
  manifest.mutable_data_destination()->set_service("translate.example");
  const BrokerHarness::Enrolment enrolment = harness_.Enroll(translator, manifest);
  ASSERT_TRUE(enrolment.granted()) << Text(enrolment.status);
  // Looking at the disclosures makes the broker do what is due by now: a notice for each chat, one
  // after the other.
  const Program owner = harness_.Owner();
  const absl::Time deadline = absl::Now() + kPatience;
  v1::Message notice;
  for (size_t at = mark; notice.id().empty() && absl::Now() < deadline;) {
    v1::ListDisclosuresResponse disclosures;
    ASSERT_TRUE(owner->owner->ListDisclosures(Patiently().get(), {}, &disclosures).ok());
    harness_.clock().Advance(broker::kNoticeDelay + absl::Seconds(1));
    if (!reader_->WaitForEvents(at + 1, kALook)) continue;
    const v1::Event event = reader_->events()[at++];
    if (event.chat_id() == apps_names_["direct"] && event.has_message_created()) {
      notice = event.message_created().message();
    }
  }
  ASSERT_FALSE(notice.id().empty()) << "no notice came";
  EXPECT_TRUE(notice.from_owner());
  EXPECT_EQ(notice.origin().app_display_name(), "Postern");
  for (const char* part : {"“Translator” reads this chat", "translate.example", "NO APPS"}) {
    EXPECT_TRUE(absl::StrContains(notice.text(), part)) << notice.text();
  }
  Json posted = shown(world_.ViewOf(direct)->order.back());
  EXPECT_EQ(posted["text"], notice.text());
  EXPECT_EQ(posted["sender_contact_id"], alices_names_["self"]);

  v1::SendMessageRequest request;
  request.set_request_id(harness_.NewRequestId());
  request.set_chat_id(ChatIdOf(translator, world_.FindChat(direct)->name()));
  request.set_text("said by an app");
  v1::SendMessageResponse response;
  const grpc::Status status =
      translator->message->SendMessage(Patiently().get(), request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  const std::string attributed = "said by an app\n(sent by the app “Translator”)";
  posted = shown(world_.ViewOf(direct)->order.back());
  EXPECT_EQ(posted["text"], attributed);
  EXPECT_EQ(posted["sender_contact_id"], alices_names_["self"]);
  EXPECT_TRUE(reader_->WaitForText(attributed)) << "and the other apps read what the people read";
}

// The parts come as the script has them, each with its word of how far it is and of its end.
TEST_F(BothWays, OlderHistoryComesAsItWasWritten) {
  const std::string chat = alices_names_["direct"];
  std::vector<v1::Event> older;
  for (const demo::Step& step : script_.history) {
    if (step.event.chat_id() != chat) continue;
    const v1::Message& said = step.event.message_created().message();
    v1::Event& event = older.emplace_back();
    event.set_chat_id(apps_names_["direct"]);
    event.set_backfill(true);
    v1::Message& message = *event.mutable_message_created()->mutable_message();
    message.set_text(said.text());
    message.set_sender_contact_id(apps_names_[said.from_owner() ? "self" : "peer"]);
    message.set_from_owner(said.from_owner());
    message.set_end_to_end_encrypted(true);
    demo::SetTime(*message.mutable_create_time(), start_ - step.delay);
    demo::SetTime(*event.mutable_event_time(), start_ - step.delay);
  }
  ASSERT_EQ(older.size(), 3u);
  const auto bring = [&](size_t begin, size_t end) {
    harness_.clock().Advance(kBetweenRows);
    const size_t mark = reader_->events().size();
    v1::RequestBackfillRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(apps_names_["direct"]);
    request.set_messages_max(2);
    v1::RequestBackfillResponse response;
    const grpc::Status status = app_->chat->RequestBackfill(Patiently().get(), request, &response);
    ASSERT_TRUE(status.ok()) << Text(status);
    for (size_t i = begin; i < end; ++i) {
      ExpectEvent(older[i], mark, {"postern.v1.Message.from_owner"});
    }
    v1::Event progress, completed;
    progress.mutable_backfill_progress()->set_request_id(request.request_id());
    progress.mutable_backfill_progress()->set_messages(static_cast<uint32_t>(end - begin));
    progress.mutable_backfill_progress()->set_complete(begin == 0);
    ExpectEvent(progress, mark);
    completed.mutable_request_completed()->set_request_id(request.request_id());
    completed.mutable_request_completed()->set_outcome(v1::RequestCompleted::OUTCOME_DONE);
    ExpectEvent(completed, mark);
    size_t messages = 0;
    const std::vector<v1::Event> events = reader_->events();
    for (size_t i = mark; i < events.size(); ++i) messages += events[i].has_message_created();
    EXPECT_EQ(messages, end - begin);
  };
  bring(1, 3);  // the newest of them
  bring(0, 1);  // and what was before those
}

TEST_F(BothWays, WhatTheAppDoesIsSeenInAliceChatFieldByField) {
  for (const Row& row : conformance::Rows()) {
    if (row.direction != Direction::kOut || BrokersOwn().contains(row.name)) continue;
    SCOPED_TRACE(row.name);
    Begin(row);
    PlayOut(row);
  }
}

}  // namespace
}  // namespace postern::behaviors
