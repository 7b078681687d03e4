// SPDX-License-Identifier: Apache-2.0
#include "broker/lease_table.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/broker_event.h"
#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/request_check.h"
#include "broker/storage_limits.h"
#include "permissions/decide.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::Principal;
using permissions::Scope;

absl::Status TooMany(std::string_view what, size_t most) {
  return ReasonStatus(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
      absl::StrCat("there are at most ", most, " ", AbslText(what), "; release one first"),
      {{"limit", "leases"}, {"max", absl::StrCat(most)}});
}

}  // namespace

LeaseTable::LeaseTable(World world) : world_(std::move(world)), thread_([this] { Loop(); }) {}

LeaseTable::~LeaseTable() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

void LeaseTable::Stop() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  world_.apps.WakeAll();
}

absl::Status LeaseTable::CheckRequest(const App& app, const Request& request, bool& known) const {
  known = false;
  for (const Request& earlier : app.requests) {
    if (earlier.id != request.id) continue;
    if (earlier.key != request.key || earlier.acquires != request.acquires) {
      return ReasonStatus(absl::StatusCode::kAborted, v1::ERROR_REASON_REQUEST_ID_CONFLICT,
                          "this request id was used for another request; take a new one");
    }
    known = true;
  }
  return absl::OkStatus();
}

void LeaseTable::Remember(App& app, Request request) {
  app.requests.push_back(std::move(request));
  if (app.requests.size() > kLeaseRequestsMax) app.requests.pop_front();
}

void LeaseTable::HolderChanged(const Key& key) {
  untold_.insert(key);
  ++changes_;
  changed_.NotifyAll();
}

absl::StatusOr<bool> LeaseTable::Acquire(const Caller& caller, ChatId chat,
                                         const std::string& network,
                                         const std::string& request_id) {
  const Key key(chat, network);
  bool held = false;
  {
    platform::MutexLock lock(mutex_);
    App& app = apps_[caller.principal];
    Request request{request_id, key, true};
    bool known = false;
    if (absl::Status status = CheckRequest(app, request, known); !status.ok()) return status;
    auto line = lines_.find(key);
    const auto is_own = [&](const Place& place) { return place.app == caller.principal; };
    const bool has_place =
        line != lines_.end() && std::any_of(line->second.begin(), line->second.end(), is_own);
    if (!has_place) {
      if (app.places >= kLeasesPerAppMax) return TooMany("leases of one app", kLeasesPerAppMax);
      if (line != lines_.end() && line->second.size() >= kLeaseLineMax) {
        return TooMany("apps in line for one lease", kLeaseLineMax);
      }
      if (app.targets[chat].size() >= kLeaseTargetsMax) {
        return TooMany("networks towards which one app forwards a chat", kLeaseTargetsMax);
      }
      if (line == lines_.end()) line = lines_.try_emplace(key).first;
      line->second.push_back({caller.principal, caller.connection});
      app.targets[chat].push_back(network);
      ++app.places;
      if (line->second.size() == 1) HolderChanged(key);
    } else {
      // It lives by the connection that last asked for it.
      std::find_if(line->second.begin(), line->second.end(), is_own)->connection =
          caller.connection;
    }
    if (!known) Remember(app, std::move(request));
    held = line->second.front().app == caller.principal;
  }
  // A connection that closed before it was noted here would be missed: nobody tells of it again.
  if (!world_.is_open(caller.connection)) {
    ConnectionClosed(caller.connection);
    return absl::CancelledError();
  }
  world_.apps.WakeAll();
  return held;
}

absl::Status LeaseTable::Release(const Caller& caller, ChatId chat, const std::string& network,
                                 const std::string& request_id) {
  {
    const Key key(chat, network);
    platform::MutexLock lock(mutex_);
    App& app = apps_[caller.principal];
    Request request{request_id, key, false};
    bool known = false;
    if (absl::Status status = CheckRequest(app, request, known); !status.ok()) return status;
    if (known) return absl::OkStatus();
    const auto targets = app.targets.find(chat);
    if (targets == app.targets.end() || std::find(targets->second.begin(), targets->second.end(),
                                                  network) == targets->second.end()) {
      return NotFound("lease_id");
    }
    Remember(app, std::move(request));
    End([&](const Key& other, const Place& place) {
      return other == key && place.app == caller.principal;
    });
  }
  world_.apps.WakeAll();
  return absl::OkStatus();
}

void LeaseTable::ConnectionClosed(ConnectionId connection) {
  platform::MutexLock lock(mutex_);
  // Who watched over it must leave.
  changed_.NotifyAll();
  if (lines_.empty()) return;
  End([&](const Key&, const Place& place) { return place.connection == connection; });
}

void LeaseTable::End(const std::function<bool(const Key&, const Place&)>& is_over) {
  for (auto line = lines_.begin(); line != lines_.end();) {
    const Key& key = line->first;
    std::vector<Place>& places = line->second;
    const Principal holder = places.front().app;
    for (auto place = places.begin(); place != places.end();) {
      if (!is_over(key, *place)) {
        ++place;
        continue;
      }
      App& app = apps_[place->app];
      auto& targets = app.targets[key.first];
      std::erase(targets, key.second);
      if (targets.empty()) app.targets.erase(key.first);
      --app.places;
      place = places.erase(place);
    }
    if (places.empty() || places.front().app != holder) HolderChanged(key);
    line = places.empty() ? lines_.erase(line) : std::next(line);
  }
}

void LeaseTable::EndForbidden() {
  std::map<Principal, AppPointer> apps;
  std::vector<std::pair<Key, Principal>> held;
  {
    platform::MutexLock lock(mutex_);
    for (const auto& [key, places] : lines_) {
      for (const Place& place : places) held.emplace_back(key, place.app);
    }
  }
  const absl::Time now = world_.clock.Now();
  std::set<std::pair<Key, Principal>> over;
  for (const auto& [key, principal] : held) {
    AppPointer& app = apps[principal];
    if (app == nullptr) app = world_.apps.Find(principal);
    permissions::Access access = world_.apps.AccessOf(*app);
    // A pause ends nothing: while it lasts nobody sends.
    access.paused = false;
    const std::optional<v1::Chat> chat = world_.directory.FindChat(key.first);
    const bool allowed =
        chat.has_value() &&
        Decide(access, Scope::kForward,
               world_.directory.FactsOf(IdFromText<AccountId>(chat->account_id()), key.first),
               now) == permissions::Verdict::kAllowed;
    if (!allowed) over.insert({key, principal});
  }
  if (over.empty()) return;
  platform::MutexLock lock(mutex_);
  End([&](const Key& key, const Place& place) { return over.contains({key, place.app}); });
}

bool LeaseTable::Tell() {
  std::map<AccountId, EventLog::Batch> batches;
  std::set<Key> telling;
  {
    platform::MutexLock lock(mutex_);
    while (!untold_.empty() && telling.size() < kAppendRecordsMax) {
      telling.insert(untold_.extract(untold_.begin()));
    }
    for (const Key& key : telling) {
      const std::optional<v1::Chat> chat = world_.directory.FindChat(key.first);
      if (!chat.has_value()) continue;
      v1::Event event;
      event.mutable_lease_changed()->set_target_network(key.second);
      const auto line = lines_.find(key);
      const auto account = IdFromText<AccountId>(chat->account_id());
      EventLog::Batch& batch = batches[account];
      batch.account = account;
      batch.records.push_back(BrokerEvent(
          account, key.first, std::move(event),
          line == lines_.end() ? Principal() : line->second.front().app, world_.clock.Now()));
    }
  }
  for (auto& [account, batch] : batches) {
    const absl::StatusOr<Sequence> told = world_.log.Append(std::move(batch));
    if (told.ok()) continue;
    spdlog::warn("event=lease_untold code={}", static_cast<int>(told.status().code()));
    platform::MutexLock lock(mutex_);
    untold_.merge(telling);
    return false;
  }
  platform::MutexLock lock(mutex_);
  return untold_.empty();
}

void LeaseTable::Loop() {
  while (true) {
    const uint64_t wakes = world_.apps.wakes();
    const uint64_t epoch = world_.apps.epoch();
    bool idle = false;
    {
      platform::MutexLock lock(mutex_);
      if (stopping_) return;
      idle = lines_.empty() && untold_.empty();
    }
    absl::Duration wait = kWaitMax;
    if (!idle) {
      EndForbidden();
      wait = Tell() ? kCancelPoll : kLeaseRetry;
    }
    world_.apps.WaitForChange(epoch, wait, wakes);
    // Whose grants changed may watch something else now, or nothing.
    if (world_.apps.epoch() != epoch) WakeAll();
  }
}

std::vector<LeaseTable::Lease> LeaseTable::All() const {
  std::vector<Lease> leases;
  platform::MutexLock lock(mutex_);
  leases.reserve(lines_.size());
  for (const auto& [key, places] : lines_) {
    leases.push_back({key.first, key.second, places.front().app});
  }
  return leases;
}

std::vector<std::string> LeaseTable::TargetsOf(const Principal& app, ChatId chat) const {
  platform::MutexLock lock(mutex_);
  const auto entry = apps_.find(app);
  if (entry == apps_.end()) return {};
  const auto targets = entry->second.targets.find(chat);
  return targets == entry->second.targets.end() ? std::vector<std::string>() : targets->second;
}

uint64_t LeaseTable::changes() const {
  platform::MutexLock lock(mutex_);
  return changes_;
}

void LeaseTable::WaitForChange(uint64_t seen, absl::Duration timeout) const {
  platform::MutexLock lock(mutex_);
  if (changes_ != seen || stopping_) return;
  changed_.WaitFor(mutex_, timeout);
}

void LeaseTable::WakeAll() {
  platform::MutexLock lock(mutex_);
  changed_.NotifyAll();
}

}  // namespace postern::broker
