// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "broker/caller.h"
#include "broker/log_record.h"
#include "broker/parts.h"
#include "postern/v1/event_service.grpc.pb.h"

namespace postern::broker {

// Follows events: see subscription.h.
class EventService final : public v1::EventService::Service {
 public:
  explicit EventService(const Parts& parts) : parts_(parts) {}

  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::SubscribeResponse>* writer) override;
  grpc::Status Acknowledge(grpc::ServerContext* context, const v1::AcknowledgeRequest* request,
                           v1::AcknowledgeResponse* response) override;
  grpc::Status ConfirmErased(grpc::ServerContext* context, const v1::ConfirmErasedRequest* request,
                             v1::ConfirmErasedResponse* response) override;

 private:
  // INVALID_ARGUMENT INVALID_CURSOR.
  absl::StatusOr<Sequence> SentCursor(const Caller& caller, const std::string& cursor) const;

  const Parts& parts_;
};

}  // namespace postern::broker
