// SPDX-License-Identifier: Apache-2.0
// Errors from the broker, as values: the canonical code, and the reason from the contract's closed
// list. Decide by these two; the message is for a developer to read.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>
#include <string>

#include "postern/v1/error_reason.pb.h"

namespace grpc {
class Status;
}

namespace postern::sdk {

// Returns the reason a call was refused, or ERROR_REASON_UNSPECIFIED when the status carries none
// (an error of the transport) or one this SDK does not know.
v1::ErrorReason ErrorReasonOf(const grpc::Status& status);
// The same for a status of the SDK: what ToStatus made, or an error the SDK found itself.
v1::ErrorReason ErrorReasonOf(const absl::Status& status);

// Returns the whole ErrorInfo, with its metadata; nullopt when there is none.
std::optional<v1::ErrorInfo> ErrorInfoOf(const grpc::Status& status);
std::optional<v1::ErrorInfo> ErrorInfoOf(const absl::Status& status);

// Turns a gRPC status into a status of the SDK: same code, same message, the ErrorInfo kept.
absl::Status ToStatus(const grpc::Status& status);

// Makes a status that carries a reason, as if the broker had sent it.
absl::Status MakeError(absl::StatusCode code, v1::ErrorReason reason, std::string message);

// Returns how long the broker asks to wait before the next try; zero when it does not say.
absl::Duration RetryAfterOf(const absl::Status& status);

// Says whether trying the same again, later, can help: the broker was away, restarting, paused, or
// its gatekeeper was. False for everything that needs a person or another request.
bool IsRetriable(const absl::Status& status);

}  // namespace postern::sdk
