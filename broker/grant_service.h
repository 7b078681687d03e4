// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/parts.h"
#include "postern/v1/grant_service.grpc.pb.h"

namespace postern::broker {

// Tells an app what it holds, and lets it ask for more or give some back.
class GrantService final : public v1::GrantService::Service {
 public:
  explicit GrantService(const Parts& parts) : parts_(parts) {}

  grpc::Status GetSelf(grpc::ServerContext* context, const v1::GetSelfRequest* request,
                       v1::GetSelfResponse* response) override;
  grpc::Status RequestGrant(grpc::ServerContext* context, const v1::RequestGrantRequest* request,
                            v1::RequestGrantResponse* response) override;
  grpc::Status GetGrantRequest(grpc::ServerContext* context,
                               const v1::GetGrantRequestRequest* request,
                               v1::GetGrantRequestResponse* response) override;
  grpc::Status WatchGrants(grpc::ServerContext* context, const v1::WatchGrantsRequest* request,
                           grpc::ServerWriter<v1::WatchGrantsResponse>* writer) override;
  grpc::Status ReleaseGrant(grpc::ServerContext* context, const v1::ReleaseGrantRequest* request,
                            v1::ReleaseGrantResponse* response) override;

 private:
  const Parts& parts_;
};

}  // namespace postern::broker
