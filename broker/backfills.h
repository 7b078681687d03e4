// SPDX-License-Identifier: Apache-2.0
// Older history that an app asks for. The gatekeeper is told to bring it in; it comes as events
// marked as backfill, which only who asks for such is sent, and which stand in history where they
// belong in time. The app that asked, and no other, hears how far it came (backfill_progress) and
// how it ended (request_completed).
//
// A request outlives the adapter's connection and the daemon: it is kept until its end is told. An
// adapter that comes back is asked how the command stands; one that does not know it any more gets
// it again, since what is brought in twice is taken once.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/caller.h"
#include "broker/parts.h"
#include "broker/stall_watch.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/v1/chat_service.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

struct Asker;

// Thread-safe.
class Backfills {
 public:
  // Takes up what ran when the daemon stopped, and follows the adapters. Before any attaches.
  static absl::StatusOr<std::unique_ptr<Backfills>> Open(const Parts& parts);
  Backfills(const Backfills&) = delete;
  Backfills& operator=(const Backfills&) = delete;

  // Begins, and returns when the gatekeeper has said a first word, or kCommandTimeout later.
  // Besides the refusals of every call: FAILED_PRECONDITION NOT_SUPPORTED_BY_CHAT with the
  // capability "backfill", RESOURCE_EXHAUSTED LIMIT_EXCEEDED while one runs in the chat or too many
  // run, UNAVAILABLE GATEKEEPER_OFFLINE.
  absl::Status Begin(const Caller& caller, const v1::RequestBackfillRequest& request);
  // Ends those whose gatekeeper has said nothing for kBackfillSilenceMax. Call every
  // kUpkeepInterval: no more than that counts between two calls, so that nothing ends for having
  // slept with the machine.
  void EndSilent();
  // Ends every wait of Begin: the daemon stops.
  void Stop();

 private:
  struct Run {
    permissions::Principal principal;
    std::string request_id;
    permissions::AccountId account;
    permissions::ChatId chat;
    v1::Command command;
    // How many messages the app was told of.
    uint32_t told = 0;
    // How long the gatekeeper has said nothing, as far as somebody looked.
    absl::Duration silent;
    // How often the command went out.
    int sent = 0;
    // Begin waits for the first word: it tells of an end itself.
    bool begins = false;
    absl::Status begun;
  };

  explicit Backfills(const Parts& parts) : parts_(parts) {}
  absl::Status Load();
  absl::StatusOr<Run> Prepare(const Asker& asker, const v1::RequestBackfillRequest& request) const;
  // OK while another may run for this app and chat.
  absl::Status CheckRoom(const Run& run) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Start(Run run);
  absl::Status Write(const Run& run);
  bool Take(permissions::AccountId account, const v1::CommandResult& result);
  std::vector<std::string> AwaitedOf(permissions::AccountId account) const;
  // Sends the command again, where that is worth a try.
  bool Repeat(const std::string& command_id);
  // OK while the app may still read the history it asked for.
  absl::Status CheckAccess(const Run& run) const;
  absl::Status TellProgress(const Run& run, uint32_t messages, bool complete);
  // Tells the app how it ended, and forgets it.
  void End(const std::string& command_id, const absl::Status& status);
  absl::Status TellEnd(const Run& run, const absl::Status& status);

  const Parts& parts_;
  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  // By command id.
  absl::flat_hash_map<std::string, Run> running_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  StallWatch silence_watch_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
