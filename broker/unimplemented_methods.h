// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "broker/method_gate.h"

namespace postern::broker {

// Lets the gate answer for methods that no part implements yet: they have no handler that would ask
// it, and gRPC's own answer is UNIMPLEMENTED with an empty text, to a stranger too. Methods that
// are implemented get no interceptor and pay nothing. 'gate' must outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ExplainUnimplemented(
    const MethodGate& gate);

}  // namespace postern::broker
