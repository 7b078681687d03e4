// SPDX-License-Identifier: Apache-2.0
#include "broker/unimplemented_methods.h"

#include "broker/rpc_status.h"
#include "permissions/method_access.h"

namespace postern::broker {
namespace {

using grpc::experimental::InterceptionHookPoints;

class Explainer final : public grpc::experimental::Interceptor {
 public:
  Explainer(const MethodGate& gate, grpc::experimental::ServerRpcInfo& info)
      : gate_(gate), info_(info) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS) &&
        methods->GetSendStatus().error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      // The synchronous server has contexts of this one type.
      const auto& context = static_cast<const grpc::ServerContext&>(*info_.server_context());
      methods->ModifySendStatus(ToGrpc(gate_.Admit(context, info_.method()).status()));
    }
    methods->Proceed();
  }

 private:
  const MethodGate& gate_;
  grpc::experimental::ServerRpcInfo& info_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(const MethodGate& gate) : gate_(gate) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    const permissions::MethodAccess* method = permissions::FindMethodAccess(info->method());
    if (method == nullptr || method->implemented) return nullptr;
    return new Explainer(gate_, *info);
  }

 private:
  const MethodGate& gate_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ExplainUnimplemented(
    const MethodGate& gate) {
  return std::make_unique<Factory>(gate);
}

}  // namespace postern::broker
