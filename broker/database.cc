// SPDX-License-Identifier: Apache-2.0
// Declares the codec's functions, sqlite3_key_v2 among them.
#define SQLITE_HAS_CODEC
#include "broker/database.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <sqlcipher/sqlite3.h>

#include <array>
#include <utility>

#include "broker/cipher_version.h"
#include "broker/storage_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

constexpr size_t kKeyBytes = 32;

constexpr char kQuiet[] = "PRAGMA cipher_log_level = NONE";

// The form SQLCipher takes for a raw key, x'<hex>', wiped when it goes.
class KeyLiteral {
 public:
  explicit KeyLiteral(const platform::SecretBytes& key) {
    constexpr char kDigits[] = "0123456789abcdef";
    size_t at = 0;
    text_[at++] = 'x';
    text_[at++] = '\'';
    for (const uint8_t byte : key.span()) {
      text_[at++] = kDigits[byte >> 4];
      text_[at++] = kDigits[byte & 15];
    }
    text_[at++] = '\'';
  }
  ~KeyLiteral() { OPENSSL_cleanse(text_.data(), text_.size()); }
  KeyLiteral(const KeyLiteral&) = delete;
  KeyLiteral& operator=(const KeyLiteral&) = delete;
  const char* data() const { return text_.data(); }
  int size() const { return static_cast<int>(text_.size()); }

 private:
  std::array<char, 2 * kKeyBytes + 3> text_;
};

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      sql_(std::move(other.sql_)),
      statement_(std::exchange(other.statement_, nullptr)),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
  if (statement_ != nullptr) database_->Recycle(std::move(sql_), statement_);
}

void Statement::Keep(int code) {
  if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
}

// An empty view may hold a null pointer, which SQLite would take for NULL.
void Statement::Bind(int index, std::string_view text) {
  const char* data = text.empty() ? "" : text.data();
  Keep(sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::Bind(int index, Blob blob) {
  const char* data = blob.bytes.empty() ? "" : blob.bytes.data();
  Keep(sqlite3_bind_blob64(statement_, index, data, blob.bytes.size(), SQLITE_STATIC));
}

void Statement::Bind(int index, std::nullptr_t) { Keep(sqlite3_bind_null(statement_, index)); }

void Statement::BindInteger(int index, int64_t value) {
  Keep(sqlite3_bind_int64(statement_, index, value));
}

absl::StatusOr<bool> Statement::Step() {
  if (bind_error_ != SQLITE_OK) {
    return database_->Error(std::exchange(bind_error_, SQLITE_OK), "binding");
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  // Before the reset, which overwrites the connection's error.
  const absl::Status status =
      code == SQLITE_DONE ? absl::OkStatus() : database_->Error(code, "statement");
  sqlite3_reset(statement_);
  if (!status.ok()) return status;
  return false;
}

absl::Status Statement::Run() {
  while (true) {
    ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

int64_t Statement::Integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode,
                                                         const platform::SecretBytes& key) {
  if (key.size() != kKeyBytes)
    return absl::InvalidArgumentError("the database key is not 32 bytes");
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE |
                    (mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  // SQLite gives a connection even for most failures, to ask for the error and to close.
  std::unique_ptr<Database> database(new Database(connection));
  if (code != SQLITE_OK) return database->Error(code, "opening the database");
  RETURN_IF_ERROR(database->Configure(mode, key));
  return database;
}

Database::~Database() {
  for (auto& [sql, statements] : idle_statements_) {
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  }
  sqlite3_close(connection_);
}

absl::Status Database::Configure(Mode mode, const platform::SecretBytes& key) {
  sqlite3_extended_result_codes(connection_, 1);
  sqlite3_busy_timeout(connection_, kBusyTimeoutMilliseconds);
  // SQLite falls back to reading when it may not write.
  if (mode == Mode::kReadWrite && sqlite3_db_readonly(connection_, "main") != 0) {
    return absl::UnavailableError(
        "the database cannot be written: read-only file or disk; make it writable");
  }
  // SQLCipher logs to standard error by itself; what it says belongs into our statuses.
  RETURN_IF_ERROR(Execute(kQuiet));
  {
    const KeyLiteral literal(key);
    const int code = sqlite3_key_v2(connection_, "main", literal.data(), literal.size());
    if (code != SQLITE_OK) return Error(code, "setting the key");
  }
  const absl::StatusOr<std::string> version = QueryText("PRAGMA cipher_version");
  if (!version.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the linked SQLite is not SQLCipher", kUseSqlcipher));
  }
  RETURN_IF_ERROR(CheckCipherVersion(*version));
  const absl::StatusOr<std::string> provider = QueryText("PRAGMA cipher_provider_version");
  if (!provider.ok() || provider->empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("SQLCipher has no crypto provider", kUseSqlcipher));
  }
  // These say how pages are read, so they come before the first read.
  RETURN_IF_ERROR(
      Execute("PRAGMA cipher_page_size = 8192;"
              "PRAGMA cipher_kdf_algorithm = PBKDF2_HMAC_SHA256;"
              "PRAGMA cipher_hmac_algorithm = HMAC_SHA256;"
              "PRAGMA temp_store = MEMORY"));
  // Asking for version and provider has turned it on again.
  RETURN_IF_ERROR(Execute(kQuiet));
  // The first read: what fails here is a wrong key or no database, SQLite cannot tell which.
  if (const auto schema = QueryInteger("SELECT count(*) FROM sqlite_schema"); !schema.ok()) {
    return schema.status();
  }
  if (mode == Mode::kReadWrite) {
    RETURN_IF_ERROR(QueryText("PRAGMA journal_mode = WAL").status());
    RETURN_IF_ERROR(Execute(absl::StrCat("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                                         "PRAGMA cache_size = -",
                                         kWriterCacheKib, ";PRAGMA wal_autocheckpoint = 0")
                                .c_str()));
    // Remembers the WAL's length for the writer, which checkpoints by itself.
    sqlite3_wal_hook(
        connection_,
        [](void* self, sqlite3*, const char*, int pages) {
          static_cast<Database*>(self)->wal_pages_ = pages;
          return SQLITE_OK;
        },
        this);
  } else {
    RETURN_IF_ERROR(Execute(
        absl::StrCat("PRAGMA query_only = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -",
                     kReaderCacheKib)
            .c_str()));
  }

  struct Setting {
    const char* pragma;
    const char* value;
  };
  const Setting settings[] = {
      {"PRAGMA cipher_page_size", "8192"},
      {"PRAGMA cipher_kdf_algorithm", "PBKDF2_HMAC_SHA256"},
      {"PRAGMA cipher_hmac_algorithm", "HMAC_SHA256"},
      {"PRAGMA cipher_use_hmac", "1"},
      {"PRAGMA journal_mode", "wal"},
      {"PRAGMA synchronous", "2"},
      {"PRAGMA temp_store", "2"},
  };
  for (const Setting& setting : settings) {
    ASSIGN_OR_RETURN(const std::string value, QueryText(setting.pragma));
    if (value != setting.value) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the setting '", setting.pragma, "' is ", value, ", not ", setting.value, kUseSqlcipher));
    }
  }
  if (mode == Mode::kReadWrite) {
    ASSIGN_OR_RETURN(const int64_t secure_delete, QueryInteger("PRAGMA secure_delete"));
    if (secure_delete != 1) {
      return absl::FailedPreconditionError(
          absl::StrCat("the setting 'PRAGMA secure_delete' did not hold", kUseSqlcipher));
    }
  }
  // A library that keeps temporary files on disk whatever is asked would write plain text there.
  absl::StatusOr<Statement> options = Prepare("PRAGMA compile_options");
  if (!options.ok()) return options.status();
  while (true) {
    ASSIGN_OR_RETURN(const bool row, options->Step());
    if (!row) break;
    if (options->Text(0) == "TEMP_STORE=0") {
      return absl::FailedPreconditionError(
          absl::StrCat("the linked SQLCipher keeps temporary files on disk", kUseSqlcipher));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  std::string text(sql);
  auto idle = idle_statements_.find(text);
  if (idle != idle_statements_.end() && !idle->second.empty()) {
    sqlite3_stmt* statement = idle->second.back();
    idle->second.pop_back();
    return Statement(*this, std::move(text), statement);
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_, text.c_str(), static_cast<int>(text.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Error(code, "preparing a statement");
  if (statement == nullptr) return absl::InvalidArgumentError("an empty statement");
  return Statement(*this, std::move(text), statement);
}

void Database::Recycle(std::string sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  idle_statements_[std::move(sql)].push_back(statement);
}

absl::Status Database::Execute(const char* sql) {
  const int code = sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code, "statement");
}

absl::StatusOr<int64_t> Database::QueryInteger(const char* sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::NotFoundError("no row");
  return statement.Integer(0);
}

absl::StatusOr<std::string> Database::QueryText(const char* sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::NotFoundError("no row");
  return std::string(statement.Text(0));
}

int64_t Database::changes() const { return sqlite3_changes64(connection_); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_) == 0; }

absl::StatusOr<int> Database::Checkpoint(bool truncate) {
  int wal = 0;
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(
      connection_, "main", truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &wal,
      &copied);
  if (code != SQLITE_OK) return Error(code, "checkpoint");
  wal_pages_ = wal - copied;
  return wal_pages_;
}

absl::Status Database::Error(int code, const char* operation) const {
  const std::string message = absl::StrCat(operation, ": ", sqlite3_errstr(code), " (", code, ")");
  // What SQLite cannot make room for it calls an I/O error in places.
  if (code == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE) {
    return absl::UnavailableError(
        absl::StrCat("the data folder's disk is full; make room on it (", operation, ")"));
  }
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return absl::UnavailableError(message);
    case SQLITE_NOMEM:
      return absl::ResourceExhaustedError(message);
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace postern::broker
