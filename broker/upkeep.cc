// SPDX-License-Identifier: Apache-2.0
#include "broker/upkeep.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "broker/access_reminder.h"
#include "broker/idle_grants.h"
#include "broker/limits.h"
#include "permissions/decide.h"

namespace postern::broker {
namespace {

void Journal(const char* what, const absl::Status& status) {
  if (status.ok()) return;
  spdlog::error("event=upkeep_failed what={} code={}", what, static_cast<int>(status.code()));
}

// Roughly, for people.
std::string LongTime(absl::Duration duration) {
  const int64_t days = absl::ToInt64Hours(duration) / 24;
  if (days >= 2) return absl::StrCat(days, " days");
  const int64_t hours = absl::ToInt64Hours(duration);
  return hours >= 2 ? absl::StrCat(hours, " hours")
                    : absl::StrCat(absl::ToInt64Minutes(duration), " minutes");
}

}  // namespace

std::string ClockWarning(const TrustedClock::Condition& condition) {
  switch (condition.doubt) {
    case TrustedClock::Doubt::kNone:
      return {};
    case TrustedClock::Doubt::kAhead:
      return absl::StrCat("this machine's clock jumped ahead by ", LongTime(condition.by),
                          ": what ends by date has ended for now; if the clock is wrong, set it "
                          "right and all is as before, if it is right, do nothing");
    case TrustedClock::Doubt::kBehind:
      return absl::StrCat("this machine's clock is ", LongTime(condition.by),
                          " behind the time Postern knows it to be; Postern goes on by its own, "
                          "set the clock right");
  }
  return {};
}

Upkeep::Upkeep(Options options) : options_(std::move(options)), thread_([this] { Loop(); }) {}

Upkeep::~Upkeep() { Stop(); }

void Upkeep::Stop() {
  {
    platform::MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    changed_.NotifyAll();
  }
  thread_.join();
  Journal("accesses", options_.accesses.Flush());
  for (const AppPointer& app : options_.apps.All()) {
    Journal("last_seen", options_.apps.KeepLastSeen(app->principal, kLastSeenInterval));
  }
  Journal("clock", options_.clock.Save(options_.store));
  options_.anchor.SaveNow();
}

void Upkeep::Loop() {
  while (true) {
    {
      platform::MutexLock lock(mutex_);
      if (stopping_) return;
    }
    RunRound();
    platform::MutexLock lock(mutex_);
    if (stopping_) return;
    changed_.WaitFor(mutex_, options_.interval);
  }
}

void Upkeep::RunRound() {
  Journal("accesses", options_.accesses.Flush(AccessHistory::Minutes::kFinished));
  LookAtClock();
  options_.tell_overdue();
  Journal("files", options_.tend_files());
  const absl::Duration elapsed = options_.clock.Elapsed();
  if (elapsed - last_slow_round_ >= kUpkeepSlowInterval) {
    last_slow_round_ = elapsed;
    const absl::Time now = options_.clock.Confirmed();
    Journal("idle_grants",
            LapseIdleGrants(options_.apps, options_.notices, options_.connections_of, now));
    // After that: what has just lapsed reads nothing.
    Journal("access_reminder",
            RemindOfAccess(options_.store, options_.apps, options_.notices, options_.clock));
    Journal("access_trim", options_.accesses.Trim(now));
  }
  options_.anchor.Save();
}

bool Upkeep::ClockIsDue(absl::Time now) const {
  if (options_.apps.epoch() != kept_epoch_) return true;
  if (now < kept_time_ || now - kept_time_ >= kUpkeepSlowInterval) return true;
  // What has ended must have ended after a restart too, whatever the machine's clock then says.
  for (const AppPointer& app : options_.apps.All()) {
    const permissions::Access access = options_.apps.AccessOf(*app);
    if (permissions::NextExpiry(access, kept_time_) <= now) return true;
  }
  return false;
}

void Upkeep::LookAtClock() {
  const uint64_t epoch = options_.apps.epoch();
  const absl::Time now = options_.clock.Now();
  const TrustedClock::Condition condition = options_.clock.condition();
  if (condition.doubt != told_doubt_) {
    if (condition.doubt != TrustedClock::Doubt::kNone) {
      const std::string text = ClockWarning(condition);
      spdlog::warn("event=clock_jumped text=\"{}\"", text);
      options_.notices.Tell(v1::OwnerNotice::KIND_CLOCK_JUMPED, text);
    }
    told_doubt_ = condition.doubt;
  } else if (!ClockIsDue(now)) {
    return;
  }
  const absl::Status kept = options_.clock.Save(options_.store);
  Journal("clock", kept);
  if (!kept.ok()) return;
  kept_time_ = now;
  kept_epoch_ = epoch;
}

}  // namespace postern::broker
