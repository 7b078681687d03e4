// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "platform/mutex.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::sdk {

// The contract's bound for the bytes of one chunk, and for those that may be under way.
inline constexpr size_t kChunkBytesMax = 64 * 1024;
inline constexpr uint64_t kChunkWindow = 1024 * 1024;

// The bytes of attachments that pass through a link, each file by the id of its command: downloads
// go to the broker, uploads come from it.
//
// What goes to the broker is kept until the broker has taken it, so a broken connection costs the
// adapter nothing: the next session sends it again. Thread-safe; never calls back under its lock.
class ChunkFlow {
 public:
  // 'wake' is called when Next may have something.
  explicit ChunkFlow(std::function<void()> wake) : wake_(std::move(wake)) {}

  // A DownloadCommand was given to the adapter.
  void BeginDownload(const std::string& command_id, uint64_t offset);
  // Takes the next bytes of a download; see GatekeeperLink::SendChunk.
  absl::Status Add(const v1::AttachmentChunk& chunk, absl::Duration wait);

  // An UploadCommand has come, for the first time or again: says to the broker how far it is.
  void BeginUpload(const std::string& command_id);
  // Whether a chunk is the next of its upload. What is known, or nobody's, is to be dropped.
  bool Wants(const v1::AttachmentChunk& chunk) const;
  // The adapter has taken the chunk.
  void Took(const v1::AttachmentChunk& chunk);

  // What the adapter should be told of an ack.
  struct Effect {
    // A refused Add would now be taken.
    bool room = false;
    // The broker gave the transfer up.
    bool given_up = false;
  };
  Effect TakeAck(const v1::AttachmentAck& ack);
  // The command has its final answer. Bytes of a download that went well are still sent.
  void Answered(const v1::CommandResult& result);

  // A session begins: what was sent and not taken is sent again.
  void BeginSession();
  // What is to be sent next, if anything is.
  std::optional<v1::AttachRequest> Next();
  // Ends every wait in Add.
  void Stop();

 private:
  struct Download {
    // The broker has everything before this.
    uint64_t taken = 0;
    // What the adapter has given ends here.
    uint64_t end = 0;
    // Not yet taken, in order; those before 'unsent' are under way.
    std::deque<v1::AttachmentChunk> chunks;
    size_t unsent = 0;
    bool last_given = false;
    bool refused_for_room = false;
    bool given_up = false;
    bool answered = false;
  };
  struct Upload {
    uint64_t taken = 0;
    bool last_taken = false;
  };

  void QueueAck(const std::string& command_id, const Upload& upload)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void()> wake_;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Download> downloads_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Upload> uploads_ ABSL_GUARDED_BY(mutex_);
  // The latest ack of each upload that is not sent yet.
  std::map<std::string, v1::AttachmentAck> acks_ ABSL_GUARDED_BY(mutex_);
  // Whose turn it was last, so that one large file does not hold up the others.
  std::string last_turn_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::sdk
