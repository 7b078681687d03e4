// SPDX-License-Identifier: Apache-2.0
// What the log says of attachments: which events name one, what the network calls it, what was said
// of its bytes. Written behind the log, when somebody asks and once a minute.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/database.h"
#include "broker/event_log.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/mutex.h"

namespace postern::broker {

// What is known of an attachment. Zero and empty where nobody said.
struct KnownAttachment {
  permissions::AttachmentId id;
  permissions::AccountId account;
  // What the network calls it.
  std::string remote_id;
  uint64_t size_bytes = 0;
  std::string sha256;
  std::string mime_type;
  // The events that name it, newest first, at most kAttachmentEventsMax.
  std::vector<Sequence> named_by;
};

// Thread-safe. Borrows store and log.
class AttachmentIndex {
 public:
  static absl::StatusOr<std::unique_ptr<AttachmentIndex>> Open(Store& store, EventLog& log);

  // Returns what is known; NOT_FOUND when no event that is kept names it.
  absl::StatusOr<KnownAttachment> Find(permissions::AttachmentId id);
  // Reads on to the end of the log, for at most 'timeout'.
  absl::Status CatchUp(absl::Duration timeout);

 private:
  AttachmentIndex(Store& store, EventLog& log) : store_(store), log_(log) {}
  absl::StatusOr<bool> IndexSlice() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  EventLog& log_;
  // One slice at a time.
  platform::Mutex mutex_;
  Sequence through_ ABSL_GUARDED_BY(mutex_) = 0;
  // As the database has it: where nothing names a file it is seldom written.
  Sequence written_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace postern::broker
