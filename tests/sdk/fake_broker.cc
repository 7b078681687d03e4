// SPDX-License-Identifier: Apache-2.0
#include "tests/sdk/fake_broker.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

namespace postern::sdk {
namespace {

// Longest wait for something that is sure to come.
constexpr absl::Duration kSureWait = absl::Seconds(20);
// How often a waiting stream looks whether its caller has gone.
constexpr absl::Duration kLook = absl::Milliseconds(5);

std::string Cursor(size_t count) { return absl::StrCat("c", count); }
size_t CountOf(const std::string& cursor) { return std::stoul(cursor.substr(1)); }

}  // namespace

grpc::Status Refusal(grpc::StatusCode code, const std::string& reason,
                     const std::map<std::string, std::string>& metadata) {
  v1::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("postern");
  for (const auto& [name, value] : metadata) (*info.mutable_metadata())[name] = value;
  v1::RpcStatus status;
  status.set_code(code);
  auto* detail = status.add_details();
  detail->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  detail->set_value(info.SerializeAsString());
  return grpc::Status(code, reason, status.SerializeAsString());
}

class FakeBroker::Enrollment final : public v1::EnrollmentService::Service {
 public:
  explicit Enrollment(FakeBroker& broker) : broker_(broker) {}
  grpc::Status Enroll(grpc::ServerContext* context, const v1::EnrollRequest*,
                      grpc::ServerWriter<v1::EnrollResponse>* writer) override {
    if (grpc::Status status = broker_.Admit(*context, true); !status.ok()) return status;
    v1::EnrollResponse response;
    response.set_state(v1::EnrollResponse::STATE_PENDING);
    writer->Write(response);
    platform::MutexLock lock(broker_.mutex_);
    ++broker_.state.enroll_calls;
    response.set_state(broker_.state.enroll_answer);
    broker_.state.enrolled = broker_.state.enroll_answer == v1::EnrollResponse::STATE_GRANTED;
    writer->Write(response);
    return grpc::Status::OK;
  }

 private:
  FakeBroker& broker_;
};

class FakeBroker::Grants final : public v1::GrantService::Service {
 public:
  explicit Grants(FakeBroker& broker) : broker_(broker) {}
  grpc::Status GetSelf(grpc::ServerContext* context, const v1::GetSelfRequest*,
                       v1::GetSelfResponse* response) override {
    if (grpc::Status status = broker_.Admit(*context, false); !status.ok()) return status;
    response->set_role(v1::ROLE_APP);
    return grpc::Status::OK;
  }
  grpc::Status RequestGrant(grpc::ServerContext* context, const v1::RequestGrantRequest* request,
                            v1::RequestGrantResponse* response) override {
    if (grpc::Status status = broker_.Admit(*context, false); !status.ok()) return status;
    platform::MutexLock lock(broker_.mutex_);
    State& now = broker_.state;
    if (!now.grant_refusal.empty()) {
      return Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, now.grant_refusal);
    }
    now.grant_requests.push_back(*request);
    response->mutable_grant_request()->set_id("question");
    response->mutable_grant_request()->set_state(v1::GrantRequest::STATE_PENDING);
    return grpc::Status::OK;
  }
  grpc::Status GetGrantRequest(grpc::ServerContext* context,
                               const v1::GetGrantRequestRequest* request,
                               v1::GetGrantRequestResponse* response) override {
    if (grpc::Status status = broker_.Admit(*context, false); !status.ok()) return status;
    platform::MutexLock lock(broker_.mutex_);
    auto& answers = broker_.state.grant_answers;
    if (request->grant_request_id() != "question" || answers.empty()) {
      return Refusal(grpc::StatusCode::NOT_FOUND, "NOT_FOUND");
    }
    response->mutable_grant_request()->set_id("question");
    response->mutable_grant_request()->set_state(answers.front());
    if (answers.size() > 1) answers.erase(answers.begin());
    return grpc::Status::OK;
  }

 private:
  FakeBroker& broker_;
};

class FakeBroker::Events final : public v1::EventService::Service {
 public:
  explicit Events(FakeBroker& broker) : broker_(broker) {}

  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::SubscribeResponse>* writer) override {
    if (grpc::Status status = broker_.Admit(*context, false); !status.ok()) return status;
    platform::MutexLock lock(broker_.mutex_);
    State& now = broker_.state;
    const bool first = ++now.subscribe_calls == 1;
    now.subscribed_cursors.push_back(request->cursor());
    if (now.in_use.count(request->subscription()) != 0) {
      return Refusal(grpc::StatusCode::ALREADY_EXISTS, "SUBSCRIPTION_IN_USE");
    }
    size_t next = request->start() == v1::SubscribeRequest::START_OLDEST ? 0 : now.log.size();
    if (const auto found = now.acknowledged.find(request->subscription());
        found != now.acknowledged.end()) {
      next = found->second;
    }
    if (!request->cursor().empty()) next = CountOf(request->cursor());
    if (next < now.oldest) {
      return Refusal(grpc::StatusCode::OUT_OF_RANGE, "CURSOR_TOO_OLD",
                     {{"oldest_cursor", Cursor(now.oldest)}});
    }
    size_t sent = 0;
    v1::SubscribeResponse frame;
    frame.set_cursor(Cursor(next));
    for (;;) {
      writer->Write(frame);
      if (first && now.break_after != 0 && sent >= now.break_after) {
        return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the connection broke");
      }
      while (next >= now.log.size()) {
        if (now.revoked) return Refusal(grpc::StatusCode::PERMISSION_DENIED, "GRANT_REVOKED");
        if (broker_.stopping_ || context->IsCancelled()) return grpc::Status::CANCELLED;
        broker_.changed_.WaitFor(broker_.mutex_, kLook);
      }
      if (now.revoked) return Refusal(grpc::StatusCode::PERMISSION_DENIED, "GRANT_REVOKED");
      frame.Clear();
      // Frames of two, so that there is a difference between an event and a frame.
      for (int i = 0; i < 2 && next < now.log.size(); ++i, ++sent) {
        *frame.add_events() = now.log[next++];
      }
      frame.set_cursor(Cursor(next));
    }
  }

  grpc::Status Acknowledge(grpc::ServerContext* context, const v1::AcknowledgeRequest* request,
                           v1::AcknowledgeResponse*) override {
    if (grpc::Status status = broker_.Admit(*context, false); !status.ok()) return status;
    platform::MutexLock lock(broker_.mutex_);
    broker_.state.acknowledged[request->subscription()] = CountOf(request->cursor());
    broker_.changed_.NotifyAll();
    return grpc::Status::OK;
  }

 private:
  FakeBroker& broker_;
};

class FakeBroker::Messages final : public v1::MessageService::Service {
 public:
  explicit Messages(FakeBroker& broker) : broker_(broker) {}
  grpc::Status SendMessage(grpc::ServerContext* context, const v1::SendMessageRequest* request,
                           v1::SendMessageResponse* response) override {
    if (grpc::Status status = broker_.Admit(*context, false); !status.ok()) return status;
    platform::MutexLock lock(broker_.mutex_);
    broker_.state.send_request_ids.push_back(request->request_id());
    if (broker_.state.send_failures-- > 0) {
      return Refusal(grpc::StatusCode::UNAVAILABLE, "GATEKEEPER_RETRY");
    }
    response->set_state(v1::SEND_STATE_SENT);
    response->set_message_id("m-" + request->request_id());
    return grpc::Status::OK;
  }

 private:
  FakeBroker& broker_;
};

class FakeBroker::Gatekeeper final : public v1::GatekeeperService::Service {
 public:
  explicit Gatekeeper(FakeBroker& broker) : broker_(broker) {}

  grpc::Status Attach(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::AttachResponse, v1::AttachRequest>* stream) override {
    if (grpc::Status status = broker_.Admit(*context, false); !status.ok()) return status;
    v1::AttachRequest request;
    if (!stream->Read(&request) || !request.has_hello()) {
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no hello");
    }
    v1::AttachResponse welcome;
    {
      platform::MutexLock lock(broker_.mutex_);
      ++broker_.state.attach_calls;
      broker_.changed_.NotifyAll();
      if (broker_.state.attach_refusals-- > 0) {
        return Refusal(grpc::StatusCode::ALREADY_EXISTS, "ACCOUNT_ALREADY_SERVED");
      }
      welcome.mutable_welcome()->set_durable_position(broker_.state.durable_position);
    }
    stream->Write(welcome);
    bool open = true;  // under the broker's mutex
    std::thread writer([&] { SendCommands(*context, *stream, open); });
    while (stream->Read(&request)) Take(request, *stream);
    {
      platform::MutexLock lock(broker_.mutex_);
      open = false;
      broker_.changed_.NotifyAll();
    }
    writer.join();
    return grpc::Status::OK;
  }

 private:
  using Stream = grpc::ServerReaderWriter<v1::AttachResponse, v1::AttachRequest>;

  void Take(const v1::AttachRequest& request, Stream& stream) {
    v1::AttachResponse response;
    platform::MutexLock lock(broker_.mutex_);
    State& now = broker_.state;
    if (request.has_command_result()) now.results.push_back(request.command_result());
    for (const v1::SourcedEvent& event : request.event_batch().events()) {
      if (event.position() <= now.durable_position) {
        ++now.doubled;
        continue;
      }
      now.taken[event.position()] = event;
      now.durable_position = event.position();
    }
    broker_.changed_.NotifyAll();
    if (!request.has_event_batch() || !now.acks) return;
    response.mutable_event_ack()->set_durable_position(now.durable_position);
    stream.Write(response);
  }

  void SendCommands(grpc::ServerContext& context, Stream& stream, const bool& open) {
    platform::MutexLock lock(broker_.mutex_);
    while (open && !context.IsCancelled()) {
      for (const v1::Command& command : std::exchange(broker_.state.commands, {})) {
        v1::AttachResponse response;
        *response.mutable_command() = command;
        stream.Write(response);
      }
      if (broker_.stopping_) context.TryCancel();
      broker_.changed_.WaitFor(broker_.mutex_, kLook);
    }
  }

  FakeBroker& broker_;
};

FakeBroker::FakeBroker(const std::string& folder) : folder_(folder) {
  ReplaceIdentity();
  std::ofstream(folder_ + "/broker.pem") << identity_.certificate_pem;
  std::filesystem::permissions(folder_ + "/broker.pem", std::filesystem::perms(0600));
  Start();
}

FakeBroker::~FakeBroker() { Stop(); }

void FakeBroker::ReplaceIdentity() {
  identity_ =
      *platform::MakeTlsIdentity({.common_name = "fake broker", .server = true}, absl::Now());
}

void FakeBroker::Start() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = false;
  }
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.pem_key_cert_pairs.push_back(
      {std::string(identity_.key_pem.span().begin(), identity_.key_pem.span().end()),
       identity_.certificate_pem});
  services_.clear();
  services_.push_back(std::make_unique<Enrollment>(*this));
  services_.push_back(std::make_unique<Grants>(*this));
  services_.push_back(std::make_unique<Events>(*this));
  services_.push_back(std::make_unique<Messages>(*this));
  services_.push_back(std::make_unique<Gatekeeper>(*this));
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + folder_ + "/broker.sock", grpc::SslServerCredentials(options));
  builder.SetMaxReceiveMessageSize(4 * 1024 * 1024);
  for (const auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) std::abort();
}

void FakeBroker::Stop() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

ClientOptions FakeBroker::OptionsFor(const std::string& app) const {
  ClientOptions options;
  options.socket_path = folder_ + "/broker.sock";
  options.state_directory = folder_ + "/" + app;
  options.broker_certificate_path = folder_ + "/broker.pem";
  options.backoff = {.first = absl::Milliseconds(1), .longest = absl::Milliseconds(20)};
  options.reach_timeout = absl::Milliseconds(200);
  return options;
}

grpc::Status FakeBroker::Admit(const grpc::ServerContext& context, bool enrolling) {
  const auto certificates = context.auth_context()->FindPropertyValues("x509_pem_cert");
  if (certificates.empty())
    return Refusal(grpc::StatusCode::UNAUTHENTICATED, "CLIENT_CERTIFICATE_REQUIRED");
  const auto hash =
      platform::SpkiSha256OfPem(std::string(certificates[0].data(), certificates[0].size()));
  platform::MutexLock lock(mutex_);
  ++state.calls;
  state.principal = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hash->data()), hash->size()));
  if (enrolling) return grpc::Status::OK;
  if (state.revoked) return Refusal(grpc::StatusCode::UNAUTHENTICATED, "GRANT_REVOKED");
  if (!state.enrolled) return Refusal(grpc::StatusCode::UNAUTHENTICATED, "ENROLLMENT_REQUIRED");
  return grpc::Status::OK;
}

void FakeBroker::AddEvents(int count) {
  platform::MutexLock lock(mutex_);
  for (int i = 0; i < count; ++i) {
    v1::Event event;
    event.set_id(absl::StrCat("e", state.log.size()));
    event.mutable_message_created()->mutable_message()->set_text("hello");
    state.log.push_back(event);
  }
  changed_.NotifyAll();
}

void FakeBroker::Revoke() {
  platform::MutexLock lock(mutex_);
  state.revoked = true;
  changed_.NotifyAll();
}

void FakeBroker::SendCommand(const v1::Command& command) {
  platform::MutexLock lock(mutex_);
  state.commands.push_back(command);
  changed_.NotifyAll();
}

void FakeBroker::WaitFor(const std::function<bool()>& holds) {
  const absl::Time end = absl::Now() + kSureWait;
  platform::MutexLock lock(mutex_);
  while (!holds()) {
    if (absl::Now() > end) std::abort();
    changed_.WaitFor(mutex_, kLook);
  }
}

v1::Manifest AppManifest() {
  v1::Manifest manifest;
  manifest.mutable_protocol_version()->set_major(1);
  manifest.set_app_id("org.example.reader");
  manifest.set_display_name("Reader");
  manifest.set_purpose("Reads along in tests.");
  manifest.set_role(v1::ROLE_APP);
  manifest.add_required_scopes(v1::SCOPE_MESSAGES_READ);
  manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
  return manifest;
}

v1::Manifest GatekeeperManifest() {
  v1::Manifest manifest = AppManifest();
  manifest.set_app_id("org.example.adapter");
  manifest.set_role(v1::ROLE_GATEKEEPER);
  manifest.clear_required_scopes();
  manifest.add_networks("papernet");
  return manifest;
}

}  // namespace postern::sdk
