// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

namespace postern::cli {

// Reads a time as people type it: "30min", "12h", "7d" (from 'now' on), "2026-12-31" (its start,
// local time), or RFC 3339. INVALID_ARGUMENT for anything else and for a time that is not after
// 'now'.
absl::StatusOr<absl::Time> ParseTime(const std::string& text, absl::Time now);

// The same for a time that has been: "7d" is seven days ago. INVALID_ARGUMENT as above, and for a
// time after 'now'.
absl::StatusOr<absl::Time> ParsePastTime(const std::string& text, absl::Time now);

// To the second.
google::protobuf::Timestamp ToTimestamp(absl::Time time);

}  // namespace postern::cli
