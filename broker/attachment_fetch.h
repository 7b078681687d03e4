// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/time/time.h>
#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/attachment_index.h"
#include "broker/attachment_store.h"
#include "platform/mutex.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

// SHA-256 of bytes as they come.
class FileDigest {
 public:
  FileDigest();
  void Add(std::string_view bytes);
  // Returns the 32 bytes; nothing may be added afterwards.
  std::string Finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

// Says which of the announced size, type and hash ('field') the bytes belie.
absl::Status AttachmentMismatch(absl::StatusCode code, std::string_view field);

// One attachment on its way from its network into the store, for everybody who reads it meanwhile.
// Bytes that are not what was said of them are thrown away. Thread-safe.
class AttachmentFetch {
 public:
  AttachmentFetch(AttachmentStore& store, KnownAttachment known,
                  std::unique_ptr<AttachmentStore::Incoming> incoming);

  // Takes the next bytes from the adapter. What is known already is passed over.
  void Take(const v1::AttachmentChunk& chunk);
  // Ends it without success. Nothing when it has ended.
  void Fail(absl::Status status);
  // The adapter gave a sign of life.
  void NoteProgress();
  // Ends it where the adapter gave none for too long: nobody may be waiting who would.
  void EndIfStalled();

  struct View {
    // Bytes that file() gives now.
    uint64_t readable = 0;
    bool ended = false;
    // How it ended.
    absl::Status status;
  };
  // Waits until file() gives more than 'offset', the fetch has ended, or 'timeout' has passed. A
  // fetch that stalls is ended by whoever waits for it.
  View WaitPast(uint64_t offset, absl::Duration timeout);

  // Bytes that were taken: where the adapter is to go on.
  uint64_t taken() const;
  bool ended() const;
  const KnownAttachment& known() const { return known_; }
  const std::shared_ptr<VaultFile>& file() const { return file_; }

 private:
  absl::Status Add(const std::string& data) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Complete() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  AttachmentStore& store_;
  const KnownAttachment known_;
  // Outlives what is kept of it: readers have it open.
  const std::shared_ptr<VaultFile> file_;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  std::unique_ptr<AttachmentStore::Incoming> incoming_ ABSL_GUARDED_BY(mutex_);
  FileDigest digest_ ABSL_GUARDED_BY(mutex_);
  std::string beginning_ ABSL_GUARDED_BY(mutex_);
  uint64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration progress_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status outcome_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
