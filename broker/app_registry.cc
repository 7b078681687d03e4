// SPDX-License-Identifier: Apache-2.0
#include "broker/app_registry.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <map>
#include <utility>

#include "broker/absl_text.h"
#include "broker/event_intake.h"
#include "broker/grant_codec.h"
#include "broker/limits.h"
#include "broker/past_grants.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::Access;
using permissions::Grant;
using permissions::GrantId;
using permissions::GrantState;
using permissions::Principal;

constexpr std::string_view kPausedKey = "paused";

Standing StandingFromRole(v1::Role role) {
  switch (role) {
    case v1::ROLE_APP:
      return Standing::kApp;
    case v1::ROLE_GATEKEEPER:
      return Standing::kGatekeeper;
    default:
      // A row without a role is one that was taken out.
      return Standing::kRevoked;
  }
}

absl::Status ThrownOut() {
  return absl::FailedPreconditionError("the user has taken everything back from this program");
}

// Grants that ended long ago make room; the newest ones stay for the user and the app to see.
void ForgetOldest(std::vector<Grant>& grants) {
  while (grants.size() > kGrantsPerAppMax) {
    const auto oldest = std::find_if_not(grants.begin(), grants.end(), permissions::Stands);
    if (oldest == grants.end()) return;
    grants.erase(oldest);
  }
}

}  // namespace

v1::Role RoleOf(Standing standing) {
  switch (standing) {
    case Standing::kApp:
      return v1::ROLE_APP;
    case Standing::kGatekeeper:
      return v1::ROLE_GATEKEEPER;
    case Standing::kOwner:
      return v1::ROLE_OWNER;
    default:
      return v1::ROLE_UNSPECIFIED;
  }
}

AppRegistry::AppRegistry(Store& store)
    : store_(store), mac_key_(store.DeriveKey("postern app registry rows")) {}

absl::StatusOr<std::unique_ptr<AppRegistry>> AppRegistry::Open(Store& store, Warn warn) {
  std::unique_ptr<AppRegistry> registry(new AppRegistry(store));
  RETURN_IF_ERROR(registry->Load(warn));
  return registry;
}

std::string AppRegistry::Mac(std::string_view kind, std::string_view record) const {
  const std::string message = absl::StrCat(AbslText(kind), "\n", AbslText(record));
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), mac_key_.data(), static_cast<int>(mac_key_.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size);
  return std::string(reinterpret_cast<const char*>(mac), size);
}

absl::Status AppRegistry::Load(Warn warn) {
  std::map<Principal, AppSnapshot> apps;
  std::vector<std::string> unreadable;
  bool tampered = false;
  bool paused = false;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement principals,
                     database.Prepare("SELECT principal, record FROM principals"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, principals.Step());
      if (!row) break;
      AppSnapshot app;
      app.principal = Principal::FromRaw(principals.Bytes(0));
      if (app.principal.empty() || !app.app.ParseFromString(std::string(principals.Bytes(1)))) {
        tampered = true;
        unreadable.emplace_back(principals.Bytes(0));
        continue;
      }
      app.standing = StandingFromRole(app.app.role());
      app.change_time = store_.clock().Now();
      apps[app.principal] = std::move(app);
    }
    ASSIGN_OR_RETURN(Statement grants,
                     database.Prepare("SELECT principal, record, mac FROM grants"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, grants.Step());
      if (!row) break;
      const Principal principal = Principal::FromRaw(grants.Bytes(0));
      const std::string record(grants.Bytes(1));
      const std::string mac(grants.Bytes(2));
      const std::string expected = Mac(principal.view(), record);
      v1::Grant stored;
      const auto app = apps.find(principal);
      if (mac.size() != expected.size() ||
          CRYPTO_memcmp(mac.data(), expected.data(), mac.size()) != 0 || app == apps.end() ||
          !stored.ParseFromString(record)) {
        tampered = true;
        continue;
      }
      ASSIGN_OR_RETURN(Grant grant, GrantFromStored(stored, principal));
      app->second.grants.push_back(std::move(grant));
    }
    ASSIGN_OR_RETURN(Statement meta, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    meta.BindAll(kPausedKey);
    ASSIGN_OR_RETURN(const bool row, meta.Step());
    paused = row && meta.Bytes(0) == "1";
    return absl::OkStatus();
  }));
  if (tampered) {
    RETURN_IF_ERROR(warn(
        "the stored grants were changed from outside: no app has access until you allow it again"));
    RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
      for (const auto& [principal, app] : apps) {
        RETURN_IF_ERROR(KeepPastGrants(database, app.grants, {}, store_.clock().Now()));
      }
      // A row that stayed would take away anew, at every start, what the user allows from here on.
      RETURN_IF_ERROR(database.Run("DELETE FROM grants"));
      for (const std::string& row : unreadable) {
        RETURN_IF_ERROR(database.Run("DELETE FROM principals WHERE principal = ?", Blob{row}));
      }
      return absl::OkStatus();
    }));
  }
  platform::MutexLock lock(mutex_);
  paused_ = paused;
  for (auto& [principal, app] : apps) {
    if (tampered) app.grants.clear();
    std::sort(app.grants.begin(), app.grants.end(),
              [](const Grant& a, const Grant& b) { return a.create_time < b.create_time; });
    apps_[principal] = std::make_shared<const AppSnapshot>(std::move(app));
  }
  return absl::OkStatus();
}

void AppRegistry::SetHistory(AccessHistory& history) { history_ = &history; }

void AppRegistry::SetOwner(const Principal& owner) { owner_ = owner; }

Standing AppRegistry::StandingOf(const Principal& principal) const {
  if (principal == owner_ && !owner_.empty()) return Standing::kOwner;
  platform::MutexLock lock(mutex_);
  const auto it = apps_.find(principal);
  return it == apps_.end() ? Standing::kUnknown : it->second->standing;
}

AppPointer AppRegistry::Find(const Principal& principal) const {
  {
    platform::MutexLock lock(mutex_);
    const auto it = apps_.find(principal);
    if (it != apps_.end()) return it->second;
  }
  AppSnapshot unknown;
  unknown.principal = principal;
  unknown.standing = StandingOf(principal);
  return std::make_shared<const AppSnapshot>(std::move(unknown));
}

std::vector<AppPointer> AppRegistry::All() const {
  std::vector<AppPointer> apps;
  platform::MutexLock lock(mutex_);
  for (const auto& [principal, app] : apps_) {
    auto shown = std::make_shared<AppSnapshot>(*app);
    if (const auto seen = last_seen_.find(principal); seen != last_seen_.end()) {
      *shown->app.mutable_last_seen_time() = ToProto(seen->second);
    }
    apps.push_back(std::move(shown));
  }
  std::sort(apps.begin(), apps.end(),
            [](const AppPointer& a, const AppPointer& b) { return a->principal < b->principal; });
  return apps;
}

Principal AppRegistry::FindByPrefix(std::string_view prefix) const {
  platform::MutexLock lock(mutex_);
  for (const auto& [principal, app] : apps_) {
    if (absl::BytesToHexString(AbslText(principal.view().substr(0, 8))) == prefix) return principal;
  }
  return {};
}

Access AppRegistry::AccessOf(const AppSnapshot& app) const {
  Access access;
  access.grants = app.grants;
  access.paused = paused();
  access.session_unlocked = session_unlocked();
  // What does not say where its data goes counts as leaving.
  access.leaves_device =
      app.app.data_destination().kind() != v1::DataDestination::KIND_STAYS_ON_DEVICE;
  return access;
}

bool AppRegistry::paused() const {
  platform::MutexLock lock(mutex_);
  return paused_;
}

absl::Status AppRegistry::WriteAndTell(const Store::Job& job, const std::vector<AccessRow>& told) {
  AccessHistory::Head head;
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    RETURN_IF_ERROR(job(database));
    if (history_ == nullptr) return absl::OkStatus();
    for (const AccessRow& row : told) {
      ASSIGN_OR_RETURN(head, history_->Insert(database, row));
    }
    return absl::OkStatus();
  }));
  if (head.sequence != 0) history_->Committed(head);
  return absl::OkStatus();
}

absl::Status AppRegistry::Replace(AppSnapshot app, const std::vector<AccessRow>& told) {
  ForgetOldest(app.grants);
  app.app.set_principal(app.principal.ToHex());
  app.app.set_role(RoleOf(app.standing));
  {
    platform::MutexLock lock(mutex_);
    const auto seen = last_seen_.find(app.principal);
    if (seen != last_seen_.end()) *app.app.mutable_last_seen_time() = ToProto(seen->second);
  }
  app.change_time = store_.clock().Now();
  const AppPointer before = Find(app.principal);
  const std::string record = app.app.SerializeAsString();
  const auto write = [&](Database& database) -> absl::Status {
    RETURN_IF_ERROR(KeepPastGrants(database, before->grants, app.grants, app.change_time));
    RETURN_IF_ERROR(
        database.Run("INSERT OR REPLACE INTO principals(principal, record) VALUES(?, ?)",
                     Blob{app.principal.view()}, Blob{record}));
    RETURN_IF_ERROR(
        database.Run("DELETE FROM grants WHERE principal = ?", Blob{app.principal.view()}));
    for (const Grant& grant : app.grants) {
      const std::string grant_record = GrantToStored(grant).SerializeAsString();
      const std::string mac = Mac(app.principal.view(), grant_record);
      RETURN_IF_ERROR(database.Run(
          "INSERT INTO grants(id, principal, record, mac) VALUES(?, ?, ?, ?)",
          Blob{grant.id.view()}, Blob{app.principal.view()}, Blob{grant_record}, Blob{mac}));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(WriteAndTell(write, told));
  const Principal principal = app.principal;
  {
    platform::MutexLock lock(mutex_);
    apps_[principal] = std::make_shared<const AppSnapshot>(std::move(app));
    NextEpoch();
  }
  if (grants_hook_) grants_hook_(principal);
  return absl::OkStatus();
}

void AppRegistry::NextEpoch() {
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  changed_.NotifyAll();
  if (change_hook_) change_hook_();
}

void AppRegistry::RaiseEpoch() {
  platform::MutexLock lock(mutex_);
  NextEpoch();
}

void AppRegistry::SetChangeHook(std::function<void()> hook) {
  platform::MutexLock lock(mutex_);
  change_hook_ = std::move(hook);
}

void AppRegistry::SetGrantsHook(std::function<void(const Principal&)> hook) {
  platform::MutexLock change(change_mutex_);
  grants_hook_ = std::move(hook);
}

absl::Status AppRegistry::Enroll(v1::App app, Standing standing, std::vector<Grant> grants) {
  platform::MutexLock change(change_mutex_);
  AppSnapshot next;
  next.principal = Principal::FromHex(app.principal());
  if (next.principal.empty()) return absl::InternalError("an enrolment without a principal");
  const AppPointer before = Find(next.principal);
  // 'app' says what it was when it was asked about. Thrown out since then, the answer is older than
  // the user's last word; out already, the person has just let it in again.
  if (before->standing == Standing::kRevoked && app.role() != v1::ROLE_UNSPECIFIED) {
    return ThrownOut();
  }
  next.grants = before->grants;
  // Allowed was to start the unit that was shown, not any that the app names later.
  if (before->app.systemd_unit() != app.systemd_unit()) {
    for (Grant& grant : next.grants) grant.may_start = false;
  }
  next.standing = standing;
  next.app = std::move(app);
  for (Grant& grant : grants) next.grants.push_back(std::move(grant));
  return Replace(std::move(next));
}

absl::Status AppRegistry::AddGrant(const Grant& grant) {
  platform::MutexLock change(change_mutex_);
  AppSnapshot next = *Find(grant.principal);
  if (next.standing == Standing::kRevoked) return ThrownOut();
  if (next.standing != Standing::kApp) return absl::InternalError("a grant without an app");
  next.grants.push_back(grant);
  return Replace(std::move(next));
}

absl::StatusOr<Grant> AppRegistry::ChangeGrant(GrantId id,
                                               absl::FunctionRef<absl::Status(Grant&)> change,
                                               const AccessAct& act) {
  platform::MutexLock change_lock(change_mutex_);
  for (const AppPointer& app : All()) {
    for (size_t i = 0; i < app->grants.size(); ++i) {
      if (app->grants[i].id != id) continue;
      AppSnapshot next = *app;
      RETURN_IF_ERROR(change(next.grants[i]));
      Grant changed = next.grants[i];
      std::vector<AccessRow> told;
      if (act.verb != v1::ACCESS_VERB_UNSPECIFIED) {
        const bool nothing_left =
            act.verb == v1::ACCESS_VERB_NARROWED && changed.state == GrantState::kRevoked;
        told.push_back({.verb = nothing_left ? v1::ACCESS_VERB_REVOKED : act.verb,
                        .principal = app->principal,
                        .grant = id,
                        .reason = std::string(act.reason)});
      }
      RETURN_IF_ERROR(Replace(std::move(next), told));
      return changed;
    }
  }
  return NotFound("grant_id");
}

absl::Status AppRegistry::Revoke(const Principal& principal, std::string_view reason) {
  platform::MutexLock change(change_mutex_);
  const AppPointer app = Find(principal);
  if (app->standing == Standing::kUnknown || app->standing == Standing::kOwner) {
    return NotFound("principal");
  }
  AppSnapshot next = *app;
  next.standing = Standing::kRevoked;
  for (Grant& grant : next.grants) {
    if (grant.state != GrantState::kExpired) grant.state = GrantState::kRevoked;
  }
  return Replace(
      std::move(next),
      {{.verb = v1::ACCESS_VERB_REVOKED, .principal = principal, .reason = std::string(reason)}});
}

absl::Status AppRegistry::SetPaused(bool paused, std::string_view reason) {
  platform::MutexLock change(change_mutex_);
  const auto write = [&](Database& database) {
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kPausedKey,
                        Blob{paused ? "1" : "0"});
  };
  RETURN_IF_ERROR(
      WriteAndTell(write, {{.verb = paused ? v1::ACCESS_VERB_SUSPENDED : v1::ACCESS_VERB_RESUMED,
                            .reason = std::string(reason)}}));
  platform::MutexLock lock(mutex_);
  paused_ = paused;
  NextEpoch();
  return absl::OkStatus();
}

absl::StatusOr<int> AppRegistry::SuspendAll(std::string_view reason) {
  platform::MutexLock change(change_mutex_);
  int suspended = 0;
  for (const AppPointer& app : All()) {
    AppSnapshot next = *app;
    std::vector<AccessRow> told;
    for (Grant& grant : next.grants) {
      if (grant.state != GrantState::kActive) continue;
      grant.state = GrantState::kSuspended;
      told.push_back({.verb = v1::ACCESS_VERB_SUSPENDED,
                      .principal = app->principal,
                      .grant = grant.id,
                      .reason = std::string(reason)});
    }
    if (told.empty()) continue;
    RETURN_IF_ERROR(Replace(std::move(next), told));
    suspended += static_cast<int>(told.size());
  }
  return suspended;
}

absl::Status AppRegistry::ForgetGatekeepers(std::string_view reason) {
  platform::MutexLock change(change_mutex_);
  for (const AppPointer& app : All()) {
    if (app->standing != Standing::kGatekeeper) continue;
    const auto write = [&](Database& database) -> absl::Status {
      RETURN_IF_ERROR(
          database.Run("DELETE FROM grants WHERE principal = ?", Blob{app->principal.view()}));
      return database.Run("DELETE FROM principals WHERE principal = ?",
                          Blob{app->principal.view()});
    };
    RETURN_IF_ERROR(WriteAndTell(write, {{.verb = v1::ACCESS_VERB_SUSPENDED,
                                          .principal = app->principal,
                                          .reason = std::string(reason)}}));
    platform::MutexLock lock(mutex_);
    apps_.erase(app->principal);
    NextEpoch();
  }
  return absl::OkStatus();
}

void AppRegistry::SawNow(const Principal& principal, absl::Time now) {
  platform::MutexLock lock(mutex_);
  if (apps_.contains(principal)) last_seen_[principal] = now;
}

absl::Status AppRegistry::KeepLastSeen(const Principal& principal, absl::Duration interval) {
  platform::MutexLock change(change_mutex_);
  const AppPointer app = Find(principal);
  const absl::Time seen = LastSeen(principal);
  if (app->app.principal().empty() || seen == absl::InfinitePast()) return absl::OkStatus();
  if (app->app.has_last_seen_time() &&
      absl::AbsDuration(seen - FromProto(app->app.last_seen_time())) < interval) {
    return absl::OkStatus();
  }
  AppSnapshot next = *app;
  *next.app.mutable_last_seen_time() = ToProto(seen);
  return ReplaceRecord(std::move(next));
}

absl::Status AppRegistry::KeepOtherProgram(const Principal& principal, const std::string& other) {
  platform::MutexLock change(change_mutex_);
  AppSnapshot next = *Find(principal);
  if (next.app.principal().empty()) return absl::OkStatus();
  next.app.set_other_program(other);
  return ReplaceRecord(std::move(next));
}

absl::Status AppRegistry::ReplaceRecord(AppSnapshot app) {
  const Principal principal = app.principal;
  const std::string record = app.app.SerializeAsString();
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run("UPDATE principals SET record = ? WHERE principal = ?", Blob{record},
                        Blob{principal.view()});
  }));
  platform::MutexLock lock(mutex_);
  apps_[principal] = std::make_shared<const AppSnapshot>(std::move(app));
  return absl::OkStatus();
}

absl::Time AppRegistry::LastSeen(const Principal& principal) const {
  platform::MutexLock lock(mutex_);
  if (const auto seen = last_seen_.find(principal); seen != last_seen_.end()) return seen->second;
  const auto app = apps_.find(principal);
  if (app == apps_.end() || !app->second->app.has_last_seen_time()) return absl::InfinitePast();
  return FromProto(app->second->app.last_seen_time());
}

void AppRegistry::SetSessionUnlocked(bool unlocked) {
  if (session_unlocked_.exchange(unlocked, std::memory_order_acq_rel) != unlocked) RaiseEpoch();
}

void AppRegistry::WaitForChange(uint64_t epoch, absl::Duration timeout,
                                std::optional<uint64_t> seen_wakes) const {
  platform::MutexLock lock(mutex_);
  if (epoch_.load(std::memory_order_acquire) != epoch) return;
  if (seen_wakes.has_value() && *seen_wakes != wakes_) return;
  changed_.WaitFor(mutex_, timeout);
}

void AppRegistry::WakeAll() {
  platform::MutexLock lock(mutex_);
  ++wakes_;
  changed_.NotifyAll();
}

uint64_t AppRegistry::wakes() const {
  platform::MutexLock lock(mutex_);
  return wakes_;
}

}  // namespace postern::broker
