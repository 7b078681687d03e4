// SPDX-License-Identifier: Apache-2.0
#include "broker/file_vault.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

constexpr size_t kNameBytes = 16;
constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
// A full chunk as it lies on the disk.
constexpr size_t kStride = kNonceBytes + kVaultChunkBytes + kTagBytes;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

absl::Status DiskError(const char* what) {
  return absl::UnavailableError(absl::StrCat("a stored file cannot be ", what, ": ",
                                             std::strerror(errno)));  // NOLINT: text only
}
absl::Status Damaged() { return absl::DataLossError("a stored file is not as it was written"); }

// Each chunk's place is sealed with it, so that none can stand in for another.
std::array<uint8_t, 9> PlaceOf(uint64_t chunk) {
  std::array<uint8_t, 9> place{1};
  for (size_t i = 0; i < 8; ++i) place[i + 1] = static_cast<uint8_t>(chunk >> (8 * i));
  return place;
}

absl::Status WriteAll(int fd, std::string_view bytes, uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return DiskError("written");
    bytes.remove_prefix(static_cast<size_t>(wrote));
    at += static_cast<uint64_t>(wrote);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadUpTo(int fd, size_t most, uint64_t at) {
  std::string bytes(most, '\0');
  size_t got = 0;
  while (got < most) {
    const ssize_t read = ::pread(fd, bytes.data() + got, most - got, static_cast<off_t>(at + got));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return DiskError("read");
    if (read == 0) break;
    got += static_cast<size_t>(read);
  }
  bytes.resize(got);
  return bytes;
}

std::string RandomText(size_t size) {
  const platform::SecretBytes bytes = platform::RandomSecret(size);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

absl::Status MakeVaultFolder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return absl::UnavailableError("the folder for stored files cannot be made");
}

std::string NewVaultName() { return absl::BytesToHexString(RandomText(kNameBytes)); }

bool IsVaultName(std::string_view name) {
  return name.size() == 2 * kNameBytes &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string NewVaultKey() { return RandomText(kKeyBytes); }

platform::SecretBytes VaultKey(std::string_view row) {
  return platform::SecretBytes(std::span<const uint8_t>(Bytes(row), row.size()));
}

void RemoveVaultFile(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

absl::StatusOr<std::unique_ptr<VaultFile>> VaultFile::Create(const std::string& path,
                                                             platform::SecretBytes key) {
  platform::UniqueFd fd(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return DiskError("made");
  return std::unique_ptr<VaultFile>(new VaultFile(std::move(fd), std::move(key)));
}

absl::StatusOr<std::unique_ptr<VaultFile>> VaultFile::Open(const std::string& path,
                                                           platform::SecretBytes key, bool more) {
  platform::UniqueFd fd(::open(path.c_str(), (more ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) {
    return errno == ENOENT ? absl::NotFoundError("there is no such stored file")
                           : DiskError("opened");
  }
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0) return DiskError("read");
  const auto bytes = static_cast<uint64_t>(about.st_size);
  const uint64_t whole = bytes / kStride;
  const uint64_t rest = bytes % kStride;
  if (more && rest != 0 && ::ftruncate(fd.get(), static_cast<off_t>(whole * kStride)) != 0) {
    return DiskError("written");
  }
  if (!more && rest != 0 && rest <= kNonceBytes + kTagBytes) return Damaged();
  std::unique_ptr<VaultFile> file(new VaultFile(std::move(fd), std::move(key)));
  file->readable_ =
      whole * kVaultChunkBytes + (more || rest == 0 ? 0 : rest - kNonceBytes - kTagBytes);
  platform::MutexLock lock(file->mutex_);
  file->finished_ = !more;
  return file;
}

uint64_t VaultFile::size() const {
  platform::MutexLock lock(mutex_);
  return readable() + open_.size();
}

absl::Status VaultFile::Append(std::string_view bytes) {
  platform::MutexLock lock(mutex_);
  if (finished_) return absl::FailedPreconditionError("a stored file was finished");
  while (!bytes.empty()) {
    const size_t part = std::min(bytes.size(), kVaultChunkBytes - open_.size());
    open_.append(bytes.substr(0, part));
    bytes.remove_prefix(part);
    if (open_.size() == kVaultChunkBytes) RETURN_IF_ERROR(WriteChunk());
  }
  return absl::OkStatus();
}

absl::Status VaultFile::Finish() {
  platform::MutexLock lock(mutex_);
  if (!open_.empty()) RETURN_IF_ERROR(WriteChunk());
  finished_ = true;
  return absl::OkStatus();
}

absl::Status VaultFile::WriteChunk() {
  const uint64_t chunk = readable() / kVaultChunkBytes;
  // Random, not the chunk's number: what a crash cut off is written anew, perhaps with other bytes.
  std::array<uint8_t, kNonceBytes> nonce;
  platform::FillRandom(nonce);
  const auto place = PlaceOf(chunk);
  std::string sealed(kNonceBytes + open_.size() + kTagBytes, '\0');
  auto* out = reinterpret_cast<uint8_t*>(sealed.data());
  std::memcpy(out, nonce.data(), nonce.size());
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool done =
      context != nullptr &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce.data()) ==
          1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &length, place.data(), place.size()) == 1 &&
      EVP_EncryptUpdate(context.get(), out + kNonceBytes, &length, Bytes(open_),
                        static_cast<int>(open_.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), out + kNonceBytes + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          out + kNonceBytes + open_.size()) == 1;
  if (!done) return absl::InternalError("a file's bytes cannot be encrypted");
  RETURN_IF_ERROR(WriteAll(fd_.get(), sealed, chunk * kStride));
  readable_.fetch_add(open_.size(), std::memory_order_release);
  open_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::string> VaultFile::Read(uint64_t offset, size_t most) const {
  const uint64_t end = readable();
  if (offset >= end) return std::string();
  const uint64_t chunk = offset / kVaultChunkBytes;
  const auto bytes =
      static_cast<size_t>(std::min<uint64_t>(kVaultChunkBytes, end - chunk * kVaultChunkBytes));
  ASSIGN_OR_RETURN(const std::string sealed,
                   ReadUpTo(fd_.get(), kNonceBytes + bytes + kTagBytes, chunk * kStride));
  if (sealed.size() != kNonceBytes + bytes + kTagBytes) return Damaged();
  const auto place = PlaceOf(chunk);
  std::string opened(bytes, '\0');
  std::string tag = sealed.substr(kNonceBytes + bytes);
  const uint8_t* in = Bytes(sealed);
  auto* out = reinterpret_cast<uint8_t*>(opened.data());
  const Context context(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool done =
      context != nullptr &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), in) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, place.data(), place.size()) == 1 &&
      EVP_DecryptUpdate(context.get(), out, &length, in + kNonceBytes, static_cast<int>(bytes)) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), out + length, &length) == 1;
  if (!done) return Damaged();
  const auto skip = static_cast<size_t>(offset - chunk * kVaultChunkBytes);
  if (skip == 0 && most >= bytes) return opened;
  return opened.substr(skip, most);
}

}  // namespace postern::broker
