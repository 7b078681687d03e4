// SPDX-License-Identifier: Apache-2.0
// What a person takes out of the log: JSON lines, each saying where it comes from, the last saying
// what all before it must hash to.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "broker/attachment_fetch.h"
#include "broker/attachment_limits.h"
#include "broker/caller.h"
#include "broker/file_vault.h"
#include "broker/log_record.h"
#include "broker/parts.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// One export: what was asked, and what has been written of it so far. It is written as it is read,
// into an encrypted file whose key is in memory alone, so that going on from any byte gives the
// same bytes, whatever has changed since. Used by one stream at a time.
class Export {
 public:
  struct Request {
    permissions::Principal principal;
    std::string request_id;
    // Empty: all.
    std::vector<permissions::ChatId> chats;
    absl::Time start_time = absl::InfinitePast();
    // Tells repetitions of a request from other ones under its id.
    std::string digest;
  };

  // Begins an export of what the log holds now.
  static absl::StatusOr<std::unique_ptr<Export>> Begin(const Parts& parts, const Caller& caller,
                                                       Request request);
  ~Export();
  Export(const Export&) = delete;
  Export& operator=(const Export&) = delete;

  // Returns up to 64 KiB from 'offset' on, in the eyes of 'caller' as they are now; empty at the
  // end. OUT_OF_RANGE behind what was written. ABORTED REQUEST_ID_CONFLICT once what an app may see
  // has changed since it began: what was written then is not shown again. CANCELLED once
  // 'cancelled' says so: the whole log may have to be looked through for one line.
  absl::StatusOr<std::string> Read(const Parts& parts, const Caller& caller, uint64_t offset,
                                   absl::FunctionRef<bool()> cancelled);

  const Request& request() const { return request_; }
  // Grants as they were when it began.
  uint64_t epoch() const { return epoch_; }
  // Messages written so far.
  uint64_t messages() const { return messages_; }

 private:
  explicit Export(Request request) : request_(std::move(request)) {}
  absl::Status WriteMore(const Parts& parts, const Caller& caller);
  absl::Status WriteLine(const std::string& line);
  // Whether an app's export is over since its grants are not what they were.
  bool HasChanged(const Parts& parts, const Caller& caller) const;

  const Request request_;
  std::string path_;
  std::unique_ptr<VaultFile> file_;
  uint64_t epoch_ = 0;
  // When the first of these grants ends by itself.
  absl::Time expiry_ = absl::InfiniteFuture();
  absl::Time begin_time_;
  Sequence position_ = 0;
  Sequence through_ = 0;
  uint64_t messages_ = 0;
  FileDigest digest_;
  bool written_ = false;
};

// The exports that can be gone on with. Thread-safe.
class ExportBook {
 public:
  // One export in use; goes back when it ends.
  class Use {
   public:
    Use(ExportBook& book, std::unique_ptr<Export> used) : book_(book), export_(std::move(used)) {}
    ~Use() {
      if (export_ != nullptr) book_.Return(std::move(export_));
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Export& operator*() { return *export_; }
    Export* operator->() { return export_.get(); }
    // It is over and must not be gone on with.
    void Discard() { export_.reset(); }

   private:
    ExportBook& book_;
    std::unique_ptr<Export> export_;
  };

  explicit ExportBook(const platform::Clock& clock) : clock_(clock) {}

  // Takes out an export that waits to be gone on with; null when there is none.
  std::unique_ptr<Export> Take(const permissions::Principal& principal,
                               const std::string& request_id);
  // Keeps it for kExportAgeMax, the latest kExportsPerCallerMax of each principal.
  void Return(std::unique_ptr<Export> used);
  // Drops what is too old.
  void Sweep();

 private:
  struct Kept {
    std::unique_ptr<Export> kept;
    absl::Duration returned;
  };
  static bool IsTooOld(const Kept& kept, absl::Duration now) {
    return now - kept.returned > kExportAgeMax;
  }

  const platform::Clock& clock_;
  platform::Mutex mutex_;
  // The latest first.
  std::list<Kept> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
