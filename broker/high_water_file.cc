// SPDX-License-Identifier: Apache-2.0
#include "broker/high_water_file.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/keyed_hash.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// A slot in each of two disk sectors, so that one torn sector never takes both.
constexpr off_t kSlotDistance = 4096;
constexpr char kMagic[8] = {'P', 'O', 'S', 'T', 'H', 'W', '0', '1'};

// On disk in little-endian order, which every platform we build for has.
struct Slot {
  char magic[8];
  uint64_t turn;
  uint64_t generation;
  uint64_t sequence;
  uint8_t chain[16];
  uint8_t mac[32];
};
static_assert(sizeof(Slot) == 80);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

absl::Status SystemError(int error, const char* operation) {
  return absl::UnavailableError(
      absl::StrCat("high-water file: ", operation, ": ", std::strerror(error)));
}

std::array<uint8_t, 32> MacOf(const Slot& slot, const platform::SecretBytes& key) {
  return KeyedHash(key).Of({reinterpret_cast<const char*>(&slot), sizeof(Slot) - sizeof(slot.mac)});
}

Slot MakeSlot(const HighWaterMark& mark, uint64_t turn, const platform::SecretBytes& key) {
  Slot slot{};
  std::memcpy(slot.magic, kMagic, sizeof(kMagic));
  slot.turn = turn;
  slot.generation = mark.generation;
  slot.sequence = mark.sequence;
  std::memcpy(slot.chain, mark.chain.data(), mark.chain.size());
  const std::array<uint8_t, 32> mac = MacOf(slot, key);
  std::memcpy(slot.mac, mac.data(), mac.size());
  return slot;
}

absl::Status WriteSlot(int fd, const Slot& slot, off_t offset) {
  ssize_t written = 0;
  do {
    written = ::pwrite(fd, &slot, sizeof(slot), offset);
  } while (written < 0 && errno == EINTR);
  if (written < 0) return SystemError(errno, "writing");
  if (written != sizeof(slot)) return absl::UnavailableError("high-water file: short write");
  return absl::OkStatus();
}

// Returns the slot if it is whole.
absl::StatusOr<std::optional<Slot>> ReadSlot(int fd, off_t offset,
                                             const platform::SecretBytes& key) {
  Slot slot{};
  const ssize_t size = ::pread(fd, &slot, sizeof(slot), offset);
  if (size < 0) return SystemError(errno, "reading");
  if (size != sizeof(slot) || std::memcmp(slot.magic, kMagic, sizeof(kMagic)) != 0) {
    return std::optional<Slot>();
  }
  const std::array<uint8_t, 32> mac = MacOf(slot, key);
  if (CRYPTO_memcmp(mac.data(), slot.mac, mac.size()) != 0) return std::optional<Slot>();
  return std::optional<Slot>(slot);
}

}  // namespace

bool HighWaterFile::Exists(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

absl::StatusOr<std::unique_ptr<HighWaterFile>> HighWaterFile::Create(const std::string& path,
                                                                     platform::SecretBytes key,
                                                                     const HighWaterMark& mark) {
  // Written aside and renamed: a crash leaves no half file that would look like damage.
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  platform::UniqueFd fd(
      ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid() || ::fchmod(fd.get(), 0600) != 0) return SystemError(errno, "creating");
  std::unique_ptr<HighWaterFile> file(new HighWaterFile(std::move(fd), std::move(key)));
  // Both slots, so that later writes need no new space on the disk.
  RETURN_IF_ERROR(file->Write(mark));
  RETURN_IF_ERROR(file->Write(mark));
  if (::fsync(file->fd_.get()) != 0) return SystemError(errno, "syncing");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return SystemError(errno, "renaming");
  return file;
}

absl::StatusOr<std::unique_ptr<HighWaterFile>> HighWaterFile::Open(const std::string& path,
                                                                   platform::SecretBytes key) {
  platform::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) {
    if (errno == ENOENT) return absl::NotFoundError("high-water file: missing");
    return SystemError(errno, "opening");
  }
  std::unique_ptr<HighWaterFile> file(new HighWaterFile(std::move(fd), std::move(key)));
  bool found = false;
  for (const off_t offset : {off_t{0}, kSlotDistance}) {
    ASSIGN_OR_RETURN(const std::optional<Slot> slot, ReadSlot(file->fd_.get(), offset, file->key_));
    if (!slot.has_value() || (found && slot->turn <= file->turn_)) continue;
    found = true;
    file->turn_ = slot->turn;
    file->mark_.generation = slot->generation;
    file->mark_.sequence = slot->sequence;
    std::memcpy(file->mark_.chain.data(), slot->chain, sizeof(slot->chain));
  }
  if (!found) {
    return absl::DataLossError("high-water file: damaged, or written under another key");
  }
  return file;
}

absl::Status HighWaterFile::Write(const HighWaterMark& mark) {
  const uint64_t turn = turn_ + 1;
  RETURN_IF_ERROR(
      WriteSlot(fd_.get(), MakeSlot(mark, turn, key_), turn % 2 == 0 ? off_t{0} : kSlotDistance));
  turn_ = turn;
  mark_ = mark;
  return absl::OkStatus();
}

}  // namespace postern::broker
