// SPDX-License-Identifier: Apache-2.0
#include "broker/grant_news.h"

#include <algorithm>
#include <utility>

#include "broker/broker_event.h"
#include "broker/event_intake.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::Grant;
using permissions::Principal;

// The account in whose name an app hears of its grants: one that they name, since it must not learn
// of another. Empty while they name none, and show nothing.
AccountId AccountOf(const AppSnapshot& app) {
  AccountId least;
  for (const Grant& grant : app.grants) {
    if (!Stands(grant)) continue;
    for (const AccountId& account : grant.selection.accounts) {
      if (least.empty() || account < least) least = account;
    }
  }
  return least;
}

bool HasOneThatStands(const AppSnapshot& app) {
  return std::any_of(app.grants.begin(), app.grants.end(), permissions::Stands);
}

}  // namespace

void GrantNews::Begin() {
  platform::MutexLock lock(mutex_);
  begun_ = true;
  for (const AppPointer& app : world_.apps.All()) told_[app->principal] = app;
}

absl::Status GrantNews::Look(const Principal& app) {
  platform::MutexLock lock(mutex_);
  return Tell(world_.apps.Find(app));
}

absl::Status GrantNews::Look() {
  platform::MutexLock lock(mutex_);
  for (const AppPointer& app : world_.apps.All()) RETURN_IF_ERROR(Tell(app));
  return absl::OkStatus();
}

absl::Status GrantNews::Tell(const AppPointer& app) {
  if (!begun_) return absl::OkStatus();
  AppPointer& told = told_[app->principal];
  if (told == app) return absl::OkStatus();
  const AccountId account = AccountOf(*app);
  if (!account.empty() && told != nullptr && HasOneThatStands(*told)) {
    EventLog::Batch batch;
    batch.account = account;
    for (const Grant& grant : app->grants) {
      if (std::find(told->grants.begin(), told->grants.end(), grant) != told->grants.end()) {
        continue;
      }
      v1::Event event;
      event.mutable_grant_changed()->set_grant_id(IdText(grant.id));
      batch.records.push_back(
          BrokerEvent(account, {}, std::move(event), app->principal, world_.clock.Now()));
    }
    if (!batch.records.empty()) RETURN_IF_ERROR(world_.log.Append(std::move(batch)).status());
  }
  told = app;
  return absl::OkStatus();
}

}  // namespace postern::broker
