// SPDX-License-Identifier: Apache-2.0
#pragma once

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

 private:
  const Parts& parts_;
};

}  // namespace postern::broker
