// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/spool.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "platform/status_macros.h"
#include "platform/unique_fd.h"

namespace postern::sdk {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr uint64_t kSchemaVersion = 1;
// Deleting is done in pieces, so that an event loop that submits meanwhile waits milliseconds.
constexpr int kPruneRows = 2000;
// Answers are kept so long for a broker that asks again.
constexpr int64_t kAnswersKeptSeconds = 30 * 24 * 3600;

// 8 KiB pages and HMAC-SHA256: a third more rows a second than SQLCipher's defaults.
// EXCLUSIVE: one process; and no shared-memory file beside the WAL.
constexpr char kPragmas[] =
    "PRAGMA cipher_page_size = 8192;"
    "PRAGMA cipher_hmac_algorithm = HMAC_SHA256;"
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA temp_store = MEMORY;";

constexpr char kSchema[] =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, command_id TEXT NOT NULL,"
    " event BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS commands (command_id TEXT PRIMARY KEY, final INTEGER NOT NULL,"
    " result BLOB, time INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS commands_by_time ON commands (time);";

int64_t NowSeconds() { return absl::ToUnixSeconds(absl::Now()); }

}  // namespace

// A prepared statement: bound, stepped and finalized in one function.
class Spool::Statement {
 public:
  Statement(sqlite3* database, const char* sql) : database_(database) {
    result_ = ::sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  }
  ~Statement() { ::sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(int index, uint64_t value) {
    if (result_ == SQLITE_OK) {
      result_ = ::sqlite3_bind_int64(statement_, index, static_cast<int64_t>(value));
    }
    return *this;
  }
  // 'bytes' must live until the next step.
  Statement& Bind(int index, const std::string& bytes, bool text) {
    if (result_ != SQLITE_OK) return *this;
    result_ =
        text ? ::sqlite3_bind_text64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC,
                                     SQLITE_UTF8)
             : ::sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC);
    return *this;
  }
  // True with a row, false at the end; check status() after false.
  bool Step() {
    if (result_ != SQLITE_OK && result_ != SQLITE_ROW) return false;
    result_ = ::sqlite3_step(statement_);
    return result_ == SQLITE_ROW;
  }
  absl::Status Run() {
    while (Step()) {
    }
    const absl::Status done = status();
    ::sqlite3_reset(statement_);
    if (done.ok()) result_ = SQLITE_OK;
    return done;
  }
  absl::Status status() const {
    if (result_ == SQLITE_OK || result_ == SQLITE_ROW || result_ == SQLITE_DONE) {
      return absl::OkStatus();
    }
    // errmsg names tables and constraints, never values.
    return absl::UnavailableError(absl::StrCat("the spool: ", ::sqlite3_errmsg(database_)));
  }
  uint64_t Integer(int column) const {
    return static_cast<uint64_t>(::sqlite3_column_int64(statement_, column));
  }
  std::string Bytes(int column) const {
    const void* data = ::sqlite3_column_blob(statement_, column);
    const int size = ::sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
  }

 private:
  sqlite3* const database_;
  sqlite3_stmt* statement_ = nullptr;
  int result_ = SQLITE_OK;
};

// One Append that waits for its commit; lives on its caller's stack.
struct Spool::Request {
  std::vector<SpooledEvent>* events = nullptr;
  const std::string* bookmark = nullptr;
  bool done = false;
  absl::Status status;
  uint64_t last = 0;
};

Spool::Spool(sqlite3* database, uint64_t bytes_max) : bytes_max_(bytes_max), database_(database) {}

Spool::~Spool() { ::sqlite3_close_v2(database_); }

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const std::string& path,
                                                   const platform::SecretBytes& key,
                                                   uint64_t bytes_max) {
  if (key.size() != kKeyBytes) return absl::InvalidArgumentError("the spool's key is not 32 bytes");
  {
    // SQLite would make it with the umask's mode; the WAL takes its mode from it.
    const platform::UniqueFd fd(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat info {};
    if (!fd.valid() || ::fstat(fd.get(), &info) != 0) {
      return absl::UnavailableError(absl::StrCat(path, ": cannot be opened or made"));
    }
    if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
      return absl::FailedPreconditionError(absl::StrCat(path, ": is not a file of ours alone"));
    }
  }
  sqlite3* database = nullptr;
  const int opened = ::sqlite3_open_v2(path.c_str(), &database,
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nullptr);
  std::unique_ptr<Spool> spool(new Spool(database, bytes_max));
  if (opened != SQLITE_OK) return absl::UnavailableError(absl::StrCat(path, ": cannot be opened"));
  platform::MutexLock lock(spool->mutex_);
  RETURN_IF_ERROR(spool->Configure(key));
  RETURN_IF_ERROR(spool->LoadState());
  return spool;
}

absl::Status Spool::Configure(const platform::SecretBytes& key) {
  // SQLCipher writes its own log to stderr unless told otherwise.
  RETURN_IF_ERROR(Execute("PRAGMA cipher_log_level = NONE;"));
  {
    std::string pragma = absl::StrCat("x'",
                                      absl::BytesToHexString(absl::string_view(
                                          reinterpret_cast<const char*>(key.data()), key.size())),
                                      "'");
    const int result = ::sqlite3_key(database_, pragma.data(), static_cast<int>(pragma.size()));
    OPENSSL_cleanse(pragma.data(), pragma.size());
    if (result != SQLITE_OK) return absl::FailedPreconditionError("the spool's key was refused");
  }
  {
    // Where plain SQLite wins the link, keying is silently ignored.
    Statement version(database_, "PRAGMA cipher_version;");
    if (!version.Step() || version.Bytes(0).empty()) {
      return absl::FailedPreconditionError("this SQLite cannot encrypt; not opened");
    }
  }
  if (const absl::Status status = Execute(kPragmas); !status.ok()) {
    if (::sqlite3_errcode(database_) == SQLITE_BUSY) {
      return absl::FailedPreconditionError("another process has the spool open");
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "the spool cannot be read with its key; nothing was changed (", status.message(), ")"));
  }
  Statement mode(database_, "PRAGMA journal_mode;");
  if (!mode.Step() || mode.Bytes(0) != "wal") {
    return absl::FailedPreconditionError("the spool is not in WAL mode");
  }
  return absl::OkStatus();
}

absl::Status Spool::LoadState() {
  uint64_t version = 0;
  {
    Statement statement(database_, "PRAGMA user_version;");
    if (!statement.Step()) {
      return absl::FailedPreconditionError(
          ::sqlite3_errcode(database_) == SQLITE_BUSY
              ? "another process has the spool open"
              : "the spool cannot be read with its key; nothing was changed");
    }
    version = statement.Integer(0);
  }
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError("a newer version wrote this spool");
  }
  if (version == 0) {
    RETURN_IF_ERROR(InTransaction([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
      RETURN_IF_ERROR(Execute(kSchema));
      RETURN_IF_ERROR(SetMeta("last_position", 0));
      RETURN_IF_ERROR(SetMeta("attached_once", 0));
      return Execute("PRAGMA user_version = 1;");
    }));
  }
  {
    Statement last(database_, "SELECT value FROM meta WHERE name = 'last_position'");
    if (!last.Step()) return absl::FailedPreconditionError("the spool has lost its counter");
    last_position_ = last.Integer(0);
  }
  {
    Statement mark(database_, "SELECT value FROM meta WHERE name = 'bookmark'");
    if (mark.Step()) bookmark_ = mark.Bytes(0);
  }
  Statement bytes(database_, "SELECT COALESCE(SUM(LENGTH(event)), 0) FROM events");
  if (!bytes.Step()) return bytes.status();
  waiting_bytes_ = bytes.Integer(0);
  Statement old(database_, "DELETE FROM commands WHERE final = 1 AND time < ?");
  return old.Bind(1, static_cast<uint64_t>(NowSeconds() - kAnswersKeptSeconds)).Run();
}

absl::Status Spool::Execute(const char* sql) {
  if (::sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("the spool: ", ::sqlite3_errmsg(database_)));
}

absl::Status Spool::SetMeta(const char* name, uint64_t value) {
  const std::string key(name);
  return Statement(database_, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)")
      .Bind(1, key, true)
      .Bind(2, value)
      .Run();
}

absl::Status Spool::SetBookmark(const std::string& bookmark) {
  return Statement(database_, "INSERT OR REPLACE INTO meta (name, value) VALUES ('bookmark', ?)")
      .Bind(1, bookmark, false)
      .Run();
}

template <typename Body>
absl::Status Spool::InTransaction(Body body) {
  RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  absl::Status status = body();
  if (status.ok()) status = Execute("COMMIT");
  if (!status.ok()) Execute("ROLLBACK").IgnoreError();
  return status;
}

absl::Status Spool::Insert(std::vector<SpooledEvent>& events, uint64_t& last, uint64_t& bytes) {
  Statement insert(database_, "INSERT INTO events (position, command_id, event) VALUES (?, ?, ?)");
  for (SpooledEvent& event : events) {
    event.position = ++last;
    bytes += event.event.size();
    RETURN_IF_ERROR(insert.Bind(1, event.position)
                        .Bind(2, event.command_id, true)
                        .Bind(3, event.event, false)
                        .Run());
  }
  if (bytes > bytes_max_) {
    return absl::ResourceExhaustedError("the spool is full: the broker has been away for too long");
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Spool::Append(std::vector<SpooledEvent>& events,
                                       const std::string& bookmark) {
  Request request;
  request.events = &events;
  request.bookmark = &bookmark;
  std::vector<Request*> group;
  {
    platform::MutexLock lock(queue_mutex_);
    queue_.push_back(&request);
    while (!request.done && committing_) queue_changed_.Wait(queue_mutex_);
    if (!request.done) {
      // This thread commits for all that wait; those that come meanwhile are the next group.
      committing_ = true;
      group.swap(queue_);
    }
  }
  if (!group.empty()) {
    CommitGroup(group);
    platform::MutexLock lock(queue_mutex_);
    for (Request* waiting : group) waiting->done = true;
    committing_ = false;
    queue_changed_.NotifyAll();
  }
  RETURN_IF_ERROR(request.status);
  return request.last;
}

void Spool::CommitGroup(std::span<Request*> group) {
  platform::MutexLock lock(mutex_);
  uint64_t last = last_position_;
  uint64_t bytes = waiting_bytes_;
  const std::string* bookmark = nullptr;
  absl::Status status = InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
    for (Request* request : group) {
      uint64_t size = 0;
      for (const SpooledEvent& event : *request->events) size += event.event.size();
      // One that does not fit is refused alone; the others are not to pay for it.
      if (size > bytes_max_ - std::min(bytes, bytes_max_)) {
        request->status = absl::ResourceExhaustedError(
            "the spool is full: the broker has been away for too long");
        continue;
      }
      RETURN_IF_ERROR(Insert(*request->events, last, bytes));
      if (!request->bookmark->empty()) {
        RETURN_IF_ERROR(SetBookmark(*request->bookmark));
        bookmark = request->bookmark;
      }
      request->last = last;
    }
    return SetMeta("last_position", last);
  });
  if (status.ok()) {
    last_position_ = last;
    waiting_bytes_ = bytes;
    if (bookmark != nullptr) bookmark_ = *bookmark;
    return;
  }
  for (Request* request : group) request->status = status;
}

absl::StatusOr<std::vector<SpooledEvent>> Spool::ReadAfter(uint64_t position, uint64_t bytes_max) {
  // What an event costs beside its bytes, in a batch on the wire.
  constexpr uint64_t kOverhead = 32;
  platform::MutexLock lock(mutex_);
  Statement select(database_,
                   "SELECT position, command_id, event FROM events WHERE position > ? "
                   "ORDER BY position");
  select.Bind(1, position);
  std::vector<SpooledEvent> events;
  uint64_t bytes = 0;
  while (select.Step()) {
    SpooledEvent event{select.Integer(0), select.Bytes(2), select.Bytes(1)};
    bytes += event.event.size() + event.command_id.size() + kOverhead;
    if (!events.empty() && bytes > bytes_max) return events;
    events.push_back(std::move(event));
  }
  RETURN_IF_ERROR(select.status());
  return events;
}

absl::Status Spool::Prune(uint64_t position) {
  for (;;) {
    platform::MutexLock lock(mutex_);
    uint64_t last = 0, bytes = 0;
    {
      Statement piece(database_,
                      "SELECT COALESCE(MAX(position), 0), COALESCE(SUM(LENGTH(event)), 0) FROM "
                      "(SELECT position, event FROM events WHERE position <= ? "
                      "ORDER BY position LIMIT ?)");
      piece.Bind(1, position).Bind(2, kPruneRows);
      if (!piece.Step()) return piece.status();
      last = piece.Integer(0);
      bytes = piece.Integer(1);
    }
    if (last == 0) return absl::OkStatus();
    RETURN_IF_ERROR(
        Statement(database_, "DELETE FROM events WHERE position <= ?").Bind(1, last).Run());
    waiting_bytes_ -= std::min(bytes, waiting_bytes_);
  }
}

absl::StatusOr<bool> Spool::Align(uint64_t durable_position, const std::string& gap_event) {
  platform::MutexLock lock(mutex_);
  uint64_t attached_once = 0;
  {
    Statement select(database_, "SELECT value FROM meta WHERE name = 'attached_once'");
    if (!select.Step()) return absl::UnavailableError("the spool has lost its state");
    attached_once = select.Integer(0);
  }
  // A spool that has been attached before is behind the broker only when its file is an older copy.
  const bool moves = durable_position > (attached_once != 0 ? last_position_ : 0);
  if (!moves && attached_once != 0) return false;
  // In one commit with the mark: a crash between the two must not move sent events a second time.
  const uint64_t offset = moves ? durable_position + 1 : 0;
  RETURN_IF_ERROR(InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
    RETURN_IF_ERROR(SetMeta("attached_once", 1));
    if (!moves) return absl::OkStatus();
    // Through negative numbers, so that no moved row meets one that still has to move.
    RETURN_IF_ERROR(
        Statement(database_, "UPDATE events SET position = -(position + ?)").Bind(1, offset).Run());
    RETURN_IF_ERROR(Execute("UPDATE events SET position = -position"));
    RETURN_IF_ERROR(
        Statement(database_, "INSERT INTO events (position, command_id, event) VALUES (?, '', ?)")
            .Bind(1, offset)
            .Bind(2, gap_event, false)
            .Run());
    return SetMeta("last_position", last_position_ + offset);
  }));
  if (moves) {
    last_position_ += offset;
    waiting_bytes_ += gap_event.size();
  }
  return moves;
}

absl::StatusOr<CommandRecord> Spool::BeginCommand(const std::string& command_id) {
  platform::MutexLock lock(mutex_);
  CommandRecord record;
  {
    Statement select(database_, "SELECT final, result FROM commands WHERE command_id = ?");
    select.Bind(1, command_id, true);
    if (select.Step()) {
      const bool final = select.Integer(0) != 0;
      record.state = final ? CommandRecord::State::kAnswered : CommandRecord::State::kRunning;
      if (final) record.result = select.Bytes(1);
      return record;
    }
    RETURN_IF_ERROR(select.status());
  }
  RETURN_IF_ERROR(
      Statement(database_, "INSERT INTO commands (command_id, final, time) VALUES (?, 0, ?)")
          .Bind(1, command_id, true)
          .Bind(2, static_cast<uint64_t>(NowSeconds()))
          .Run());
  return record;
}

absl::StatusOr<uint64_t> Spool::AnswerCommand(const std::string& command_id,
                                              const std::string& result, bool is_final,
                                              std::vector<SpooledEvent>& events) {
  platform::MutexLock lock(mutex_);
  {
    Statement select(database_, "SELECT final FROM commands WHERE command_id = ?");
    select.Bind(1, command_id, true);
    if (!select.Step()) {
      RETURN_IF_ERROR(select.status());
      return absl::NotFoundError("there is no such command");
    }
    if (select.Integer(0) != 0) {
      return absl::FailedPreconditionError("the command has its final answer already");
    }
  }
  uint64_t last = last_position_;
  uint64_t bytes = waiting_bytes_;
  RETURN_IF_ERROR(InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
    RETURN_IF_ERROR(Insert(events, last, bytes));
    RETURN_IF_ERROR(SetMeta("last_position", last));
    return Statement(database_,
                     "UPDATE commands SET final = ?, result = ?, time = ? WHERE command_id = ?")
        .Bind(1, is_final ? 1 : 0)
        .Bind(2, result, false)
        .Bind(3, static_cast<uint64_t>(NowSeconds()))
        .Bind(4, command_id, true)
        .Run();
  }));
  last_position_ = last;
  waiting_bytes_ = bytes;
  return last;
}

absl::Status Spool::ReleaseCommand(const std::string& command_id) {
  platform::MutexLock lock(mutex_);
  return Statement(database_, "DELETE FROM commands WHERE command_id = ? AND final = 0")
      .Bind(1, command_id, true)
      .Run();
}

absl::StatusOr<std::vector<std::string>> Spool::OpenCommands() {
  platform::MutexLock lock(mutex_);
  Statement select(database_, "SELECT command_id FROM commands WHERE final = 0 ORDER BY time");
  std::vector<std::string> ids;
  while (select.Step()) ids.push_back(select.Bytes(0));
  RETURN_IF_ERROR(select.status());
  return ids;
}

absl::StatusOr<std::vector<std::string>> Spool::ResultsSince(int64_t since, int limit) {
  platform::MutexLock lock(mutex_);
  Statement select(database_,
                   "SELECT result FROM commands WHERE result IS NOT NULL AND time >= ? "
                   "ORDER BY time DESC LIMIT ?");
  select.Bind(1, static_cast<uint64_t>(since)).Bind(2, static_cast<uint64_t>(limit));
  std::vector<std::string> results;
  while (select.Step()) results.push_back(select.Bytes(0));
  RETURN_IF_ERROR(select.status());
  return results;
}

uint64_t Spool::last_position() const {
  platform::MutexLock lock(mutex_);
  return last_position_;
}

std::string Spool::bookmark() const {
  platform::MutexLock lock(mutex_);
  return bookmark_;
}

uint64_t Spool::waiting_bytes() const {
  platform::MutexLock lock(mutex_);
  return waiting_bytes_;
}

}  // namespace postern::sdk
