// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/silence.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>

#include "clients/sdk/errors.h"

namespace postern::sdk {
namespace {

// Only a program that was refused several times in a row waits longer than this.
constexpr absl::Duration kPaceLongest = absl::Hours(1);
// Where Postern does not say when the user may be asked again, and where that is a week.
constexpr absl::Duration kAskPauseMin = absl::Seconds(30);
constexpr absl::Duration kAskPauseMax = absl::Hours(1);
constexpr int64_t kMinutesInAnHour = 60;
constexpr int64_t kMinutesInADay = 24 * kMinutesInAnHour;

std::string TwoUnits(int64_t large, const char* large_unit, int64_t small, const char* small_unit) {
  const std::string first = absl::StrCat(large, large_unit);
  return small == 0 ? first : absl::StrCat(first, " ", small, small_unit);
}

}  // namespace

bool CanBeAskedLater(const absl::Status& status) {
  const v1::ErrorReason reason = ErrorReasonOf(status);
  return reason == v1::ERROR_REASON_CONSENT_SILENCED ||
         reason == v1::ERROR_REASON_CONSENT_UNAVAILABLE;
}

absl::Duration AskPauseOf(const absl::Status& status) {
  return std::clamp(RetryAfterOf(status), kAskPauseMin, kAskPauseMax);
}

std::string WaitInWords(absl::Duration wait) {
  wait = std::max(wait, absl::ZeroDuration());
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)));
  if (seconds < 60) return absl::StrCat(seconds, " s");
  const int64_t minutes = absl::ToInt64Minutes(absl::Ceil(wait, absl::Minutes(1)));
  if (minutes < kMinutesInAnHour) return absl::StrCat(minutes, " min");
  if (minutes < kMinutesInADay) {
    return TwoUnits(minutes / kMinutesInAnHour, " h", minutes % kMinutesInAnHour, " min");
  }
  const int64_t hours = (minutes + kMinutesInAnHour - 1) / kMinutesInAnHour;
  return TwoUnits(hours / 24, " d", hours % 24, " h");
}

std::string SilenceInWords(const absl::Status& status) {
  const absl::Duration wait = RetryAfterOf(status);
  return absl::StrCat(
      wait > kPaceLongest
          ? "the user refused this program several times in a row, so Postern does not ask them "
            "for it now"
          : "Postern asks its user at most a few questions an hour, for all programs together, and "
            "for one program not again at once",
      wait > absl::ZeroDuration() ? absl::StrCat("; it can ask again in ", WaitInWords(wait))
                                  : "; it can ask again later");
}

absl::Status WithSilenceInWords(absl::Status status) {
  if (ErrorReasonOf(status) != v1::ERROR_REASON_CONSENT_SILENCED) return status;
  absl::Status said(status.code(), SilenceInWords(status));
  status.ForEachPayload([&said](absl::string_view type, const absl::Cord& payload) {
    said.SetPayload(type, payload);
  });
  return said;
}

}  // namespace postern::sdk
