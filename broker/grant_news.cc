// SPDX-License-Identifier: Apache-2.0
#include "broker/grant_news.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "broker/broker_event.h"
#include "broker/event_intake.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::Grant;
using permissions::Principal;

// The account in whose name the event is kept. A grant may name several, or networks only.
AccountId AccountOf(const Grant& grant, const Directory& directory) {
  const auto& named = grant.selection.accounts;
  if (!named.empty()) return *std::min_element(named.begin(), named.end());
  const std::vector<v1::Account> accounts = directory.Accounts();
  return accounts.empty() ? AccountId{} : IdFromText<AccountId>(accounts.front().id());
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
  const bool first = told == nullptr || told->grants.empty();
  if (!first && std::any_of(app->grants.begin(), app->grants.end(), permissions::Stands)) {
    std::map<AccountId, EventLog::Batch> batches;
    for (const Grant& grant : app->grants) {
      if (std::find(told->grants.begin(), told->grants.end(), grant) != told->grants.end()) {
        continue;
      }
      const AccountId account = AccountOf(grant, world_.directory);
      // Without an account there is nothing yet that a grant could show.
      if (account.empty()) continue;
      v1::Event event;
      event.mutable_grant_changed()->set_grant_id(IdText(grant.id));
      EventLog::Batch& batch = batches[account];
      batch.account = account;
      batch.records.push_back(
          BrokerEvent(account, {}, std::move(event), app->principal, world_.clock.Now()));
    }
    for (auto& [account, batch] : batches) {
      RETURN_IF_ERROR(world_.log.Append(std::move(batch)).status());
    }
  }
  told = app;
  return absl::OkStatus();
}

}  // namespace postern::broker
