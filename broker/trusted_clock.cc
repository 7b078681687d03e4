// SPDX-License-Identifier: Apache-2.0
#include "broker/trusted_clock.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "broker/limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

constexpr std::string_view kClockKey = "clock";

// In meta, in microseconds: floor, claim, and how long that has been claimed.
using Saved = std::array<int64_t, 3>;
constexpr int64_t kNoClaim = INT64_MIN;

}  // namespace

absl::Status TrustedClock::Load(Store& store) {
  std::optional<Saved> saved;
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    row.BindAll(kClockKey);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found || row.Bytes(0).size() != sizeof(Saved)) return absl::OkStatus();
    saved.emplace();
    std::memcpy(saved->data(), row.Bytes(0).data(), sizeof(Saved));
    return absl::OkStatus();
  }));
  const absl::Duration elapsed = machine_.Elapsed();
  platform::MutexLock lock(mutex_);
  if (saved.has_value()) {
    floor_ = {absl::FromUnixMicros((*saved)[0]), elapsed};
    if ((*saved)[1] != kNoClaim) {
      claim_ = {absl::FromUnixMicros((*saved)[1]), elapsed};
      claimed_for_ = absl::Microseconds((*saved)[2]);
    }
  } else {
    floor_ = {machine_.Now(), elapsed};
  }
  loaded_ = true;
  Look();
  return absl::OkStatus();
}

absl::Status TrustedClock::Save(Store& store) {
  Saved saved;
  {
    platform::MutexLock lock(mutex_);
    Look();
    const absl::Duration now = machine_.Elapsed();
    saved = {absl::ToUnixMicros(floor_.At(now)),
             claim_.has_value() ? absl::ToUnixMicros(claim_->At(now)) : kNoClaim,
             absl::ToInt64Microseconds(claimed_for_)};
  }
  return store.Write([&](Database& database) {
    return database.Run(
        "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kClockKey,
        Blob{std::string_view(reinterpret_cast<const char*>(saved.data()), sizeof(saved))});
  });
}

absl::Time TrustedClock::Believe(const Point& point) const {
  claim_.reset();
  floor_ = point;
  condition_ = {};
  return point.time;
}

absl::Time TrustedClock::Look() const {
  const absl::Time wall = machine_.Now();
  if (!loaded_) return wall;
  const absl::Duration now = machine_.Elapsed();
  const absl::Time known = floor_.At(now);
  const absl::Duration step = first_look_ ? kClockAwayMax : kClockStepMax;
  first_look_ = false;
  if (wall <= known) {
    claim_.reset();
    const absl::Duration behind = known - wall;
    condition_ = {behind > kClockTolerance ? Doubt::kBehind : Doubt::kNone, behind};
    return known;
  }
  if (wall - known <= step) return Believe({wall, now});
  // The same claim as before, grown by the time that has run, or another one.
  absl::Time claimed = wall;
  if (claim_.has_value() && wall - claim_->At(now) <= step &&
      claim_->At(now) - wall <= kClockStepMax) {
    claimed = std::max(wall, claim_->At(now));
    claimed_for_ += now - claim_->elapsed;
  } else {
    claimed_for_ = absl::ZeroDuration();
  }
  if (claimed_for_ >= kClockProbation) return Believe({claimed, now});
  claim_ = {claimed, now};
  condition_ = {Doubt::kAhead, wall - known};
  return claimed;
}

absl::Time TrustedClock::Now() const {
  platform::MutexLock lock(mutex_);
  return Look();
}

absl::Time TrustedClock::Confirmed() const {
  platform::MutexLock lock(mutex_);
  const absl::Time now = Look();
  if (!loaded_) return now;
  return std::min(now, floor_.At(machine_.Elapsed()));
}

TrustedClock::Condition TrustedClock::condition() const {
  platform::MutexLock lock(mutex_);
  Look();
  return condition_;
}

}  // namespace postern::broker
