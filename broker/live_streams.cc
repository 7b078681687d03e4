// SPDX-License-Identifier: Apache-2.0
#include "broker/live_streams.h"

#include <grpc/grpc.h>

#include <algorithm>
#include <utility>

#include "broker/attachment_limits.h"
#include "broker/limits.h"
#include "broker/rpc_status.h"
#include "platform/clock.h"

namespace postern::broker {
namespace {

using permissions::Principal;

// Writes and endings are bounded in elapsed time of the machine, not of the injected clock: the
// peer that stalls is outside of any test's time.
absl::Duration Elapsed() { return platform::SystemClock().Elapsed(); }

// Streams that wait for their peer are looked at so many times within the bound.
constexpr int kStallLooks = 6;

// Resets a stream whose reader does not read. What is on its way waits for the reader and a status
// would wait behind it; a reset goes past, and carries a code and a text but no details. So the
// reason is the first word of the text.
void EndStalled(grpc::ServerContext* context, LiveStream::Kind kind) {
  grpc_call_cancel_with_status(
      context->c_call(), GRPC_STATUS_DEADLINE_EXCEEDED,
      kind == LiveStream::Kind::kUpload
          ? "nothing more of this file came for too long; ask GetUpload and go on from there"
          : "READER_STALLED: the reader made no progress for too long; subscribe again from the "
            "last cursor",
      nullptr);
}

// How many streams of a kind one app may have, and what it is told otherwise.
int MostOf(LiveStream::Kind kind) {
  switch (kind) {
    case LiveStream::Kind::kDownload:
      return kDownloadsPerAppMax;
    case LiveStream::Kind::kUpload:
      return kUploadStreamsPerAppMax;
    default:
      return kStreamsPerAppMax;
  }
}

const char* TooManyText(LiveStream::Kind kind) {
  switch (kind) {
    case LiveStream::Kind::kDownload:
      return "this app has too many downloads; end one first";
    case LiveStream::Kind::kUpload:
      return "this app has too many uploads; end one first";
    default:
      return "this app has too many event streams; end one first";
  }
}

}  // namespace

LiveStream::~LiveStream() { streams_.Remove(this); }

bool LiveStream::BeginWrite(uint64_t epoch, Sequence sequence, const std::string& cursor) {
  platform::MutexLock lock(mutex_);
  if (streams_.options_.epoch() != epoch) return false;
  last_sequence_ = sequence;
  last_cursor_ = cursor;
  BeginWait();
  return true;
}

void LiveStream::EndWrite() {
  platform::MutexLock lock(mutex_);
  wait_start_ = absl::InfiniteDuration();
}

bool LiveStream::BeginRead() {
  platform::MutexLock streams_lock(streams_.mutex_);
  if (streams_.reads_ended_) return false;
  platform::MutexLock lock(mutex_);
  BeginWait();
  return true;
}

void LiveStream::EndRead() { EndWrite(); }

void LiveStream::BeginWait() {
  wait_start_ = Elapsed();
  stalled_ = absl::ZeroDuration();
}

absl::Duration LiveStream::StallMax() const {
  return kind_ == Kind::kUpload ? streams_.options_.silence_max : streams_.options_.stall_max;
}

v1::StreamEnd LiveStream::LastSent() {
  platform::MutexLock lock(mutex_);
  v1::StreamEnd end;
  end.set_subscription(subscription_);
  end.set_last_sequence(last_sequence_);
  end.set_last_cursor(last_cursor_);
  return end;
}

StreamWatch::StreamWatch(LiveStreams& streams) : streams_(streams) {
  platform::MutexLock lock(streams_.mutex_);
  streams_.watches_.push_back(this);
}

StreamWatch::~StreamWatch() {
  platform::MutexLock lock(streams_.mutex_);
  streams_.watches_.remove(this);
}

std::vector<v1::StreamEnd> StreamWatch::LastSent(const Principal& principal) const {
  std::vector<v1::StreamEnd> ends;
  platform::MutexLock lock(streams_.mutex_);
  for (const auto& [whose, end] : ended_) {
    if (principal.empty() || whose == principal) ends.push_back(end);
  }
  for (LiveStream* stream : streams_.streams_) {
    if (!stream->has_events()) continue;
    if (principal.empty() || stream->principal_ == principal) ends.push_back(stream->LastSent());
  }
  return ends;
}

LiveStreams::LiveStreams(Options options)
    : options_(std::move(options)), reaper_([this] { ReaperLoop(); }) {}

LiveStreams::~LiveStreams() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  reaper_.join();
}

absl::StatusOr<std::unique_ptr<LiveStream>> LiveStreams::Add(Principal principal,
                                                             std::string subscription,
                                                             grpc::ServerContext* context,
                                                             Kind kind) {
  const int most = MostOf(kind);
  std::unique_ptr<LiveStream> stream(
      new LiveStream(*this, principal, std::move(subscription), context, kind));
  const auto same_name = [&](const LiveStream* other) {
    return other->principal_ == principal && other->subscription_ == stream->subscription_;
  };
  const auto same_kind = [&](const LiveStream* other) {
    return other->principal_ == principal && other->kind_ == kind;
  };
  absl::Status refusal;
  {
    platform::MutexLock lock(mutex_);
    if (!stream->subscription_.empty()) {
      // An app that lost its connection comes back before its old stream noticed.
      const absl::Duration deadline = Elapsed() + kSubscriptionTakeover;
      while (std::any_of(streams_.begin(), streams_.end(), same_name)) {
        const absl::Duration left = deadline - Elapsed();
        if (left <= absl::ZeroDuration()) {
          refusal = ReasonStatus(
              absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_SUBSCRIPTION_IN_USE,
              "another stream of this app uses this subscription; end it or take another name");
          break;
        }
        options_.wake();
        changed_.WaitFor(mutex_, std::min(left, kRevokeCancelAfter / 5));
      }
    }
    if (refusal.ok() && std::count_if(streams_.begin(), streams_.end(), same_kind) >= most) {
      refusal = ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                             TooManyText(kind), {{"limit", std::to_string(most)}});
    }
    if (refusal.ok()) {
      streams_.push_back(stream.get());
      // The reaper sleeps while there is no stream.
      changed_.NotifyAll();
    }
  }
  if (!refusal.ok()) return refusal;
  return stream;
}

void LiveStreams::Remove(LiveStream* stream) {
  platform::MutexLock lock(mutex_);
  streams_.remove(stream);
  if (stream->has_events()) {
    for (StreamWatch* watch : watches_) {
      watch->ended_.emplace_back(stream->principal_, stream->LastSent());
    }
  }
  for (Ending& ending : endings_) std::erase(ending.streams, stream);
  changed_.NotifyAll();
}

void LiveStreams::EndStreams(const Principal& principal) { End(principal, false); }

void LiveStreams::ShutOut(const Principal& principal) { End(principal, true); }

void LiveStreams::End(const Principal& principal, bool shut_out) {
  options_.wake();
  platform::MutexLock lock(mutex_);
  Ending ending{principal, {}, Elapsed() + kRevokeCancelAfter, shut_out};
  for (const LiveStream* stream : streams_) {
    if (stream->principal_ == principal) ending.streams.push_back(stream);
  }
  if (ending.streams.empty() && !shut_out) return;
  endings_.push_back(std::move(ending));
  changed_.NotifyAll();
}

void LiveStreams::KeepStreams(const Principal& principal) {
  platform::MutexLock lock(mutex_);
  endings_.remove_if(
      [&](const Ending& ending) { return ending.principal == principal && !ending.shut_out; });
}

void LiveStreams::EndReads() {
  platform::MutexLock lock(mutex_);
  reads_ended_ = true;
  for (LiveStream* stream : streams_) {
    platform::MutexLock stream_lock(stream->mutex_);
    if (stream->kind_ != Kind::kUpload || stream->wait_start_ == absl::InfiniteDuration()) continue;
    grpc_call_cancel_with_status(stream->context_->c_call(), GRPC_STATUS_UNAVAILABLE,
                                 "SHUTTING_DOWN: posternd is stopping; go on when it is back",
                                 nullptr);
  }
}

void LiveStreams::WaitUntilEmpty(absl::Duration timeout) {
  const absl::Duration deadline = Elapsed() + timeout;
  platform::MutexLock lock(mutex_);
  while (!streams_.empty()) {
    const absl::Duration left = deadline - Elapsed();
    if (left <= absl::ZeroDuration()) return;
    changed_.WaitFor(mutex_, left);
  }
}

int LiveStreams::count() const {
  platform::MutexLock lock(mutex_);
  return static_cast<int>(streams_.size());
}

absl::Duration LiveStreams::RunDue(absl::Duration now, std::vector<Principal>& to_close) {
  const absl::Duration watched = stall_watch_.Look(now);
  absl::Duration wait = absl::InfiniteDuration();
  for (auto it = endings_.begin(); it != endings_.end();) {
    Ending& ending = *it;
    if (ending.streams.empty() && !ending.shut_out) {
      it = endings_.erase(it);
      continue;
    }
    if (now >= ending.due && !ending.cancelled) {
      for (const LiveStream* stream : ending.streams) stream->context_->TryCancel();
      ending.cancelled = true;
      ending.due += kRevokeShutdownAfter - kRevokeCancelAfter;
    } else if (now >= ending.due) {
      to_close.push_back(ending.principal);
      it = endings_.erase(it);
      continue;
    }
    wait = std::min(wait, ending.due - now);
    ++it;
  }
  for (LiveStream* stream : streams_) {
    platform::MutexLock stream_lock(stream->mutex_);
    if (stream->wait_start_ == absl::InfiniteDuration()) continue;
    stream->stalled_ += std::min(watched, now - stream->wait_start_);
    if (stream->stalled_ > 2 * stream->StallMax() && !stream->shut_) {
      // Where the kernel takes no byte more (the peer's process is stopped), gRPC holds the reset
      // back behind the write that it is at.
      stream->shut_ = true;
      to_close.push_back(stream->principal_);
    } else if (stream->stalled_ > stream->StallMax()) {
      EndStalled(stream->context_, stream->kind_);
    } else {
      wait = std::min(wait, stream->StallMax() / kStallLooks);
    }
  }
  return wait;
}

void LiveStreams::ReaperLoop() {
  platform::MutexLock lock(mutex_);
  while (!stopping_) {
    std::vector<Principal> to_close;
    const absl::Duration wait = RunDue(Elapsed(), to_close);
    if (!to_close.empty()) {
      mutex_.Unlock();
      for (const Principal& principal : to_close) options_.close_connections(principal);
      mutex_.Lock();
      continue;
    }
    if (wait == absl::InfiniteDuration() && streams_.empty()) {
      stall_watch_.Plan(absl::ZeroDuration());
      changed_.Wait(mutex_);
    } else {
      // A stream that begins to wait does not wake this thread, so while there are streams it looks
      // by itself.
      const absl::Duration shortest = std::min(options_.stall_max, options_.silence_max);
      const absl::Duration until_next = std::min(wait, shortest / 2);
      stall_watch_.Plan(until_next);
      changed_.WaitFor(mutex_, until_next);
    }
  }
}

}  // namespace postern::broker
