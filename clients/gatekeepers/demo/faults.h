// SPDX-License-Identifier: Apache-2.0
// What goes wrong on purpose: AliceChat as a bad gatekeeper, so that an app can be tried against
// one. Everything comes from the seed and the place in the script, so a run that found something
// can be repeated, also after a kill in the middle.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "platform/mutex.h"

namespace postern::demo {

enum class Fault {
  kGap,         // an event is lost; the gatekeeper says so
  kReplay,      // an event is told twice, under two positions
  kReorder,     // two events that follow one another are told the wrong way round
  kDisconnect,  // the connection to the broker is cut, and made anew
  kSlow,        // nothing comes, and nothing is answered, for a while
  kLyingTime,   // an event says that it happened at another time
  kRefuseNow,   // a command fails for now: it may be tried again
  kRefuse,      // a command fails for good
};

// How long one kSlow lasts.
inline constexpr absl::Duration kSlowFor = absl::Seconds(2);

// The fault that 'name' names: gap, replay, reorder, disconnect, slow, lying-time, refuse-now,
// refuse. INVALID_ARGUMENT, naming them all, for any other.
absl::StatusOr<Fault> FaultNamed(std::string_view name);

// Thread-safe.
class Faults {
 public:
  explicit Faults(uint64_t seed = 0) : seed_(seed) {}

  // "KIND" or "KIND=RATE", 0 < RATE <= 1, how often it strikes; 0.05 without.
  absl::Status Add(std::string_view text);
  // Strikes the next 'count' times, whatever the rate.
  void Next(Fault fault, int count);

  // Whether it strikes at this place of the script, or at this command.
  bool Strikes(Fault fault, uint64_t place);
  // How wrong a lying time at 'place' is.
  absl::Duration Lie(uint64_t place) const;

  uint64_t seed() const { return seed_; }

 private:
  const uint64_t seed_;
  platform::Mutex mutex_;
  std::map<Fault, double> rates_ ABSL_GUARDED_BY(mutex_);
  std::map<Fault, int> next_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::demo
