// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "platform/secret_bytes.h"

struct sqlite3;

namespace postern::sdk {

// An event as it waits: its bytes, and the command that caused it, if one did.
struct SpooledEvent {
  uint64_t position = 0;  // given by Append
  std::string event;
  std::string command_id;
};

// Where a command stands in the journal.
struct CommandRecord {
  enum class State { kNew, kRunning, kAnswered };
  State state = State::kNew;
  std::string result;  // the serialised CommandResult, for kAnswered
};

// What an adapter may not lose, in one SQLCipher file: events the broker has not made durable, the
// position counter, and which commands were begun and how they were answered.
//
// The counter never goes back: positions are given once, for ever. Thread-safe. One process at a
// time. A commit is on the disk (synchronous=FULL) when the call that made it returns; threads that
// append together share one.
class Spool {
 public:
  // Opens or makes the file (0600). FAILED_PRECONDITION when 'key' does not open it, it is not a
  // spool, a newer version wrote it, another process has it open, or SQLite came without
  // encryption.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(const std::string& path,
                                                     const platform::SecretBytes& key,
                                                     uint64_t bytes_max);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Appends all of 'events' or none; sets their positions and returns the last. RESOURCE_EXHAUSTED
  // when it is full, UNAVAILABLE when the disk refused. 'bookmark', when not empty, is stored with
  // them.
  absl::StatusOr<uint64_t> Append(std::vector<SpooledEvent>& events,
                                  const std::string& bookmark = {});
  std::string bookmark() const;

  // Returns the events after 'position' in order, as many as fit 'bytes_max', but at least one.
  absl::StatusOr<std::vector<SpooledEvent>> ReadAfter(uint64_t position, uint64_t bytes_max);

  // Forgets the events up to 'position': the broker has them.
  absl::Status Prune(uint64_t position);

  // To be called with what the broker holds when an adapter attaches, before anything is sent. When
  // the broker knows positions that this spool never gave (it is new, or was rolled back), moves
  // what waits, and the counter, above them, with 'gap_event' in front. Returns whether it did.
  absl::StatusOr<bool> Align(uint64_t durable_position, const std::string& gap_event);

  // Notes that a command is being carried out; returns where it stood before. kNew means: carry it
  // out.
  absl::StatusOr<CommandRecord> BeginCommand(const std::string& command_id);
  // Stores an answer and appends what the command made, in one commit. 'is_final': no other
  // follows. NOT_FOUND when it was never begun, FAILED_PRECONDITION when it has its final answer.
  absl::StatusOr<uint64_t> AnswerCommand(const std::string& command_id, const std::string& result,
                                         bool is_final, std::vector<SpooledEvent>& events);
  // Forgets that a command was begun: the same id may be carried out again.
  absl::Status ReleaseCommand(const std::string& command_id);
  // Commands that were begun and have no final answer, oldest first: at start, those cut by a
  // crash.
  absl::StatusOr<std::vector<std::string>> OpenCommands();
  // Results answered at or after 'since' (Unix seconds), newest first, at most 'limit'.
  absl::StatusOr<std::vector<std::string>> ResultsSince(int64_t since, int limit);

  uint64_t last_position() const;
  // Bytes of events that wait.
  uint64_t waiting_bytes() const;

 private:
  class Statement;
  struct Request;

  explicit Spool(sqlite3* database, uint64_t bytes_max);

  absl::Status Configure(const platform::SecretBytes& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status LoadState() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Execute(const char* sql) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SetBookmark(const std::string& bookmark) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SetMeta(const char* name, uint64_t value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Inserts at 'last' + 1 and on, inside a transaction.
  absl::Status Insert(std::vector<SpooledEvent>& events, uint64_t& last, uint64_t& bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <typename Body>
  absl::Status InTransaction(Body body) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CommitGroup(std::span<Request*> group);

  const uint64_t bytes_max_;

  mutable platform::Mutex mutex_;
  sqlite3* const database_ ABSL_PT_GUARDED_BY(mutex_);
  uint64_t last_position_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string bookmark_ ABSL_GUARDED_BY(mutex_);

  // Appends that wait for the thread that commits now; taken before mutex_, never while holding it.
  platform::Mutex queue_mutex_;
  platform::ConditionVariable queue_changed_;
  std::vector<Request*> queue_ ABSL_GUARDED_BY(queue_mutex_);
  bool committing_ ABSL_GUARDED_BY(queue_mutex_) = false;
};

}  // namespace postern::sdk
