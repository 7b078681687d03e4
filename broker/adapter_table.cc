// SPDX-License-Identifier: Apache-2.0
#include "broker/adapter_table.h"

#include <utility>

#include "broker/capabilities.h"
#include "broker/command_id.h"
#include "broker/limits.h"
#include "broker/rpc_status.h"
#include "broker/shutdown.h"
#include "platform/awake_time.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::Principal;

absl::Status AlreadyServed() {
  return ReasonStatus(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ACCOUNT_ALREADY_SERVED,
                      "another adapter serves this account; stop it first");
}

absl::Status Unknown() {
  return ReasonStatus(absl::StatusCode::kUnknown, v1::ERROR_REASON_OUTCOME_UNKNOWN,
                      "whether this took effect is not known; look before you repeat it");
}

// An adapter's words for a developer, short enough for a status to carry.
std::string Shortened(std::string text) {
  if (text.size() <= kGatekeeperReasonMax) return text;
  size_t end = kGatekeeperReasonMax;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

absl::Status GatekeeperOffline() {
  return ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GATEKEEPER_OFFLINE,
                      "no gatekeeper adapter serves this account now; try again later");
}

absl::StatusOr<v1::CommandResult> Judge(const v1::CommandResult& result) {
  switch (result.state()) {
    case v1::CommandResult::STATE_SENT:
    case v1::CommandResult::STATE_PENDING:
      return result;
    case v1::CommandResult::STATE_FAILED_RETRIABLE:
      return ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GATEKEEPER_RETRY,
                          "the gatekeeper could not do it now; try again",
                          {{"gatekeeper_reason", Shortened(result.reason())}});
    case v1::CommandResult::STATE_FAILED:
      if (!result.missing_capability().empty()) {
        return NotSupportedByChat(Shortened(result.missing_capability()));
      }
      return ReasonStatus(absl::StatusCode::kFailedPrecondition,
                          v1::ERROR_REASON_GATEKEEPER_REFUSED, "the gatekeeper refused",
                          {{"gatekeeper_reason", Shortened(result.reason())}});
    default:
      return Unknown();
  }
}

void AdapterTable::Follow(Follower follower) {
  platform::MutexLock lock(mutex_);
  followers_.push_back(std::move(follower));
}

void AdapterTable::SetChangeHook(std::function<void()> hook) {
  platform::MutexLock lock(mutex_);
  change_hook_ = std::move(hook);
}

AdapterTable::Attachment::~Attachment() { table_.Detach(account_); }

absl::StatusOr<std::unique_ptr<AdapterTable::Attachment>> AdapterTable::Reserve(AccountId account) {
  const absl::Duration deadline = platform::AwakeTime() + kAdapterTakeover;
  platform::MutexLock lock(mutex_);
  while (reserved_.contains(account)) {
    const absl::Duration left = deadline - platform::AwakeTime();
    if (left <= absl::ZeroDuration()) return AlreadyServed();
    changed_.WaitFor(mutex_, left);
  }
  reserved_.insert(account);
  return std::unique_ptr<Attachment>(new Attachment(*this, account));
}

void AdapterTable::Attach(const Attachment& attachment,
                          absl::FunctionRef<v1::AttachResponse()> welcome, Outbox outbox) {
  const AccountId account = attachment.account_;
  std::vector<Follower> followers;
  {
    platform::MutexLock lock(mutex_);
    followers = followers_;
  }
  std::vector<std::string> awaited;
  for (const Follower& follower : followers) {
    for (std::string& id : follower.awaited(account)) awaited.push_back(std::move(id));
  }
  platform::MutexLock lock(mutex_);
  outbox(welcome());
  for (const auto& [id, waiting] : waiting_) {
    if (waiting->account != account || waiting->done) continue;
    v1::AttachResponse response;
    *response.mutable_command() = waiting->command;
    outbox(std::move(response));
  }
  for (std::string& id : awaited) {
    v1::AttachResponse response;
    response.mutable_command()->set_command_id(std::move(id));
    // What does not fit is asked for after the next attach.
    if (!outbox(std::move(response))) break;
  }
  adapters_[account] = std::move(outbox);
  if (change_hook_) change_hook_();
}

void AdapterTable::Detach(AccountId account) {
  platform::MutexLock lock(mutex_);
  if (adapters_.erase(account) > 0 && change_hook_) change_hook_();
  reserved_.erase(account);
  changed_.NotifyAll();
}

absl::Status AdapterTable::CheckServed(AccountId account) const {
  platform::MutexLock lock(mutex_);
  return adapters_.contains(account) ? absl::OkStatus() : GatekeeperOffline();
}

absl::StatusOr<v1::CommandResult> AdapterTable::Run(AccountId account, const Principal& principal,
                                                    v1::Command command, absl::Duration timeout,
                                                    const Trail& trail) {
  auto waiting = std::make_shared<Waiting>();
  waiting->account = account;
  command.set_command_id(NewCommandId(principal, trail));
  waiting->command = command;
  const std::string id = command.command_id();
  // A command that the machine slept on still gets its time.
  const absl::Duration deadline = platform::AwakeTime() + timeout;

  platform::MutexLock lock(mutex_);
  if (stopping_) return Shutdown::Refusal();
  const auto adapter = adapters_.find(account);
  if (adapter == adapters_.end()) return GatekeeperOffline();
  v1::AttachResponse response;
  *response.mutable_command() = std::move(command);
  if (!adapter->second(std::move(response))) return GatekeeperOffline();
  waiting_[id] = waiting;
  while (!waiting->done && !stopping_) {
    const absl::Duration left = deadline - platform::AwakeTime();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(mutex_, left);
  }
  waiting_.erase(id);
  if (!waiting->done) return Unknown();
  return Judge(waiting->result);
}

bool AdapterTable::IsAttached(AccountId account) const {
  platform::MutexLock lock(mutex_);
  return adapters_.contains(account);
}

bool AdapterTable::Tell(AccountId account, v1::AttachResponse response) {
  platform::MutexLock lock(mutex_);
  const auto adapter = adapters_.find(account);
  return !stopping_ && adapter != adapters_.end() && adapter->second(std::move(response));
}

void AdapterTable::Stop() {
  platform::MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

void AdapterTable::Complete(AccountId account, const v1::CommandResult& result) {
  std::vector<Follower> followers;
  {
    platform::MutexLock lock(mutex_);
    const auto it = waiting_.find(result.command_id());
    if (it != waiting_.end() && it->second->account == account && !it->second->done) {
      it->second->result = result;
      it->second->done = true;
      changed_.NotifyAll();
      return;
    }
    followers = followers_;
  }
  for (const Follower& follower : followers) {
    if (follower.take(account, result)) return;
  }
}

}  // namespace postern::broker
