// SPDX-License-Identifier: Apache-2.0
// The clock that decisions go by: the machine's, but it never goes back.
//
// A machine's clock is set by hand, by a dead battery, by a stranger. Two things must not come of
// that: something that had expired comes alive, or something valid is gone for good.
//
//   behind  The latest time that was ever known, kept over restarts, and the time that has run
//           since then is a floor: Now() goes on from there while the machine's clock is below it.
//   ahead   A clock that jumps far ahead is believed for decisions, which then fail closed, and is
//           not taken into the floor: set right again, all is as before. What cannot be taken back
//           (forgetting by age, lapsing) goes by Confirmed(), which did not jump. A clock that
//           stays ahead for kClockProbation is right after all: the machine lay in a drawer.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>

#include "broker/store.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe. Elapsed() is the machine's own.
class TrustedClock final : public platform::Clock {
 public:
  // 'machine' must outlive it. Until Load it says what the machine says.
  explicit TrustedClock(const platform::Clock& machine) : machine_(machine) {}

  // Reads the floor of earlier runs. Call once, before anything is decided.
  absl::Status Load(Store& store);
  // Keeps the floor for later runs, durably.
  absl::Status Save(Store& store);

  absl::Time Now() const override;
  absl::Duration Elapsed() const override { return machine_.Elapsed(); }
  // As Now(), without jumps ahead that are still in doubt.
  absl::Time Confirmed() const;
  // The same as a clock, for parts that go by it. Lives as long as this one.
  const platform::Clock& confirmed() const { return confirmed_; }

  enum class Doubt { kNone, kAhead, kBehind };
  struct Condition {
    Doubt doubt = Doubt::kNone;
    // How far the machine's clock is off by what is known; not negative.
    absl::Duration by;
  };
  Condition condition() const;

 private:
  class ConfirmedClock final : public platform::Clock {
   public:
    explicit ConfirmedClock(const TrustedClock& clock) : clock_(clock) {}
    absl::Time Now() const override { return clock_.Confirmed(); }
    absl::Duration Elapsed() const override { return clock_.Elapsed(); }

   private:
    const TrustedClock& clock_;
  };
  // A time, and when it was read; it goes on by itself from there.
  struct Point {
    absl::Time time;
    absl::Duration elapsed;
    absl::Time At(absl::Duration now) const { return time + (now - elapsed); }
  };
  // Looks at the machine's clock; returns what Now() says.
  absl::Time Look() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Time Believe(const Point& point) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const platform::Clock& machine_;
  const ConfirmedClock confirmed_{*this};
  mutable platform::Mutex mutex_;
  mutable bool loaded_ ABSL_GUARDED_BY(mutex_) = false;
  // The machine may have been off just before; between two later looks it was not.
  mutable bool first_look_ ABSL_GUARDED_BY(mutex_) = true;
  mutable Point floor_ ABSL_GUARDED_BY(mutex_);
  // Where the machine's clock is while that is in doubt, and how long the broker has run with it.
  mutable std::optional<Point> claim_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Duration claimed_for_ ABSL_GUARDED_BY(mutex_);
  mutable Condition condition_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
