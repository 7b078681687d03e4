// SPDX-License-Identifier: Apache-2.0
// The bytes of attachments on their way to and from adapters: which commands run, how far each is,
// and how they go on when an adapter comes back.
//
// Each file has at most kChunkWindow under way: what comes is acknowledged once it is stored, what
// goes waits for the adapter's acknowledgements. So neither side's memory grows with a file's size.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "broker/adapter_table.h"
#include "broker/attachment_fetch.h"
#include "broker/attachment_index.h"
#include "broker/attachment_store.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

// Thread-safe. Lock order: this, then AdapterTable, AttachmentFetch and AttachmentStore.
class AttachmentTransfers {
 public:
  AttachmentTransfers(AdapterTable& adapters, AttachmentStore& store)
      : adapters_(adapters), store_(store) {}

  // Returns the fetch of an attachment that runs, or begins one in the name of 'principal'.
  // UNAVAILABLE GATEKEEPER_OFFLINE; RESOURCE_EXHAUSTED LIMIT_EXCEEDED when the account has too many
  // or there is no room.
  absl::StatusOr<std::shared_ptr<AttachmentFetch>> Fetch(const KnownAttachment& known,
                                                         const permissions::Principal& principal);

  // Has the adapter of 'account' upload the 'size' bytes of 'file', and returns its final answer.
  // Errors as AdapterTable::Run's, and UNAVAILABLE GATEKEEPER_RETRY when it stalls; CANCELLED once
  // 'cancelled' says so, which is asked now and then.
  absl::StatusOr<v1::CommandResult> Push(permissions::AccountId account,
                                         const permissions::Principal& principal,
                                         v1::UploadCommand command, const VaultFile& file,
                                         uint64_t size, absl::FunctionRef<bool()> cancelled);

  // What adapters say. A chunk or an ack of a command that is not known is answered with 'ended'.
  void TakeChunk(permissions::AccountId account, const v1::AttachmentChunk& chunk);
  void TakeAck(permissions::AccountId account, const v1::AttachmentAck& ack);
  // Takes an answer. False when it is not about a transfer.
  bool Completed(permissions::AccountId account, const v1::CommandResult& result);
  // An adapter of the account is there: has it go on with what was cut.
  void Attached(permissions::AccountId account);

  // Ends every transfer: the daemon stops.
  void Stop();

 private:
  struct Download {
    permissions::AccountId account;
    permissions::Principal principal;
    v1::Command command;
    std::shared_ptr<AttachmentFetch> fetch;
    int restarts = 0;
  };
  struct Upload {
    permissions::AccountId account;
    v1::Command command;
    // How far the adapter is; nothing before it said so.
    std::optional<uint64_t> taken;
    // What was sent ends here.
    uint64_t sent = 0;
    bool last_sent = false;
    std::optional<v1::CommandResult> result;
    absl::Duration progress;
  };

  bool SendCommand(permissions::AccountId account, const v1::Command& command)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendAck(permissions::AccountId account, const std::string& command_id, uint64_t offset,
               bool ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Asks the adapter anew for the rest of what it has forgotten. False when it was asked too often.
  bool Restart(Download& download) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropEnded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  AdapterTable& adapters_;
  AttachmentStore& store_;

  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // By command id.
  absl::flat_hash_map<std::string, Download> downloads_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<Upload>> uploads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
