// SPDX-License-Identifier: Apache-2.0
#include "broker/method_gate.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/health_check_service_interface.h>

#include "permissions/method_access.h"
#include "postern/v1/attachment_service.pb.h"
#include "postern/v1/chat_service.pb.h"
#include "postern/v1/export_service.pb.h"
#include "postern/v1/forward_service.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "tests/broker/door_fixture.h"

namespace postern::broker {
namespace {

std::string ReasonIn(const grpc::Status& status) {
  v1::RpcStatus details;
  v1::ErrorInfo info;
  if (!details.ParseFromString(status.error_details()) || details.details_size() != 1) return "";
  return info.ParseFromString(details.details(0).value()) ? info.reason() : "";
}

class MethodGateTest : public DoorTest {
 protected:
  // Calls any method with an empty request and no types.
  static grpc::Status CallAny(const std::shared_ptr<grpc::Channel>& channel,
                              const std::string& full_method, size_t request_bytes = 0) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::CompletionQueue queue;
    // Field 15 as bytes, which no request declares: any size is a valid message.
    std::string body;
    if (request_bytes > 0) {
      body = "\x7a";
      for (size_t left = request_bytes;; left >>= 7) {
        body.push_back(static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
        if (left <= 0x7f) break;
      }
      body.append(request_bytes, 'x');
    }
    const grpc::Slice slice(body);
    const grpc::ByteBuffer request(&slice, 1);
    const auto call = stub.PrepareCall(&context, full_method, &queue);
    grpc::Status status;
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(nullptr);
    queue.Next(&tag, &ok);
    if (ok) {
      call->WriteLast(request, grpc::WriteOptions(), nullptr);
      queue.Next(&tag, &ok);
      grpc::ByteBuffer response;
      do {
        call->Read(&response, nullptr);
        queue.Next(&tag, &ok);
      } while (ok);
    }
    call->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return status;
  }
};

TEST_F(MethodGateTest, WhatTheTableDoesNotNameDoesNotRun) {
  Open();
  const auto channel = Connect(Enrolled(Standing::kApp));
  for (const char* method : {"/postern.v1.GrantService/GetEverything", "/postern.v2.X/Y",
                             "/grpc.channelz.v1.Channelz/GetServers"}) {
    EXPECT_EQ(CallAny(channel, method).error_code(), grpc::StatusCode::UNIMPLEMENTED) << method;
  }
}

// gRPC's own handlers do not ask the gate.
TEST_F(MethodGateTest, AStrangerGetsNothingOfGrpcsOwnServices) {
  grpc::EnableDefaultHealthCheckService(true);
  Open();
  grpc::EnableDefaultHealthCheckService(false);
  EXPECT_EQ(CallAny(Connect(MakeIdentity()), "/grpc.health.v1.Health/Check").error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(CallAny(Connect(Enrolled(Standing::kApp)), "/grpc.health.v1.Health/Check").ok());
}

TEST_F(MethodGateTest, AnUnknownKeyMayOnlyEnroll) {
  Open();
  const auto channel = Connect(MakeIdentity());
  const grpc::Status refused = CallAny(channel, "/postern.v1.GrantService/GetSelf");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonIn(refused), "ENROLLMENT_REQUIRED");
  EXPECT_THAT(refused.error_message(), testing::HasSubstr("EnrollmentService/Enroll"));
  EXPECT_EQ(ReasonIn(CallAny(channel, "/postern.v1.EventService/Subscribe")),
            "ENROLLMENT_REQUIRED");
  EXPECT_TRUE(CallAny(channel, "/postern.v1.EnrollmentService/Enroll").ok());
}

TEST_F(MethodGateTest, TheSameChannelWorksOnceTheKeyIsAllowedAndStopsOnceItIsRevoked) {
  Open();
  const auto key = MakeIdentity();
  const auto channel = Connect(key);
  EXPECT_EQ(ReasonIn(GetSelf(channel)), "ENROLLMENT_REQUIRED");
  SetStanding(PrincipalOf(key), Standing::kApp);
  EXPECT_TRUE(GetSelf(channel).ok());
  SetStanding(PrincipalOf(key), Standing::kRevoked);
  EXPECT_EQ(ReasonIn(GetSelf(channel)), "GRANT_REVOKED");
}

TEST_F(MethodGateTest, ARoleMayCallOnlyItsOwnMethods) {
  Open();
  for (const Standing standing : {Standing::kGatekeeper, Standing::kOwner}) {
    const grpc::Status refused = GetSelf(Connect(Enrolled(standing)));
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(ReasonIn(refused), "ROLE_REQUIRED");
  }
}

TEST_F(MethodGateTest, AnAppsRequestIsBounded) {
  Open();
  const auto channel = Connect(Enrolled(Standing::kApp));
  EXPECT_TRUE(CallAny(channel, "/postern.v1.GrantService/GetSelf", 1000).ok());
  const grpc::Status refused =
      CallAny(channel, "/postern.v1.GrantService/GetSelf", kAppRequestBytesMax + 1);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonIn(refused), "LIMIT_EXCEEDED");
  EXPECT_EQ(CallAny(channel, "/postern.v1.GrantService/GetSelf", kRequestBytesMax + 1).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(MethodGateTest, CallsOfOneKeyAreBoundedAndComeBack) {
  DoorLimits limits;
  limits.calls_per_principal_max = 1;
  Open(limits);
  const auto app = Enrolled(Standing::kApp);
  const auto channel = Connect(app);
  grpc::ClientContext context;
  const auto reader = v1::EventService::NewStub(channel)->Subscribe(&context, {});
  v1::SubscribeResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(ReasonIn(GetSelf(channel)), "LIMIT_EXCEEDED");
  context.TryCancel();
  while (reader->Read(&response)) {
  }
  reader->Finish();
  // The connection is only given back when its last call is over.
  door_->CloseConnections(PrincipalOf(app));
  AwaitClosed(1);
  EXPECT_TRUE(GetSelf(Connect(app)).ok());
}

// Walks the contract's own descriptors, so that a method added there and not in the table fails
// here. Whether each real handler starts with the gate is for the services' own tests.
TEST_F(MethodGateTest, EveryMethodOfTheContractIsListedAndRefusesAStranger) {
  Open();
  const auto channel = Connect(MakeIdentity());
  // By a message of each file: the linker leaves a file out that nothing names.
  for (const auto* file :
       {v1::DownloadRequest::descriptor()->file(), v1::ListChatsRequest::descriptor()->file(),
        v1::EnrollRequest::descriptor()->file(), v1::SubscribeRequest::descriptor()->file(),
        v1::ExportRequest::descriptor()->file(), v1::AcquireLeaseRequest::descriptor()->file(),
        v1::AttachRequest::descriptor()->file(), v1::GetSelfRequest::descriptor()->file(),
        v1::SendMessageRequest::descriptor()->file(), v1::GetStatusRequest::descriptor()->file()}) {
    ASSERT_EQ(file->service_count(), 1) << file->name();
    const auto* service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string full_method = "/" + service->full_name() + "/" + service->method(i)->name();
      const auto* access = permissions::FindMethodAccess(full_method);
      ASSERT_NE(access, nullptr) << full_method;
      if ((access->callers & permissions::kUnknownKey) != 0) continue;
      EXPECT_FALSE(CallAny(channel, full_method).ok()) << full_method;
    }
  }
}

}  // namespace
}  // namespace postern::broker
