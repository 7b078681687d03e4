// SPDX-License-Identifier: Apache-2.0
// Files: who may have their bytes, what becomes of lies, and that nothing is lost or grows on the
// way, whatever is cut. The adapter is a real link of the SDK, the apps real clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "broker/attachment_fetch.h"
#include "broker/attachment_limits.h"
#include "clients/sdk/client.h"
#include "clients/sdk/file_transfer.h"
#include "clients/sdk/gatekeeper_link.h"
#include "platform/digest.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/cut_proxy.h"
#include "tests/behaviors/owner_calls.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using platform::Sha256;
using testing::HasSubstr;

constexpr size_t kPart = 64 * 1024;
constexpr uint64_t kMegabyte = 1024 * 1024;
// What 80 MB more of a file may take of memory (4 to 10 MB, as it is), and the large file in all:
// most of it are gRPC's buffers of broken connections.
constexpr double kPeakGrowthMegabytesMax = 16;
constexpr double kPeakMegabytesMax = 48;
constexpr char kCanary[] = "canary-in-a-file-7f3a";

// A file of any size that takes no memory.
std::string BytesAt(uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; ++i) {
    const uint64_t at = offset + i;
    bytes[i] = static_cast<char>((at * 131 + (at >> 16) * 7 + (at >> 8)) & 255);
  }
  return bytes;
}

using Digest = broker::FileDigest;

std::string Sha256OfBytes(uint64_t size) {
  Digest digest;
  for (uint64_t at = 0; at < size; at += kPart) {
    digest.Add(BytesAt(at, std::min<uint64_t>(kPart, size - at)));
  }
  return digest.Finish();
}

// Memory that this process holds at most since the last Reset, in bytes.
class PeakMemory {
 public:
  static void Reset() { std::ofstream("/proc/self/clear_refs") << "5"; }
  static uint64_t Bytes() {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word) {
      uint64_t kilobytes = 0;
      if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
    }
    return 0;
  }
};

// A network with files: what is asked for is sent, what is uploaded is kept as size and hash.
class FileNetwork {
 public:
  struct File {
    // The bytes; when empty, BytesAt of this size.
    std::string bytes;
    uint64_t size = 0;
    uint64_t length() const { return bytes.empty() ? size : bytes.size(); }
    std::string At(uint64_t offset, size_t count) const {
      return bytes.empty() ? BytesAt(offset, count) : bytes.substr(offset, count);
    }
  };

  FileNetwork(BrokerHarness& harness, const std::string& socket, const std::string& folder) {
    v1::Manifest manifest = AppManifest("AliceChat", {});
    manifest.set_app_id("org.example.alicechat");
    manifest.set_role(v1::ROLE_GATEKEEPER);
    manifest.add_networks("alicechat");
    sdk::GatekeeperOptions options;
    options.client.socket_path = socket;
    options.client.state_directory = folder + "/adapter";
    options.client.broker_certificate_path = harness.data_dir() + "/broker.pem";
    options.client.backoff = {.first = absl::Milliseconds(5), .longest = absl::Milliseconds(50)};
    options.secret_store = &secrets_;
    sdk::GatekeeperCallbacks callbacks;
    callbacks.on_command = [this](const v1::Command& command) { Carry(command); };
    callbacks.on_chunk = [this](const v1::AttachmentChunk& chunk) { TakeChunk(chunk); };
    auto link = sdk::GatekeeperLink::Open(manifest, Adapter::Hello(), options, callbacks);
    if (!link.ok()) {
      ADD_FAILURE() << link.status();
      std::abort();
    }
    link_ = *std::move(link);
  }
  ~FileNetwork() {
    {
      platform::MutexLock lock(mutex_);
      held_ = false;
      changed_.NotifyAll();
    }
    std::vector<std::thread> senders;
    {
      platform::MutexLock lock(mutex_);
      senders.swap(senders_);
    }
    for (std::thread& sender : senders) sender.join();
    link_.reset();
  }

  void Put(const std::string& id, File file) {
    platform::MutexLock lock(mutex_);
    files_[id] = std::move(file);
  }
  void Push(const v1::Event& event) {
    EXPECT_TRUE(link_->Submit(event).ok());
    EXPECT_TRUE(link_->WaitUntilDurable(kPatience).ok());
  }
  // Downloads wait until Release.
  void Hold() {
    platform::MutexLock lock(mutex_);
    held_ = true;
  }
  void Release() {
    platform::MutexLock lock(mutex_);
    held_ = false;
    changed_.NotifyAll();
  }
  int downloads() {
    platform::MutexLock lock(mutex_);
    return downloads_;
  }
  // Size and hash of what was uploaded.
  std::vector<std::pair<uint64_t, std::string>> uploads() {
    platform::MutexLock lock(mutex_);
    return uploads_;
  }

 private:
  void Carry(const v1::Command& command) {
    platform::MutexLock lock(mutex_);
    if (command.has_download()) {
      ++downloads_;
      senders_.emplace_back([this, command] { Send(command); });
    } else if (command.has_upload()) {
      coming_[command.command_id()] = {};
    } else {
      v1::CommandResult result;
      result.set_command_id(command.command_id());
      result.set_state(v1::CommandResult::STATE_SENT);
      result.set_message_id("sent-" + std::to_string(++sent_));
      link_->Answer(result).IgnoreError();
    }
  }

  void Send(const v1::Command& command) {
    File file;
    {
      platform::MutexLock lock(mutex_);
      while (held_) changed_.Wait(mutex_);
      file = files_[command.download().attachment_id()];
    }
    v1::CommandResult result;
    result.set_command_id(command.command_id());
    result.set_state(v1::CommandResult::STATE_SENT);
    uint64_t offset = command.download().offset();
    do {
      v1::AttachmentChunk chunk;
      chunk.set_command_id(command.command_id());
      chunk.set_offset(offset);
      chunk.set_data(file.At(offset, std::min<uint64_t>(kPart, file.length() - offset)));
      offset += chunk.data().size();
      chunk.set_last(offset >= file.length());
      const absl::Status sent = link_->SendChunk(chunk, kPatience);
      if (!sent.ok()) {
        result.set_state(v1::CommandResult::STATE_FAILED);
        result.set_reason("given up");
        break;
      }
    } while (offset < file.length());
    link_->Answer(result).IgnoreError();
  }

  void TakeChunk(const v1::AttachmentChunk& chunk) {
    platform::MutexLock lock(mutex_);
    Coming& coming = coming_[chunk.command_id()];
    EXPECT_EQ(chunk.offset(), coming.size);
    coming.size += chunk.data().size();
    coming.digest.Add(chunk.data());
    if (!chunk.last()) return;
    uploads_.emplace_back(coming.size, coming.digest.Finish());
    v1::CommandResult result;
    result.set_command_id(chunk.command_id());
    result.set_state(v1::CommandResult::STATE_SENT);
    result.set_attachment_id("uploaded-" + std::to_string(uploads_.size()));
    link_->Answer(result).IgnoreError();
  }

  struct Coming {
    uint64_t size = 0;
    Digest digest;
  };

  fakes::MemorySecretStore secrets_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  std::map<std::string, File> files_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Coming> coming_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<uint64_t, std::string>> uploads_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> senders_ ABSL_GUARDED_BY(mutex_);
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  int downloads_ ABSL_GUARDED_BY(mutex_) = 0;
  int sent_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<sdk::GatekeeperLink> link_;
};

v1::Event FileEvent(const std::string& chat, const std::string& message,
                    const v1::Attachment& attachment) {
  v1::Event event = MessageEvent(chat, message, "with a file");
  *event.mutable_message_created()->mutable_message()->add_attachments() = attachment;
  return event;
}

v1::Attachment Described(const std::string& id, uint64_t size, const std::string& sha256,
                         const std::string& type = "application/octet-stream") {
  v1::Attachment attachment;
  attachment.set_id(id);
  attachment.set_file_name("file");
  attachment.set_mime_type(type);
  attachment.set_size_bytes(size);
  attachment.set_sha256(sha256);
  return attachment;
}

// What may be announced of 'bytes' and is not so, and the field that says it.
struct Lie {
  std::string field;
  v1::Attachment announced;
};

std::vector<Lie> LiesAbout(const std::string& bytes, const std::string& wrong_type) {
  return {{"size_bytes", Described("size", bytes.size() - 1, Sha256(bytes))},
          {"size_bytes", Described("more", bytes.size() + 1, Sha256(bytes))},
          {"sha256", Described("hash", bytes.size(), Sha256("other"))},
          {"mime_type", Described("type", bytes.size(), Sha256(bytes), wrong_type)}};
}

class AttachmentTest : public testing::Test {
 protected:
  AttachmentTest() {
    network_.Push(ChatEvent("garden", "garden"));
    network_.Push(ChatEvent("kitchen", "kitchen"));
  }

  // The id by which the app knows the attachment of the newest message of a chat.
  static std::string AttachmentIdOf(const Program& app, const std::string& chat) {
    v1::ListMessagesRequest request;
    request.set_chat_id(ChatIdOf(app, chat));
    v1::ListMessagesResponse response;
    const grpc::Status status = app->message->ListMessages(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    if (response.messages().empty() || response.messages(0).attachments().empty()) return {};
    return response.messages(0).attachments(0).id();
  }

  // Reads all there is from 'offset' on.
  static grpc::Status Download(const Program& app, const std::string& id, std::string* bytes,
                               uint64_t offset = 0) {
    const auto context = Patiently();
    v1::DownloadRequest request;
    request.set_attachment_id(id);
    request.set_offset(offset);
    const auto reader = app->attachment->Download(context.get(), request);
    v1::DownloadResponse response;
    while (reader->Read(&response)) {
      EXPECT_LE(response.data().size(), kPart);
      if (bytes != nullptr) *bytes += response.data();
    }
    return reader->Finish();
  }

  Program Reader(const std::string& name, const Allowance& allowance = {}) {
    return harness_.App(name, {kChatsRead, kMessagesRead, kMessagesHistory, kAttachmentsRead},
                        allowance);
  }

  // The first part of an upload that says 'announced' of its bytes.
  v1::UploadRequest StartOf(const Program& app, const std::string& request_id,
                            const v1::Attachment& announced, uint64_t offset = 0,
                            const std::string& chat = "garden") {
    v1::UploadRequest part;
    part.mutable_start()->set_request_id(request_id);
    part.mutable_start()->set_chat_id(ChatIdOf(app, chat));
    *part.mutable_start()->mutable_attachment() = announced;
    part.mutable_start()->set_offset(offset);
    return part;
  }
  // What an upload that says 'announced' of 'bytes' is answered.
  grpc::Status Upload(const Program& app, const std::string& request_id,
                      const v1::Attachment& announced, const std::string& bytes,
                      v1::UploadResponse* response, uint64_t offset = 0,
                      const std::string& chat = "garden") {
    const auto context = Patiently();
    const auto writer = app->attachment->Upload(context.get(), response);
    v1::UploadRequest part = StartOf(app, request_id, announced, offset, chat);
    bool open = writer->Write(part);
    for (uint64_t at = offset; open && at < bytes.size(); at += kPart) {
      part.set_data(bytes.substr(at, kPart));
      open = writer->Write(part);
    }
    if (open) writer->WritesDone();
    return writer->Finish();
  }

  size_t StoredFiles() {
    std::error_code error;
    size_t count = 0;
    for ([[maybe_unused]] const auto& file :
         std::filesystem::directory_iterator(harness_.data_dir() + "/attachments", error)) {
      ++count;
    }
    return count;
  }

  BrokerHarness harness_{{}, absl::Milliseconds(50)};
  std::string folder_ = std::filesystem::path(harness_.socket_path()).parent_path().string();
  CutProxy proxy_{folder_ + "/cut.sock", harness_.socket_path()};
  FileNetwork network_{harness_, proxy_.path(), folder_};
};

// Both ways through a proxy that cuts the connection ten times each way.
TEST_F(AttachmentTest, AHundredMegabytesSurviveTenCutsBothWaysWithFlatMemory) {
  const uint64_t small = (kSlowdown > 1 ? 5 : 20) * kMegabyte;
  const uint64_t large = (kSlowdown > 1 ? 20 : 100) * kMegabyte;
  const std::map<std::string, uint64_t> sizes = {{"small", small}, {"large", large}};
  std::map<std::string, std::string> hashes;
  for (const auto& [name, size] : sizes) {
    hashes[name] = Sha256OfBytes(size);
    network_.Put(name, {{}, size});
    network_.Push(FileEvent("garden", name, Described(name, size, hashes[name])));
  }
  harness_.clock().Advance(absl::Minutes(5));
  sdk::ClientOptions options;
  options.socket_path = proxy_.path();
  options.state_directory = folder_ + "/app";
  options.broker_certificate_path = harness_.data_dir() + "/broker.pem";
  options.backoff = {.first = absl::Milliseconds(5), .longest = absl::Milliseconds(50)};
  const auto client = sdk::Client::Connect(
      AppManifest("Files", {kChatsRead, kMessagesRead, kMessagesHistory, kAttachmentsRead,
                            kAttachmentsWrite, kMessagesSend}),
      options);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto chats = (*client)->ListChats();
  ASSERT_TRUE(chats.ok()) << chats.status();
  std::string garden;
  for (const v1::Chat& chat : chats->items) {
    if (chat.name() == "garden") garden = chat.id();
  }
  const auto messages = (*client)->ListMessages(garden);
  ASSERT_TRUE(messages.ok()) << messages.status();
  std::map<uint64_t, std::string> ids;
  for (const v1::Message& message : messages->items) {
    ASSERT_EQ(message.attachments_size(), 1);
    ids[message.attachments(0).size_bytes()] = message.attachments(0).id();
  }
  ASSERT_EQ(ids.size(), 2u);

  // Carries a file down and up. Returns the peak of this process's memory meanwhile.
  size_t carried = 0;
  const auto carry = [&](uint64_t size, const std::string& sha256) -> uint64_t {
    PeakMemory::Reset();
    ++carried;
    sdk::TransferOptions transfer;
    transfer.backoff = options.backoff;
    int cuts = 0;
    uint64_t next_cut = size / 11;
    transfer.on_progress = [&](uint64_t done, uint64_t) {
      if (done < next_cut || cuts >= 10) return;
      next_cut += size / 11;
      ++cuts;
      proxy_.Cut();
    };
    Digest down;
    uint64_t got = 0;
    const absl::Status downloaded = sdk::DownloadFile((*client)->stubs(), ids[size],
                                                      [&](std::string_view data) {
                                                        down.Add(data);
                                                        got += data.size();
                                                        return absl::OkStatus();
                                                      },
                                                      transfer);
    EXPECT_TRUE(downloaded.ok()) << downloaded;
    EXPECT_EQ(got, size);
    EXPECT_EQ(down.Finish(), sha256);
    EXPECT_EQ(cuts, 10);
    EXPECT_EQ(network_.downloads(), static_cast<int>(carried));

    cuts = 0;
    next_cut = size / 11;
    const auto uploaded =
        sdk::UploadFile((*client)->stubs(), garden, Described("", size, sha256),
                        [&](uint64_t offset, size_t most) -> absl::StatusOr<std::string> {
                          return BytesAt(offset, most);
                        },
                        transfer);
    EXPECT_TRUE(uploaded.ok()) << uploaded.status();
    EXPECT_EQ(cuts, 10);
    EXPECT_EQ(network_.uploads().size(), carried);
    if (network_.uploads().size() == carried) {
      EXPECT_EQ(network_.uploads().back().first, size);
      EXPECT_EQ(network_.uploads().back().second, sha256);
    }
    return PeakMemory::Bytes();
  };
  PeakMemory::Reset();
  const double before = static_cast<double>(PeakMemory::Bytes()) / kMegabyte;
  const double few = static_cast<double>(carry(small, hashes["small"])) / kMegabyte;
  const double many = static_cast<double>(carry(large, hashes["large"])) / kMegabyte;
  std::printf(
      "  peak memory of broker, adapter and app, %.1f MB before, while a file is cut 20 times: "
      "%.1f "
      "MB for %lu MB, %.1f MB for %lu MB\n",
      before, few, static_cast<unsigned long>(small / kMegabyte), many,
      static_cast<unsigned long>(large / kMegabyte));
  if (kSlowdown == 1) {
    EXPECT_LT(many - few, kPeakGrowthMegabytesMax);
    EXPECT_LT(many - before, kPeakMegabytesMax);
  }
}

TEST_F(AttachmentTest, AnUploadThatTheDiskRefusesEnds) {
  const std::string attachments = harness_.data_dir() + "/attachments";
  std::filesystem::remove_all(attachments);
  std::ofstream(attachments) << "in its place";
  const Program app = harness_.App("Files", {kChatsRead, kMessagesRead, kAttachmentsWrite});
  const std::string path = folder_ + "/photo.JPG";
  // More than is read at once: it is written to the broker until that has refused.
  std::ofstream(path) << "\xff\xd8\xff" << BytesAt(0, 4 * kPart);
  sdk::TransferOptions transfer;
  transfer.reach_timeout = absl::Milliseconds(200);
  transfer.backoff = {.first = absl::Milliseconds(5), .longest = absl::Milliseconds(50)};
  const std::string garden = ChatIdOf(app, "garden");
  const auto refused = sdk::UploadPath(*app.stubs, garden, path, transfer);
  EXPECT_TRUE(absl::IsUnavailable(refused.status())) << refused.status();

  std::filesystem::remove(attachments);
  const auto uploaded = sdk::UploadPath(*app.stubs, garden, path, transfer);
  EXPECT_TRUE(uploaded.ok()) << uploaded.status();
}

TEST_F(AttachmentTest, WhatIsNoFileIsNotUploaded) {
  const Program app = harness_.App("Files", {kChatsRead, kMessagesRead, kAttachmentsWrite});
  const std::string garden = ChatIdOf(app, "garden");
  const auto code = [&](const std::string& path) {
    return sdk::UploadPath(*app.stubs, garden, path).status().code();
  };
  const std::string pipe = folder_ + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(code(pipe), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(folder_), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(folder_ + "/none"), absl::StatusCode::kNotFound);
}

TEST_F(AttachmentTest, WhoReadsAtTheSameTimeSharesOneFetchAndLaterNobodyFetches) {
  const std::string bytes = BytesAt(0, 3 * kPart + 17);
  network_.Put("f", {bytes, 0});
  network_.Push(FileEvent("garden", "m1", Described("f", bytes.size(), Sha256(bytes))));
  const Program one = Reader("One");
  const Program two = Reader("Two");
  network_.Hold();
  std::string first;
  std::string second;
  std::thread other(
      [&] { EXPECT_TRUE(Download(two, AttachmentIdOf(two, "garden"), &second).ok()); });
  std::thread release([&] { network_.Release(); });
  const grpc::Status status = Download(one, AttachmentIdOf(one, "garden"), &first);
  other.join();
  release.join();
  EXPECT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(first, bytes);
  EXPECT_EQ(second, bytes);
  std::string third;
  EXPECT_TRUE(Download(one, AttachmentIdOf(one, "garden"), &third, kPart + 5).ok());
  EXPECT_EQ(third, bytes.substr(kPart + 5));
  EXPECT_EQ(network_.downloads(), 1);
  // Behind the end there is nothing, and that is said.
  EXPECT_EQ(Download(one, AttachmentIdOf(one, "garden"), nullptr, bytes.size() + 1).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AttachmentTest, OnlyWhoSeesTheMessageGetsItsFile) {
  const std::string bytes = "for the garden";
  network_.Put("f", {bytes, 0});
  network_.Push(FileEvent("garden", "m1", Described("f", bytes.size(), Sha256(bytes))));
  const Program all = Reader("All");
  const Program kitchen = Reader("Kitchen", {.chats = {"kitchen"}});
  const Program plain = harness_.App("Plain", {kChatsRead, kMessagesRead, kMessagesHistory});
  std::string got;
  EXPECT_TRUE(Download(all, AttachmentIdOf(all, "garden"), &got).ok());
  EXPECT_EQ(got, bytes);
  EXPECT_EQ(Download(plain, AttachmentIdOf(plain, "garden"), nullptr).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  // Another app's id names nothing, as one that never was.
  EXPECT_EQ(ReasonOf(Download(kitchen, AttachmentIdOf(all, "garden"), nullptr)), "NOT_FOUND");
  EXPECT_EQ(Download(all, "no id", nullptr).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AttachmentTest, ALieOfTheNetworkIsThrownAway) {
  const std::string bytes = BytesAt(0, 100'000);
  const Program app = Reader("Reader");
  for (const Lie& lie : LiesAbout(bytes, "image/png")) {
    network_.Put(lie.announced.id(), {bytes, 0});
    network_.Push(FileEvent("garden", "m-" + lie.announced.id(), lie.announced));
    const grpc::Status status = Download(app, AttachmentIdOf(app, "garden"), nullptr);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << Text(status);
    EXPECT_EQ(ReasonOf(status), "ATTACHMENT_MISMATCH");
    EXPECT_EQ(InfoOf(status).metadata().at("field"), lie.field);
  }
  EXPECT_EQ(StoredFiles(), 0u);
}

TEST_F(AttachmentTest, AttachmentReadyCorrectsWhatTheMessageSaid) {
  const std::string bytes = "what it really is";
  network_.Put("f", {bytes, 0});
  network_.Push(FileEvent("garden", "m1", Described("f", 3, Sha256("old"))));
  v1::Event ready;
  ready.set_chat_id("garden");
  ready.mutable_attachment_ready()->set_message_id("m1");
  *ready.mutable_attachment_ready()->mutable_attachment() =
      Described("f", bytes.size(), Sha256(bytes));
  network_.Push(ready);
  const Program app = Reader("Reader");
  std::string got;
  const grpc::Status status = Download(app, AttachmentIdOf(app, "garden"), &got);
  EXPECT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(got, bytes);
}

TEST_F(AttachmentTest, NothingLiesInPlainAndADeletedMessageTakesItsFileAlong) {
  std::string bytes = BytesAt(0, 200'000);
  bytes.replace(1000, sizeof(kCanary) - 1, kCanary);
  network_.Put("f", {bytes, 0});
  network_.Push(FileEvent("garden", "m1", Described("f", bytes.size(), Sha256(bytes))));
  const Program app = Reader("Reader");
  const std::string id = AttachmentIdOf(app, "garden");
  std::string got;
  ASSERT_TRUE(Download(app, id, &got).ok());
  ASSERT_EQ(got, bytes);
  ASSERT_EQ(StoredFiles(), 1u);
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(harness_.data_dir())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_THAT(text, testing::Not(HasSubstr(kCanary))) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 2u);

  network_.Push(DeleteEvent("garden", "m1"));
  EXPECT_EQ(ReasonOf(Download(app, id, nullptr)), "NOT_FOUND");
  const auto deadline = Steady::now() + std::chrono::seconds(30);
  while (StoredFiles() != 0 && Steady::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(StoredFiles(), 0u);
}

TEST_F(AttachmentTest, ARevocationEndsADownload) {
  const uint64_t size = 30 * kMegabyte;
  network_.Put("big", {{}, size});
  network_.Push(FileEvent("garden", "m1", Described("big", size, {})));
  const Program app = Reader("Reader");
  v1::DownloadRequest request;
  request.set_attachment_id(AttachmentIdOf(app, "garden"));
  const auto context = Patiently();
  const auto reader = app->attachment->Download(context.get(), request);
  v1::DownloadResponse response;
  ASSERT_TRUE(reader->Read(&response));
  OwnerCalls owner(harness_);
  owner.Revoke(owner.GrantOf(app).id());
  uint64_t got = response.data().size();
  while (reader->Read(&response)) got += response.data().size();
  const grpc::Status status = reader->Finish();
  EXPECT_FALSE(status.ok());
  EXPECT_LT(got, size);
}

TEST_F(AttachmentTest, ALieOfAnAppIsThrownAway) {
  const std::string bytes = BytesAt(0, 100'000);
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  for (Lie lie : LiesAbout(bytes, "application/pdf")) {
    v1::UploadResponse response;
    const std::string request_id = "lie-" + lie.announced.id();
    // A file that is not there yet has no id.
    lie.announced.clear_id();
    const grpc::Status status = Upload(app, request_id, lie.announced, bytes, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << Text(status);
    EXPECT_EQ(ReasonOf(status), "ATTACHMENT_MISMATCH");
    EXPECT_EQ(InfoOf(status).metadata().at("field"), lie.field);
    v1::GetUploadRequest request;
    request.set_request_id(request_id);
    v1::GetUploadResponse state;
    EXPECT_EQ(ReasonOf(app->attachment->GetUpload(Patiently().get(), request, &state)),
              "NOT_FOUND");
  }
  EXPECT_EQ(StoredFiles(), 0u);
  EXPECT_TRUE(network_.uploads().empty());
}

TEST_F(AttachmentTest, AnUploadIsTakenOnceUnderItsRequestId) {
  const std::string bytes = BytesAt(0, 2 * kPart + 5);
  const v1::Attachment announced = Described("", bytes.size(), Sha256(bytes));
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  v1::UploadResponse first;
  const grpc::Status status = Upload(app, "r1", announced, bytes, &first);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_FALSE(first.attachment_id().empty());
  EXPECT_EQ(first.size_bytes(), bytes.size());
  v1::UploadResponse again;
  EXPECT_TRUE(Upload(app, "r1", announced, bytes, &again).ok());
  EXPECT_EQ(again.attachment_id(), first.attachment_id());
  ASSERT_EQ(network_.uploads().size(), 1u);
  EXPECT_EQ(network_.uploads()[0].second, Sha256(bytes));
  // Its bytes are the network's now.
  EXPECT_EQ(StoredFiles(), 0u);
  v1::GetUploadRequest request;
  request.set_request_id("r1");
  v1::GetUploadResponse state;
  EXPECT_TRUE(app->attachment->GetUpload(Patiently().get(), request, &state).ok());
  EXPECT_EQ(state.attachment_id(), first.attachment_id());
  // Another file under the same id is another request.
  v1::UploadResponse other;
  EXPECT_EQ(ReasonOf(Upload(app, "r1", Described("", 3, Sha256("abc")), "abc", &other)),
            "REQUEST_ID_CONFLICT");
}

TEST_F(AttachmentTest, WhatIsBegunAndLeftIsBoundedAndDroppedAfterADay) {
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  const std::string bytes = BytesAt(0, 2 * kPart);
  const v1::Attachment announced = Described("", bytes.size(), Sha256(bytes));
  const auto begin = [&](const std::string& request_id) {
    const size_t before = StoredFiles();
    const auto context = Patiently();
    v1::UploadResponse response;
    const auto writer = app->attachment->Upload(context.get(), &response);
    v1::UploadRequest part = StartOf(app, request_id, announced);
    writer->Write(part);
    part.set_data(bytes.substr(0, kPart));
    writer->Write(part);
    // Once the broker has begun, the app goes away.
    v1::GetUploadRequest request;
    request.set_request_id(request_id);
    v1::GetUploadResponse state;
    const auto deadline = Steady::now() + std::chrono::seconds(30);
    while (StoredFiles() == before && Steady::now() < deadline) std::this_thread::yield();
    context->TryCancel();
    const grpc::Status status = writer->Finish();
    const grpc::Status asked = app->attachment->GetUpload(Patiently().get(), request, &state);
    return asked.ok() ? grpc::Status() : status;
  };
  for (size_t i = 0; i < broker::kUploadsPerAppMax; ++i) {
    EXPECT_TRUE(begin("left-" + std::to_string(i)).ok());
    harness_.clock().Advance(absl::Seconds(5));
  }
  EXPECT_EQ(StoredFiles(), broker::kUploadsPerAppMax);
  v1::UploadResponse response;
  grpc::Status status = Upload(app, "one more", announced, bytes, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(status);
  EXPECT_EQ(ReasonOf(status), "LIMIT_EXCEEDED");

  // A day of time that is sure: one jump would be doubted.
  for (int hour = 0; hour < 26; ++hour) harness_.clock().Advance(absl::Hours(1));
  const auto deadline = Steady::now() + std::chrono::seconds(30);
  while (StoredFiles() != 0 && Steady::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(StoredFiles(), 0u);
  status = Upload(app, "one more", announced, bytes, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
}

TEST_F(AttachmentTest, AnUploadWhoseAppFallsSilentEnds) {
  // Uploads may be silent for twice as long: time enough for a busy machine to send what it has.
  harness_.SetReaderStall(absl::Seconds(1));
  harness_.Restart();
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  const std::string bytes = BytesAt(0, 2 * kPart);
  v1::UploadResponse response;
  // One that never says what it is.
  auto context = Patiently();
  auto writer = app->attachment->Upload(context.get(), &response);
  grpc::Status status = writer->Finish();
  EXPECT_THAT(status.error_message(), HasSubstr("GetUpload")) << Text(status);
  // One that stops in the middle: what has come stays.
  v1::UploadRequest part = StartOf(app, "r1", Described("", bytes.size(), Sha256(bytes)));
  context = Patiently();
  writer = app->attachment->Upload(context.get(), &response);
  writer->Write(part);
  part.set_data(bytes.substr(0, kPart));
  writer->Write(part);
  status = writer->Finish();
  EXPECT_THAT(status.error_message(), HasSubstr("GetUpload")) << Text(status);
  v1::GetUploadRequest request;
  request.set_request_id("r1");
  v1::GetUploadResponse state;
  const grpc::Status asked = app->attachment->GetUpload(Patiently().get(), request, &state);
  ASSERT_TRUE(asked.ok()) << Text(asked);
  EXPECT_EQ(state.size_bytes(), kPart);
  status = Upload(app, "r1", Described("", bytes.size(), Sha256(bytes)), bytes, &response, kPart);
  EXPECT_TRUE(status.ok()) << Text(status);
}

TEST_F(AttachmentTest, AnUploadEndsWithItsApp) {
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  const std::string bytes = BytesAt(0, 2 * kPart);
  const auto context = Patiently();
  v1::UploadResponse response;
  const auto writer = app->attachment->Upload(context.get(), &response);
  writer->Write(StartOf(app, "r1", Described("", bytes.size(), Sha256(bytes))));
  ASSERT_TRUE(OwnerCalls::Await([&] { return StoredFiles() == 1; }));
  OwnerCalls owner(harness_);
  owner.RevokeApp(app.principal);
  const grpc::Status status = writer->Finish();
  // Not when the caller's patience ends.
  EXPECT_TRUE(status.error_code() == grpc::StatusCode::CANCELLED ||
              status.error_code() == grpc::StatusCode::UNAVAILABLE)
      << Text(status);
}

TEST_F(AttachmentTest, AnUploadDoesNotHoldUpTheEnd) {
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  const auto context = Patiently();
  v1::UploadResponse response;
  const auto writer = app->attachment->Upload(context.get(), &response);
  writer->Write(StartOf(app, "r1", Described("", 3, Sha256("abc"))));
  ASSERT_TRUE(OwnerCalls::Await([&] { return StoredFiles() == 1; }));
  harness_.Restart();
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << Text(status);
}

TEST_F(AttachmentTest, AnAdapterThatFloodsWithBytesNobodyAskedForIsTurnedAway) {
  v1::AttachHello hello = Adapter::Hello("second");
  Adapter adapter(harness_.Gatekeeper("Flooder"), hello);
  ASSERT_TRUE(adapter.welcome());
  v1::AttachRequest request;
  request.mutable_attachment_chunk()->set_command_id("nobody's");
  request.mutable_attachment_chunk()->set_data(std::string(kPart, 'x'));
  for (int i = 0; i < 500; ++i) adapter.Say(request);
  // It is heard all the same.
  EXPECT_TRUE(adapter.PushDurably({ChatEvent("attic", "attic")}));
  EXPECT_EQ(StoredFiles(), 0u);
  request.mutable_attachment_chunk()->set_data(std::string(kPart + 1, 'x'));
  adapter.Say(request);
  EXPECT_EQ(adapter.WaitEnd().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AttachmentTest, AnAdapterThatForgotADownloadIsAskedAnewForTheRest) {
  Adapter adapter(harness_.Gatekeeper("Forgetful"), Adapter::Hello("second"));
  ASSERT_TRUE(adapter.welcome());
  const std::string bytes = BytesAt(0, kPart + 100);
  std::vector<uint64_t> asked_from;
  adapter.Answer([&](const v1::Command& command) -> std::optional<v1::CommandResult> {
    if (!command.has_download()) return std::nullopt;
    const uint64_t offset = command.download().offset();
    asked_from.push_back(offset);
    const bool first = asked_from.size() == 1;
    v1::AttachRequest request;
    v1::AttachmentChunk& chunk = *request.mutable_attachment_chunk();
    chunk.set_command_id(command.command_id());
    chunk.set_offset(offset);
    chunk.set_data(bytes.substr(offset, kPart));
    chunk.set_last(!first);
    adapter.Say(request);
    v1::CommandResult result;
    result.set_state(first ? v1::CommandResult::STATE_UNKNOWN : v1::CommandResult::STATE_SENT);
    return result;
  });
  ASSERT_TRUE(
      adapter.PushDurably({ChatEvent("attic", "attic"),
                           FileEvent("attic", "m1", Described("f", bytes.size(), Sha256(bytes)))}));
  const Program app = Reader("Reader");
  std::string got;
  const grpc::Status status = Download(app, AttachmentIdOf(app, "attic"), &got);
  EXPECT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(got, bytes);
  adapter.End();
  EXPECT_THAT(asked_from, testing::ElementsAre(0u, kPart));
}

TEST_F(AttachmentTest, TheSdkGoesOnWithADownloadAfterAStopOfTheBroker) {
  const uint64_t size = 3 * kMegabyte;
  network_.Put("f", {.bytes = {}, .size = size});
  network_.Push(FileEvent("garden", "m1", Described("f", size, Sha256OfBytes(size))));
  const Program app = Reader("Reader");
  const std::string id = AttachmentIdOf(app, "garden");
  std::string got;
  const absl::Status status = sdk::DownloadFile(*app.stubs, id, [&](std::string_view data) {
    if (got.empty()) harness_.Restart();
    got += data;
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(got == BytesAt(0, size)) << got.size();
}

TEST_F(AttachmentTest, AnAdapterThatForgetsEachTimeIsAskedSoOftenAndNoMore) {
  Adapter adapter(harness_.Gatekeeper("Forgetful"), Adapter::Hello("second"));
  ASSERT_TRUE(adapter.welcome());
  const std::string bytes = BytesAt(0, 100);
  std::atomic<int> asked = 0;
  std::atomic<bool> forgets = true;
  adapter.Answer([&](const v1::Command& command) -> std::optional<v1::CommandResult> {
    if (!command.has_download()) return std::nullopt;
    ++asked;
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_UNKNOWN);
    if (forgets) return result;
    v1::AttachRequest request;
    v1::AttachmentChunk& chunk = *request.mutable_attachment_chunk();
    chunk.set_command_id(command.command_id());
    chunk.set_data(bytes);
    chunk.set_last(true);
    adapter.Say(request);
    result.set_state(v1::CommandResult::STATE_SENT);
    return result;
  });
  ASSERT_TRUE(
      adapter.PushDurably({ChatEvent("attic", "attic"),
                           FileEvent("attic", "m1", Described("f", bytes.size(), Sha256(bytes)))}));
  const Program app = Reader("Reader");
  const std::string id = AttachmentIdOf(app, "attic");
  std::string got;
  EXPECT_EQ(ReasonOf(Download(app, id, &got)), "GATEKEEPER_RETRY");
  EXPECT_EQ(got, "");
  EXPECT_EQ(asked, 1 + broker::kTransferRestartsMax);
  EXPECT_EQ(StoredFiles(), 0u);
  // Nothing stands in the way of the next try.
  forgets = false;
  const grpc::Status status = Download(app, id, &got);
  EXPECT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(got, bytes);
  EXPECT_EQ(asked, 2 + broker::kTransferRestartsMax);
}

TEST_F(AttachmentTest, AnUploadComesInOrderAndInParts) {
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  const std::string bytes = BytesAt(0, 2 * kPart);
  const v1::Attachment announced = Described("", bytes.size(), Sha256(bytes));
  const auto field_of = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << Text(status);
    return std::string(InfoOf(status).metadata().at("field"));
  };
  v1::UploadResponse response;
  EXPECT_EQ(field_of(Upload(app, "r1", announced, bytes, &response, kPart)), "offset");
  const auto go_on_with = [&](auto change) {
    const auto context = Patiently();
    const auto writer = app->attachment->Upload(context.get(), &response);
    v1::UploadRequest part = StartOf(app, "r1", announced);
    writer->Write(part);
    change(part);
    writer->Write(part);
    return writer->Finish();
  };
  EXPECT_EQ(field_of(go_on_with([](v1::UploadRequest&) {})), "data");  // starts again
  EXPECT_EQ(
      field_of(go_on_with([&](v1::UploadRequest& part) { part.set_data(BytesAt(0, kPart + 1)); })),
      "data");
  // Nothing of that has come, so nothing is gone on from.
  EXPECT_EQ(field_of(Upload(app, "r1", announced, bytes, &response, 5)), "offset");
  EXPECT_TRUE(Upload(app, "r1", announced, bytes, &response).ok());
}

TEST_F(AttachmentTest, WhatTheChatDoesNotTakeIsNotUploaded) {
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  v1::Event event;
  event.set_chat_id("garden");
  v1::ChatCapabilities& can = *event.mutable_capabilities_changed()->mutable_capabilities();
  const auto missing = [&] {
    network_.Push(event);
    v1::UploadResponse response;
    const grpc::Status status =
        Upload(app, "r1", Described("", 3, Sha256("abc")), "abc", &response);
    EXPECT_EQ(ReasonOf(status), "NOT_SUPPORTED_BY_CHAT") << Text(status);
    return std::string(InfoOf(status).metadata().at("capability"));
  };
  can.set_attachment_bytes_max(2);
  EXPECT_EQ(missing(), "attachment_bytes_max");
  can.set_attachment(v1::CAPABILITY_LEVEL_REJECTED);
  EXPECT_EQ(missing(), "attachment");
  EXPECT_EQ(StoredFiles(), 0u);
}

TEST_F(AttachmentTest, WhatTheGatekeeperRefusesForGoodIsThrownAway) {
  Adapter adapter(harness_.Gatekeeper("Refuser"), Adapter::Hello("second"));
  ASSERT_TRUE(adapter.welcome());
  ASSERT_TRUE(adapter.PushDurably({ChatEvent("attic", "attic")}));
  const Program app = harness_.App("Writer", {kChatsRead, kAttachmentsWrite});
  const auto answered = [&](v1::CommandResult::State state) {
    adapter.Answer([state](const v1::Command&) {
      v1::CommandResult result;
      result.set_state(state);
      return result;
    });
    v1::UploadResponse response;
    return Upload(app, "r1", Described("", 3, Sha256("abc")), "abc", &response, 0, "attic");
  };
  const auto kept = [&] {
    v1::GetUploadRequest request;
    request.set_request_id("r1");
    v1::GetUploadResponse state;
    return app->attachment->GetUpload(Patiently().get(), request, &state).ok();
  };
  EXPECT_EQ(ReasonOf(answered(v1::CommandResult::STATE_FAILED)), "GATEKEEPER_REFUSED");
  EXPECT_FALSE(kept());
  EXPECT_EQ(StoredFiles(), 0u);
  // What may be tried again is there to be gone on with. Nobody has seen a file, so that it is not
  // known whether it came through is no more than that.
  EXPECT_EQ(ReasonOf(answered(v1::CommandResult::STATE_FAILED_RETRIABLE)), "GATEKEEPER_RETRY");
  EXPECT_TRUE(kept());
  EXPECT_EQ(ReasonOf(answered(v1::CommandResult::STATE_UNKNOWN)), "GATEKEEPER_RETRY");
  EXPECT_TRUE(kept());
  // It took the file, and does not say under which name.
  EXPECT_EQ(ReasonOf(answered(v1::CommandResult::STATE_SENT)), "GATEKEEPER_REFUSED");
}

TEST_F(AttachmentTest, DownloadsAtOnceAreBounded) {
  const std::string bytes = "the same everywhere";
  constexpr int kFiles = broker::kDownloadsPerAppMax + 1;
  static_assert(broker::kFetchesPerAccountMax == size_t{broker::kDownloadsPerAppMax});
  for (int i = 0; i < kFiles; ++i) {
    const std::string id = "f" + std::to_string(i);
    network_.Put(id, {bytes, 0});
    network_.Push(FileEvent("garden", "m" + id, Described(id, bytes.size(), Sha256(bytes))));
  }
  const Program one = Reader("One");
  const Program two = Reader("Two");
  const auto ids_of = [](const Program& app) {
    v1::ListMessagesRequest request;
    request.set_chat_id(ChatIdOf(app, "garden"));
    v1::ListMessagesResponse response;
    EXPECT_TRUE(app->message->ListMessages(Patiently().get(), request, &response).ok());
    std::vector<std::string> ids;
    for (const v1::Message& message : response.messages()) {
      ids.push_back(message.attachments(0).id());
    }
    return ids;
  };
  const std::vector<std::string> ids = ids_of(one);
  ASSERT_EQ(ids.size(), static_cast<size_t>(kFiles));
  network_.Hold();
  std::vector<std::thread> downloads;
  for (int i = 0; i < kFiles - 1; ++i) {
    downloads.emplace_back([&, id = ids[static_cast<size_t>(i)]] {
      const grpc::Status status = Download(one, id, nullptr);
      EXPECT_TRUE(status.ok()) << Text(status);
    });
  }
  const bool all_run = OwnerCalls::Await([&] { return network_.downloads() == kFiles - 1; });
  // Too many of one app, and too many of one network.
  const grpc::Status of_app = Download(one, ids.back(), nullptr);
  const grpc::Status of_account = Download(two, ids_of(two).back(), nullptr);
  network_.Release();
  for (std::thread& download : downloads) download.join();
  EXPECT_TRUE(all_run);
  EXPECT_EQ(of_app.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(of_app);
  EXPECT_EQ(of_account.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(of_account);
  EXPECT_EQ(InfoOf(of_account).metadata().at("limit"), "attachment_transfers");
  EXPECT_TRUE(Download(two, ids_of(two).back(), nullptr).ok());
}

TEST_F(AttachmentTest, AnAppThatMayNotWriteFilesUploadsNothing) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead});
  v1::UploadResponse response;
  const grpc::Status status = Upload(app, "r1", Described("", 3, Sha256("abc")), "abc", &response);
  EXPECT_EQ(ReasonOf(status), "SCOPE_REQUIRED") << Text(status);
  EXPECT_EQ(StoredFiles(), 0u);
}

}  // namespace
}  // namespace postern::behaviors
