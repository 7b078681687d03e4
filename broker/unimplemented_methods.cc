// SPDX-License-Identifier: Apache-2.0
#include "broker/unimplemented_methods.h"

#include <string>

#include "broker/rpc_status.h"
#include "permissions/method_access.h"

namespace postern::broker {
namespace {

using grpc::experimental::InterceptionHookPoints;

class Explainer final : public grpc::experimental::Interceptor {
 public:
  explicit Explainer(std::string reason) : reason_(std::move(reason)) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS) &&
        methods->GetSendStatus().error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      methods->ModifySendStatus(MakeStatus(grpc::StatusCode::UNIMPLEMENTED,
                                           v1::ERROR_REASON_NOT_IMPLEMENTED_YET, reason_));
    }
    methods->Proceed();
  }

 private:
  const std::string reason_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    const permissions::MethodAccess* method = permissions::FindMethodAccess(info->method());
    if (method == nullptr || method->implemented) return nullptr;
    return new Explainer(std::string(method->reason));
  }
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ExplainUnimplemented() {
  return std::make_unique<Factory>();
}

}  // namespace postern::broker
