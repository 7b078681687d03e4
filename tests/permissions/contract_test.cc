// SPDX-License-Identifier: Apache-2.0
// Walks the contract's descriptors: a method or a kind of event without a row, a row without one,
// or a scope that differs fails here.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "permissions/event_scopes.h"
#include "permissions/method_access.h"
#include "permissions/scope.h"
#include "postern/v1/attachment_service.pb.h"
#include "postern/v1/chat_service.pb.h"
#include "postern/v1/enrollment_service.pb.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/event_service.pb.h"
#include "postern/v1/export_service.pb.h"
#include "postern/v1/forward_service.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "postern/v1/grant_service.pb.h"
#include "postern/v1/message_service.pb.h"
#include "postern/v1/owner_service.pb.h"
#include "postern/v1/scope.pb.h"

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

// A new service is walked too: this list cannot be forgotten.
TEST(Contract, WalksEveryServiceFile) {
  std::set<std::string> walked, files;
  for (const auto* file : ServiceFiles()) walked.insert(file->name());
  for (const auto& entry : std::filesystem::directory_iterator(CONTRACT_FOLDER)) {
    std::ifstream proto(entry.path());
    for (std::string line; std::getline(proto, line);) {
      if (line.rfind("service ", 0) == 0) {
        files.insert("postern/v1/" + entry.path().filename().string());
      }
    }
  }
  EXPECT_EQ(walked, files);
}

TEST(Contract, HasOneRowForEveryMethodAndNoOther) {
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

TEST(Contract, HasARowForEveryKindOfEventAndNoOther) {
  const auto* kinds = v1::Event::descriptor()->FindOneofByName("kind");
  ASSERT_NE(kinds, nullptr);
  int rows = 0;
  for (int kind = 0; kind < 256; ++kind) {
    rows += FindEventScopes(static_cast<EventKind>(kind)) != nullptr;
  }
  EXPECT_EQ(rows, kinds->field_count());
  for (int i = 0; i < kinds->field_count(); ++i) {
    const auto* field = kinds->field(i);
    const EventScopes* row = FindEventScopes(static_cast<EventKind>(field->number()));
    ASSERT_NE(row, nullptr) << field->name();
    EXPECT_EQ(std::string(row->name), field->name());
    EXPECT_EQ(row->kind, field->number());
  }
}

// The numbers and names of scope.h are those of the contract.
TEST(Contract, HasTheScopesThatDecisionsKnow) {
  const auto* scopes = v1::Scope_descriptor();
  EXPECT_EQ(scopes->value_count(), kScopeCount + 1);
  for (int number = 1; number <= kScopeCount; ++number) {
    std::string name = "SCOPE_";
    for (char c : ScopeName(static_cast<Scope>(number))) {
      name += c == ':' || c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    ASSERT_NE(scopes->FindValueByNumber(number), nullptr);
    EXPECT_EQ(scopes->FindValueByNumber(number)->name(), name);
  }
}

}  // namespace
}  // namespace postern::permissions
