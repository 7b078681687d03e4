// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/database.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::xmpp_bridge {
namespace {

absl::Status Trouble(sqlite3* database) {
  return absl::UnavailableError(absl::StrCat("the bridge's file: ", ::sqlite3_errmsg(database)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path,
                                                         const platform::SecretBytes& key,
                                                         const char* schema) {
  // SQLite would make it with the umask's mode.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat info {};
  const bool ours = fd >= 0 && ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                    info.st_uid == ::geteuid() && (info.st_mode & 077) == 0;
  if (fd >= 0) ::close(fd);
  if (!ours) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": cannot be used as a file of yours alone; check its owner and mode"));
  }
  sqlite3* handle = nullptr;
  if (::sqlite3_open_v2(path.c_str(), &handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_NOFOLLOW,
                        nullptr) != SQLITE_OK) {
    ::sqlite3_close_v2(handle);
    return absl::UnavailableError(absl::StrCat(path, ": cannot be opened"));
  }
  std::unique_ptr<Database> database(new Database(handle));
  static constexpr char kDigits[] = "0123456789abcdef";
  platform::SecretBytes raw(3 + 2 * key.size());
  uint8_t* out = raw.data();
  *out++ = 'x';
  *out++ = '\'';
  for (const uint8_t byte : key.span()) {
    *out++ = static_cast<uint8_t>(kDigits[byte >> 4]);
    *out++ = static_cast<uint8_t>(kDigits[byte & 15]);
  }
  *out = '\'';
  if (::sqlite3_key(handle, raw.data(), static_cast<int>(raw.size())) != SQLITE_OK) {
    return Trouble(handle);
  }
  if (::sqlite3_exec(handle,
                     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                     "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                     "PRAGMA secure_delete = ON;",
                     nullptr, nullptr, nullptr) != SQLITE_OK ||
      ::sqlite3_exec(handle, schema, nullptr, nullptr, nullptr) != SQLITE_OK) {
    const int code = ::sqlite3_errcode(handle);
    if (code == SQLITE_NOTADB) {
      return absl::FailedPreconditionError(
          absl::StrCat(path,
                       ": the key from the keyring does not open it; move it away to begin "
                       "anew, with all chats bridged again"));
    }
    if (code == SQLITE_BUSY) {
      return absl::FailedPreconditionError(absl::StrCat(path, ": another bridge is using it"));
    }
    return Trouble(handle);
  }
  return database;
}

Database::~Database() { ::sqlite3_close_v2(database_); }

absl::StatusOr<Rows> Database::Query(const char* sql, std::initializer_list<Value> values) {
  sqlite3_stmt* prepared = nullptr;
  if (::sqlite3_prepare_v2(database_, sql, -1, &prepared, nullptr) != SQLITE_OK) {
    return Trouble(database_);
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(prepared,
                                                                        ::sqlite3_finalize);
  int index = 0;
  for (const Value& value : values) {
    ++index;
    if (const auto* number = std::get_if<int64_t>(&value)) {
      ::sqlite3_bind_int64(prepared, index, *number);
    } else {
      const auto& text = std::get<std::string>(value);
      ::sqlite3_bind_text64(prepared, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
  }
  Rows rows;
  int result = SQLITE_ROW;
  while ((result = ::sqlite3_step(prepared)) == SQLITE_ROW) {
    auto& row = rows.emplace_back();
    for (int column = 0; column < ::sqlite3_column_count(prepared); ++column) {
      const void* bytes = ::sqlite3_column_blob(prepared, column);
      const int size = ::sqlite3_column_bytes(prepared, column);
      row.emplace_back(bytes == nullptr ? "" : static_cast<const char*>(bytes),
                       bytes == nullptr ? 0 : size);
    }
  }
  if (result != SQLITE_DONE) return Trouble(database_);
  return rows;
}

}  // namespace postern::xmpp_bridge
