// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace postern::broker {

// Gives the answer of methods that no part implements yet its reason: gRPC itself answers UNIMPLEMENTED
// with an empty text. Methods that are implemented get no interceptor and pay nothing.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ExplainUnimplemented();

}  // namespace postern::broker
