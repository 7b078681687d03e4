// SPDX-License-Identifier: Apache-2.0
// One connection to an encrypted SQLite database (SQLCipher), and its statements. Errors are
// values; texts of errors name the operation and SQLite's reason, never a bound value.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/secret_bytes.h"

struct sqlite3;
struct sqlite3_stmt;

namespace postern::broker {

class Database;

// Says that bytes are bound as a blob, where a string_view alone is bound as text.
struct Blob {
  std::string_view bytes;
};

// A prepared statement. It borrows its Database and goes back to that one's cache when it ends.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  ~Statement();

  // Bind parameter 'index', from 1. What is bound must live until the last Step. A failure is kept
  // and returned by Step.
  void Bind(int index, std::string_view text);
  void Bind(int index, const char* text) { Bind(index, std::string_view(text)); }
  void Bind(int index, Blob blob);
  void Bind(int index, std::nullptr_t);
  template <std::integral T>
  void Bind(int index, T value) {
    BindInteger(index, static_cast<int64_t>(value));
  }
  // Binds all parameters in order.
  template <typename... Values>
  void BindAll(const Values&... values) {
    int index = 0;
    (Bind(++index, values), ...);
  }

  // Moves to the next row. False when there is none; then the statement is reset and can be bound
  // and stepped again.
  absl::StatusOr<bool> Step();
  // Steps to the end and resets.
  absl::Status Run();

  // The values of the current row, columns from 0. Views live until the next Step.
  int64_t Integer(int column) const;
  std::string_view Text(int column) const;
  std::string_view Bytes(int column) const;
  bool IsNull(int column) const;

 private:
  friend class Database;
  Statement(Database& database, std::string sql, sqlite3_stmt* statement)
      : database_(&database), sql_(std::move(sql)), statement_(statement) {}
  void BindInteger(int index, int64_t value);
  void Keep(int code);

  Database* database_;
  std::string sql_;
  sqlite3_stmt* statement_;
  int bind_error_ = 0;
};

// Not thread-safe: used by one thread at a time.
class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  // Opens the existing file 'path' (empty, or a database of ours) with a raw 256-bit key, applies
  // the settings of on_disk.md and reads each back. FAILED_PRECONDITION when the linked library is
  // not SQLCipher 4.6 or newer or a setting did not hold; DATA_LOSS when the file is not a database
  // under this key; UNAVAILABLE when it cannot be opened, read or (kReadWrite) written.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode,
                                                        const platform::SecretBytes& key);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Prepares one statement; prepared ones are kept and used again.
  absl::StatusOr<Statement> Prepare(std::string_view sql);
  // Prepares, binds and runs a statement that returns no rows.
  template <typename... Values>
  absl::Status Run(std::string_view sql, const Values&... values) {
    absl::StatusOr<Statement> statement = Prepare(sql);
    if (!statement.ok()) return statement.status();
    statement->BindAll(values...);
    return statement->Run();
  }
  // Runs statements without parameters, separated by ';'.
  absl::Status Execute(const char* sql);
  // Returns the first column of the first row; NOT_FOUND when there is no row.
  absl::StatusOr<int64_t> QueryInteger(const char* sql);
  absl::StatusOr<std::string> QueryText(const char* sql);

  // Rows changed by the last INSERT, UPDATE or DELETE.
  int64_t changes() const;
  // False once SQLite has rolled a transaction back by itself.
  bool in_transaction() const;
  // Copies WAL pages into the database; with 'truncate' also empties the WAL. Returns how many
  // pages the WAL holds.
  absl::StatusOr<int> Checkpoint(bool truncate);
  // Pages in the WAL as of the last commit of this connection.
  int wal_pages() const { return wal_pages_; }

 private:
  friend class Statement;
  explicit Database(sqlite3* connection) : connection_(connection) {}
  absl::Status Configure(Mode mode, const platform::SecretBytes& key);
  absl::Status Error(int code, const char* operation) const;
  void Recycle(std::string sql, sqlite3_stmt* statement);

  sqlite3* const connection_;
  int wal_pages_ = 0;
  absl::flat_hash_map<std::string, std::vector<sqlite3_stmt*>> idle_statements_;
};

}  // namespace postern::broker
