// SPDX-License-Identifier: Apache-2.0
// A real Door in a directory of its own, with a server behind it whose handlers only tell who
// calls.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "broker/door.h"
#include "broker/method_gate.h"
#include "platform/mutex.h"
#include "platform/tls_identity.h"
#include "postern/v1/enrollment_service.grpc.pb.h"
#include "postern/v1/event_service.grpc.pb.h"
#include "postern/v1/grant_service.grpc.pb.h"
#include "postern/v1/message_service.grpc.pb.h"
#include "postern/v1/owner_service.grpc.pb.h"

namespace postern::broker {

inline platform::TlsIdentity MakeIdentity(bool server = false) {
  auto identity = platform::MakeTlsIdentity({"test", server}, absl::Now());
  EXPECT_TRUE(identity.ok()) << identity.status();
  return *std::move(identity);
}

inline std::string KeyText(const platform::TlsIdentity& identity) {
  const auto key = identity.key_pem.span();
  return std::string(key.begin(), key.end());
}

inline permissions::Principal PrincipalOf(const platform::TlsIdentity& identity) {
  return permissions::Principal{*platform::SpkiSha256OfPem(identity.certificate_pem)};
}

// The pid that a pidfd names now, from the kernel; -1 when it has ended.
inline int PidOf(const platform::UniqueFd& pidfd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(pidfd.get()));
  for (std::string word; info >> word;) {
    int pid = -1;
    if (word == "Pid:" && info >> pid) return pid;
  }
  return -1;
}

// Handlers that tell the caller who it is: GetSelf answers key, pid at connect, pid of the pidfd,
// and connection.
class EchoServices {
 public:
  EchoServices(Door& door, const MethodGate& gate)
      : grants(door, gate), events(gate), enroll(gate) {}

  class Grants final : public v1::GrantService::Service {
   public:
    Grants(Door& door, const MethodGate& gate) : door_(door), gate_(gate) {}
    grpc::Status GetSelf(grpc::ServerContext* context, const v1::GetSelfRequest* request,
                         v1::GetSelfResponse* response) override {
      return gate_.Handle(
          context, "/postern.v1.GrantService/GetSelf", request, [&](const Caller& caller) {
            auto pidfd = door_.PidfdOf(caller.connection);
            if (!pidfd.ok()) return pidfd.status();
            const std::string key = caller.principal.ToHex();
            response->set_principal(key);
            std::ostringstream text;
            text << caller.pid << " " << PidOf(*pidfd) << " " << caller.connection.value;
            response->set_display_name(text.str());
            return absl::OkStatus();
          });
    }

   private:
    Door& door_;
    const MethodGate& gate_;
  };
  // Writes for ever: a reader that stops reading stalls it.
  class Events final : public v1::EventService::Service {
   public:
    explicit Events(const MethodGate& gate) : gate_(gate) {}
    grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                           grpc::ServerWriter<v1::SubscribeResponse>* writer) override {
      return gate_.Handle(context, "/postern.v1.EventService/Subscribe", request,
                          [&](const Caller&) -> absl::Status {
                            v1::SubscribeResponse response;
                            response.set_cursor(std::string(256 * 1024, 'c'));
                            while (writer->Write(response)) {
                            }
                            return absl::CancelledError("the reader has gone");
                          });
    }

   private:
    const MethodGate& gate_;
  };
  class Enrollment final : public v1::EnrollmentService::Service {
   public:
    explicit Enrollment(const MethodGate& gate) : gate_(gate) {}
    grpc::Status Enroll(grpc::ServerContext* context, const v1::EnrollRequest* request,
                        grpc::ServerWriter<v1::EnrollResponse>* writer) override {
      return gate_.Handle(context, "/postern.v1.EnrollmentService/Enroll", request,
                          [&](const Caller&) {
                            writer->Write(v1::EnrollResponse());
                            return absl::OkStatus();
                          });
    }

   private:
    const MethodGate& gate_;
  };

  Grants grants;
  Events events;
  Enrollment enroll;
};

class DoorTest : public testing::Test {
 protected:
  // Opens the Door; 'limits' are shortened by the tests that are about them.
  void Open(DoorLimits limits = {}) {
    RequireTls13();
    char pattern[] = "/tmp/door_test.XXXXXX";
    directory_ = mkdtemp(pattern);
    Door::Options options;
    options.socket_path = path();
    identity_ = MakeIdentity(true);
    options.identity = {identity_.key_pem.Clone(), identity_.certificate_pem};
    options.served_uid = geteuid();
    options.limits = limits;
    options.standing_of = [this](const permissions::Principal& p) { return StandingOf(p); };
    options.on_refused = [this](Door::Refusal refusal, uid_t uid, pid_t) {
      platform::MutexLock lock(mutex_);
      refusals_.push_back(refusal);
      refused_uids_.push_back(uid);
      changed_.NotifyAll();
    };
    options.on_closing = [this] { ++closing_; };
    options.on_closed = [this](ConnectionId, const permissions::Principal&) {
      platform::MutexLock lock(mutex_);
      ++closed_;
      changed_.NotifyAll();
    };
    auto door = Door::Open(std::move(options));
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
    gate_ = std::make_unique<MethodGate>(
        *door_, [this](const permissions::Principal& p) { return StandingOf(p); }, limits);
    services_ = std::make_unique<EchoServices>(*door_, *gate_);
    grpc::ServerBuilder builder;
    door_->Configure(builder);
    builder.RegisterService(&services_->grants);
    builder.RegisterService(&services_->events);
    builder.RegisterService(&services_->enroll);
    builder.RegisterService(&messages_);
    builder.RegisterService(&owner_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    ASSERT_TRUE(door_->Start().ok());
  }

  void TearDown() override {
    if (door_ != nullptr) door_->Stop();
    if (server_ != nullptr) server_->Shutdown();
    server_.reset();
    door_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::string path() const { return directory_ + "/postern.sock"; }

  // A key with a standing.
  platform::TlsIdentity Enrolled(Standing standing) {
    platform::TlsIdentity identity = MakeIdentity();
    SetStanding(PrincipalOf(identity), standing);
    return identity;
  }
  void SetStanding(const permissions::Principal& principal, Standing standing) {
    platform::MutexLock lock(mutex_);
    standings_[principal] = standing;
  }

  // A connection of its own for each channel: gRPC would share one between equal channels.
  std::shared_ptr<grpc::Channel> Connect(const std::string& key, const std::string& certificate) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = identity_.certificate_pem;
    options.pem_private_key = key;
    options.pem_cert_chain = certificate;
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    return grpc::CreateCustomChannel("unix:" + path(), grpc::SslCredentials(options), arguments);
  }
  std::shared_ptr<grpc::Channel> Connect(const platform::TlsIdentity& identity) {
    return Connect(KeyText(identity), identity.certificate_pem);
  }

  static grpc::Status GetSelf(const std::shared_ptr<grpc::Channel>& channel,
                              v1::GetSelfResponse* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return v1::GrantService::NewStub(channel)->GetSelf(&context, {}, response);
  }
  static grpc::Status GetSelf(const std::shared_ptr<grpc::Channel>& channel) {
    v1::GetSelfResponse response;
    return GetSelf(channel, &response);
  }

  // A plain connection to the socket.
  platform::UniqueFd RawConnect() const {
    platform::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) fd.Reset();
    return fd;
  }

  void AwaitRefusals(size_t count) {
    platform::MutexLock lock(mutex_);
    while (refusals_.size() < count) ASSERT_TRUE(changed_.WaitFor(mutex_, absl::Seconds(20)));
  }
  void AwaitClosed(int count) {
    platform::MutexLock lock(mutex_);
    while (closed_ < count) ASSERT_TRUE(changed_.WaitFor(mutex_, absl::Seconds(20)));
  }
  std::vector<Door::Refusal> refusals() {
    platform::MutexLock lock(mutex_);
    return refusals_;
  }
  std::vector<uid_t> refused_uids() {
    platform::MutexLock lock(mutex_);
    return refused_uids_;
  }

  Standing StandingOf(const permissions::Principal& principal) {
    platform::MutexLock lock(mutex_);
    const auto entry = standings_.find(principal);
    return entry == standings_.end() ? Standing::kUnknown : entry->second;
  }

  std::string directory_;
  platform::TlsIdentity identity_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<MethodGate> gate_;
  std::unique_ptr<EchoServices> services_;
  v1::MessageService::Service messages_;
  v1::OwnerService::Service owner_;
  std::unique_ptr<grpc::Server> server_;

  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  std::map<permissions::Principal, Standing> standings_ ABSL_GUARDED_BY(mutex_);
  std::vector<Door::Refusal> refusals_ ABSL_GUARDED_BY(mutex_);
  std::vector<uid_t> refused_uids_ ABSL_GUARDED_BY(mutex_);
  int closed_ ABSL_GUARDED_BY(mutex_) = 0;
  // How often whoever waits was woken for the end of a connection.
  std::atomic<int> closing_ = 0;
};

}  // namespace postern::broker
