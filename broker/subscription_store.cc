// SPDX-License-Identifier: Apache-2.0
#include "broker/subscription_store.h"

#include "broker/limits.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::Principal;

absl::StatusOr<std::unique_ptr<SubscriptionStore>> SubscriptionStore::Open(Store& store) {
  std::unique_ptr<SubscriptionStore> subscriptions(new SubscriptionStore(store));
  decltype(acknowledged_) acknowledged;
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT principal, name, sequence FROM subscriptions"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return absl::OkStatus();
      acknowledged[Principal::FromRaw(rows.Bytes(0))][std::string(rows.Text(1))] =
          static_cast<Sequence>(rows.Integer(2));
    }
  }));
  platform::MutexLock lock(subscriptions->mutex_);
  subscriptions->acknowledged_ = std::move(acknowledged);
  return subscriptions;
}

std::optional<Sequence> SubscriptionStore::Find(const Principal& principal,
                                                const std::string& name) const {
  platform::MutexLock lock(mutex_);
  const auto app = acknowledged_.find(principal);
  if (app == acknowledged_.end()) return std::nullopt;
  const auto it = app->second.find(name);
  if (it == app->second.end()) return std::nullopt;
  return it->second;
}

std::optional<Sequence> SubscriptionStore::Furthest(const Principal& principal) const {
  platform::MutexLock lock(mutex_);
  const auto app = acknowledged_.find(principal);
  if (app == acknowledged_.end() || app->second.empty()) return std::nullopt;
  Sequence furthest = 0;
  for (const auto& [name, sequence] : app->second) furthest = std::max(furthest, sequence);
  return furthest;
}

absl::Status SubscriptionStore::Create(const Principal& principal, const std::string& name,
                                       Sequence sequence) {
  {
    platform::MutexLock lock(mutex_);
    if (acknowledged_[principal].size() >= kSubscriptionsPerAppMax) {
      return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                          "this app has too many named subscriptions; use one of them again",
                          {{"limit", std::to_string(kSubscriptionsPerAppMax)}});
    }
  }
  return Write(principal, name, sequence);
}

absl::Status SubscriptionStore::Acknowledge(const Principal& principal, const std::string& name,
                                            Sequence sequence) {
  const std::optional<Sequence> known = Find(principal, name);
  if (!known.has_value()) return NotFound("subscription");
  if (sequence <= *known) return absl::OkStatus();
  return Write(principal, name, sequence);
}

absl::Status SubscriptionStore::Write(const Principal& principal, const std::string& name,
                                      Sequence sequence) {
  // MAX, because two acknowledgements may pass each other on their way here.
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run(
        "INSERT INTO subscriptions(principal, name, sequence) VALUES(?, ?, ?) "
        "ON CONFLICT(principal, name) DO UPDATE SET sequence = MAX(sequence, excluded.sequence)",
        Blob{principal.view()}, name, sequence);
  }));
  platform::MutexLock lock(mutex_);
  Sequence& shown = acknowledged_[principal][name];
  shown = std::max(shown, sequence);
  return absl::OkStatus();
}

absl::Status SubscriptionStore::Remove(const Principal& principal) {
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run("DELETE FROM subscriptions WHERE principal = ?", Blob{principal.view()});
  }));
  platform::MutexLock lock(mutex_);
  acknowledged_.erase(principal);
  return absl::OkStatus();
}

}  // namespace postern::broker
