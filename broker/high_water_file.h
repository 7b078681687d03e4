// SPDX-License-Identifier: Apache-2.0
// How far the database came, kept beside it. SQLite drops committed WAL frames without a word when
// a bit in them flips; this file remembers that they were there.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "platform/secret_bytes.h"
#include "platform/unique_fd.h"

namespace postern::broker {

struct HighWaterMark {
  // Commits that changed more than the log; also in the database.
  uint64_t generation = 0;
  // Last event and the chain value at it.
  uint64_t sequence = 0;
  std::array<uint8_t, 16> chain{};

  bool operator==(const HighWaterMark&) const = default;
};

// Two slots, written in turn, each with its own MAC: a write that is cut leaves the other one.
// Not thread-safe.
class HighWaterFile {
 public:
  static bool Exists(const std::string& path);
  // Makes the file with 'mark', whole or not at all.
  static absl::StatusOr<std::unique_ptr<HighWaterFile>> Create(const std::string& path,
                                                               platform::SecretBytes key,
                                                               const HighWaterMark& mark);
  // Opens the file and reads the newest slot that is whole. NOT_FOUND when there is no file,
  // DATA_LOSS when no slot is whole, UNAVAILABLE when it cannot be read.
  static absl::StatusOr<std::unique_ptr<HighWaterFile>> Open(const std::string& path,
                                                             platform::SecretBytes key);

  // Writes 'mark' with one pwrite, without a sync: after a power cut the mark may lag behind the
  // database, and it never runs ahead, because it is written after the commit is durable.
  absl::Status Write(const HighWaterMark& mark);
  const HighWaterMark& mark() const { return mark_; }

 private:
  HighWaterFile(platform::UniqueFd fd, platform::SecretBytes key)
      : fd_(std::move(fd)), key_(std::move(key)) {}

  platform::UniqueFd fd_;
  platform::SecretBytes key_;
  HighWaterMark mark_;
  // Counts writes; the higher one of two whole slots is the newer.
  uint64_t turn_ = 0;
};

}  // namespace postern::broker
