// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/parts.h"
#include "postern/v1/forward_service.grpc.pb.h"

namespace postern::broker {

// Hands out forward leases (lease_table.h).
class ForwardService final : public v1::ForwardService::Service {
 public:
  explicit ForwardService(const Parts& parts) : parts_(parts) {}

  grpc::Status AcquireLease(grpc::ServerContext* context, const v1::AcquireLeaseRequest* request,
                            v1::AcquireLeaseResponse* response) override;
  grpc::Status ReleaseLease(grpc::ServerContext* context, const v1::ReleaseLeaseRequest* request,
                            v1::ReleaseLeaseResponse* response) override;
  grpc::Status WatchLeases(grpc::ServerContext* context, const v1::WatchLeasesRequest* request,
                           grpc::ServerWriter<v1::WatchLeasesResponse>* writer) override;

 private:
  const Parts& parts_;
};

}  // namespace postern::broker
