// SPDX-License-Identifier: Apache-2.0
#include "broker/health_service.h"

#include <google/protobuf/descriptor.h>

#include <string>

#include "broker/app_registry.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/request_check.h"
#include "broker/shutdown.h"

namespace postern::broker {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// The empty name asks about the whole server.
bool IsServed(const std::string& service) {
  return service.empty() ||
         google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service) != nullptr;
}

}  // namespace

grpc::Status HealthService::Check(grpc::ServerContext* context, const HealthCheckRequest* request,
                                  HealthCheckResponse* response) {
  return parts_.gate.Handle(context, "/grpc.health.v1.Health/Check", request,
                            [&](const Caller&) -> absl::Status {
                              if (!IsServed(request->service())) return NotFound("service");
                              response->set_status(HealthCheckResponse::SERVING);
                              return absl::OkStatus();
                            });
}

grpc::Status HealthService::Watch(grpc::ServerContext* context, const HealthCheckRequest* request,
                                  grpc::ServerWriter<HealthCheckResponse>* writer) {
  return parts_.gate.Handle(
      context, "/grpc.health.v1.Health/Watch", request, [&](const Caller&) -> absl::Status {
        HealthCheckResponse response;
        response.set_status(IsServed(request->service()) ? HealthCheckResponse::SERVING
                                                         : HealthCheckResponse::SERVICE_UNKNOWN);
        if (!writer->Write(response)) return absl::CancelledError();
        while (!context->IsCancelled()) {
          if (parts_.shutdown.begun()) return Shutdown::Refusal();
          parts_.apps.WaitForChange(parts_.apps.epoch(), kCancelPoll);
        }
        return absl::CancelledError();
      });
}

}  // namespace postern::broker
