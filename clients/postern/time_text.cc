// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/time_text.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>

#include <optional>
#include <string>

#include "clients/owner/visible_text.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

// Ten years: more is a slip of the finger, and far from overflowing any unit.
constexpr int kCountMax = 3660 * 24 * 60;

std::optional<absl::Duration> ParseSpan(absl::string_view text) {
  absl::Duration unit;
  if (absl::ConsumeSuffix(&text, "min")) {
    unit = absl::Minutes(1);
  } else if (absl::ConsumeSuffix(&text, "h")) {
    unit = absl::Hours(1);
  } else if (absl::ConsumeSuffix(&text, "d")) {
    unit = absl::Hours(24);
  } else {
    return std::nullopt;
  }
  int count = 0;
  if (!absl::SimpleAtoi(text, &count) || count < 1 || count > kCountMax) return std::nullopt;
  return count * unit;
}

// A date, or RFC 3339.
absl::StatusOr<absl::Time> ParsePoint(const std::string& text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime("%Y-%m-%d", text, absl::LocalTimeZone(), &time, &error) ||
      absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return time;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("“", VisibleText(text),
                   "” is no time. Write 30min, 12h, 7d, 2026-12-31 or 2026-12-31T18:00:00+01:00."));
}

}  // namespace

absl::StatusOr<absl::Time> ParseTime(const std::string& text, absl::Time now) {
  absl::Time time;
  if (const auto span = ParseSpan(text)) {
    time = now + *span;
  } else {
    ASSIGN_OR_RETURN(time, ParsePoint(text));
  }
  if (time <= now) {
    return absl::InvalidArgumentError(absl::StrCat(
        "“", VisibleText(text), "” has passed. To end a grant now: postern grants revoke."));
  }
  return time;
}

absl::StatusOr<absl::Time> ParsePastTime(const std::string& text, absl::Time now) {
  absl::Time time;
  if (const auto span = ParseSpan(text)) {
    time = now - *span;
  } else {
    ASSIGN_OR_RETURN(time, ParsePoint(text));
  }
  if (time > now) {
    return absl::InvalidArgumentError(absl::StrCat("“", VisibleText(text), "” has not come yet."));
  }
  return time;
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  return timestamp;
}

}  // namespace postern::cli
