// SPDX-License-Identifier: Apache-2.0
#include "broker/store.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/keyed_hash.h"
#include "broker/schema.h"
#include "broker/storage_limits.h"
#include "platform/status_macros.h"
#include "platform/unique_fd.h"

namespace postern::broker {
namespace {

constexpr char kDatabaseName[] = "events.db";
constexpr char kHighWaterName[] = "high-water";
constexpr int64_t kPageBytes = 8192;
constexpr std::string_view kPlainMagic("SQLite format 3\0", 16);

constexpr char kRestore[] =
    "; restore the data folder from a backup, or move it away to start anew";

// Size of 'path', or -1 when there is none.
int64_t FileSize(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 ? static_cast<int64_t>(info.st_size) : -1;
}

absl::Status SystemError(int error, const char* operation) {
  return absl::UnavailableError(absl::StrCat("events.db: ", operation, ": ", std::strerror(error),
                                             "; check the disk of the data folder"));
}

// Makes the file if it is missing, before SQLite would with the umask of the moment; its -wal and
// -shm take their mode from it.
absl::Status EnsurePrivateFile(const std::string& path, bool make) {
  platform::UniqueFd fd(::open(
      path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (make ? O_CREAT : 0), 0600));
  if (!fd.valid()) return SystemError(errno, "opening");
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return SystemError(errno, "opening");
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError("events.db is not a regular file");
  }
  if ((info.st_mode & 07777) != 0600 && ::fchmod(fd.get(), 0600) != 0) {
    return SystemError(errno, "setting its mode");
  }
  return absl::OkStatus();
}

// Tells what can be told without a key.
absl::Status CheckExistingFile(const std::string& path) {
  platform::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return SystemError(errno, "opening");
  char start[kPlainMagic.size()];
  const ssize_t size = ::read(fd.get(), start, sizeof(start));
  if (size < 0) return SystemError(errno, "reading");
  if (std::string_view(start, static_cast<size_t>(size)) == kPlainMagic) {
    return absl::FailedPreconditionError(
        "events.db is not encrypted: Postern did not write it, or another SQLite was linked in "
        "place "
        "of SQLCipher; move it away");
  }
  const int64_t bytes = FileSize(path);
  if (bytes == 0 || bytes % kPageBytes != 0) {
    return absl::DataLossError(
        absl::StrCat("events.db is not a Postern database, or was cut short", kRestore));
  }
  return absl::OkStatus();
}

void SyncDirectory(const std::string& directory) {
  const platform::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Without it a power cut may lose the names of files made a moment ago, and nothing else.
  if (fd.valid()) (void)::fsync(fd.get());
}

// Whether the whole transaction is in doubt, not only the job that met the error.
bool IsStorageFailure(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDataLoss(status);
}

}  // namespace

struct Store::Ticket {
  const Job& job;
  Effect effect;
  absl::Status status;
  bool done = false;
  platform::ConditionVariable ready;
};

bool Store::Exists(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kDatabaseName);
  return FileSize(path) > 0 || FileSize(path + "-wal") > 0;
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(StoreOptions options) {
  assert(options.clock != nullptr);
  const std::string path = absl::StrCat(options.directory, "/", kDatabaseName);
  const std::string mark_path = absl::StrCat(options.directory, "/", kHighWaterName);
  const bool exists = Exists(options.directory);
  if (!exists) {
    if (HighWaterFile::Exists(mark_path)) {
      return absl::DataLossError(
          absl::StrCat("events.db is missing, but high-water shows that there was one", kRestore));
    }
    if (options.create == Create::kNever) return absl::NotFoundError("there is no events.db");
  } else {
    RETURN_IF_ERROR(CheckExistingFile(path));
  }
  RETURN_IF_ERROR(EnsurePrivateFile(path, !exists));

  std::unique_ptr<Store> store(new Store(*options.clock, path));
  store->root_key_ = broker::DeriveKey(options.key, "postern store");
  absl::StatusOr<std::unique_ptr<HighWaterFile>> mark_file =
      HighWaterFile::Open(mark_path, store->DeriveKey("high water"));

  auto writer = Database::Open(path, Database::Mode::kReadWrite, options.key);
  if (!writer.ok()) {
    if (!absl::IsDataLoss(writer.status())) return writer.status();
    // SQLite cannot tell a wrong key from damage. The high-water file can: its MAC has the same
    // key.
    if (mark_file.ok()) {
      return absl::DataLossError(
          absl::StrCat("events.db is damaged: its first page fails its checks", kRestore));
    }
    if (absl::IsDataLoss(mark_file.status())) {
      return absl::FailedPreconditionError(
          "the database belongs to another key; unlock the keyring that holds its key, or restore "
          "it");
    }
    return absl::FailedPreconditionError(
        "the database belongs to another key, or is damaged: its high-water file is missing; "
        "unlock "
        "the keyring that holds its key, or restore the data folder from a backup");
  }
  store->writer_ = *std::move(writer);
  RETURN_IF_ERROR(Migrate(*store->writer_));
  store->created_ = !exists;

  const absl::StatusOr<int64_t> generation =
      store->writer_->QueryInteger("SELECT value FROM meta WHERE key = 'generation'");
  if (generation.ok()) {
    store->generation_ = static_cast<uint64_t>(*generation);
  } else if (!absl::IsNotFound(generation.status())) {
    return generation.status();
  }
  store->opened_generation_ = store->generation_;
  if (absl::IsNotFound(mark_file.status())) {
    // Missing is right only before the first commit.
    ASSIGN_OR_RETURN(const int64_t records,
                     store->writer_->QueryInteger("SELECT EXISTS(SELECT 1 FROM events)"));
    if (records != 0 || store->generation_ != 0) {
      return absl::DataLossError(absl::StrCat(
          "high-water is missing: whether events.db lost something cannot be told", kRestore));
    }
    mark_file = HighWaterFile::Create(mark_path, store->DeriveKey("high water"), HighWaterMark{});
  }
  if (!mark_file.ok()) {
    if (!absl::IsDataLoss(mark_file.status())) return mark_file.status();
    return absl::DataLossError(absl::StrCat(
        "high-water is damaged: whether events.db lost something cannot be told", kRestore));
  }
  store->high_water_file_ = *std::move(mark_file);
  const HighWaterMark& mark = store->high_water_file_->mark();
  if (mark.generation > store->generation_) {
    return absl::DataLossError(
        absl::StrCat("events.db lost its last changes, or is an older copy", kRestore));
  }
  if (!exists) SyncDirectory(options.directory);

  for (size_t i = 0; i < kReaders; ++i) {
    ASSIGN_OR_RETURN(auto reader, Database::Open(path, Database::Mode::kReadOnly, options.key));
    platform::MutexLock lock(store->readers_mutex_);
    store->readers_.push_back(std::move(reader));
  }
  {
    platform::MutexLock lock(store->mutex_);
    store->mark_ = mark;
  }
  store->last_truncation_ = -absl::InfiniteDuration();
  store->thread_ = std::thread([self = store.get()] { self->WriterLoop(); });
  return store;
}

Store::~Store() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
  // Readers first: the last connection to close empties the WAL, and only the writer may write.
  {
    platform::MutexLock lock(readers_mutex_);
    readers_.clear();
  }
  writer_.reset();
}

void Store::Retire() {
  Write([](Database&) { return absl::OkStatus(); }).IgnoreError();
  platform::MutexLock lock(mutex_);
  if (health_.ok()) {
    health_ = absl::UnavailableError("everything was removed, as the user asked; posternd stops");
  }
  room_.NotifyAll();
}

absl::Status Store::Write(const Job& job) { return Enqueue(job, Effect::kOther); }

absl::Status Store::RaiseGeneration(uint64_t at_least) {
  // On the writer's thread, whose number it is; the commit stores it.
  return Write([&](Database&) {
    generation_ = std::max(generation_, at_least);
    return absl::OkStatus();
  });
}

absl::Status Store::Enqueue(const Job& job, Effect effect) {
  assert(std::this_thread::get_id() != thread_.get_id());
  Ticket ticket{.job = job, .effect = effect, .status = {}, .ready = {}};
  platform::MutexLock lock(mutex_);
  while (queue_.size() >= kQueuedJobsMax && health_.ok()) room_.Wait(mutex_);
  RETURN_IF_ERROR(health_);
  queue_.push_back(&ticket);
  if (queue_.size() == 1) work_.NotifyOne();
  while (!ticket.done) ticket.ready.Wait(mutex_);
  return ticket.status;
}

absl::Status Store::Read(absl::FunctionRef<absl::Status(Database&)> read) {
  std::unique_ptr<Database> reader = TakeReader();
  absl::Status status = reader->Execute("BEGIN");
  if (status.ok()) {
    status = read(*reader);
    const absl::Status end = reader->Execute("COMMIT");
    if (!end.ok() && reader->in_transaction()) (void)reader->Execute("ROLLBACK");
    if (status.ok()) status = end;
  }
  ReturnReader(std::move(reader));
  return status;
}

std::unique_ptr<Database> Store::TakeReader() {
  platform::MutexLock lock(readers_mutex_);
  while (readers_.empty()) reader_free_.Wait(readers_mutex_);
  std::unique_ptr<Database> reader = std::move(readers_.back());
  readers_.pop_back();
  return reader;
}

void Store::ReturnReader(std::unique_ptr<Database> reader) {
  platform::MutexLock lock(readers_mutex_);
  readers_.push_back(std::move(reader));
  reader_free_.NotifyOne();
}

void Store::RequestWalTruncation() {
  platform::MutexLock lock(mutex_);
  truncation_wanted_ = true;
  work_.NotifyOne();
}

uint64_t Store::SizeBytes() const {
  return static_cast<uint64_t>(std::max<int64_t>(FileSize(path_), 0) +
                               std::max<int64_t>(FileSize(path_ + "-wal"), 0));
}

HighWaterMark Store::high_water() const {
  platform::MutexLock lock(mutex_);
  return mark_;
}

absl::Status Store::high_water_status() const {
  platform::MutexLock lock(mutex_);
  return mark_status_;
}

absl::Status Store::health() const {
  platform::MutexLock lock(mutex_);
  return health_;
}

platform::SecretBytes Store::DeriveKey(std::string_view purpose) const {
  return broker::DeriveKey(root_key_, purpose);
}

void Store::SetParticipant(CommitParticipant* participant) {
  platform::MutexLock lock(participant_mutex_);
  participant_ = participant;
}

void Store::WriterLoop() {
  std::vector<Ticket*> tickets;
  while (true) {
    tickets.clear();
    bool idle = false;
    {
      platform::MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) {
        if (!truncation_wanted_) {
          work_.Wait(mutex_);
          continue;
        }
        const absl::Duration wait = last_truncation_ + kWalTruncationInterval - clock_.Elapsed();
        if (wait <= absl::ZeroDuration()) break;
        work_.WaitFor(mutex_, wait);
      }
      if (queue_.empty() && stopping_) return;
      while (!queue_.empty() && tickets.size() < kJobsPerCommitMax) {
        tickets.push_back(queue_.front());
        queue_.pop_front();
      }
      room_.NotifyAll();
    }
    if (!tickets.empty()) Commit(tickets);
    {
      platform::MutexLock lock(mutex_);
      idle = queue_.empty();
    }
    CheckpointWhenDue(idle);
  }
}

// Runs the tickets' jobs and gives each its answer.
void Store::Commit(const std::vector<Ticket*>& tickets) {
  absl::Status status = health();
  if (status.ok()) {
    platform::MutexLock lock(participant_mutex_);
    status = RunTransaction(tickets);
    if (status.ok()) {
      HighWaterMark mark = high_water_file_->mark();
      mark.generation = generation_;
      if (participant_ != nullptr) participant_->OnCommit(mark);
      const absl::Status mark_status =
          mark == high_water_file_->mark() ? absl::OkStatus() : high_water_file_->Write(mark);
      {
        platform::MutexLock state(mutex_);
        mark_ = high_water_file_->mark();
        mark_status_ = mark_status;
      }
      if (participant_ != nullptr) participant_->OnMarked();
    } else if (participant_ != nullptr) {
      participant_->OnRollback();
    }
  }
  platform::MutexLock lock(mutex_);
  if (absl::IsDataLoss(status)) health_ = status;
  for (Ticket* ticket : tickets) {
    if (!status.ok()) ticket->status = status;
    ticket->done = true;
    // Under the lock: the ticket is gone as soon as its owner may run.
    ticket->ready.NotifyOne();
  }
}

// Returns the error that undid everything; jobs that failed alone have it in their tickets.
absl::Status Store::RunTransaction(const std::vector<Ticket*>& tickets) {
  Database& database = *writer_;
  const auto abandon = [&database](absl::Status status) {
    if (database.in_transaction()) (void)database.Execute("ROLLBACK");
    return status;
  };
  RETURN_IF_ERROR(database.Run("BEGIN IMMEDIATE"));
  // One job needs no savepoint: undoing it is undoing all.
  const bool several = tickets.size() > 1;
  bool changed_other = false;
  for (Ticket* ticket : tickets) {
    if (several) {
      if (absl::Status status = database.Run("SAVEPOINT job"); !status.ok()) return abandon(status);
    }
    ticket->status = ticket->job(database);
    if (IsStorageFailure(ticket->status)) return abandon(ticket->status);
    if (!database.in_transaction()) {
      // SQLite gave the transaction up by itself: the jobs before are gone as well.
      return absl::UnavailableError("the transaction was rolled back");
    }
    if (ticket->status.ok()) {
      changed_other |= ticket->effect == Effect::kOther;
    } else if (!several) {
      // Committing nothing is simpler to follow than a third outcome.
      if (absl::Status status = database.Run("ROLLBACK"); !status.ok()) return abandon(status);
      return database.in_transaction() ? absl::InternalError("rollback") : absl::OkStatus();
    } else if (absl::Status status = database.Run("ROLLBACK TO job"); !status.ok()) {
      return abandon(status);
    }
    if (several) {
      if (absl::Status status = database.Run("RELEASE job"); !status.ok()) return abandon(status);
    }
  }
  if (changed_other) {
    // Lets the high-water mark notice the loss of commits that add no event, a revocation say.
    if (absl::Status status = database.Run("INSERT INTO meta(key, value) VALUES('generation', ?1) "
                                           "ON CONFLICT(key) DO UPDATE SET value = ?1",
                                           generation_ + 1);
        !status.ok()) {
      return abandon(status);
    }
  }
  if (absl::Status status = database.Run("COMMIT"); !status.ok()) return abandon(status);
  if (changed_other) ++generation_;
  return absl::OkStatus();
}

void Store::CheckpointWhenDue(bool idle) {
  bool truncate = false;
  if (idle) {
    platform::MutexLock lock(mutex_);
    truncate = truncation_wanted_ && clock_.Elapsed() - last_truncation_ >= kWalTruncationInterval;
    if (truncate) truncation_wanted_ = false;
  }
  const int due = idle ? kCheckpointIdlePages : kCheckpointBusyPages;
  if (!truncate && writer_->wal_pages() < due) return;
  const absl::StatusOr<int> left = writer_->Checkpoint(truncate);
  if (truncate) last_truncation_ = clock_.Elapsed();
  if (left.ok()) return;
  platform::MutexLock lock(mutex_);
  // A full disk or a reader in the way: the WAL stays longer, nothing is lost, the next one tries.
  if (truncate) truncation_wanted_ = true;
  if (absl::IsDataLoss(left.status())) health_ = left.status();
}

}  // namespace postern::broker
