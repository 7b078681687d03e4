// SPDX-License-Identifier: Apache-2.0
#include "broker/attachment_transfers.h"

#include <algorithm>
#include <utility>

#include "broker/attachment_limits.h"
#include "broker/command_id.h"
#include "broker/rpc_status.h"
#include "broker/shutdown.h"
#include "platform/awake_time.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::Principal;

// An adapter sleeps when we sleep.
absl::Duration Elapsed() { return platform::AwakeTime(); }

absl::Status TooMany(size_t limit) {
  return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      "this account has enough files on their way; try again when one is done",
                      {{"limit", "attachment_transfers"},
                       {"transfers_max", std::to_string(limit)},
                       {"retry_after_seconds", "1"}});
}

absl::Status Stalled() {
  return ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GATEKEEPER_RETRY,
                      "the gatekeeper takes nothing more of this file; try again");
}

// A transfer that the adapter does not know how it ended can be repeated: nobody has seen it.
absl::Status ForTransfers(absl::Status status) {
  if (status.code() != absl::StatusCode::kUnknown) return status;
  return ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GATEKEEPER_RETRY,
                      "the gatekeeper stopped while it carried this file; try again");
}

}  // namespace

bool AttachmentTransfers::SendCommand(AccountId account, const v1::Command& command) {
  v1::AttachResponse response;
  *response.mutable_command() = command;
  return adapters_.Tell(account, std::move(response));
}

void AttachmentTransfers::SendAck(AccountId account, const std::string& command_id, uint64_t offset,
                                  bool ended) {
  v1::AttachResponse response;
  v1::AttachmentAck& ack = *response.mutable_attachment_ack();
  ack.set_command_id(command_id);
  ack.set_offset(offset);
  ack.set_ended(ended);
  // An adapter that has no room for it is told again with the next chunk, or when it comes back.
  (void)adapters_.Tell(account, std::move(response));
}

void AttachmentTransfers::DropEnded() {
  for (auto it = downloads_.begin(); it != downloads_.end();) {
    const auto next = std::next(it);
    it->second.fetch->EndIfStalled();
    if (it->second.fetch->ended()) {
      SendAck(it->second.account, it->first, it->second.fetch->taken(), true);
      downloads_.erase(it);
    }
    it = next;
  }
}

absl::StatusOr<std::shared_ptr<AttachmentFetch>> AttachmentTransfers::Fetch(
    const KnownAttachment& known, const Principal& principal) {
  platform::MutexLock lock(mutex_);
  if (stopping_) return Shutdown::Refusal();
  DropEnded();
  size_t running = 0;
  for (auto& [id, download] : downloads_) {
    if (download.fetch->known().id == known.id && download.fetch->known().sha256 == known.sha256) {
      return download.fetch;
    }
    running += download.account == known.account;
  }
  if (running >= kFetchesPerAccountMax) return TooMany(kFetchesPerAccountMax);
  RETURN_IF_ERROR(adapters_.CheckServed(known.account));
  ASSIGN_OR_RETURN(auto incoming, store_.Begin(known.account, known.size_bytes));
  Download download;
  download.account = known.account;
  download.principal = principal;
  download.fetch = std::make_shared<AttachmentFetch>(store_, known, std::move(incoming));
  download.command.set_command_id(NewCommandId(principal, {1, {}}));
  download.command.mutable_download()->set_attachment_id(known.remote_id);
  if (!SendCommand(known.account, download.command)) {
    RETURN_IF_ERROR(adapters_.CheckServed(known.account));
    return Stalled();
  }
  const std::string id = download.command.command_id();
  auto fetch = download.fetch;
  downloads_[id] = std::move(download);
  return fetch;
}

bool AttachmentTransfers::Restart(Download& download) {
  if (++download.restarts > kTransferRestartsMax) return false;
  download.command.set_command_id(NewCommandId(download.principal, {1, {}}));
  download.command.mutable_download()->set_offset(download.fetch->taken());
  // Where it is gone again: Attached sends what waits.
  (void)SendCommand(download.account, download.command);
  return true;
}

void AttachmentTransfers::TakeChunk(AccountId account, const v1::AttachmentChunk& chunk) {
  platform::MutexLock lock(mutex_);
  const auto found = downloads_.find(chunk.command_id());
  if (found == downloads_.end() || found->second.account != account) {
    SendAck(account, chunk.command_id(), chunk.offset(), true);
    return;
  }
  const std::shared_ptr<AttachmentFetch> fetch = found->second.fetch;
  fetch->Take(chunk);
  const bool ended = fetch->ended();
  SendAck(account, chunk.command_id(), fetch->taken(), ended);
  if (ended) downloads_.erase(found);
}

void AttachmentTransfers::TakeAck(AccountId account, const v1::AttachmentAck& ack) {
  platform::MutexLock lock(mutex_);
  const auto found = uploads_.find(ack.command_id());
  if (found == uploads_.end() || found->second->account != account) {
    if (!ack.ended()) SendAck(account, ack.command_id(), ack.offset(), true);
    return;
  }
  Upload& upload = *found->second;
  // After it came back, an adapter says once more how far it is: what was under way is lost.
  if (!upload.taken.has_value()) {
    upload.sent = ack.offset();
    upload.last_sent = false;
  }
  upload.taken = ack.offset();
  upload.progress = Elapsed();
  changed_.NotifyAll();
}

bool AttachmentTransfers::Completed(AccountId account, const v1::CommandResult& result) {
  platform::MutexLock lock(mutex_);
  const bool pending = result.state() == v1::CommandResult::STATE_PENDING;
  if (const auto found = uploads_.find(result.command_id()); found != uploads_.end()) {
    if (found->second->account != account) return true;
    found->second->progress = Elapsed();
    if (!pending) found->second->result = result;
    changed_.NotifyAll();
    return true;
  }
  const auto found = downloads_.find(result.command_id());
  if (found == downloads_.end()) return false;
  if (found->second.account != account) return true;
  found->second.fetch->NoteProgress();
  // Bytes may still follow what went well; the last of them ends it.
  if (pending || result.state() == v1::CommandResult::STATE_SENT) return true;
  Download download = std::move(found->second);
  downloads_.erase(found);
  if (result.state() == v1::CommandResult::STATE_UNKNOWN && Restart(download)) {
    const std::string id = download.command.command_id();
    downloads_[id] = std::move(download);
    return true;
  }
  download.fetch->Fail(ForTransfers(Judge(result).status()));
  return true;
}

void AttachmentTransfers::Attached(AccountId account) {
  platform::MutexLock lock(mutex_);
  DropEnded();
  for (auto& [id, download] : downloads_) {
    if (download.account != account) continue;
    download.fetch->NoteProgress();
    (void)SendCommand(account, download.command);
    SendAck(account, id, download.fetch->taken(), false);
  }
  for (auto& [id, upload] : uploads_) {
    if (upload->account != account || upload->result.has_value()) continue;
    upload->taken.reset();
    upload->progress = Elapsed();
    (void)SendCommand(account, upload->command);
  }
  changed_.NotifyAll();
}

absl::StatusOr<v1::CommandResult> AttachmentTransfers::Push(AccountId account,
                                                            const Principal& principal,
                                                            v1::UploadCommand command,
                                                            const VaultFile& file, uint64_t size,
                                                            absl::FunctionRef<bool()> cancelled) {
  auto upload = std::make_shared<Upload>();
  upload->account = account;
  upload->command.set_command_id(NewCommandId(principal, {1, {}}));
  *upload->command.mutable_upload() = std::move(command);
  const std::string id = upload->command.command_id();

  platform::MutexLock lock(mutex_);
  if (stopping_) return Shutdown::Refusal();
  const auto running = std::count_if(uploads_.begin(), uploads_.end(), [&](const auto& other) {
    return other.second->account == account;
  });
  if (static_cast<size_t>(running) >= kPushesPerAccountMax) return TooMany(kPushesPerAccountMax);
  RETURN_IF_ERROR(adapters_.CheckServed(account));
  if (!SendCommand(account, upload->command)) return Stalled();
  upload->progress = Elapsed();
  uploads_[id] = upload;
  absl::Status status;
  while (status.ok() && !upload->result.has_value()) {
    if (stopping_) {
      status = Shutdown::Refusal();
    } else if (cancelled()) {
      status = absl::CancelledError();
    } else if (Elapsed() - upload->progress > kTransferStallMax) {
      status = Stalled();
    } else if (upload->taken.has_value() && !upload->last_sent &&
               upload->sent < *upload->taken + kChunkWindow) {
      // Read under the lock: a chunk takes less time than another thread's turn would.
      v1::AttachResponse response;
      v1::AttachmentChunk& chunk = *response.mutable_attachment_chunk();
      absl::StatusOr<std::string> data = file.Read(upload->sent, kChunkBytesMax);
      if (!data.ok() || (data->empty() && upload->sent < size)) {
        status = data.ok() ? absl::DataLossError("a stored file is too short") : data.status();
        continue;
      }
      const uint64_t end = upload->sent + data->size();
      chunk.set_command_id(id);
      chunk.set_offset(upload->sent);
      chunk.set_data(*std::move(data));
      chunk.set_last(end >= size);
      if (adapters_.Tell(account, std::move(response))) {
        upload->sent = end;
        upload->last_sent = end >= size;
      } else {
        // It is away, or has too much to read.
        changed_.WaitFor(mutex_, kTransferPoll);
      }
    } else {
      changed_.WaitFor(mutex_, kTransferPoll);
    }
  }
  uploads_.erase(id);
  if (!status.ok()) {
    SendAck(account, id, upload->sent, true);
    return status;
  }
  absl::StatusOr<v1::CommandResult> judged = Judge(*upload->result);
  if (!judged.ok()) return ForTransfers(judged.status());
  return judged;
}

void AttachmentTransfers::Stop() {
  platform::MutexLock lock(mutex_);
  stopping_ = true;
  for (auto& [id, download] : downloads_) download.fetch->Fail(Shutdown::Refusal());
  changed_.NotifyAll();
}

}  // namespace postern::broker
