// SPDX-License-Identifier: Apache-2.0
// Remembers questions and refusals, so that nobody can nag the user into a yes. A value; not
// thread-safe.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "permissions/ids.h"

namespace postern::permissions {

struct ConsentPace {
  // Least time between two questions of one principal, and after a refusal of one origin.
  absl::Duration interval = absl::Minutes(5);
  // So many refusals in a row silence an origin ...
  int refusals_max = 3;
  // ... for so long. (Chrome's numbers; see README.)
  absl::Duration silence = absl::Hours(24 * 7);
  // In all: more than this an hour is a flood, whoever asks.
  int questions_per_hour = 5;
};

class ConsentMemory {
 public:
  // Entries older than every rule looks back are dropped; beyond this many, new origins and
  // principals wait as if refused. Only a program that makes keys in bulk gets there.
  static constexpr size_t kEntriesMax = 1000;

  explicit ConsentMemory(ConsentPace pace = {}) : pace_(pace) {}

  // Returns 'now' or earlier when the user may be asked, else the moment from which on. 'origin' is
  // what stays when a program changes its key; all that are "unknown" share one.
  absl::Time MayAskFrom(const Principal& principal, std::string_view origin, absl::Time now) const;
  bool MayAsk(const Principal& principal, std::string_view origin, absl::Time now) const {
    return MayAskFrom(principal, origin, now) <= now;
  }

  // Call when the question is put before the user.
  void RecordAsked(const Principal& principal, absl::Time now);
  // Takes the latest RecordAsked back: the question could not be put before the user after all.
  void TakeBackAsked(const Principal& principal);
  // Call for every answer but yes: also time-out and a closed window.
  void RecordRefused(std::string_view origin, absl::Time now);
  // Call when the window went away by itself: the agent crashed, the asking program left, the
  // screen was locked. No word of the user's, so it leads to no silence; but the origin waits as
  // after a refusal, so that it is no way to nag.
  void RecordUnanswered(std::string_view origin, absl::Time now);
  // A yes forgives the origin's refusals.
  void RecordAllowed(std::string_view origin);

  std::string ToJson() const;
  // INVALID_ARGUMENT when it is not what ToJson writes.
  static absl::StatusOr<ConsentMemory> FromJson(std::string_view json, ConsentPace pace = {});

  bool operator==(const ConsentMemory& other) const;

 private:
  struct Refusals {
    int count = 0;
    absl::Time last;
    bool operator==(const Refusals&) const = default;
  };

  void Prune(absl::Time now);
  void Record(std::string_view origin, int refusals_more, absl::Time now);

  ConsentPace pace_;
  std::map<std::string, absl::Time> asked_;   // by principal in hex
  std::map<std::string, Refusals> refusals_;  // by origin
  std::deque<absl::Time> questions_;          // of the last hour, oldest first
};

}  // namespace postern::permissions
