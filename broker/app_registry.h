// SPDX-License-Identifier: Apache-2.0
// The principals the user has allowed, and their grants: the one place where both change.
//
// Readers take a snapshot, which never changes. Every change is durable before it shows, replaces
// the snapshot, and raises the epoch, in that order; who holds an older epoch looks again
// (live_streams.h).
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/access_history.h"
#include "broker/caller.h"
#include "broker/store.h"
#include "permissions/decide.h"
#include "permissions/grant.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "platform/secret_bytes.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::broker {

// A principal as it is now.
struct AppSnapshot {
  permissions::Principal principal;
  Standing standing = Standing::kUnknown;
  // Names, purpose, destination: what the owner sees. Its counts are not kept up to date.
  v1::App app;
  // Oldest first; ended ones too.
  std::vector<permissions::Grant> grants;
  // When it became so; after a restart, when the broker started.
  absl::Time change_time = absl::InfinitePast();
};
using AppPointer = std::shared_ptr<const AppSnapshot>;

// What the access history is told of a change to grants, in the same commit. A verb that is
// unspecified tells nothing.
struct AccessAct {
  v1::AccessVerb verb = v1::ACCESS_VERB_UNSPECIFIED;
  // What was used, e.g. "owner", "app"; outlives the call.
  std::string_view reason;
};

// The contract's word for a standing; unspecified for a key that has none.
v1::Role RoleOf(Standing standing);

// Thread-safe.
class AppRegistry {
 public:
  // Tells the owner; OK once that cannot get lost.
  using Warn = absl::FunctionRef<absl::Status(const std::string& warning)>;
  // Reads principals and grants and checks each grant's MAC. When one is wrong, the registry starts
  // without any grant: what was changed behind our back opens nothing. 'warn' is told first and the
  // rows go then, so that a crash in between leaves nothing silent; its error is this one's.
  static absl::StatusOr<std::unique_ptr<AppRegistry>> Open(Store& store, Warn warn);

  // Where changes are told. Call once, before the first of them.
  void SetHistory(AccessHistory& history);
  // The key of the user's own tools. Call once, before the door opens.
  void SetOwner(const permissions::Principal& owner);
  const permissions::Principal& owner() const { return owner_; }

  Standing StandingOf(const permissions::Principal& principal) const;
  // Never null; for an unknown principal a snapshot that says so.
  AppPointer Find(const permissions::Principal& principal) const;
  std::vector<AppPointer> All() const;
  // Returns the principal whose first 8 bytes in hex are 'prefix'; empty when there is none.
  permissions::Principal FindByPrefix(std::string_view prefix) const;

  // Everything that applies to 'app' now. 'app' must outlive the result.
  permissions::Access AccessOf(const AppSnapshot& app) const;
  bool paused() const;
  uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

  // Adds or replaces a principal that the user just allowed, with 'grant' when it is an app.
  // FAILED_PRECONDITION when the user has thrown the principal out since it was asked about.
  absl::Status Enroll(v1::App app, Standing standing, std::vector<permissions::Grant> grants);
  // Adds a grant that the user just allowed. FAILED_PRECONDITION as Enroll.
  absl::Status AddGrant(const permissions::Grant& grant);
  // Changes one grant; 'change' gets a copy and may refuse. NOT_FOUND when there is none. Returns
  // the grant as it is now. 'act' is read after 'change' has run; narrowing that leaves nothing is
  // told as revoking.
  absl::StatusOr<permissions::Grant> ChangeGrant(
      permissions::GrantId id, absl::FunctionRef<absl::Status(permissions::Grant&)> change,
      const AccessAct& act = {});
  // Ends all grants of a principal and its standing, for good.
  absl::Status Revoke(const permissions::Principal& principal, std::string_view reason = {});
  absl::Status SetPaused(bool paused, std::string_view reason = {});
  // Suspends every grant in force of every app. Returns how many.
  absl::StatusOr<int> SuspendAll(std::string_view reason);
  // Takes every gatekeeper's standing away, so that each must be allowed anew. They hold no grants
  // that could be suspended.
  absl::Status ForgetGatekeepers(std::string_view reason);
  // Notes that a principal was here; kept in memory and written with its next change.
  void SawNow(const permissions::Principal& principal, absl::Time now);
  // Writes when a principal was last here, where what is written is off by 'interval' or more.
  absl::Status KeepLastSeen(const permissions::Principal& principal, absl::Duration interval);
  // Writes which other program last used the principal's key; none when empty (program_watch.h).
  absl::Status KeepOtherProgram(const permissions::Principal& principal, const std::string& other);
  // When a principal was last here; InfinitePast when it never was.
  absl::Time LastSeen(const permissions::Principal& principal) const;

  // Whether the user's session is unlocked and in front; it counts as that until somebody says
  // otherwise. A change raises the epoch.
  void SetSessionUnlocked(bool unlocked);
  bool session_unlocked() const { return session_unlocked_.load(std::memory_order_acquire); }

  // Raises the epoch: something beside the grants changed that decisions depend on.
  void RaiseEpoch();
  // Has 'hook' called after each change of the epoch, under change locks: it must only note that.
  // Call once, before the door opens.
  void SetChangeHook(std::function<void()> hook);
  // Has 'hook' called after each change of a principal's grants or standing, once it shows and
  // before the next one: it must make no such change. Call once, before the door opens.
  void SetGrantsHook(std::function<void(const permissions::Principal&)> hook);

  // Blocks until the epoch is not 'epoch' any more or 'timeout' passes. With 'seen_wakes', a
  // WakeAll since wakes() gave that number counts too: nothing is missed between looking and
  // waiting.
  void WaitForChange(uint64_t epoch, absl::Duration timeout,
                     std::optional<uint64_t> seen_wakes = std::nullopt) const;
  // Wakes every WaitForChange.
  void WakeAll();
  uint64_t wakes() const;

 private:
  explicit AppRegistry(Store& store);
  absl::Status Load(Warn warn);
  // Writes what is known of a principal beside its grants. No decision depends on it: the epoch
  // stays.
  absl::Status ReplaceRecord(AppSnapshot app) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes 'app' and its grants, with what is told of the change, then shows them.
  absl::Status Replace(AppSnapshot app, const std::vector<AccessRow>& told = {})
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status WriteAndTell(const Store::Job& job, const std::vector<AccessRow>& told);
  std::string Mac(std::string_view kind, std::string_view record) const;
  // Shows a change that is in place.
  void NextEpoch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  const platform::SecretBytes mac_key_;
  AccessHistory* history_ = nullptr;
  permissions::Principal owner_;

  // One change at a time; taken before mutex_, held while the change is written.
  platform::Mutex change_mutex_;
  std::function<void(const permissions::Principal&)> grants_hook_ ABSL_GUARDED_BY(change_mutex_);
  mutable platform::Mutex mutex_;
  mutable platform::ConditionVariable changed_;
  absl::flat_hash_map<permissions::Principal, AppPointer> apps_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<permissions::Principal, absl::Time> last_seen_ ABSL_GUARDED_BY(mutex_);
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> change_hook_ ABSL_GUARDED_BY(mutex_);
  uint64_t wakes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> epoch_{1};
  std::atomic<bool> session_unlocked_{true};
};

}  // namespace postern::broker
