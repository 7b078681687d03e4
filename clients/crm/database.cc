// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/database.h"

#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <sqlcipher/sqlite3.h>
#include <sys/stat.h>

namespace postern::crm {
namespace {

// While the daemon and a command meet.
constexpr int kBusyMilliseconds = 10'000;
// FULL: what is acknowledged does not come again, and who has no party yet is recorded only here.
constexpr const char* kPragmas[] = {"PRAGMA cipher_log_level = NONE", "PRAGMA journal_mode = WAL",
                                    "PRAGMA synchronous = FULL", "PRAGMA temp_store = MEMORY",
                                    "PRAGMA secure_delete = ON"};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

}  // namespace

Database::~Database() { sqlite3_close_v2(database_); }

int Database::changes() const { return sqlite3_changes(database_); }

absl::Status Database::Error(int code) const {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return absl::ResourceExhaustedError(
          "this app's records cannot be written; make room on the disk, then it goes on by itself");
    case SQLITE_BUSY:
      return absl::UnavailableError("this app's records are in use by another of its commands");
    case SQLITE_NOTADB:
      return absl::FailedPreconditionError(
          "this app's records cannot be opened with the key in the keyring; restore the keyring, "
          "or move the file records.db away and lose what waits in it");
    default:
      return absl::InternalError(
          absl::StrCat("this app's records failed (SQLite code ", code, ")"));
  }
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path,
                                                         const platform::SecretBytes& key) {
  const mode_t before = ::umask(077);
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  ::umask(before);
  std::unique_ptr<Database> database(new Database(opened));
  if (code != SQLITE_OK) {
    return absl::FailedPreconditionError(absl::StrCat("cannot open ", path));
  }
  std::string words = "x'";
  for (const uint8_t byte : key.span()) absl::StrAppend(&words, absl::Hex(byte, absl::kZeroPad2));
  words += "'";
  sqlite3_key(opened, words.data(), static_cast<int>(words.size()));
  OPENSSL_cleanse(words.data(), words.size());
  sqlite3_busy_timeout(opened, kBusyMilliseconds);
  for (const char* pragma : kPragmas) {
    if (const auto done = database->Run(pragma); !done.ok()) return done.status();
  }
  return database;
}

absl::StatusOr<std::vector<Row>> Database::Run(const std::string& sql, const Row& values) {
  sqlite3_stmt* prepared = nullptr;
  int code = sqlite3_prepare_v2(database_, sql.c_str(), -1, &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, Finalize> statement(prepared);
  if (code != SQLITE_OK) return Error(code);
  for (size_t i = 0; i < values.size(); ++i) {
    const int place = static_cast<int>(i) + 1;
    if (const auto* number = std::get_if<int64_t>(&values[i])) {
      sqlite3_bind_int64(prepared, place, *number);
    } else if (const auto* text = std::get_if<std::string>(&values[i])) {
      sqlite3_bind_text(prepared, place, text->data(), static_cast<int>(text->size()),
                        SQLITE_TRANSIENT);
    }
  }
  std::vector<Row> rows;
  while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
    Row& row = rows.emplace_back();
    for (int column = 0; column < sqlite3_column_count(prepared); ++column) {
      switch (sqlite3_column_type(prepared, column)) {
        case SQLITE_NULL:
          row.emplace_back();
          break;
        case SQLITE_INTEGER:
          row.emplace_back(static_cast<int64_t>(sqlite3_column_int64(prepared, column)));
          break;
        default:
          row.emplace_back(
              std::string(reinterpret_cast<const char*>(sqlite3_column_text(prepared, column)),
                          static_cast<size_t>(sqlite3_column_bytes(prepared, column))));
      }
    }
  }
  if (code != SQLITE_DONE) return Error(code);
  return rows;
}

}  // namespace postern::crm
