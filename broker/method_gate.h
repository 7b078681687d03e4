// SPDX-License-Identifier: Apache-2.0
// What every handler does first: find the caller, and see whether this kind of caller may call this
// method at all (permissions/method_access.h). Which grants it has is the handler's own question.
//
// A method that the table does not name never gets here: the Door refuses it before its handler
// (auth processor of the slots), and with it every caller of gRPC's own services (health,
// reflection) that the table does not allow. Roles for our own methods are refused here and not
// there, because there gRPC sends only a code and a text, and a caller must be told the reason and
// what to do.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message_lite.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "broker/caller.h"
#include "broker/door.h"
#include "broker/rpc_status.h"

namespace postern::broker {

// The bits of permissions::Callers that a standing has.
uint8_t CallerBit(Standing standing);

// Thread-safe.
class MethodGate {
 public:
  // Who is told of each call that was let in, and of each that was refused what it asked for: by
  // the gate, or by its handler. What was malformed, or failed, is no refusal. Called on the call's
  // thread; must be quick. Empty ones are not called.
  struct Observer {
    std::function<void(const Caller&)> admitted;
    std::function<void(const Caller&, v1::ErrorReason)> refused;
  };

  // 'door' must outlive the gate.
  MethodGate(const Door& door, StandingOf standing_of, const DoorLimits& limits,
             Observer observer = {});
  ~MethodGate();

  // A caller that was let in; counts as one of its calls while it lives.
  class Admission {
   public:
    Admission(Admission&&) noexcept = default;
    const Caller& caller() const { return caller_; }

   private:
    friend class MethodGate;
    Admission(Caller caller, std::shared_ptr<void> call)
        : caller_(caller), call_(std::move(call)) {}
    Caller caller_;
    std::shared_ptr<void> call_;
  };

  // Lets the call in or says why not:
  //   UNAUTHENTICATED CLIENT_CERTIFICATE_REQUIRED, ENROLLMENT_REQUIRED (unknown key) or
  //   GRANT_REVOKED; UNIMPLEMENTED NOT_IMPLEMENTED_YET (the method is not in the table);
  //   PERMISSION_DENIED ROLE_REQUIRED; RESOURCE_EXHAUSTED LIMIT_EXCEEDED (too many calls at once).
  absl::StatusOr<Admission> Admit(const grpc::ServerContext& context,
                                  std::string_view full_method) const;

  // The body of every handler: runs 'function', an absl::Status(const Caller&), for a caller that
  // is let in. 'full_method' is "/postern.v1.Service/Method".
  template <typename Function>
  grpc::Status Handle(const grpc::ServerContext* context, std::string_view full_method,
                      Function&& function) const {
    auto admission = Admit(*context, full_method);
    if (!admission.ok()) return ToGrpc(admission.status());
    const absl::Status status = std::forward<Function>(function)(admission->caller());
    if (!status.ok()) TellRefused(admission->caller(), status);
    return ToGrpc(status);
  }

  // The same for a call with one request: checks its size before 'function' sees it.
  template <typename Function>
  grpc::Status Handle(const grpc::ServerContext* context, std::string_view full_method,
                      const google::protobuf::MessageLite* request, Function&& function) const {
    return Handle(context, full_method, [&](const Caller& caller) {
      absl::Status size = CheckSize(caller, *request);
      return size.ok() ? std::forward<Function>(function)(caller) : size;
    });
  }

  // For each message of a request stream. RESOURCE_EXHAUSTED LIMIT_EXCEEDED when it is larger than
  // callers of this standing may send.
  static absl::Status CheckSize(const Caller& caller, const google::protobuf::MessageLite& message);

 private:
  class Calls;
  absl::Status CheckCaller(const Caller& caller, std::string_view full_method) const;
  void TellRefused(const Caller& caller, const absl::Status& status) const;

  const Door& door_;
  StandingOf standing_of_;
  const Observer observer_;
  std::shared_ptr<Calls> calls_;
};

}  // namespace postern::broker
