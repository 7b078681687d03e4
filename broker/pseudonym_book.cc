// SPDX-License-Identifier: Apache-2.0
#include "broker/pseudonym_book.h"

#include <array>
#include <cstring>
#include <string_view>

#include "broker/database.h"
#include "platform/secret_bytes.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

constexpr std::string_view kEpochKey = "log_epoch";

// Returns the number that tells this database's ids and cursors from those of any other.
absl::StatusOr<uint64_t> LogEpoch(Store& store) {
  uint64_t epoch = 0;
  RETURN_IF_ERROR(store.Write([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    row.BindAll(kEpochKey);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found && row.Bytes(0).size() == sizeof(epoch)) {
      std::memcpy(&epoch, row.Bytes(0).data(), sizeof(epoch));
      return absl::OkStatus();
    }
    std::array<uint8_t, sizeof(epoch)> random;
    platform::FillRandom(random);
    std::memcpy(&epoch, random.data(), sizeof(epoch));
    return database.Run(
        "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kEpochKey,
        Blob{std::string_view(reinterpret_cast<const char*>(random.data()), random.size())});
  }));
  return epoch;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PseudonymBook>> PseudonymBook::Open(Store& store) {
  ASSIGN_OR_RETURN(const uint64_t epoch, LogEpoch(store));
  // The constructor is private.
  return std::unique_ptr<PseudonymBook>(
      new PseudonymBook(store.DeriveKey("postern pseudonyms"), epoch));
}

const PseudonymBook::Page& PseudonymBook::Of(const permissions::Principal& principal) {
  platform::MutexLock lock(mutex_);
  auto& page = pages_[principal];
  if (page == nullptr) page = std::make_unique<Page>(master_.span(), principal, epoch_);
  return *page;
}

}  // namespace postern::broker
