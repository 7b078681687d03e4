// SPDX-License-Identifier: Apache-2.0
#include "broker/attach_news.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/broker_event.h"
#include "broker/event_intake.h"
#include "broker/storage_limits.h"
#include "platform/awake_time.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::AccountId;

AttachNews::AttachNews(const Options& options) : options_(options) {
  options_.adapters.SetChangeHook([this] {
    platform::MutexLock lock(mutex_);
    news_ = true;
    changed_.NotifyAll();
  });
  thread_ = std::thread([this] { Loop(); });
}

AttachNews::~AttachNews() { Stop(); }

void AttachNews::Stop() {
  options_.adapters.SetChangeHook({});
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void AttachNews::Loop() {
  while (true) {
    absl::Duration wait = kAttachNewsRetry;
    if (const absl::StatusOr<absl::Duration> until = Look(); until.ok()) {
      wait = *until;
    } else {
      spdlog::error("event=attach_untold code={}", static_cast<int>(until.status().code()));
    }
    const absl::Duration due = platform::AwakeTime() + wait;
    platform::MutexLock lock(mutex_);
    while (!stopping_ && !news_) {
      const absl::Duration left = due - platform::AwakeTime();
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, std::min(left, kWaitMax));
    }
    if (stopping_) return;
    news_ = false;
  }
}

absl::StatusOr<absl::Duration> AttachNews::Look() {
  absl::Duration wait = absl::InfiniteDuration();
  for (const v1::Account& account : options_.directory.Accounts()) {
    const AccountId id = IdFromText<AccountId>(account.id());
    const bool told_detached = options_.directory.IsToldDetached(id);
    if (options_.adapters.IsAttached(id)) {
      gone_since_.erase(id);
      if (!told_detached) continue;
      // As it is by now. Where it went meanwhile, that is news of its own.
      const std::optional<v1::Account> now = options_.directory.FindAccount(id);
      if (now.has_value() && now->state() != v1::ACCOUNT_STATE_DETACHED) {
        RETURN_IF_ERROR(Tell(id, now->state()));
      }
      continue;
    }
    if (told_detached) continue;
    const absl::Duration now = platform::AwakeTime();
    const absl::Duration since = gone_since_.try_emplace(id, now).first->second;
    const absl::Duration left = since + options_.grace - now;
    if (left > absl::ZeroDuration()) {
      wait = std::min(wait, left);
    } else {
      RETURN_IF_ERROR(Tell(id, v1::ACCOUNT_STATE_DETACHED));
    }
  }
  return wait;
}

absl::Status AttachNews::Tell(AccountId account, v1::AccountState state) {
  v1::Event event;
  event.mutable_account_state_changed()->set_state(state);
  EventLog::Batch batch;
  batch.account = account;
  batch.records.push_back(BrokerEvent(account, {}, std::move(event), {}, options_.dates.Now()));
  RETURN_IF_ERROR(options_.log.Append(std::move(batch)).status());
  return options_.directory.PutToldDetached(account, state == v1::ACCOUNT_STATE_DETACHED);
}

}  // namespace postern::broker
