// SPDX-License-Identifier: Apache-2.0
// What the user must know now, kept until they say that they read it, and shown where they are: by
// desktop notification, else in the journal and by the exit code of `postern status`.
//
// Telling costs the teller nothing: a thread of its own writes to disk and shows. It shows at most
// one notification a minute; what gathers meanwhile becomes one.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/consent_prompt.h"
#include "broker/notifier.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::broker {

// Thread-safe.
class OwnerNotices {
 public:
  // Reads what was told before and not yet marked as read. 'notifier' may be null: then the journal
  // is told. It and the others must outlive the notices.
  static absl::StatusOr<std::unique_ptr<OwnerNotices>> Open(Store& store, Notifier* notifier,
                                                            const platform::Clock& clock);
  // Stops.
  ~OwnerNotices();
  OwnerNotices(const OwnerNotices&) = delete;
  OwnerNotices& operator=(const OwnerNotices&) = delete;

  // Tells the user. 'text' is for people: one sentence, valid UTF-8, and never message text. The
  // same kind about the same app and chat raises the count of the notice that is open by 'count'
  // and renews its text. Never blocks on disk or a person; may be called under any lock.
  void Tell(v1::OwnerNotice::Kind kind, std::string text,
            const permissions::Principal& principal = {}, permissions::ChatId chat = {},
            uint32_t count = 1);

  // Writes what was told so far and returns once it is durable, or why it is not (the thread tries
  // again). For who does next what a crash must not leave untold. Blocks on disk.
  absl::Status Keep();

  // What is not marked as read, newest first. Chat ids are internal ones (IdText).
  std::vector<v1::OwnerNotice> Open() const;
  // Marks as read, durably; all when 'ids' is empty. Ids that are not open any more are no error.
  absl::Status Dismiss(const std::vector<std::string>& ids);

  // Writes what is new and shows nothing more. Calling it again does nothing.
  void Stop();

 private:
  OwnerNotices(Store& store, Notifier* notifier, const platform::Clock& clock)
      : store_(store), notifier_(notifier), clock_(clock) {}
  absl::Status Load();
  void Loop();
  absl::Status WriteChanges() ABSL_LOCKS_EXCLUDED(mutex_);
  void Show() ABSL_LOCKS_EXCLUDED(mutex_);
  // How long until a notification, or a write, is due; infinite when nothing waits for one.
  absl::Duration UntilNotification() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration UntilWrite() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  Notifier* const notifier_;
  const platform::Clock& clock_;
  ConsentCancellation stop_notifier_;

  // One write at a time, so that a notice that was just dismissed is not written again. Taken
  // before mutex_.
  platform::Mutex write_mutex_;
  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  // Oldest first.
  std::list<v1::OwnerNotice> open_ ABSL_GUARDED_BY(mutex_);
  // Ids whose rows must be written, or taken out when they are no longer open.
  absl::flat_hash_set<std::string> unwritten_ ABSL_GUARDED_BY(mutex_);
  // Ids that no notification has named yet.
  absl::flat_hash_set<std::string> unshown_ ABSL_GUARDED_BY(mutex_);
  // When each open notice was last shown.
  absl::flat_hash_map<std::string, absl::Duration> shown_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_shown_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  absl::Duration last_written_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::broker
