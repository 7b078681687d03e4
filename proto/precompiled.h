// SPDX-License-Identifier: Apache-2.0
// The heavy headers that every gRPC-speaking file includes, parsed once. Files still include what
// they use; this changes build time only.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "postern/v1/attachment_service.grpc.pb.h"
#include "postern/v1/chat_service.grpc.pb.h"
#include "postern/v1/enrollment_service.grpc.pb.h"
#include "postern/v1/error_reason.pb.h"
#include "postern/v1/event_service.grpc.pb.h"
#include "postern/v1/export_service.grpc.pb.h"
#include "postern/v1/forward_service.grpc.pb.h"
#include "postern/v1/gatekeeper_service.grpc.pb.h"
#include "postern/v1/grant_service.grpc.pb.h"
#include "postern/v1/message_service.grpc.pb.h"
#include "postern/v1/owner_service.grpc.pb.h"
