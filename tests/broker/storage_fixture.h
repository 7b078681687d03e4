// SPDX-License-Identifier: Apache-2.0
// What the storage's tests share: a folder that goes away, a store in it, records to put there.
#pragma once

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "broker/event_log.h"
#include "broker/store.h"
#include "platform/clock.h"
#include "platform/secret_bytes.h"

namespace postern::broker {

// A 0700 folder in $TMPDIR, removed with what is in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = std::filesystem::temp_directory_path() / "postern-storage-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline platform::SecretBytes TestKey(uint8_t fill = 0x5a) {
  platform::SecretBytes key(32);
  std::fill_n(key.data(), key.size(), fill);
  return key;
}

inline absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& directory,
                                                        Create create = Create::kIfMissing,
                                                        uint8_t key = 0x5a) {
  static const platform::SystemClock clock;
  return Store::Open(
      {.directory = directory, .key = TestKey(key), .clock = &clock, .create = create});
}

template <typename T>
T IdOf(uint64_t number) {
  T id;
  for (size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<uint8_t>(number >> (8 * i));
  id.bytes[15] = 1;
  return id;
}

// The key of app 'number'.
inline permissions::Principal AppOf(uint8_t number) {
  permissions::Principal app;
  app.sha256.fill(number);
  return app;
}

inline LogRecord MessageRecord(uint64_t message, std::string body = "hello", uint64_t chat = 1,
                               uint8_t kind = 20) {
  LogRecord record;
  record.record_time = absl::FromUnixSeconds(1'700'000'000);
  record.kind = kind;
  record.account = IdOf<permissions::AccountId>(1);
  record.chat = IdOf<permissions::ChatId>(chat);
  record.message = IdOf<permissions::MessageId>(message);
  record.sender = IdOf<permissions::ContactId>(7);
  record.body = std::move(body);
  return record;
}

inline EventLog::Batch BatchOf(std::vector<LogRecord> records, uint64_t source_position = 0) {
  return {.account = IdOf<permissions::AccountId>(1),
          .source_position = source_position,
          .records = std::move(records)};
}

inline std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void WriteWholeFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// Store and log together, in the order they must be made and end.
struct OpenedLog {
  OpenedLog() = default;
  OpenedLog(OpenedLog&&) = default;
  // Memberwise, the store would go before the log that borrows it.
  OpenedLog& operator=(OpenedLog&& other) {
    log.reset();
    store = std::move(other.store);
    log = std::move(other.log);
    return *this;
  }
  std::unique_ptr<Store> store;
  std::unique_ptr<EventLog> log;
};

inline absl::StatusOr<OpenedLog> OpenLog(const std::string& directory,
                                         Create create = Create::kIfMissing) {
  OpenedLog opened;
  auto store = OpenStore(directory, create);
  if (!store.ok()) return store.status();
  opened.store = *std::move(store);
  auto log = EventLog::Open(*opened.store);
  if (!log.ok()) return log.status();
  opened.log = *std::move(log);
  return opened;
}

}  // namespace postern::broker
