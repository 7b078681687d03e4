// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/server.h>

#include <memory>

#include "broker/attachment_service.h"
#include "broker/backfills.h"
#include "broker/chat_service.h"
#include "broker/enrollment_service.h"
#include "broker/event_service.h"
#include "broker/export_service.h"
#include "broker/forward_service.h"
#include "broker/gatekeeper_service.h"
#include "broker/grant_service.h"
#include "broker/health_service.h"
#include "broker/message_reader.h"
#include "broker/message_search.h"
#include "broker/message_sender.h"
#include "broker/message_service.h"
#include "broker/owner_service.h"
#include "broker/parts.h"

namespace postern::broker {

// All that answers calls, and what several services share. In order of construction; destroyed the
// other way round.
struct Services {
  Services() = default;
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  // 'parts' and 'search' must outlive it. Errors are the store's. Call once; use nothing of it when
  // it failed.
  absl::Status Open(const Parts& parts, MessageSearch& search, OwnerService::About about);
  // Starts gRPC's server with all services behind the door, and with its reflection service when
  // 'reflection': FAILED_PRECONDITION when that is not installed. They must outlive the server.
  absl::StatusOr<std::unique_ptr<grpc::Server>> Serve(Door& door, bool reflection);

  std::unique_ptr<Backfills> backfills;
  std::unique_ptr<MessageSender> sender;
  std::unique_ptr<MessageReader> reader;

  std::unique_ptr<EnrollmentService> enrollment;
  std::unique_ptr<GrantService> grant;
  std::unique_ptr<ChatService> chat;
  std::unique_ptr<EventService> event;
  std::unique_ptr<MessageService> message;
  std::unique_ptr<ForwardService> forward;
  std::unique_ptr<AttachmentService> attachment;
  std::unique_ptr<ExportService> exports;
  std::unique_ptr<GatekeeperService> gatekeeper;
  std::unique_ptr<OwnerService> owner;
  std::unique_ptr<HealthService> health;
};

}  // namespace postern::broker
