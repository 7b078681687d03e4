// SPDX-License-Identifier: Apache-2.0
// How a refusal travels: inside the daemon as an absl::Status that carries a reason, on the wire as
// a canonical code with a postern.v1.ErrorInfo. The translation is one function.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "postern/v1/error_reason.pb.h"

namespace postern::broker {

// Every changing part of a message's text, by name. No message text, keys or addresses.
using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

// Makes an error for the caller to read. 'message' says what happened and what to do.
absl::Status ReasonStatus(absl::StatusCode code, v1::ErrorReason reason, std::string_view message,
                          const ErrorMetadata& metadata = {});

// Returns the reason that 'status' carries, or nothing.
std::optional<v1::ErrorReason> ReasonOf(const absl::Status& status);
// Returns what an app would be told of 'status'; empty when it carries no reason.
v1::ErrorInfo ErrorInfoOf(const absl::Status& status);
// Returns the metadata "field" of 'status'; empty when there is none.
std::string FieldOf(const absl::Status& status);

// Makes the wire form directly.
grpc::Status MakeStatus(grpc::StatusCode code, v1::ErrorReason reason, std::string_view message,
                        const ErrorMetadata& metadata = {});

// Translates. An error without a reason is a fault of ours: the caller gets INTERNAL with an id in
// the metadata ("error_id"), and the journal gets that id with the details. UNAVAILABLE is the
// storage's word for a full or failing disk and becomes STORAGE_UNAVAILABLE; DATA_LOSS its word for
// damage and becomes LOG_DAMAGED. CANCELLED and
// DEADLINE_EXCEEDED pass without a reason, since the caller caused them.
grpc::Status ToGrpc(const absl::Status& status);

// The wire name of a reason: the enum value's name without its prefix.
std::string_view ReasonName(v1::ErrorReason reason);

}  // namespace postern::broker
