// SPDX-License-Identifier: Apache-2.0
// Files that an app uploaded go out with its messages, and nobody else's do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "platform/digest.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::ElementsAre;
using testing::HasSubstr;

// A network that takes every file, as "file-1", "file-2"..., and every message.
class UploadNetwork {
 public:
  explicit UploadNetwork(const Program& program) : stream_(program->gatekeeper->Attach(&context_)) {
    v1::AttachRequest hello;
    *hello.mutable_hello() = Adapter::Hello();
    stream_->Write(hello);
    v1::AttachResponse welcome;
    EXPECT_TRUE(stream_->Read(&welcome) && welcome.has_welcome());
    v1::AttachRequest events;
    int position = 0;
    for (const char* chat : {"club", "other"}) {
      v1::SourcedEvent& sourced = *events.mutable_event_batch()->add_events();
      sourced.set_position(static_cast<uint64_t>(++position));
      sourced.set_event(ChatEvent(chat).SerializeAsString());
    }
    stream_->Write(events);
    v1::AttachResponse response;
    while (stream_->Read(&response) && response.event_ack().durable_position() < 2) continue;
    thread_ = std::thread([this] { Loop(); });
  }
  ~UploadNetwork() {
    context_.TryCancel();
    thread_.join();
  }
  UploadNetwork(const UploadNetwork&) = delete;
  UploadNetwork& operator=(const UploadNetwork&) = delete;

  std::vector<v1::SendMessageCommand> sent() {
    platform::MutexLock lock(mutex_);
    return sent_;
  }

 private:
  void Loop() {
    v1::AttachResponse response;
    std::string uploading;
    while (stream_->Read(&response)) {
      v1::AttachRequest request;
      if (response.command().has_upload()) {
        uploading = response.command().command_id();
        request.mutable_attachment_ack()->set_command_id(uploading);
      } else if (response.has_attachment_chunk()) {
        const v1::AttachmentChunk& chunk = response.attachment_chunk();
        if (chunk.command_id() != uploading) continue;
        request.mutable_attachment_ack()->set_command_id(uploading);
        request.mutable_attachment_ack()->set_offset(chunk.offset() + chunk.data().size());
        if (chunk.last()) {
          stream_->Write(request);
          request.Clear();
          request.mutable_command_result()->set_command_id(uploading);
          request.mutable_command_result()->set_state(v1::CommandResult::STATE_SENT);
          request.mutable_command_result()->set_attachment_id("file-" + std::to_string(++files_));
        }
      } else if (response.command().has_send_message()) {
        platform::MutexLock lock(mutex_);
        sent_.push_back(response.command().send_message());
        request.mutable_command_result()->set_command_id(response.command().command_id());
        request.mutable_command_result()->set_state(v1::CommandResult::STATE_SENT);
        request.mutable_command_result()->set_message_id("m" + std::to_string(sent_.size()));
      } else {
        continue;
      }
      stream_->Write(request);
    }
    stream_->Finish();
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AttachRequest, v1::AttachResponse>> stream_;
  int files_ = 0;
  platform::Mutex mutex_;
  std::vector<v1::SendMessageCommand> sent_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

class SendingFilesTest : public testing::Test {
 protected:
  Program Sender(const std::string& name, permissions::Scope how = kMessagesSend) {
    return harness_.App(name, {kChatsRead, kMessagesRead, kAttachmentsWrite, how});
  }
  // Uploads for the club; the attachment's id.
  std::string Uploaded(const Program& app, const std::string& name, const std::string& bytes) {
    const auto context = Patiently();
    v1::UploadResponse response;
    const auto writer = app->attachment->Upload(context.get(), &response);
    v1::UploadRequest part;
    v1::UploadStart& start = *part.mutable_start();
    start.set_request_id(harness_.NewRequestId());
    start.set_chat_id(ChatIdOf(app, "club"));
    start.mutable_attachment()->set_file_name(name);
    start.mutable_attachment()->set_mime_type("text/plain");
    start.mutable_attachment()->set_size_bytes(bytes.size());
    start.mutable_attachment()->set_sha256(platform::Sha256(bytes));
    writer->Write(part);
    part.Clear();
    part.set_data(bytes);
    writer->Write(part);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    EXPECT_TRUE(status.ok()) << Text(status);
    EXPECT_FALSE(response.attachment_id().empty());
    return response.attachment_id();
  }
  grpc::Status Send(const Program& app, v1::SendMessageRequest request) {
    if (request.request_id().empty()) request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(ChatIdOf(app, "club"));
    v1::SendMessageResponse response;
    return app->message->SendMessage(Patiently().get(), request, &response);
  }

  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  UploadNetwork network_{gatekeeper_};
};

TEST_F(SendingFilesTest, WhatWasUploadedGoesOutByTheNetworksName) {
  const Program app = Sender("Sender");
  v1::SendMessageRequest media;
  media.set_kind(v1::MESSAGE_KIND_MEDIA);
  media.set_text("Look");
  media.set_view_once(true);
  media.add_attachment_ids(Uploaded(app, "one.txt", "first"));
  media.add_attachment_ids(Uploaded(app, "two.txt", "second"));
  grpc::Status status = Send(app, media);
  ASSERT_TRUE(status.ok()) << Text(status);
  for (const v1::MessageKind kind :
       {v1::MESSAGE_KIND_VOICE_NOTE, v1::MESSAGE_KIND_STICKER, v1::MESSAGE_KIND_TEXT}) {
    v1::SendMessageRequest single;
    single.set_kind(kind);
    single.add_attachment_ids(media.attachment_ids(0));
    status = Send(app, single);
    ASSERT_TRUE(status.ok()) << Text(status);
  }
  const std::vector<v1::SendMessageCommand> sent = network_.sent();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent[0].kind(), v1::MESSAGE_KIND_MEDIA);
  EXPECT_EQ(sent[0].text(), "Look");
  EXPECT_TRUE(sent[0].view_once());
  EXPECT_THAT(sent[0].attachment_ids(), ElementsAre("file-1", "file-2"));
  EXPECT_EQ(sent[1].kind(), v1::MESSAGE_KIND_VOICE_NOTE);
  EXPECT_THAT(sent[1].attachment_ids(), ElementsAre("file-1"));
  EXPECT_EQ(sent[2].kind(), v1::MESSAGE_KIND_STICKER);
  EXPECT_EQ(sent[3].kind(), v1::MESSAGE_KIND_TEXT);
}

TEST_F(SendingFilesTest, AnotherAppsFileIsNotThere) {
  const Program app = Sender("Sender");
  const Program other = Sender("Other");
  v1::SendMessageRequest request;
  request.set_kind(v1::MESSAGE_KIND_VOICE_NOTE);
  request.add_attachment_ids(Uploaded(app, "mine.txt", "mine"));
  grpc::Status status = Send(other, request);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(InfoOf(status).metadata().at("field"), "attachment_ids");
  // One too many, and none at all.
  request.add_attachment_ids(request.attachment_ids(0));
  status = Send(app, request);
  EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
  EXPECT_EQ(InfoOf(status).metadata().at("field"), "attachment_ids");
  request.clear_attachment_ids();
  EXPECT_EQ(ReasonOf(Send(app, request)), "INVALID_FIELD");
  EXPECT_TRUE(network_.sent().empty());
}

TEST_F(SendingFilesTest, WhatWasUploadedToAnotherNetworkIsNotThere) {
  Adapter second(harness_.Gatekeeper("Second"), Adapter::Hello("second"));
  ASSERT_TRUE(second.PushDurably({ChatEvent("attic", "attic")}));
  const Program app = harness_.App(
      "Sender", {kChatsRead, kMessagesRead, kAttachmentsWrite, kMessagesSend, kChatsWrite});
  const std::string file = Uploaded(app, "mine.txt", "mine");
  v1::SendMessageRequest request;
  request.set_request_id("send");
  request.set_chat_id(ChatIdOf(app, "attic"));
  request.set_kind(v1::MESSAGE_KIND_MEDIA);
  request.add_attachment_ids(file);
  v1::SendMessageResponse sent;
  grpc::Status status = app->message->SendMessage(Patiently().get(), request, &sent);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << Text(status);
  EXPECT_EQ(InfoOf(status).metadata().at("field"), "attachment_ids");
  v1::UpdateChatRequest update;
  update.set_request_id("update");
  update.set_chat_id(request.chat_id());
  update.set_avatar_attachment_id(file);
  v1::UpdateChatResponse updated;
  status = app->chat->UpdateChat(Patiently().get(), update, &updated);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << Text(status);
  EXPECT_EQ(InfoOf(status).metadata().at("field"), "avatar_attachment_id");
  EXPECT_TRUE(second.commands().empty());
}

TEST_F(SendingFilesTest, ThePersonSeesWhichFileIsToBeSent) {
  const Program app = Sender("Careful", kMessagesSendAsk);
  const std::string file = Uploaded(app, "plan.txt", "the plan");
  std::string shown;
  platform::Mutex mutex;
  harness_.Decide("Careful", [&](const auto& question) {
    platform::MutexLock lock(mutex);
    shown = question.message_text;
    return fakes::ScriptedConsentPrompt::Refusal(question);
  });
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  v1::SendMessageRequest request;
  request.set_request_id("asked");
  request.set_kind(v1::MESSAGE_KIND_MEDIA);
  request.add_attachment_ids(file);
  const grpc::Status status = Send(app, request);
  ASSERT_TRUE(status.ok()) << Text(status);
  bool told = false;
  for (size_t count = 1; !told && reader.WaitForEvents(count); ++count) {
    told = reader.events()[count - 1].has_request_completed();
  }
  EXPECT_TRUE(told);
  platform::MutexLock lock(mutex);
  EXPECT_THAT(shown, HasSubstr("plan.txt (text/plain, 8 B)"));
  EXPECT_TRUE(network_.sent().empty());
}

}  // namespace
}  // namespace postern::behaviors
