// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/door.h"

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "clients/conformance/breaches.h"
#include "clients/conformance/given_commands.h"
#include "clients/conformance/taken_events.h"
#include "platform/mutex.h"
#include "platform/status_macros.h"
#include "platform/tls_identity.h"
#include "postern/v1/enrollment_service.grpc.pb.h"
#include "postern/v1/gatekeeper_service.grpc.pb.h"

namespace postern::conformance {
namespace {

// The contract's own numbers: what an adapter may send at once, and how far a sender of bytes may
// be ahead of the taker.
constexpr int kReceiveBytesMax = 4 * 1024 * 1024;
constexpr uint32_t kBatchBytesMax = 1024 * 1024;
constexpr uint64_t kAheadMax = 1024 * 1024;

using Stream = grpc::ServerReaderWriter<v1::AttachResponse, v1::AttachRequest>;

class DoorImplementation final : public Door {
 public:
  explicit DoorImplementation(std::string folder) : folder_(std::move(folder)) {}
  ~DoorImplementation() override {
    Cut();
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  absl::Status Start() {
    ASSIGN_OR_RETURN(identity_, platform::MakeTlsIdentity(
                                    {.common_name = "conformance", .server = true}, absl::Now()));
    std::error_code error;
    for (const char* part : {"/run", "/run/postern", "/data", "/data/postern", "/config"}) {
      std::filesystem::create_directories(folder_ + part, error);
      ::chmod((folder_ + part).c_str(), 0700);
    }
    const std::string certificate = folder_ + "/data/postern/broker.pem";
    std::ofstream(certificate) << identity_.certificate_pem;
    ::chmod(certificate.c_str(), 0600);
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    options.pem_key_cert_pairs.push_back(
        {std::string(identity_.key_pem.span().begin(), identity_.key_pem.span().end()),
         identity_.certificate_pem});
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + folder_ + "/run/postern/postern.sock",
                             grpc::SslServerCredentials(options));
    builder.SetMaxReceiveMessageSize(kReceiveBytesMax);
    builder.RegisterService(&enrollment_);
    builder.RegisterService(&gatekeeper_);
    server_ = builder.BuildAndStart();
    return server_ != nullptr ? absl::OkStatus()
                              : absl::UnavailableError("cannot listen in the temporary folder");
  }

  bool WaitForHello(int count, absl::Duration timeout) override {
    return WaitUntil(timeout, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return hellos_ >= count && stream_ != nullptr;
    });
  }
  v1::AttachHello hello() const override {
    platform::MutexLock lock(mutex_);
    return hello_;
  }
  int hellos() const override {
    platform::MutexLock lock(mutex_);
    return hellos_;
  }
  size_t event_count() const override {
    platform::MutexLock lock(mutex_);
    return events_.all().size();
  }
  std::vector<TakenEvent> EventsAfter(size_t after) const override {
    platform::MutexLock lock(mutex_);
    const std::vector<TakenEvent>& all = events_.all();
    if (after >= all.size()) return {};
    return {all.begin() + static_cast<int64_t>(after), all.end()};
  }
  void WaitForMore(size_t count, absl::Duration timeout) override {
    WaitUntil(timeout,
              [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return events_.all().size() > count; });
  }

  absl::StatusOr<v1::CommandResult> Run(v1::Command command, absl::Duration timeout) override {
    RETURN_IF_ERROR(Send(command));
    return Await(command.command_id(), timeout);
  }

  absl::StatusOr<std::string> Download(const std::string& attachment_id, uint64_t offset,
                                       absl::Duration timeout) override {
    v1::Command command;
    command.mutable_download()->set_attachment_id(attachment_id);
    command.mutable_download()->set_offset(offset);
    RETURN_IF_ERROR(Send(command));
    ASSIGN_OR_RETURN(const v1::CommandResult result, Await(command.command_id(), timeout));
    if (result.state() != v1::CommandResult::STATE_SENT) {
      return absl::FailedPreconditionError(result.reason());
    }
    // The answer may overtake the bytes.
    std::string bytes;
    const bool all = WaitUntil(timeout, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      const Commanded& commanded = commands_.of(command.command_id());
      if (commanded.last) bytes = commanded.bytes;
      return commanded.last;
    });
    if (!all) return absl::DataLossError("it says that it sent all, and did not");
    return bytes;
  }

  absl::StatusOr<v1::CommandResult> Upload(const std::string& chat_id, const OfferedFile& file,
                                           absl::Duration timeout) override {
    v1::Command command;
    command.mutable_upload()->set_chat_id(chat_id);
    *command.mutable_upload()->mutable_attachment() = file.description;
    RETURN_IF_ERROR(Send(command));
    const std::string& id = command.command_id();
    uint64_t sent = 0;
    for (;;) {
      uint64_t taken = 0;
      bool finished = false;
      const bool moved = WaitUntil(timeout, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        const Commanded& commanded = commands_.of(id);
        taken = commanded.acked;
        finished = commanded.final.has_value() || commanded.ended;
        return finished || (commanded.begun && sent < taken + kAheadMax);
      });
      if (!moved) return absl::DeadlineExceededError("it took no bytes of the upload");
      if (finished) break;
      v1::AttachResponse response;
      v1::AttachmentChunk& chunk = *response.mutable_attachment_chunk();
      chunk.set_command_id(id);
      chunk.set_offset(sent);
      chunk.set_data(file.bytes.substr(sent, kChunkBytesMax));
      sent += chunk.data().size();
      chunk.set_last(sent >= file.bytes.size());
      const bool last = chunk.last();
      RETURN_IF_ERROR(Write(response));
      if (last) break;
    }
    return Await(id, timeout);
  }

  void Cut() override {
    platform::MutexLock lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }
  void HoldAcks(bool hold) override {
    platform::MutexLock lock(mutex_);
    hold_acks_ = hold;
  }
  std::vector<std::string> breaches() const override {
    platform::MutexLock lock(mutex_);
    return breaches_.all();
  }

 private:
  // Whoever comes is let in: nothing is behind this door.
  class Enrollment final : public v1::EnrollmentService::Service {
   public:
    grpc::Status Enroll(grpc::ServerContext*, const v1::EnrollRequest*,
                        grpc::ServerWriter<v1::EnrollResponse>* writer) override {
      v1::EnrollResponse response;
      response.set_state(v1::EnrollResponse::STATE_GRANTED);
      writer->Write(response);
      return grpc::Status::OK;
    }
  };

  class Gatekeeper final : public v1::GatekeeperService::Service {
   public:
    explicit Gatekeeper(DoorImplementation& door) : door_(door) {}
    grpc::Status Attach(grpc::ServerContext* context, Stream* stream) override {
      return door_.Serve(*context, *stream);
    }

   private:
    DoorImplementation& door_;
  };

  template <typename Condition>
  bool WaitUntil(absl::Duration timeout, Condition condition) {
    const absl::Time deadline = absl::Now() + timeout;
    platform::MutexLock lock(mutex_);
    while (!condition()) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }

  grpc::Status Serve(grpc::ServerContext& context, Stream& stream) {
    v1::AttachRequest request;
    if (!stream.Read(&request) || !request.has_hello()) {
      platform::MutexLock lock(mutex_);
      breaches_.Add("its first word is not hello");
      return {grpc::StatusCode::INVALID_ARGUMENT, "hello comes first"};
    }
    v1::AttachResponse welcome;
    {
      platform::MutexLock lock(mutex_);
      if (stream_ != nullptr) return {grpc::StatusCode::UNAVAILABLE, "the last one is still here"};
      hello_ = request.hello();
      ++hellos_;
      welcome.mutable_welcome()->mutable_protocol_version()->set_major(1);
      welcome.mutable_welcome()->set_durable_position(events_.Begin());
      welcome.mutable_welcome()->set_batch_bytes_max(kBatchBytesMax);
    }
    stream.Write(welcome);
    {
      platform::MutexLock lock(mutex_);
      context_ = &context;
      stream_ = &stream;
      changed_.NotifyAll();
    }
    while (stream.Read(&request)) Take(request);
    {
      platform::MutexLock write(write_mutex_);
      platform::MutexLock lock(mutex_);
      stream_ = nullptr;
      context_ = nullptr;
      changed_.NotifyAll();
    }
    return {grpc::StatusCode::UNAVAILABLE, "cut"};
  }

  void Take(const v1::AttachRequest& request) {
    v1::AttachResponse response;
    {
      platform::MutexLock lock(mutex_);
      if (request.has_event_batch()) {
        for (const v1::SourcedEvent& sourced : request.event_batch().events()) {
          events_.Take(sourced, breaches_);
        }
        if (!hold_acks_) {
          response.mutable_event_ack()->set_durable_position(events_.Acknowledge());
        }
      } else if (request.has_command_result()) {
        commands_.TakeResult(request.command_result(), breaches_);
      } else if (request.has_attachment_chunk()) {
        const auto ack = commands_.TakeChunk(request.attachment_chunk(), breaches_);
        if (ack.has_value()) *response.mutable_attachment_ack() = *ack;
      } else if (request.has_attachment_ack()) {
        commands_.TakeAck(request.attachment_ack(), breaches_);
      }
      changed_.NotifyAll();
    }
    if (response.kind_case() != v1::AttachResponse::KIND_NOT_SET) Write(response).IgnoreError();
  }

  // Names the command when it has no name, and sends it.
  absl::Status Send(v1::Command& command) {
    {
      platform::MutexLock lock(mutex_);
      commands_.Give(command);
    }
    v1::AttachResponse response;
    *response.mutable_command() = command;
    return Write(response);
  }

  absl::StatusOr<v1::CommandResult> Await(const std::string& id, absl::Duration timeout) {
    v1::CommandResult result;
    const bool answered = WaitUntil(timeout, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      const Commanded& commanded = commands_.of(id);
      if (commanded.final.has_value()) result = *commanded.final;
      return commanded.final.has_value();
    });
    if (!answered) return absl::DeadlineExceededError("it did not answer");
    return result;
  }

  absl::Status Write(const v1::AttachResponse& response) {
    // Held over the write: the stream lives as long as it is held.
    platform::MutexLock write(write_mutex_);
    Stream* stream = nullptr;
    {
      platform::MutexLock lock(mutex_);
      stream = stream_;
    }
    if (stream == nullptr || !stream->Write(response)) {
      return absl::UnavailableError("no adapter is attached");
    }
    return absl::OkStatus();
  }

  const std::string folder_;
  platform::TlsIdentity identity_;
  Enrollment enrollment_;
  Gatekeeper gatekeeper_{*this};
  std::unique_ptr<grpc::Server> server_;

  // Taken before mutex_.
  platform::Mutex write_mutex_;
  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  grpc::ServerContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
  v1::AttachHello hello_ ABSL_GUARDED_BY(mutex_);
  int hellos_ ABSL_GUARDED_BY(mutex_) = 0;
  bool hold_acks_ ABSL_GUARDED_BY(mutex_) = false;
  TakenEvents events_ ABSL_GUARDED_BY(mutex_);
  GivenCommands commands_ ABSL_GUARDED_BY(mutex_);
  Breaches breaches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Door>> Door::Open(const std::string& folder) {
  auto door = std::make_unique<DoorImplementation>(folder);
  RETURN_IF_ERROR(door->Start());
  return door;
}

std::vector<std::string> Door::EnvironmentFor(const std::string& folder) {
  return {"XDG_RUNTIME_DIR=" + folder + "/run", "XDG_DATA_HOME=" + folder + "/data",
          "XDG_CONFIG_HOME=" + folder + "/config", "HOME=" + folder};
}

}  // namespace postern::conformance
