// SPDX-License-Identifier: Apache-2.0
// Times as people of this time zone read them.
#pragma once

#include <absl/time/time.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

namespace postern::settings {

absl::Time TimeOf(const google::protobuf::Timestamp& timestamp);
google::protobuf::Timestamp ToTimestamp(absl::Time time);

// "today 14:05", "yesterday 09:12", "2026-11-21 14:05".
std::string MomentWords(absl::Time time, absl::Time now);
// "2026-11-21".
std::string DayWords(absl::Time time);
// Day and month, without the year.
std::string ShortDayWords(absl::Time time);
// "14:05".
std::string ClockWords(absl::Time time);
// "in 5 minutes", "in 3 hours", "in 12 days"; for moments to come.
std::string AheadWords(absl::Time time, absl::Time now);

}  // namespace postern::settings
