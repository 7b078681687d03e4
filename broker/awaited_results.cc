// SPDX-License-Identifier: Apache-2.0
#include "broker/awaited_results.h"

#include <algorithm>
#include <utility>

namespace postern::broker {
namespace {

using permissions::AccountId;

// Whether another answer to the same command follows.
bool Follows(const v1::CommandResult& result) {
  return result.state() == v1::CommandResult::STATE_PENDING;
}

}  // namespace

void AwaitedResults::Restore(std::vector<PendingSends::Waiting> waiting) {
  platform::MutexLock lock(mutex_);
  for (PendingSends::Waiting& one : waiting) {
    std::string id = one.command_id;
    waiting_.emplace(std::move(id), std::move(one));
  }
}

absl::StatusOr<std::optional<v1::CommandResult>> AwaitedResults::Add(
    const PendingSends::Waiting& waiting) {
  platform::MutexLock lock(mutex_);
  if (const auto early = early_.find(waiting.ask.account); early != early_.end()) {
    const auto came = std::ranges::find(early->second, waiting.command_id,
                                        [](const auto& result) { return result.command_id(); });
    if (came != early->second.end()) {
      std::optional<v1::CommandResult> result = std::move(*came);
      early->second.erase(came);
      return result;
    }
  }
  if (waiting_.size() >= bounds_.awaited_max) {
    return absl::ResourceExhaustedError("too many answers are awaited");
  }
  waiting_.insert_or_assign(waiting.command_id, waiting);
  return std::nullopt;
}

AwaitedResults::Match AwaitedResults::Take(AccountId account, const v1::CommandResult& result) {
  platform::MutexLock lock(mutex_);
  const auto found = waiting_.find(result.command_id());
  if (found == waiting_.end() || found->second.ask.account != account) {
    if (Follows(result)) return {};
    std::deque<v1::CommandResult>& early = early_[account];
    early.push_back(result);
    if (early.size() > bounds_.early_max) early.pop_front();
    return {};
  }
  if (Follows(result)) return {.awaited = true, .ended = std::nullopt};
  Match match{.awaited = true, .ended = std::move(found->second)};
  waiting_.erase(found);
  return match;
}

std::vector<std::string> AwaitedResults::IdsOf(AccountId account) const {
  std::vector<std::string> ids;
  platform::MutexLock lock(mutex_);
  for (const auto& [id, waiting] : waiting_) {
    if (waiting.ask.account == account) ids.push_back(id);
  }
  return ids;
}

std::vector<PendingSends::Waiting> AwaitedResults::TakeOverdue(absl::Time now) {
  std::vector<PendingSends::Waiting> overdue;
  platform::MutexLock lock(mutex_);
  absl::erase_if(waiting_, [&](auto& entry) {
    if (now - entry.second.since < kLateResultMax) return false;
    overdue.push_back(std::move(entry.second));
    return true;
  });
  return overdue;
}

}  // namespace postern::broker
