// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/connection.h"

#include <absl/strings/str_cat.h>

#include <utility>
#include <vector>

#include "platform/status_macros.h"

namespace postern::demo {
namespace {

// While a download waits for room: how often it is looked whether the link is being closed.
constexpr absl::Duration kRoomSlice = absl::Milliseconds(200);

}  // namespace

Connection::Connection(Parts parts, v1::Manifest manifest, v1::AttachHello hello,
                       sdk::GatekeeperOptions options, sdk::GatekeeperCallbacks callbacks)
    : parts_(std::move(parts)),
      manifest_(std::move(manifest)),
      hello_(std::move(hello)),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)) {
  callbacks_.on_command = [this](const v1::Command& command) { Carry(command); };
  callbacks_.on_chunk = [this](const v1::AttachmentChunk& chunk) { Take(chunk); };
  callbacks_.on_transfer_ended = [this](const std::string& id) { TransferEnded(id); };
}

Connection::~Connection() { Close(); }

absl::Status Connection::Open() {
  ASSIGN_OR_RETURN(link_, sdk::GatekeeperLink::Open(manifest_, hello_, options_, callbacks_));
  {
    platform::MutexLock lock(mutex_);
    current_ = link_.get();
    changed_.NotifyAll();
  }
  download_thread_ = std::thread([this] { SendDownloads(); });
  return absl::OkStatus();
}

void Connection::Close() {
  {
    platform::MutexLock lock(mutex_);
    closing_ = true;
    changed_.NotifyAll();
  }
  if (download_thread_.joinable()) download_thread_.join();
  // Its threads answer through current_ until they have ended.
  link_.reset();
  platform::MutexLock lock(mutex_);
  current_ = nullptr;
  closing_ = false;
  for (const auto& [command_id, command] : uploads_) parts_.files.GiveUp(UploadId(command_id));
  uploads_.clear();
  downloads_.clear();
}

absl::Status Connection::Reopen() {
  Close();
  return Open();
}

sdk::GatekeeperLink& Connection::WaitForLink() {
  platform::MutexLock lock(mutex_);
  while (current_ == nullptr) changed_.Wait(mutex_);
  return *current_;
}

void Connection::Answer(const Outcome& outcome) {
  // Shown first, as at a real network what was sent is with the people before the client hears that
  // it was: an answer is durable, so a kill between the two would leave a SENT that nobody saw.
  if (!outcome.line.empty()) parts_.show(outcome.line);
  if (parts_.show_event) {
    for (const v1::Event& event : outcome.events) parts_.show_event(event);
  }
  const absl::Status status = WaitForLink().Answer(outcome.result, outcome.events);
  if (!status.ok()) parts_.say(absl::StrCat("a command could not be answered: ", status.message()));
}

void Connection::Carry(const v1::Command& command) {
  WaitForLink();
  // Late, but not for ever.
  if (parts_.faults.Strikes(Fault::kSlow, commands_++)) {
    platform::MutexLock lock(mutex_);
    const absl::Time until = absl::Now() + kSlowFor;
    while (!closing_ && absl::Now() < until) changed_.WaitFor(mutex_, until - absl::Now());
  }
  for (const Outcome& outcome : parts_.alice.CarryOut(command, absl::Now())) {
    if (!outcome.result.command_id().empty()) {
      Answer(outcome);
      continue;
    }
    // A transfer that may begin.
    bool full = false;
    {
      platform::MutexLock lock(mutex_);
      if (command.has_upload()) {
        uploads_[command.command_id()] = command;
      } else if (downloads_.size() < kDownloadsMax) {
        downloads_.push_back(command);
      } else {
        full = true;
      }
      changed_.NotifyAll();
    }
    if (full) {
      Outcome busy = Failed(command, "too many downloads at once");
      busy.result.set_state(v1::CommandResult::STATE_FAILED_RETRIABLE);
      Answer(busy);
    }
  }
}

void Connection::Take(const v1::AttachmentChunk& chunk) {
  v1::Command command;
  {
    platform::MutexLock lock(mutex_);
    const auto upload = uploads_.find(chunk.command_id());
    if (upload == uploads_.end()) return;  // it was refused, or given up
    command = upload->second;
  }
  const v1::Attachment& described = command.upload().attachment();
  const std::string id = UploadId(chunk.command_id());
  absl::Status status = parts_.files.Append(id, chunk.offset(), chunk.data(), described);
  if (status.ok() && !chunk.last()) return;
  if (status.ok()) status = parts_.files.Finish(id, described);
  {
    platform::MutexLock lock(mutex_);
    uploads_.erase(chunk.command_id());
  }
  if (!status.ok()) parts_.files.GiveUp(id);
  Answer(parts_.alice.EndUpload(command, status));
}

void Connection::TransferEnded(const std::string& command_id) {
  v1::Command command;
  {
    platform::MutexLock lock(mutex_);
    const auto upload = uploads_.find(command_id);
    if (upload == uploads_.end()) return;  // a download: its thread hears of it
    command = upload->second;
    uploads_.erase(upload);
  }
  parts_.files.GiveUp(UploadId(command_id));
  Answer(parts_.alice.EndUpload(command, absl::CancelledError("the broker gave it up")));
}

void Connection::SendDownloads() {
  for (;;) {
    v1::Command command;
    {
      platform::MutexLock lock(mutex_);
      while (downloads_.empty() && !closing_) changed_.Wait(mutex_);
      if (closing_) return;
      command = std::move(downloads_.front());
      downloads_.pop_front();
    }
    Send(command);
  }
}

void Connection::Send(const v1::Command& command) {
  const std::string& id = command.download().attachment_id();
  sdk::GatekeeperLink& link = WaitForLink();
  v1::AttachmentChunk chunk;
  chunk.set_command_id(command.command_id());
  uint64_t offset = command.download().offset();
  while (!chunk.last()) {
    auto bytes = parts_.files.Read(id, offset, kChunkBytesMax);
    if (!bytes.ok()) {
      Answer(Failed(command, std::string(bytes.status().message())));
      return;
    }
    chunk.set_offset(offset);
    offset += bytes->size();
    chunk.set_last(bytes->size() < kChunkBytesMax);
    *chunk.mutable_data() = *std::move(bytes);
    absl::Status status = link.SendChunk(chunk, kRoomSlice);
    while (absl::IsUnavailable(status)) {
      {
        platform::MutexLock lock(mutex_);
        if (closing_) return;
      }
      status = link.SendChunk(chunk, kRoomSlice);
    }
    if (!status.ok()) {
      Answer(Failed(command, std::string(status.message())));
      return;
    }
  }
  Outcome done;
  done.result.set_command_id(command.command_id());
  done.result.set_state(v1::CommandResult::STATE_SENT);
  done.result.set_end_to_end_encrypted(true);
  Answer(done);
}

}  // namespace postern::demo
