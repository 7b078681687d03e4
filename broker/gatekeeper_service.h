// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/parts.h"
#include "postern/v1/gatekeeper_service.grpc.pb.h"

namespace postern::broker {

// Stop 1 of an event's path, receive: where adapters attach. See ingest.h for what becomes of
// events.
class GatekeeperService final : public v1::GatekeeperService::Service {
 public:
  explicit GatekeeperService(const Parts& parts) : parts_(parts) {}

  grpc::Status Attach(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::AttachResponse, v1::AttachRequest>* stream) override;

 private:
  const Parts& parts_;
};

}  // namespace postern::broker
