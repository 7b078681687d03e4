// SPDX-License-Identifier: Apache-2.0
// The adapters that are attached now, one for each account, and the commands that wait for their
// answer.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/trail.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

// What an answer of a gatekeeper is to the app that waits for it: itself when it was sent or is
// pending. UNAVAILABLE GATEKEEPER_RETRY and FAILED_PRECONDITION GATEKEEPER_REFUSED or
// NOT_SUPPORTED_BY_CHAT as the gatekeeper says, in its own words; UNKNOWN OUTCOME_UNKNOWN.
absl::StatusOr<v1::CommandResult> Judge(const v1::CommandResult& result);

// UNAVAILABLE GATEKEEPER_OFFLINE: no adapter serves the account, or it is leaving; nothing was
// sent.
absl::Status GatekeeperOffline();

// Thread-safe.
class AdapterTable {
 public:
  // Who hears of answers that no call waits for any more: those that follow STATE_PENDING. Called
  // on the thread that reads the adapter, under no lock.
  struct Follower {
    // Takes an answer; false when it is to none of its commands.
    std::function<bool(permissions::AccountId, const v1::CommandResult&)> take;
    // The commands whose answers it still waits for: an adapter that attaches is asked for them,
    // by their ids alone.
    std::function<std::vector<std::string>(permissions::AccountId)> awaited;
  };
  // Adds one, before any adapter attaches. What it calls must outlive the adapters' streams.
  void Follow(Follower follower);

  // Has 'hook' called after an adapter attached or went, under this table's lock: it must only note
  // that. Empty: nobody is called any more once it returns.
  void SetChangeHook(std::function<void()> hook);

  // Hands a message to an attached adapter. False when its outbox is full or it is leaving.
  using Outbox = std::function<bool(v1::AttachResponse)>;

  // One adapter's hold on an account; nobody else is given that. Takes the adapter out again when
  // it ends.
  class Attachment {
   public:
    ~Attachment();
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

   private:
    friend class AdapterTable;
    Attachment(AdapterTable& table, permissions::AccountId account)
        : table_(table), account_(account) {}
    AdapterTable& table_;
    const permissions::AccountId account_;
  };

  // Gives the account to one adapter, before anything of the account is touched: of two that come
  // at the same moment one changes nothing. Waits a moment for an adapter to leave that lost its
  // connection and comes back. ALREADY_EXISTS ACCOUNT_ALREADY_SERVED when another one has it.
  absl::StatusOr<std::unique_ptr<Attachment>> Reserve(permissions::AccountId account);
  // Attaches whoever holds the account; call once for each. First what 'welcome' returns is sent.
  // Then commands that still wait for their answer, under their old ids: an adapter answers those
  // from its journal and does not repeat them. Last, what followers wait for.
  void Attach(const Attachment& attachment, absl::FunctionRef<v1::AttachResponse()> welcome,
              Outbox outbox);

  // OK, or UNAVAILABLE GATEKEEPER_OFFLINE: for a look before anything is written down for a
  // command.
  absl::Status CheckServed(permissions::AccountId account) const;
  // Sends a command, under a new id that names 'principal' and the trail of the message it makes
  // (command_id.h), and waits for its first answer; followers get what comes after STATE_PENDING.
  // UNAVAILABLE GATEKEEPER_OFFLINE: no adapter, nothing was sent. UNAVAILABLE GATEKEEPER_RETRY and
  // FAILED_PRECONDITION GATEKEEPER_REFUSED or NOT_SUPPORTED_BY_CHAT as the gatekeeper says. UNKNOWN
  // OUTCOME_UNKNOWN: sent, and no answer came in 'timeout'.
  absl::StatusOr<v1::CommandResult> Run(permissions::AccountId account,
                                        const permissions::Principal& principal,
                                        v1::Command command, absl::Duration timeout,
                                        const Trail& trail = {1, {}});
  // Whether an adapter serves the account now.
  bool IsAttached(permissions::AccountId account) const;
  // Hands a message over and waits for nothing. False when there is no adapter or it has no room.
  bool Tell(permissions::AccountId account, v1::AttachResponse response);
  // Ends every wait for an answer, as one that did not come, and sends nothing any more: the daemon
  // stops and an adapter that hangs must not hold it.
  void Stop();
  // Takes an adapter's answer. Answers that neither a call nor a follower waits for are dropped.
  void Complete(permissions::AccountId account, const v1::CommandResult& result);

 private:
  struct Waiting {
    permissions::AccountId account;
    v1::Command command;
    bool done = false;
    v1::CommandResult result;
  };

  void Detach(permissions::AccountId account);

  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  // Accounts that an adapter holds, and those where it is attached.
  absl::flat_hash_set<permissions::AccountId> reserved_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<permissions::AccountId, Outbox> adapters_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<Waiting>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<Follower> followers_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> change_hook_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace postern::broker
