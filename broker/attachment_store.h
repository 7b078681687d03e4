// SPDX-License-Identifier: Apache-2.0
// The bytes of attachments, encrypted, in files beside the database; the key of each file is a row
// of the database, so that bytes are gone for good in the commit that takes the row away. What was
// fetched from a network can be fetched again and makes room when room is needed; what an app
// uploads is kept until the network has it.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "broker/attachment_limits.h"
#include "broker/file_vault.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe.
class AttachmentStore {
 public:
  struct Bounds {
    uint64_t bytes_max = kAttachmentBytesMax;
    uint64_t account_bytes_max = kAttachmentAccountBytesMax;
    size_t files_max = kAttachmentFilesMax;
  };

  // A file that is being written. What is not kept is removed when it ends.
  class Incoming {
   public:
    ~Incoming();
    Incoming(const Incoming&) = delete;
    Incoming& operator=(const Incoming&) = delete;
    const std::shared_ptr<VaultFile>& file() const { return file_; }

   private:
    friend class AttachmentStore;
    Incoming(AttachmentStore& store, permissions::AccountId account)
        : store_(store), account_(account) {}
    AttachmentStore& store_;
    const permissions::AccountId account_;
    // 16 random bytes in hex.
    std::string name_;
    std::string key_;
    std::shared_ptr<VaultFile> file_;
    // What its account is charged with.
    uint64_t charged_ = 0;
    bool kept_ = false;
  };

  // Removes what a crash left behind.
  static absl::StatusOr<std::unique_ptr<AttachmentStore>> Open(Store& store, Bounds bounds);

  // Returns the whole file of an attachment; null when it is not stored, or, where 'sha256' is
  // said, not with those bytes. Counts as a use.
  absl::StatusOr<std::shared_ptr<VaultFile>> Find(permissions::AttachmentId attachment,
                                                  const std::string& sha256);
  // Makes room for 'bytes' (0: not known, see Charge) and a file for them. RESOURCE_EXHAUSTED
  // LIMIT_EXCEEDED when there is no room that could be made.
  absl::StatusOr<std::unique_ptr<Incoming>> Begin(permissions::AccountId account, uint64_t bytes);
  // Makes room for so many in all.
  absl::Status Charge(Incoming& incoming, uint64_t bytes);
  // Keeps a finished file as the attachment's. NOT_FOUND when no event names it any more.
  absl::Status Keep(std::unique_ptr<Incoming> incoming, permissions::AttachmentId attachment,
                    const std::string& sha256);
  // Removes the bytes of an attachment: they are not what they should be.
  absl::Status Drop(permissions::AttachmentId attachment);
  // Frees what was deleted since, as the database has it.
  absl::Status Sweep();

  // Bytes on the disk that are kept to be read again.
  uint64_t kept_bytes() const;
  // Where the files are. Not made before the first file.
  const std::string& directory() const { return directory_; }

 private:
  struct Entry {
    std::string name;
    permissions::AccountId account;
    uint64_t bytes = 0;
    std::string sha256;
    std::string key;
    // Counts up with each use.
    uint64_t used = 0;
  };

  AttachmentStore(Store& store, Bounds bounds)
      : store_(store), bounds_(bounds), directory_(store.directory() + "/" + kVaultFolder) {}
  absl::Status Load();
  std::string PathOf(const std::string& name) const { return directory_ + "/" + name; }
  // Evicts what was used least until so many bytes and files fit in.
  absl::Status MakeRoom(permissions::AccountId account, uint64_t more, size_t files)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Evict(permissions::AttachmentId attachment) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(permissions::AttachmentId attachment) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release(Incoming& incoming);

  Store& store_;
  const Bounds bounds_;
  const std::string directory_;

  mutable platform::Mutex mutex_;
  absl::flat_hash_map<permissions::AttachmentId, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  // Stored and incoming.
  absl::flat_hash_map<permissions::AccountId, uint64_t> charged_ ABSL_GUARDED_BY(mutex_);
  uint64_t total_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t kept_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace postern::broker
