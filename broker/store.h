// SPDX-License-Identifier: Apache-2.0
// The broker's one database file: everything that must survive a restart. One thread writes, in
// commits that take whatever is waiting; two read-only connections serve everybody else.
// Format and decisions: broker/on_disk.md.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/database.h"
#include "broker/high_water_file.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "platform/secret_bytes.h"

namespace postern::broker {

// Whether opening may make a new, empty database.
enum class Create { kIfMissing, kNever };

struct StoreOptions {
  // Exists, belongs to this user, 0700.
  std::string directory;
  // The raw 256-bit database key. Not kept: only keys derived from it are.
  platform::SecretBytes key;
  const platform::Clock* clock = nullptr;
  Create create = Create::kNever;
};

// What goes along with each commit: the event log's own numbers. Called on the writer thread.
class CommitParticipant {
 public:
  virtual ~CommitParticipant() = default;
  // The transaction is durable. Sets sequence and chain of the mark that is written next.
  virtual void OnCommit(HighWaterMark& mark) = 0;
  // The mark is written; what OnCommit announced may be shown to readers.
  virtual void OnMarked() = 0;
  // The transaction is gone, with all it contained.
  virtual void OnRollback() = 0;
};

// Thread-safe.
class Store {
 public:
  using Job = std::function<absl::Status(Database&)>;

  // Whether 'directory' holds a database, readable or not. Never make a new key when it does.
  static bool Exists(const std::string& directory);

  // FAILED_PRECONDITION: unencrypted, from another key, newer schema, another library, or no
  // database under Create::kNever (NOT_FOUND then). DATA_LOSS: damaged, older than its high-water
  // mark, or gone while the mark is there. UNAVAILABLE: full, read-only or unreadable disk. The
  // message says what to do. Nothing is created or changed unless OK.
  static absl::StatusOr<std::unique_ptr<Store>> Open(StoreOptions options);
  // Runs what was queued, then stops.
  ~Store();

  // Runs 'job' on the writer thread inside the next commit and returns once that is durable. A job
  // that fails is undone alone and its status returned. Other errors: UNAVAILABLE (disk full or
  // read-only: nothing stored, later writes may succeed), DATA_LOSS (refuses all writes from then
  // on). Blocks while the queue is full. Jobs must be short, and must not call Write.
  absl::Status Write(const Job& job);

  // Lets what was queued run, and refuses every later Write with UNAVAILABLE: the files are about
  // to go.
  void Retire();

  // Runs 'read' in one read transaction on a read-only connection. Copy what is needed and return:
  // never hold it across a network write. At most two run at once; more wait.
  absl::Status Read(absl::FunctionRef<absl::Status(Database&)> read);

  // The count of changes as Open found it, before anything of this run was written.
  uint64_t opened_generation() const { return opened_generation_; }
  // Makes the count of changes at least 'at_least', durably: what was remembered of a newer state
  // of this database then stays behind what it becomes.
  absl::Status RaiseGeneration(uint64_t at_least);

  // Asks the writer to empty the WAL soon, so that overwritten pages leave the disk too.
  void RequestWalTruncation();

  // Bytes on disk: database and WAL.
  uint64_t SizeBytes() const;
  // The mark as last written (or read at Open). The lead copies it to the keyring as an anchor.
  HighWaterMark high_water() const;
  // OK, or why the high-water file could not be written last time; the next commit tries again.
  absl::Status high_water_status() const;
  // OK, or the DATA_LOSS that made the store refuse writes.
  absl::Status health() const;
  // Where the database lies; other files of its kind lie beside it.
  std::string directory() const { return path_.substr(0, path_.rfind('/')); }
  // Whether Open made the database.
  bool created() const { return created_; }
  const platform::Clock& clock() const { return clock_; }

  // A 256-bit key for 'purpose', derived from the database key (HKDF-SHA256). Same purpose, same
  // key.
  platform::SecretBytes DeriveKey(std::string_view purpose) const;

 private:
  friend class EventLog;
  struct Ticket;
  enum class Effect { kAppend, kOther };

  Store(const platform::Clock& clock, std::string path) : clock_(clock), path_(std::move(path)) {}
  absl::Status Enqueue(const Job& job, Effect effect);
  // Joins the commits; null leaves. Blocks until no commit is under way.
  void SetParticipant(CommitParticipant* participant);
  void WriterLoop();
  void Commit(const std::vector<Ticket*>& tickets);
  absl::Status RunTransaction(const std::vector<Ticket*>& tickets);
  void CheckpointWhenDue(bool idle);
  std::unique_ptr<Database> TakeReader();
  void ReturnReader(std::unique_ptr<Database> reader);

  const platform::Clock& clock_;
  const std::string path_;
  bool created_ = false;
  uint64_t opened_generation_ = 0;
  platform::SecretBytes root_key_;

  // Used by the writer thread only (and Open, before it starts).
  std::unique_ptr<Database> writer_;
  std::unique_ptr<HighWaterFile> high_water_file_;
  uint64_t generation_ = 0;
  absl::Duration last_truncation_;

  mutable platform::Mutex mutex_;
  platform::ConditionVariable work_;
  platform::ConditionVariable room_;
  std::deque<Ticket*> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool truncation_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
  HighWaterMark mark_ ABSL_GUARDED_BY(mutex_);
  absl::Status mark_status_ ABSL_GUARDED_BY(mutex_);

  platform::Mutex participant_mutex_;
  CommitParticipant* participant_ ABSL_GUARDED_BY(participant_mutex_) = nullptr;

  platform::Mutex readers_mutex_;
  platform::ConditionVariable reader_free_;
  std::vector<std::unique_ptr<Database>> readers_ ABSL_GUARDED_BY(readers_mutex_);

  std::thread thread_;
};

}  // namespace postern::broker
