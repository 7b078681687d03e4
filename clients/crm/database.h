// SPDX-License-Identifier: Apache-2.0
// An encrypted SQLite file, with as much of it as this app needs.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "platform/secret_bytes.h"

struct sqlite3;

namespace postern::crm {

// NULL, a number or a text.
using Value = std::variant<std::monostate, int64_t, std::string>;
using Row = std::vector<Value>;

inline int64_t Number(const Value& value) {
  return std::holds_alternative<int64_t>(value) ? std::get<int64_t>(value) : 0;
}
inline std::string Text(const Value& value) {
  return std::holds_alternative<std::string>(value) ? std::get<std::string>(value) : "";
}

// One thread at a time; several processes may have the file open.
class Database {
 public:
  // Opens or makes it (0600). FAILED_PRECONDITION when the key is not its key.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path,
                                                        const platform::SecretBytes& key);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs one statement with its '?' filled in, and returns what it finds.
  // RESOURCE_EXHAUSTED when the disk is full: nothing was changed, and it can be tried again.
  absl::StatusOr<std::vector<Row>> Run(const std::string& sql, const Row& values = {});
  // How many rows the last statement changed.
  int changes() const;

 private:
  explicit Database(sqlite3* database) : database_(database) {}
  absl::Status Error(int code) const;

  sqlite3* const database_;
};

// Everything between its making and Commit, or nothing of it.
class Transaction {
 public:
  explicit Transaction(Database& database)
      : database_(database), begun_(database.Run("BEGIN IMMEDIATE").status()) {}
  ~Transaction() {
    if (begun_.ok() && !done_) database_.Run("ROLLBACK").status().IgnoreError();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  const absl::Status& begun() const { return begun_; }
  absl::Status Commit() {
    const absl::Status status = database_.Run("COMMIT").status();
    done_ = status.ok();
    return status;
  }

 private:
  Database& database_;
  const absl::Status begun_;
  bool done_ = false;
};

}  // namespace postern::crm
