// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/parts.h"
#include "postern/v1/enrollment_service.grpc.pb.h"

namespace postern::broker {

// How a program becomes an app: it asks, the person answers, and the same channel works.
class EnrollmentService final : public v1::EnrollmentService::Service {
 public:
  explicit EnrollmentService(const Parts& parts) : parts_(parts) {}

  grpc::Status Enroll(grpc::ServerContext* context, const v1::EnrollRequest* request,
                      grpc::ServerWriter<v1::EnrollResponse>* writer) override;

 private:
  const Parts& parts_;
};

}  // namespace postern::broker
