// SPDX-License-Identifier: Apache-2.0
// The streams that are open now, so that a revocation can say what each event stream was last sent
// and see to it that each ends, and so that none holds its thread while its peer does nothing.
//
// The order that makes a revocation exact: the owner's call commits the new grants, raises the
// epoch, and only then takes each stream's lock to read what was last sent. A stream takes that
// lock before every write, compares the epoch, and notes what it is about to send. So either the
// write was noted before the lock was taken, and the answer names it, or the stream sees the new
// epoch and decides again. The lock is never held while gRPC writes: a stalled reader holds up
// nobody.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <grpcpp/server_context.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/attachment_limits.h"
#include "broker/limits.h"
#include "broker/log_record.h"
#include "broker/stall_watch.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::broker {

class LiveStreams;

// Notes how far streams had come, those too that end meanwhile: made before grants are changed, so
// that a stream which sees the change first and is gone is not forgotten in the answer.
// Thread-safe; the streams must outlive it.
class StreamWatch {
 public:
  explicit StreamWatch(LiveStreams& streams);
  ~StreamWatch();
  StreamWatch(const StreamWatch&) = delete;
  StreamWatch& operator=(const StreamWatch&) = delete;

  // Returns what each stream of the principal (of all, when empty) was last sent. Call after the
  // epoch was raised; nothing later is ever written under the old grants.
  std::vector<v1::StreamEnd> LastSent(const permissions::Principal& principal) const;

 private:
  friend class LiveStreams;
  LiveStreams& streams_;
  // Guarded by the streams' mutex.
  std::vector<std::pair<permissions::Principal, v1::StreamEnd>> ended_;
};

// One open stream; its destructor takes it out. Used by the stream's own thread.
class LiveStream {
 public:
  // What it carries.
  enum class Kind { kEvents, kDownload, kUpload };

  ~LiveStream();
  LiveStream(const LiveStream&) = delete;
  LiveStream& operator=(const LiveStream&) = delete;

  // Notes that a frame up to 'sequence' is about to be written. False, and nothing noted, when the
  // grants changed since 'epoch': decide again.
  bool BeginWrite(uint64_t epoch, Sequence sequence, const std::string& cursor);
  void EndWrite();

  // Brackets a read of what the peer sends. False when nothing more is to be read: see EndReads.
  bool BeginRead();
  void EndRead();

 private:
  friend class LiveStreams;
  friend class StreamWatch;
  LiveStream(LiveStreams& streams, permissions::Principal principal, std::string subscription,
             grpc::ServerContext* context, Kind kind)
      : streams_(streams),
        kind_(kind),
        principal_(principal),
        subscription_(std::move(subscription)),
        context_(context) {}

  // Else it carries bytes, which have no place in the log.
  bool has_events() const { return kind_ == Kind::kEvents; }
  v1::StreamEnd LastSent();
  // Notes that it waits for its peer from now on.
  void BeginWait() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // For how long it may.
  absl::Duration StallMax() const;

  LiveStreams& streams_;
  const Kind kind_;
  const permissions::Principal principal_;
  const std::string subscription_;
  grpc::ServerContext* const context_;

  platform::Mutex mutex_;
  Sequence last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string last_cursor_ ABSL_GUARDED_BY(mutex_);
  // When the write or read that is under way began; infinite when none is. How long it makes no
  // progress, as far as the reaper was there to see it.
  absl::Duration wait_start_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  absl::Duration stalled_ ABSL_GUARDED_BY(mutex_);
  // Its connections were shut, since a reset did not end it.
  bool shut_ ABSL_GUARDED_BY(mutex_) = false;
};

// Thread-safe. Lock order: LiveStreams, then LiveStream.
class LiveStreams {
 public:
  using Kind = LiveStream::Kind;

  struct Options {
    // The epoch of the grants now.
    std::function<uint64_t()> epoch;
    // Ends all connections of a principal.
    std::function<void(const permissions::Principal&)> close_connections;
    // Makes waiting streams look again.
    std::function<void()> wake;
    // How long a write may make no progress, and how long a peer that is to send may send nothing.
    // Then the stream is reset; after as long again the connections of its principal are shut.
    // Tests shorten them.
    absl::Duration stall_max = kReaderStallMax;
    absl::Duration silence_max = kUploadSilenceMax;
  };

  explicit LiveStreams(Options options);
  // All streams must be gone.
  ~LiveStreams();

  // Takes a stream in. ALREADY_EXISTS SUBSCRIPTION_IN_USE when a live one of this principal has the
  // name (waits a moment for a dead one to leave); RESOURCE_EXHAUSTED LIMIT_EXCEEDED when the
  // principal has too many.
  absl::StatusOr<std::unique_ptr<LiveStream>> Add(permissions::Principal principal,
                                                  std::string subscription,
                                                  grpc::ServerContext* context,
                                                  Kind kind = Kind::kEvents);

  // Sees to it that the principal's streams that exist now end: cancels those that are left after
  // kRevokeCancelAfter and shuts the principal's connections if one is left after
  // kRevokeShutdownAfter.
  void EndStreams(const permissions::Principal& principal);

  // As EndStreams, for a principal whose key is no longer known: after kRevokeShutdownAfter its
  // connections are shut, however its streams ended. Nothing calls that off.
  void ShutOut(const permissions::Principal& principal);

  // Calls EndStreams off: the principal has access again. Streams that have not ended yet go on.
  void KeepStreams(const permissions::Principal& principal);

  // The daemon stops: ends every stream that waits for what its peer sends, and from now on none
  // begins to.
  void EndReads();

  // Returns once no stream is left, or after 'timeout'.
  void WaitUntilEmpty(absl::Duration timeout);

  int count() const;

 private:
  friend class LiveStream;
  friend class StreamWatch;
  struct Ending {
    permissions::Principal principal;
    std::vector<const LiveStream*> streams;
    absl::Duration due;
    // The key is no longer known.
    bool shut_out = false;
    bool cancelled = false;
  };

  void End(const permissions::Principal& principal, bool shut_out);

  void Remove(LiveStream* stream);
  void ReaperLoop();
  // Carries out what is due; returns how long until something else is.
  absl::Duration RunDue(absl::Duration now, std::vector<permissions::Principal>& to_close)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  std::list<LiveStream*> streams_ ABSL_GUARDED_BY(mutex_);
  std::list<StreamWatch*> watches_ ABSL_GUARDED_BY(mutex_);
  std::list<Ending> endings_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool reads_ended_ ABSL_GUARDED_BY(mutex_) = false;
  StallWatch stall_watch_ ABSL_GUARDED_BY(mutex_);
  std::thread reaper_;
};

}  // namespace postern::broker
