// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "broker/store.h"
#include "permissions/id_cipher.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "platform/secret_bytes.h"

namespace postern::broker {

// The pseudonyms and page tokens of each principal, made when first needed. Thread-safe.
class PseudonymBook {
 public:
  struct Page {
    Page(std::span<const uint8_t> master, const permissions::Principal& principal, uint64_t epoch)
        : pseudonyms(master, principal, epoch), tokens(master, principal) {}
    permissions::Pseudonyms pseudonyms;
    permissions::TokenSealer tokens;
  };

  // Reads what tells the ids and cursors of this database from those of any other, and makes it
  // where the database is new. Errors are the store's.
  static absl::StatusOr<std::unique_ptr<PseudonymBook>> Open(Store& store);

  // Lives as long as the book. Called for principals that are enrolled: the door bounds how many
  // unknown ones there can be.
  const Page& Of(const permissions::Principal& principal);

 private:
  // 'epoch' is the log's (permissions/id_cipher.h).
  PseudonymBook(platform::SecretBytes master, uint64_t epoch)
      : master_(std::move(master)), epoch_(epoch) {}

  const platform::SecretBytes master_;
  const uint64_t epoch_;
  platform::Mutex mutex_;
  absl::flat_hash_map<permissions::Principal, std::unique_ptr<Page>> pages_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
