// SPDX-License-Identifier: Apache-2.0
// The generated stubs of every service an app, an adapter or an owner's tool may call.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "postern/v1/attachment_service.grpc.pb.h"
#include "postern/v1/chat_service.grpc.pb.h"
#include "postern/v1/enrollment_service.grpc.pb.h"
#include "postern/v1/event_service.grpc.pb.h"
#include "postern/v1/export_service.grpc.pb.h"
#include "postern/v1/forward_service.grpc.pb.h"
#include "postern/v1/gatekeeper_service.grpc.pb.h"
#include "postern/v1/grant_service.grpc.pb.h"
#include "postern/v1/message_service.grpc.pb.h"
#include "postern/v1/owner_service.grpc.pb.h"

namespace postern::sdk {

struct Stubs {
  explicit Stubs(std::shared_ptr<grpc::Channel> shared_channel);

  // Shared with the client that made it and with every stub.
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::EnrollmentService::Stub> enrollment;
  std::unique_ptr<v1::GrantService::Stub> grant;
  std::unique_ptr<v1::ChatService::Stub> chat;
  std::unique_ptr<v1::EventService::Stub> event;
  std::unique_ptr<v1::MessageService::Stub> message;
  std::unique_ptr<v1::AttachmentService::Stub> attachment;
  std::unique_ptr<v1::ForwardService::Stub> forward;
  std::unique_ptr<v1::ExportService::Stub> export_service;
  std::unique_ptr<v1::GatekeeperService::Stub> gatekeeper;
  std::unique_ptr<v1::OwnerService::Stub> owner;
};

}  // namespace postern::sdk
