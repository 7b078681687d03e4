// SPDX-License-Identifier: Apache-2.0
// absl::Time to google.protobuf.Timestamp and back.
#pragma once

#include <absl/time/time.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>

namespace postern::broker {

// The range a Timestamp may hold: 0001-01-01 to 9999-12-31 (google/protobuf/timestamp.proto).
inline constexpr int64_t kTimestampSecondsMin = -62135596800;
inline constexpr int64_t kTimestampSecondsMax = 253402300799;

// The longest a Duration may say (google/protobuf/duration.proto): some 10,000 years.
inline constexpr int64_t kDurationSecondsMax = 315576000000;

inline absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(
             std::clamp(time.seconds(), kTimestampSecondsMin, kTimestampSecondsMax)) +
         absl::Nanoseconds(std::clamp(time.nanos(), 0, 999999999));
}

// Infinite times become the ends of the range.
inline google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp result;
  result.set_seconds(
      std::clamp(absl::ToUnixSeconds(time), kTimestampSecondsMin, kTimestampSecondsMax));
  const absl::Duration rest = time - absl::FromUnixSeconds(result.seconds());
  result.set_nanos(
      static_cast<int32_t>(std::clamp<int64_t>(absl::ToInt64Nanoseconds(rest), 0, 999999999)));
  return result;
}

}  // namespace postern::broker
