// SPDX-License-Identifier: Apache-2.0
// Walks the contract's descriptors: a method without a row, or a row without a method, fails here.
#include "permissions/method_access.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "postern/v1/attachment_service.pb.h"
#include "postern/v1/chat_service.pb.h"
#include "postern/v1/enrollment_service.pb.h"
#include "postern/v1/event_service.pb.h"
#include "postern/v1/export_service.pb.h"
#include "postern/v1/forward_service.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "postern/v1/grant_service.pb.h"
#include "postern/v1/message_service.pb.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::permissions {
namespace {

// One message of each service file, so that the linker keeps and registers it.
std::vector<const google::protobuf::FileDescriptor*> ServiceFiles() {
  return {
      v1::UploadRequest::descriptor()->file(),      v1::ListChatsRequest::descriptor()->file(),
      v1::EnrollRequest::descriptor()->file(),      v1::SubscribeRequest::descriptor()->file(),
      v1::ExportRequest::descriptor()->file(),      v1::AcquireLeaseRequest::descriptor()->file(),
      v1::AttachRequest::descriptor()->file(),      v1::GetSelfRequest::descriptor()->file(),
      v1::SendMessageRequest::descriptor()->file(), v1::GetStatusRequest::descriptor()->file()};
}

std::set<std::string> ContractMethods() {
  std::set<std::string> methods;
  for (const auto* file : ServiceFiles()) {
    for (int s = 0; s < file->service_count(); ++s) {
      const auto* service = file->service(s);
      for (int m = 0; m < service->method_count(); ++m) {
        methods.insert("/" + service->full_name() + "/" + service->method(m)->name());
      }
    }
  }
  return methods;
}

TEST(MethodAccess, RefusesWhatIsNotListed) {
  for (const char* method :
       {"", "/", "/postern.v1.EventService/", "/postern.v1.EventService/subscribe",
        "postern.v1.EventService/Subscribe", "/postern.v1.EventService/Subscribe/",
        "/postern.v2.EventService/Subscribe", "/grpc.channelz.v1.Channelz/GetServers"}) {
    EXPECT_EQ(FindMethodAccess(method), nullptr) << method;
  }
}

TEST(MethodAccess, ListsEveryMethodOfTheContractOnceAndNoOther) {
  const std::set<std::string> others = {
      "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
  const std::set<std::string> contract = ContractMethods();
  ASSERT_GT(contract.size(), 50u);
  std::set<std::string> listed;
  for (const MethodAccess& row : AllMethodAccess()) {
    const std::string method(row.full_method);
    EXPECT_TRUE(listed.insert(method).second) << "twice: " << method;
    EXPECT_TRUE(contract.count(method) + others.count(method) == 1) << "no such method: " << method;
  }
  for (const std::string& method : contract) {
    EXPECT_NE(FindMethodAccess(method), nullptr) << "not listed: " << method;
  }
}

TEST(MethodAccess, AnUnknownKeyMayEnrollAndNothingElse) {
  for (const MethodAccess& row : AllMethodAccess()) {
    EXPECT_EQ((row.callers & kUnknownKey) != 0,
              row.full_method == "/postern.v1.EnrollmentService/Enroll")
        << std::string(row.full_method);
    EXPECT_NE(row.callers, 0);
  }
}

TEST(MethodAccess, NoAppCallsTheOwnersOrTheGatekeepersMethods) {
  for (const MethodAccess& row : AllMethodAccess()) {
    if (row.full_method.find(".OwnerService/") != std::string_view::npos) {
      EXPECT_EQ(row.callers, kOwner) << std::string(row.full_method);
    }
    if (row.full_method.find(".GatekeeperService/") != std::string_view::npos) {
      EXPECT_EQ(row.callers, kGatekeepers);
    }
  }
}

TEST(MethodAccess, SaysWhyAMethodIsNotImplemented) {
  for (const MethodAccess& row : AllMethodAccess()) {
    EXPECT_EQ(row.implemented, row.reason.empty()) << std::string(row.full_method);
  }
}

// The list of the README's limits. A method that comes to life leaves it here.
TEST(MethodAccess, TheseAreNotImplementedInThisVersion) {
  std::vector<std::string> missing;
  for (const MethodAccess& row : AllMethodAccess()) {
    if (row.implemented) continue;
    missing.push_back(std::string(row.full_method.substr(std::string_view("/postern.v1.").size())));
    std::cout << "UNIMPLEMENTED " << missing.back() << ": " << row.reason << "\n";
  }
  EXPECT_THAT(
      missing,
      testing::UnorderedElementsAre(
          "ChatService/CreateChat", "ChatService/UpdateChat", "ChatService/ListContacts",
          "ChatService/ResolveContact", "ChatService/RequestBackfill",
          "MessageService/SearchMessages", "MessageService/EditMessage",
          "MessageService/DeleteMessage", "MessageService/MarkRead", "MessageService/SetTyping",
          "MessageService/CreateDraft", "AttachmentService/Download", "AttachmentService/Upload",
          "ForwardService/AcquireLease", "ForwardService/ReleaseLease",
          "ForwardService/WatchLeases", "ExportService/Export", "OwnerService/Seal",
          "OwnerService/Unseal", "OwnerService/ListAccessHistory", "OwnerService/ListDisclosures",
          "OwnerService/Purge"));
}

}  // namespace
}  // namespace postern::permissions
