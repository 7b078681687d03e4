// SPDX-License-Identifier: Apache-2.0
// The files that apps upload: which have begun, what has come of each, and what the network calls
// those that are done.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/file_vault.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

// Thread-safe. Borrows store and clock.
class UploadBook {
 public:
  UploadBook(Store& store, const platform::Clock& clock)
      : store_(store), clock_(clock), directory_(store.directory() + "/" + kVaultFolder) {}

  // Holds an upload's turn: one stream at a time writes to it.
  class Turn {
   public:
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    friend class UploadBook;
    Turn(UploadBook& book, std::string key) : book_(book), key_(std::move(key)) {}
    UploadBook& book_;
    const std::string key_;
  };
  // Waits at most kUploadTakeover for the stream before it to leave. ABORTED REQUEST_ID_CONFLICT
  // when it stays; CANCELLED once 'cancelled' says so.
  absl::StatusOr<std::unique_ptr<Turn>> Take(const permissions::Principal& principal,
                                             const std::string& request_id,
                                             absl::FunctionRef<bool()> cancelled);

  struct Upload {
    // Names what was announced: chat and description.
    std::string digest;
    std::string name;
    std::string key;
    // As announced.
    uint64_t size = 0;
    // Once the network has it.
    permissions::AttachmentId attachment;
    std::string remote_id;

    bool done() const { return !remote_id.empty(); }
  };
  absl::StatusOr<std::optional<Upload>> Find(const permissions::Principal& principal,
                                             const std::string& request_id);
  // Begins anew; what was there under this id goes. RESOURCE_EXHAUSTED LIMIT_EXCEEDED when the app
  // has too many, or too much, that is not finished.
  absl::StatusOr<Upload> Begin(const permissions::Principal& principal,
                               const std::string& request_id, const std::string& digest,
                               uint64_t size);
  // Opens the bytes that have come: to be read when all have, to be written on otherwise.
  absl::StatusOr<std::unique_ptr<VaultFile>> Open(const Upload& upload);
  // The network has it: its bytes are not needed any more. 'description' is what the app said of
  // it.
  absl::Status Done(const permissions::Principal& principal, const std::string& request_id,
                    permissions::AttachmentId attachment, const std::string& remote_id,
                    const v1::Attachment& description);
  // Something that this app uploaded and the network has: what the network calls it, and what it
  // is.
  struct Uploaded {
    std::string remote_id;
    v1::Attachment description;
  };
  // NOT_FOUND, naming 'attachment_ids', when the app uploaded no such thing.
  absl::StatusOr<Uploaded> FindDone(const permissions::Principal& principal,
                                    permissions::AttachmentId attachment);
  // Throws away what has come.
  absl::Status Drop(const permissions::Principal& principal, const std::string& request_id);

  // Drops what nobody goes on with, and forgets what was done long ago.
  absl::Status Sweep();

 private:
  void RemoveFile(const std::string& name);

  Store& store_;
  const platform::Clock& clock_;
  const std::string directory_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  // Principal and request id of those that a stream holds.
  absl::flat_hash_set<std::string> taken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
