// SPDX-License-Identifier: Apache-2.0
// An encrypted SQLite file (SQLCipher) and one way to ask it.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "platform/secret_bytes.h"

struct sqlite3;

namespace postern::xmpp_bridge {

// What is bound to a statement and what comes back, by column. NULL comes back as "".
using Value = std::variant<int64_t, std::string>;
using Rows = std::vector<std::vector<std::string>>;

class Database {
 public:
  // Opens or makes the file (0600). FAILED_PRECONDITION when it is not ours alone or the key does
  // not open it; UNAVAILABLE when the disk does not let us.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path,
                                                        const platform::SecretBytes& key,
                                                        const char* schema);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs one statement. Durable when it returns, unless within Begin and Commit. One thread at a
  // time. UNAVAILABLE with SQLite's words, which never hold values.
  absl::StatusOr<Rows> Query(const char* sql, std::initializer_list<Value> values = {});

 private:
  explicit Database(sqlite3* database) : database_(database) {}
  sqlite3* const database_;
};

}  // namespace postern::xmpp_bridge
