// SPDX-License-Identifier: Apache-2.0
#include "broker/app_starter.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "broker/event_view.h"
#include "broker/limits.h"
#include "permissions/decide.h"
#include "permissions/manifest.h"
#include "platform/status_macros.h"
#include "postern/v1/event.pb.h"

namespace postern::broker {
namespace {

using permissions::Grant;
using permissions::GrantState;
using v1::Event;

// Whether it is worth a start: not what is over, or otherwise again, once the program runs.
bool Lasts(uint8_t kind) {
  switch (kind) {
    case Event::kTyping:
    case Event::kPresence:
    case Event::kAccountStateChanged:
    case Event::kCapabilitiesChanged:
    case Event::kDisclosureChanged:
    case Event::kLeaseChanged:
    case Event::kGrantChanged:
      return false;
    default:
      return true;
  }
}

bool MayStart(const AppSnapshot& app, const permissions::Access& access, absl::Time now) {
  if (app.standing != Standing::kApp || access.paused) return false;
  // Checked when it enrolled; it goes to another program's ears now.
  if (!permissions::IsUnitName(app.app.systemd_unit())) return false;
  return std::any_of(app.grants.begin(), app.grants.end(), [&](const Grant& grant) {
    return grant.may_start && grant.state == GrantState::kActive &&
           now < grant.validity.expire_time &&
           (!grant.only_while_unlocked || access.session_unlocked);
  });
}

}  // namespace

AppStarter::AppStarter(Options options) : options_(std::move(options)) {
  if (options_.start) thread_ = std::thread([this] { Loop(); });
}

AppStarter::~AppStarter() { Stop(); }

void AppStarter::Stop() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  options_.log.WakeAll();
  if (thread_.joinable()) thread_.join();
}

void AppStarter::Loop() {
  while (true) {
    // Taken before the look at stopping_ and at the apps, so that no wake is missed. A closed
    // connection and a change of grants wake the log's readers too.
    const uint64_t wakes = options_.log.wakes();
    const Sequence last = options_.log.last_sequence();
    if (stopping_) return;
    absl::Duration wait = Look();
    if (wait != absl::InfiniteDuration()) wait = std::min(wait, options_.wait_max);
    if (wait > absl::ZeroDuration()) options_.log.WaitPast(last, wait, wakes);
    platform::MutexLock lock(mutex_);
    if (!stopping_) stop_.WaitFor(mutex_, std::min(kStartLinger, options_.wait_max));
  }
}

absl::Duration AppStarter::Look() {
  absl::Duration wait = absl::InfiniteDuration();
  // Before the grants are read: what changes while an app is being started is looked at anew.
  const uint64_t epoch = options_.apps.epoch();
  for (const AppPointer& snapshot : options_.apps.All()) {
    if (stopping_) break;
    if (!MayStart(*snapshot, options_.apps.AccessOf(*snapshot), options_.clock.Now())) {
      // How often it was tried stays: what is locked out for a moment is no other program after it.
      if (const auto tried = apps_.find(snapshot->principal); tried != apps_.end()) {
        tried->second.connected_since.reset();
        if (snapshot->standing != Standing::kApp) apps_.erase(tried);
      }
      continue;
    }
    wait = std::min(wait, LookAt(*snapshot, epoch, apps_[snapshot->principal]));
  }
  return wait;
}

bool AppStarter::LookWhetherConnected(const AppSnapshot& snapshot, App& app) {
  const absl::Duration now = options_.clock.Elapsed();
  const bool connected = options_.connections_of(snapshot.principal) > 0;
  if (connected && !app.connected_since.has_value()) app.connected_since = now;
  const bool stayed =
      app.connected_since.has_value() && now - *app.connected_since >= kStartInterval;
  if (stayed ||
      options_.subscriptions.Furthest(snapshot.principal).value_or(0) > app.acknowledged) {
    app.tries = 0;
    app.told = false;
  }
  if (!connected) app.connected_since.reset();
  return connected;
}

absl::Duration AppStarter::LookAt(const AppSnapshot& snapshot, uint64_t epoch, App& app) {
  if (LookWhetherConnected(snapshot, app)) return absl::InfiniteDuration();
  bool more = false;
  const absl::StatusOr<bool> waits = SomethingWaits(snapshot, epoch, app, more);
  if (!waits.ok()) {
    spdlog::error("event=app_start_unknown code={}", static_cast<int>(waits.status().code()));
    return kStartInterval;
  }
  if (!*waits) return more ? absl::ZeroDuration() : absl::InfiniteDuration();
  const absl::Duration now = options_.clock.Elapsed();
  if (now >= app.next_start) Start(snapshot, app);
  // In between once for whether it came: connecting wakes nobody.
  const absl::Duration look = app.last_start + kStartInterval;
  const absl::Duration then = options_.clock.Elapsed();
  return (then < look ? std::min(look, app.next_start) : app.next_start) - then;
}

absl::StatusOr<bool> AppStarter::SomethingWaits(const AppSnapshot& snapshot, uint64_t epoch,
                                                App& app, bool& more) {
  const std::optional<Sequence> acknowledged = options_.subscriptions.Furthest(snapshot.principal);
  if (!acknowledged.has_value()) return false;
  if (epoch != app.epoch) app.looked_through = 0;
  app.epoch = epoch;
  app.looked_through = std::max(app.looked_through, *acknowledged);
  const Viewer viewer{snapshot,
                      options_.apps.AccessOf(snapshot),
                      options_.pseudonyms.Of(snapshot.principal).pseudonyms,
                      options_.directory,
                      options_.history,
                      options_.clock.Now()};
  uint64_t looked = 0;
  while (app.looked_through < options_.log.last_sequence()) {
    more = looked >= kStartScanMax;
    if (more || stopping_) return false;
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                     options_.log.ReadAfter(app.looked_through, kReadBatch));
    if (records.empty()) break;
    for (const RecordPointer& record : records) {
      // As a subscription without options passes over it.
      if (!record->backfill && record->origin != snapshot.principal &&
          record->erased_by != ErasedBy::kRetention && Lasts(record->kind)) {
        ASSIGN_OR_RETURN(const std::optional<Event> event, ViewEvent(*record, viewer));
        if (event.has_value()) return true;
      }
      app.looked_through = record->sequence;
    }
    looked += records.size();
  }
  return false;
}

void AppStarter::Start(const AppSnapshot& snapshot, App& app) {
  if (app.tries > 0) Tell(snapshot, app, "was started and did not connect, or went at once");
  // Doubled as often as it takes to come to the longest, and no further.
  absl::Duration interval = kStartInterval;
  for (int i = 0; i < app.tries && interval < kStartIntervalMax; ++i) interval *= 2;
  // From before the call, which may take its time.
  app.last_start = options_.clock.Elapsed();
  app.next_start = app.last_start + std::min(interval, kStartIntervalMax);
  app.acknowledged = options_.subscriptions.Furthest(snapshot.principal).value_or(0);
  const absl::Status started = options_.start(snapshot.app.systemd_unit());
  spdlog::info("event=app_start principal={} try={} code={}",
               snapshot.principal.ToHex().substr(0, 16), app.tries + 1,
               static_cast<int>(started.code()));
  if (!started.ok()) Tell(snapshot, app, "could not be started");
  if (interval < kStartIntervalMax) ++app.tries;
}

void AppStarter::Tell(const AppSnapshot& snapshot, App& app, const char* what) {
  if (std::exchange(app.told, true)) return;
  options_.notices.Tell(
      v1::OwnerNotice::KIND_START_FAILED,
      absl::StrCat("Something arrived for “", snapshot.app.display_name(), "”, and it ", what,
                   ". Look at: systemctl --user status ", snapshot.app.systemd_unit()),
      snapshot.principal);
}

}  // namespace postern::broker
