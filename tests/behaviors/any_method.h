// SPDX-License-Identifier: Apache-2.0
// Any method of the contract, called by its name: for tests that walk all of them.
#pragma once

#include <absl/strings/str_replace.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {

// An id as apps have them, of nothing.
inline constexpr char kNothing[] = "AAAAAAAAAAAAAAAAAAAAAA";

// Every method of the contract, as the descriptors have it: "/postern.v1.ChatService/ListChats".
inline std::vector<std::string> AllMethods() {
  // The generated files register themselves; each service's file is asked for by name.
  std::vector<std::string> methods;
  for (const char* name : {"EnrollmentService", "GrantService", "ChatService", "EventService",
                           "MessageService", "AttachmentService", "ForwardService", "ExportService",
                           "GatekeeperService", "OwnerService"}) {
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
        std::string("postern.v1.") + name);
    EXPECT_NE(service, nullptr) << name;
    for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
      methods.push_back("/" + service->full_name() + "/" + service->method(i)->name());
    }
  }
  return methods;
}

// Without the package: "ChatService/ListChats".
inline std::string ShortName(const std::string& method) {
  return method.substr(std::string("/postern.v1.").size());
}

// Calls any method with one request, an empty one unless said, and returns how the call ended. A
// stream that lives is cancelled at its first answer, which goes to 'answer' as any other.
inline grpc::Status Call(const Program& program, const std::string& method,
                         const std::string& request = {}, std::string* answer = nullptr) {
  grpc::GenericStub stub(program->channel);
  const auto context = Patiently();
  grpc::CompletionQueue queue;
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(context.get(), method, &queue);
  call->StartCall(nullptr);
  if (next()) {
    const grpc::Slice bytes(request);
    call->WriteLast(grpc::ByteBuffer(&bytes, 1), grpc::WriteOptions(), nullptr);
    next();
  }
  grpc::ByteBuffer read;
  call->Read(&read, nullptr);
  const bool answered = next();
  if (answered) context->TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  queue.Shutdown();
  while (next()) {
  }
  std::vector<grpc::Slice> slices;
  if (answered && answer != nullptr && read.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) {
      answer->append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return status;
}

// What complete requests name: things that are not there, unless said.
struct Named {
  std::string request_id = "r1";
  std::string account = kNothing;
  std::string chat = kNothing;
  std::string contact = kNothing;
  std::string message = kNothing;
  std::string attachment = kNothing;
};

// A complete request, as text, for each method that needs a scope, by the method's short name.
inline std::map<std::string, std::string> CompleteRequests(const Named& named = {}) {
  const auto field = [](const std::string& name, const std::string& value) {
    return name + ": '" + value + "' ";
  };
  const std::string request = field("request_id", named.request_id);
  const std::string account = field("account_id", named.account);
  const std::string chat = field("chat_id", named.chat);
  const std::string message = field("message_id", named.message);
  return {
      {"ChatService/ListAccounts", ""},
      {"ChatService/ListChats", ""},
      {"ChatService/GetChat", chat},
      {"ChatService/CreateChat",
       request + account + "kind: CHAT_KIND_GROUP " + field("contact_ids", named.contact)},
      {"ChatService/UpdateChat", request + chat + "muted: true"},
      {"ChatService/ListParticipants", chat},
      {"ChatService/ListContacts", ""},
      {"ChatService/ResolveContact", account + "address: 'tel:+1555'"},
      {"ChatService/RequestBackfill", request + chat},
      {"MessageService/ListMessages", chat},
      {"MessageService/GetMessage", message},
      {"MessageService/GetMessageContext", message},
      {"MessageService/SearchMessages", "query: 'word'"},
      {"MessageService/SendMessage", request + chat + "text: 'Hello'"},
      {"MessageService/EditMessage", request + message + "text: 'Hello'"},
      {"MessageService/DeleteMessage", request + message},
      {"MessageService/SetReaction", request + message + "emoji: '👍'"},
      {"MessageService/VotePoll", request + message + "option_ids: 'a'"},
      {"MessageService/MarkRead", request + chat + field("through_message_id", named.message)},
      {"MessageService/SetTyping", request + chat + "active: true"},
      {"MessageService/CreateDraft", request + chat + "text: 'Hello'"},
      {"AttachmentService/Download", field("attachment_id", named.attachment)},
      {"AttachmentService/Upload",
       "start { " + request + chat +
           "attachment { file_name: 'a' mime_type: 'text/plain' size_bytes: 1 sha256: '" +
           std::string(32, 'h') + "' } }"},
      {"AttachmentService/GetUpload", request},
      {"ForwardService/AcquireLease", request + chat + "target_network: 'xmpp'"},
      {"ForwardService/WatchLeases", ""},
      {"ExportService/Export", request + field("chat_ids", named.chat)},
  };
}

// 'text' as the request of 'method', which is in the contract.
inline std::unique_ptr<google::protobuf::Message> RequestOf(const std::string& method,
                                                            const std::string& text) {
  const auto* described = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      absl::StrReplaceAll(method.substr(1), {{"/", "."}}));
  std::unique_ptr<google::protobuf::Message> request(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(described->input_type())
          ->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get())) << method;
  return request;
}
inline std::string RequestBytes(const std::string& method, const std::string& text) {
  return RequestOf(method, text)->SerializeAsString();
}

}  // namespace postern::behaviors
