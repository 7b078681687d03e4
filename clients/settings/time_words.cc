// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/time_words.h"

#include <algorithm>

#include "clients/settings/translation.h"

namespace postern::settings {
namespace {

absl::CivilDay DayOf(absl::Time time) { return absl::ToCivilDay(time, absl::LocalTimeZone()); }

std::string Format(const char* format, absl::Time time) {
  return absl::FormatTime(format, time, absl::LocalTimeZone());
}

}  // namespace

absl::Time TimeOf(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  return timestamp;
}

std::string ClockWords(absl::Time time) {
  // Translators: a time of day, as for strftime. xgettext:no-c-format
  return Format(Tr("%H:%M"), time);
}

std::string DayWords(absl::Time time) {
  // Translators: a date, as for strftime, in digits only. xgettext:no-c-format
  return Format(Tr("%Y-%m-%d"), time);
}

std::string ShortDayWords(absl::Time time) {
  // Translators: day and month, as for strftime, in digits only. xgettext:no-c-format
  return Format(Tr("%m-%d"), time);
}

std::string MomentWords(absl::Time time, absl::Time now) {
  const absl::CivilDay day = DayOf(time);
  if (day == DayOf(now)) return FillIn(Tr("today $0"), ClockWords(time));
  if (day == DayOf(now) - 1) return FillIn(Tr("yesterday $0"), ClockWords(time));
  return FillIn(Tr("$0 $1"), DayWords(time), ClockWords(time));
}

std::string AheadWords(absl::Time time, absl::Time now) {
  const auto count = [&](absl::Duration unit) {
    return static_cast<uint64_t>(std::max<int64_t>(1, (time - now + unit / 2) / unit));
  };
  if (time - now < absl::Minutes(90)) {
    const uint64_t minutes = count(absl::Minutes(1));
    return FillIn(TrCount("in $0 minute", "in $0 minutes", minutes), minutes);
  }
  if (time - now < absl::Hours(48)) {
    const uint64_t hours = count(absl::Hours(1));
    return FillIn(TrCount("in $0 hour", "in $0 hours", hours), hours);
  }
  const uint64_t days = count(absl::Hours(24));
  return FillIn(TrCount("in $0 day", "in $0 days", days), days);
}

}  // namespace postern::settings
