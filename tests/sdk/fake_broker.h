// SPDX-License-Identifier: Apache-2.0
// A broker of paper behind a real TLS door: enough of the contract to see what the SDK does with
// it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "clients/sdk/options.h"
#include "platform/mutex.h"
#include "platform/tls_identity.h"
#include "postern/v1/enrollment_service.grpc.pb.h"
#include "postern/v1/event_service.grpc.pb.h"
#include "postern/v1/gatekeeper_service.grpc.pb.h"
#include "postern/v1/grant_service.grpc.pb.h"
#include "postern/v1/manifest.pb.h"
#include "postern/v1/message_service.grpc.pb.h"
#include "tests/sdk/temporary_folder.h"

namespace postern::sdk {

class FakeBroker {
 public:
  // Listens at once. Everything lies in 'folder'.
  explicit FakeBroker(const std::string& folder);
  ~FakeBroker();

  void Start();
  void Stop();  // ends every stream
  ClientOptions OptionsFor(const std::string& app) const;
  // Another key behind the same socket.
  void ReplaceIdentity();

  // Set before use, or under mutex().
  struct State {
    bool enrolled = true;
    bool revoked = false;
    v1::EnrollResponse::State enroll_answer = v1::EnrollResponse::STATE_GRANTED;
    int enroll_calls = 0;
    std::vector<v1::GrantRequest::State> grant_answers;  // one a look; the last one stays
    std::vector<v1::RequestGrantRequest> grant_requests;
    std::string grant_refusal;  // the reason of a question that is not put
    int subscribe_calls = 0;
    int calls = 0;
    std::string principal;  // of the last call

    std::vector<v1::Event> log;
    size_t oldest = 0;       // events before it have left the log
    size_t break_after = 0;  // end the first stream after so many events; 0: do not
    std::map<std::string, size_t> acknowledged;  // subscription -> count
    std::set<std::string> in_use;                // names another app's stream holds
    std::vector<std::string> subscribed_cursors;

    int send_failures = 0;  // answer so many sends with GATEKEEPER_RETRY first
    std::vector<std::string> send_request_ids;

    uint64_t durable_position = 0;
    std::map<uint64_t, v1::SourcedEvent> taken;
    int doubled = 0;
    int attach_calls = 0;
    int attach_refusals = 0;  // refuse so many with ACCOUNT_ALREADY_SERVED first
    bool acks = true;
    std::vector<v1::Command> commands;  // those not yet sent
    std::vector<v1::CommandResult> results;
  };
  platform::Mutex& mutex() { return mutex_; }
  platform::ConditionVariable& changed() { return changed_; }
  State state;  // guarded by mutex_, which tests take

  void AddEvents(int count);
  void Revoke();
  void SendCommand(const v1::Command& command);
  // Waits until 'holds' is true; aborts the test after a long time.
  void WaitFor(const std::function<bool()>& holds);

 private:
  // The gate every call passes. OK, or the refusal.
  grpc::Status Admit(const grpc::ServerContext& context, bool enrolling);

  class Enrollment;
  class Grants;
  class Events;
  class Messages;
  class Gatekeeper;

  const std::string folder_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool stopping_ = false;
  platform::TlsIdentity identity_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
};

// A status as the broker sends it.
grpc::Status Refusal(grpc::StatusCode code, const std::string& reason,
                     const std::map<std::string, std::string>& metadata = {});

v1::Manifest AppManifest();
v1::Manifest GatekeeperManifest();

}  // namespace postern::sdk
