// SPDX-License-Identifier: Apache-2.0
// Where a message stands in time: the order of history and of search.
//
// The log's own order will not do. Older history arrives years late and belongs between what was
// there before. The network's time alone will not do either: a peer could put news where nobody
// looks. So news stands where it was recorded, and only what an adapter brings in as history stands
// where the network says (LogRecord::history_time).
#pragma once

#include <absl/time/time.h>

#include <algorithm>
#include <cstdint>

#include "broker/log_record.h"

namespace postern::broker {

// A place in time that no other message has: 40 bits of hundredths of a second, then the sequence's
// last 23 bits. Needs nothing but the record's header, so that it is known wherever a record is.
// Two messages could share one only 8 million records apart and within the same hundredth.
using Place = uint64_t;

inline constexpr int kPlaceSequenceBits = 23;

// The first place at or after 'time': below that of every message of that time.
inline Place FirstPlaceAt(absl::Time time) {
  constexpr int64_t kHundredthsMax = (int64_t{1} << 40) - 1;
  const int64_t hundredths =
      absl::ToInt64Milliseconds(
          std::clamp(time, absl::UnixEpoch(), absl::FromUnixSeconds(kHundredthsMax / 100)) -
          absl::UnixEpoch()) /
      10;
  return static_cast<Place>(hundredths) << kPlaceSequenceBits;
}

inline Place PlaceOf(const LogRecord& record) {
  constexpr Place kSequenceMask = (Place{1} << kPlaceSequenceBits) - 1;
  return FirstPlaceAt(record.history_time()) | (record.sequence & kSequenceMask);
}

// Beyond every message's.
inline constexpr Place kPlaceEnd = (Place{1} << 63) - 1;

}  // namespace postern::broker
