// SPDX-License-Identifier: Apache-2.0
// Encrypted files beside the database, for bytes too many to be rows. Format: broker/on_disk.md.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "platform/mutex.h"
#include "platform/secret_bytes.h"
#include "platform/unique_fd.h"

namespace postern::broker {

// What is encrypted, and handed on, at a time: the contract's bound for a part of an attachment.
inline constexpr size_t kVaultChunkBytes = 64 * 1024;

// The folder of all such files, beside the database.
inline constexpr char kVaultFolder[] = "attachments";
// Makes it (0700) where it is not there yet. UNAVAILABLE when it cannot be made.
absl::Status MakeVaultFolder(const std::string& folder);

// A new file's name, 32 hex digits; and whether a name is of that form.
std::string NewVaultName();
bool IsVaultName(std::string_view name);
// A new file's key, 32 random bytes, in the form that rows keep; and the key of that form.
std::string NewVaultKey();
platform::SecretBytes VaultKey(std::string_view row);
// Removes a file. One that stays is removed by the next start: no row names it.
void RemoveVaultFile(const std::string& path);

// One file: written once from front to back by one thread, read anywhere by any. Each chunk is
// sealed on its own (AES-256-GCM), so memory holds one chunk whatever the file's size.
class VaultFile {
 public:
  // Makes 'path' (0600), which must not exist. 'key' has 32 bytes and is this file's alone.
  // UNAVAILABLE when the disk refuses.
  static absl::StatusOr<std::unique_ptr<VaultFile>> Create(const std::string& path,
                                                           platform::SecretBytes key);
  // Opens what Create made, to be read, and to be written on when 'more': then what follows the
  // last whole chunk is forgotten. NOT_FOUND, UNAVAILABLE; DATA_LOSS when it is no such file.
  static absl::StatusOr<std::unique_ptr<VaultFile>> Open(const std::string& path,
                                                         platform::SecretBytes key, bool more);

  // Adds bytes. They can be read once their chunk is full, or after Finish.
  absl::Status Append(std::string_view bytes);
  // Writes the last chunk. Nothing follows.
  absl::Status Finish();

  // Returns bytes from 'offset' on: up to 'most', and no further than their chunk. Empty at
  // readable() and beyond. DATA_LOSS when they are not what was written.
  absl::StatusOr<std::string> Read(uint64_t offset, size_t most) const;
  // Bytes that Read gives.
  uint64_t readable() const { return readable_.load(std::memory_order_acquire); }
  // Bytes that were appended.
  uint64_t size() const;

 private:
  VaultFile(platform::UniqueFd fd, platform::SecretBytes key)
      : fd_(std::move(fd)), key_(std::move(key)) {}
  absl::Status WriteChunk() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const platform::UniqueFd fd_;
  const platform::SecretBytes key_;
  std::atomic<uint64_t> readable_{0};

  mutable platform::Mutex mutex_;
  // The chunk at hand.
  std::string open_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace postern::broker
