// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/parts.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace postern::broker {

// gRPC's health protocol: every service of the contract serves for as long as the daemon does.
class HealthService final : public grpc::health::v1::Health::Service {
 public:
  explicit HealthService(const Parts& parts) : parts_(parts) {}

  grpc::Status Check(grpc::ServerContext* context,
                     const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* response) override;
  grpc::Status Watch(grpc::ServerContext* context,
                     const grpc::health::v1::HealthCheckRequest* request,
                     grpc::ServerWriter<grpc::health::v1::HealthCheckResponse>* writer) override;

 private:
  const Parts& parts_;
};

}  // namespace postern::broker
