// SPDX-License-Identifier: Apache-2.0
#include "broker/late_results.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

#include "broker/adapter_table.h"
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

}  // namespace

absl::Status LateResults::Open() {
  ASSIGN_OR_RETURN(std::vector<PendingSends::Waiting> waiting, pending_.StillWaiting());
  awaited_.Restore(std::move(waiting));
  parts_.adapters.Follow(
      {[this](AccountId account, const v1::CommandResult& result) { return Take(account, result); },
       [this](AccountId account) { return awaited_.IdsOf(account); }});
  return absl::OkStatus();
}

void LateResults::Await(const PendingSends::Waiting& waiting) {
  if (const absl::Status written = pending_.Wait(waiting); !written.ok()) {
    // Until the daemon stops it is waited for all the same.
    spdlog::warn("event=late_result_unwritten code={}", static_cast<int>(written.code()));
  }
  const absl::StatusOr<std::optional<v1::CommandResult>> came = awaited_.Add(waiting);
  if (!came.ok()) {
    Finish(EndedAs(waiting.ask, NeverTold()));
  } else if (came->has_value()) {
    Finish(EndOf(waiting, **came));
  }
}

bool LateResults::Take(AccountId account, const v1::CommandResult& result) {
  const AwaitedResults::Match match = awaited_.Take(account, result);
  if (match.ended.has_value()) Finish(EndOf(*match.ended, result));
  return match.awaited;
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
  std::vector<PendingSends::Ended> ended;
  {
    platform::MutexLock lock(mutex_);
    ended.swap(untold_);
  }
  for (const auto& waiting : awaited_.TakeOverdue(parts_.confirmed_clock.Now())) {
    ended.push_back(EndedAs(waiting.ask, NeverTold()));
  }
  for (PendingSends::Ended& one : ended) Finish(std::move(one));
}

}  // namespace postern::broker
