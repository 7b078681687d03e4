// SPDX-License-Identifier: Apache-2.0
#include "broker/late_results.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/adapter_table.h"
#include "broker/limits.h"
#include "broker/request_outcome.h"
#include "broker/rpc_status.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;

absl::Status NeverTold() {
  return ReasonStatus(absl::StatusCode::kUnknown, v1::ERROR_REASON_OUTCOME_UNKNOWN,
                      "the gatekeeper never said what became of it; look before you repeat it");
}

bool Follows(const v1::CommandResult& result) {
  return result.state() == v1::CommandResult::STATE_PENDING;
}

}  // namespace

absl::Status LateResults::Open() {
  ASSIGN_OR_RETURN(std::vector<PendingSends::Waiting> waiting, pending_.StillWaiting());
  {
    platform::MutexLock lock(mutex_);
    for (PendingSends::Waiting& one : waiting) {
      std::string id = one.command_id;
      waiting_.emplace(std::move(id), std::move(one));
    }
  }
  parts_.adapters.Follow(
      {[this](AccountId account, const v1::CommandResult& result) { return Take(account, result); },
       [this](AccountId account) { return AwaitedOf(account); }});
  return absl::OkStatus();
}

void LateResults::Await(PendingSends::Waiting waiting) {
  if (const absl::Status written = pending_.Wait(waiting); !written.ok()) {
    // Until the daemon stops it is waited for all the same.
    spdlog::warn("event=late_result_unwritten code={}", static_cast<int>(written.code()));
  }
  std::optional<PendingSends::Ended> ended;
  {
    platform::MutexLock lock(mutex_);
    std::deque<v1::CommandResult>& early = early_[waiting.ask.account];
    const auto came = std::find_if(early.begin(), early.end(), [&](const auto& result) {
      return result.command_id() == waiting.command_id;
    });
    if (came != early.end()) {
      ended = EndOf(waiting, *came);
      early.erase(came);
    } else if (waiting_.size() >= kLateResultsMax) {
      ended = EndedAs(waiting.ask, NeverTold());
    } else {
      std::string id = waiting.command_id;
      waiting_.insert_or_assign(std::move(id), std::move(waiting));
    }
  }
  if (ended.has_value()) Finish(*std::move(ended));
}

bool LateResults::Take(AccountId account, const v1::CommandResult& result) {
  PendingSends::Waiting waiting;
  {
    platform::MutexLock lock(mutex_);
    const auto found = waiting_.find(result.command_id());
    if (found == waiting_.end() || found->second.ask.account != account) {
      if (Follows(result)) return false;
      std::deque<v1::CommandResult>& early = early_[account];
      early.push_back(result);
      if (early.size() > kEarlyResultsMax) early.pop_front();
      return false;
    }
    if (Follows(result)) return true;
    waiting = std::move(found->second);
    waiting_.erase(found);
  }
  Finish(EndOf(waiting, result));
  return true;
}

std::vector<std::string> LateResults::AwaitedOf(AccountId account) const {
  std::vector<std::string> ids;
  platform::MutexLock lock(mutex_);
  for (const auto& [id, waiting] : waiting_) {
    if (waiting.ask.account == account) ids.push_back(id);
  }
  return ids;
}

PendingSends::Ended LateResults::EndOf(const PendingSends::Waiting& waiting,
                                       const v1::CommandResult& result) const {
  const PendingSends::Ask& ask = waiting.ask;
  PendingSends::Ended ended = EndedAs(ask, Judge(result).status());
  if (ended.outcome == v1::RequestCompleted::OUTCOME_DONE && !result.message_id().empty()) {
    ended.message = parts_.ids.Message(ask.account, ask.chat, result.message_id());
  }
  return ended;
}

void LateResults::Finish(PendingSends::Ended ended) {
  absl::Status status = pending_.End(ended);
  if (status.ok()) status = TellOutcome(parts_, pending_, ended);
  if (status.ok()) return;
  spdlog::warn("event=outcome_untold code={}", static_cast<int>(status.code()));
  platform::MutexLock lock(mutex_);
  untold_.push_back(std::move(ended));
}

void LateResults::TellOverdue() {
  const absl::Time now = parts_.confirmed_clock.Now();
  std::vector<PendingSends::Ended> ended;
  {
    platform::MutexLock lock(mutex_);
    ended.swap(untold_);
    absl::erase_if(waiting_, [&](const auto& entry) {
      if (now - entry.second.since < kLateResultMax) return false;
      ended.push_back(EndedAs(entry.second.ask, NeverTold()));
      return true;
    });
  }
  for (PendingSends::Ended& one : ended) Finish(std::move(one));
}

}  // namespace postern::broker
