// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/chunk_flow.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

namespace postern::sdk {

void ChunkFlow::BeginDownload(const std::string& command_id, uint64_t offset) {
  platform::MutexLock lock(mutex_);
  Download& download = downloads_[command_id];
  download = {};
  download.taken = offset;
  download.end = offset;
}

absl::Status ChunkFlow::Add(const v1::AttachmentChunk& chunk, absl::Duration wait) {
  const uint64_t bytes = chunk.data().size();
  if (bytes > kChunkBytesMax) return absl::InvalidArgumentError("a chunk has at most 64 KiB");
  {
    const absl::Time deadline = absl::Now() + wait;
    platform::MutexLock lock(mutex_);
    for (;;) {
      // Looked up anew after each wait: it may have ended meanwhile.
      const auto found = downloads_.find(chunk.command_id());
      if (found == downloads_.end() || found->second.answered) {
        return absl::NotFoundError("no such download runs");
      }
      Download& download = found->second;
      if (download.given_up) return absl::CancelledError("the broker wants no more of it");
      if (stopping_) return absl::CancelledError("the link is closing");
      if (chunk.offset() != download.end || download.last_given) {
        return absl::InvalidArgumentError("chunks must follow one another");
      }
      if (download.end + bytes - download.taken <= kChunkWindow) {
        download.end += bytes;
        download.last_given = chunk.last();
        download.chunks.push_back(chunk);
        break;
      }
      const absl::Duration left = std::min(deadline - absl::Now(), wait);
      if (left <= absl::ZeroDuration()) {
        download.refused_for_room = true;
        return absl::UnavailableError("the broker has not taken what went before; wait for room");
      }
      if (wait == absl::InfiniteDuration()) {
        changed_.Wait(mutex_);
      } else {
        changed_.WaitFor(mutex_, left);
      }
    }
  }
  wake_();
  return absl::OkStatus();
}

void ChunkFlow::QueueAck(const std::string& command_id, const Upload& upload) {
  v1::AttachmentAck& ack = acks_[command_id];
  ack.set_command_id(command_id);
  ack.set_offset(upload.taken);
}

void ChunkFlow::BeginUpload(const std::string& command_id) {
  {
    platform::MutexLock lock(mutex_);
    QueueAck(command_id, uploads_[command_id]);
  }
  wake_();
}

bool ChunkFlow::Wants(const v1::AttachmentChunk& chunk) const {
  platform::MutexLock lock(mutex_);
  const auto found = uploads_.find(chunk.command_id());
  return found != uploads_.end() && chunk.offset() == found->second.taken &&
         !found->second.last_taken;
}

void ChunkFlow::Took(const v1::AttachmentChunk& chunk) {
  {
    platform::MutexLock lock(mutex_);
    const auto found = uploads_.find(chunk.command_id());
    if (found == uploads_.end()) return;  // answered meanwhile
    found->second.taken += chunk.data().size();
    found->second.last_taken = chunk.last();
    QueueAck(chunk.command_id(), found->second);
  }
  wake_();
}

ChunkFlow::Effect ChunkFlow::TakeAck(const v1::AttachmentAck& ack) {
  platform::MutexLock lock(mutex_);
  Effect effect;
  if (ack.ended() && uploads_.erase(ack.command_id()) > 0) {
    acks_.erase(ack.command_id());
    effect.given_up = true;
    return effect;
  }
  const auto found = downloads_.find(ack.command_id());
  if (found == downloads_.end()) return effect;
  Download& download = found->second;
  changed_.NotifyAll();
  if (ack.ended()) {
    effect.given_up = !download.last_given;
    effect.room = std::exchange(download.refused_for_room, false);
    download.given_up = true;
    download.chunks.clear();
    download.unsent = 0;
    if (download.answered) downloads_.erase(found);
    return effect;
  }
  // What was never given cannot have been taken.
  download.taken = std::max(download.taken, std::min(ack.offset(), download.end));
  // The last one stays until the broker says that it is done: it may be empty.
  while (!download.chunks.empty() && !download.chunks.front().last() &&
         download.chunks.front().offset() + download.chunks.front().data().size() <=
             download.taken) {
    download.chunks.pop_front();
    if (download.unsent > 0) --download.unsent;
  }
  effect.room = std::exchange(download.refused_for_room, false);
  return effect;
}

void ChunkFlow::Answered(const v1::CommandResult& result) {
  platform::MutexLock lock(mutex_);
  uploads_.erase(result.command_id());
  acks_.erase(result.command_id());
  const auto found = downloads_.find(result.command_id());
  if (found == downloads_.end()) return;
  found->second.answered = true;
  changed_.NotifyAll();
  if (result.state() != v1::CommandResult::STATE_SENT || found->second.given_up ||
      found->second.chunks.empty()) {
    downloads_.erase(found);
  }
}

void ChunkFlow::BeginSession() {
  platform::MutexLock lock(mutex_);
  for (auto& [id, download] : downloads_) download.unsent = 0;
  for (const auto& [id, upload] : uploads_) QueueAck(id, upload);
}

std::optional<v1::AttachRequest> ChunkFlow::Next() {
  platform::MutexLock lock(mutex_);
  v1::AttachRequest request;
  if (!acks_.empty()) {
    *request.mutable_attachment_ack() = std::move(acks_.begin()->second);
    acks_.erase(acks_.begin());
    return request;
  }
  auto turn = downloads_.upper_bound(last_turn_);
  for (size_t i = 0; i < downloads_.size(); ++i, ++turn) {
    if (turn == downloads_.end()) turn = downloads_.begin();
    Download& download = turn->second;
    if (download.unsent >= download.chunks.size()) continue;
    *request.mutable_attachment_chunk() = download.chunks[download.unsent++];
    last_turn_ = turn->first;
    return request;
  }
  return std::nullopt;
}

void ChunkFlow::Stop() {
  platform::MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

}  // namespace postern::sdk
