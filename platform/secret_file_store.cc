// SPDX-License-Identifier: Apache-2.0
// The file: magic (8), salt (16), nonce (12), ciphertext, tag (16). The magic and the salt are
// authenticated with it. Inside: records of {u16 name size, name, u16 secret size, secret},
// big-endian.
#include "platform/secret_file_store.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sys/file.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "platform/atomic_file.h"
#include "platform/status_macros.h"
#include "platform/unique_fd.h"

namespace postern::platform {
namespace {

constexpr std::array<uint8_t, 8> kMagic = {'P', 'S', 'T', 'N', 'S', 'E', 'C', '1'};
constexpr size_t kSaltSize = 16;
constexpr size_t kHeaderSize = kMagic.size() + kSaltSize;
constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;
constexpr size_t kKeySize = 32;
constexpr size_t kFileBytesMax = 1 << 20;  // some hundred keys; a record is at most 4.3 KiB
// RFC 7914's interactive figure, four times over: 64 MiB and about 0.2 s.
constexpr uint64_t kScryptN = 1 << 16;
constexpr uint64_t kScryptR = 8;
constexpr uint64_t kScryptP = 1;
constexpr uint64_t kScryptMemoryMax = 128 << 20;

using Salt = std::array<uint8_t, kSaltSize>;
using Records = std::map<std::string, SecretBytes, std::less<>>;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using UniqueCipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

absl::Status Internal(const char* message) {
  ERR_clear_error();
  return absl::InternalError(message);
}
absl::Status Damaged() {
  ERR_clear_error();
  return absl::DataLossError("the secrets file is damaged; restore it from a copy");
}

absl::StatusOr<SecretBytes> DeriveKey(const SecretBytes& passphrase, const Salt& salt) {
  SecretBytes key(kKeySize);
  if (EVP_PBE_scrypt(reinterpret_cast<const char*>(passphrase.data()), passphrase.size(),
                     salt.data(), salt.size(), kScryptN, kScryptR, kScryptP, kScryptMemoryMax,
                     key.data(), key.size()) != 1) {
    return Internal("cannot derive a key from the passphrase");
  }
  return key;
}

// Returns nothing when the key is not the one or the bytes are not those that were sealed.
absl::StatusOr<SecretBytes> Unseal(const SecretBytes& key, std::span<const uint8_t> file) {
  if (file.size() < kHeaderSize + kNonceSize + kTagSize) return Damaged();
  const auto nonce = file.subspan(kHeaderSize, kNonceSize);
  const auto sealed =
      file.subspan(kHeaderSize + kNonceSize, file.size() - kHeaderSize - kNonceSize - kTagSize);
  std::vector<uint8_t> tag(file.end() - kTagSize, file.end());
  SecretBytes plain(sealed.size());
  const UniqueCipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  if (cipher == nullptr ||
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data()) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, file.data(), kHeaderSize) != 1 ||
      EVP_DecryptUpdate(cipher.get(), plain.data(), &size, sealed.data(),
                        static_cast<int>(sealed.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), plain.data() + plain.size(), &size) != 1) {
    return Damaged();
  }
  return plain;
}

absl::StatusOr<std::vector<uint8_t>> Seal(const SecretBytes& key, const Salt& salt,
                                          const SecretBytes& plain) {
  std::vector<uint8_t> file(kMagic.begin(), kMagic.end());
  file.insert(file.end(), salt.begin(), salt.end());
  file.resize(kHeaderSize + kNonceSize + plain.size() + kTagSize);
  uint8_t* const nonce = file.data() + kHeaderSize;
  uint8_t* const sealed = nonce + kNonceSize;
  // Random nonces: a store is written a few times in its life, far from 2^32.
  FillRandom({nonce, kNonceSize});
  const UniqueCipher cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  if (cipher == nullptr ||
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, file.data(), kHeaderSize) != 1 ||
      EVP_EncryptUpdate(cipher.get(), sealed, &size, plain.data(),
                        static_cast<int>(plain.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), sealed + plain.size(), &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize, sealed + plain.size()) !=
          1) {
    return Internal("cannot encrypt the secrets file");
  }
  return file;
}

// Takes {u16 size, bytes} off the front of 'rest'.
bool TakeField(std::span<const uint8_t>& rest, std::span<const uint8_t>& field) {
  if (rest.size() < 2) return false;
  const size_t size = static_cast<size_t>(rest[0]) << 8 | rest[1];
  if (rest.size() < 2 + size) return false;
  field = rest.subspan(2, size);
  rest = rest.subspan(2 + size);
  return true;
}

absl::StatusOr<Records> Decode(const SecretBytes& plain) {
  Records records;
  std::span<const uint8_t> rest = plain.span();
  while (!rest.empty()) {
    std::span<const uint8_t> name, secret;
    if (!TakeField(rest, name) || !TakeField(rest, secret)) return Damaged();
    records[std::string(name.begin(), name.end())] = SecretBytes(secret);
  }
  return records;
}

uint8_t* PutField(uint8_t* out, std::span<const uint8_t> field) {
  *out++ = static_cast<uint8_t>(field.size() >> 8);
  *out++ = static_cast<uint8_t>(field.size());
  return std::copy(field.begin(), field.end(), out);
}

SecretBytes Encode(const Records& records) {
  size_t size = 0;
  for (const auto& [name, secret] : records) size += 4 + name.size() + secret.size();
  SecretBytes plain(size);
  uint8_t* out = plain.data();
  for (const auto& [name, secret] : records) {
    out = PutField(out, {reinterpret_cast<const uint8_t*>(name.data()), name.size()});
    out = PutField(out, secret.span());
  }
  return plain;
}

// Between processes: the file is replaced, so its folder is what they have in common.
absl::StatusOr<UniqueFd> LockFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::flock(fd.get(), LOCK_EX) != 0) {
    return absl::ErrnoToStatus(errno, "cannot lock the secrets file's folder");
  }
  return fd;
}

class PassphraseFileStore final : public SecretStore {
 public:
  PassphraseFileStore(std::string path, Salt salt, SecretBytes key)
      : path_(std::move(path)), salt_(salt), key_(std::move(key)) {}

  SecretStoreState State() override { return SecretStoreState::kReady; }

  absl::StatusOr<SecretBytes> Lookup(std::string_view name) override {
    RETURN_IF_ERROR(CheckSecretName(name));
    ASSIGN_OR_RETURN(Records records, Read());
    const auto found = records.find(name);
    if (found == records.end()) return absl::NotFoundError("there is no such secret");
    return std::move(found->second);
  }

  absl::Status Store(std::string_view name, std::span<const uint8_t> secret) override {
    RETURN_IF_ERROR(CheckSecretName(name));
    RETURN_IF_ERROR(CheckSecret(secret));
    ASSIGN_OR_RETURN(const UniqueFd exclusive, LockFolder(path_));
    ASSIGN_OR_RETURN(Records records, Read());
    records[std::string(name)] = SecretBytes(secret);
    return Write(records);
  }

  absl::Status Erase(std::string_view name) override {
    RETURN_IF_ERROR(CheckSecretName(name));
    ASSIGN_OR_RETURN(const UniqueFd exclusive, LockFolder(path_));
    ASSIGN_OR_RETURN(Records records, Read());
    const auto found = records.find(name);
    if (found == records.end()) return absl::OkStatus();
    records.erase(found);
    return Write(records);
  }

  std::string Describe() const override { return "passphrase file"; }

 private:
  absl::StatusOr<Records> Read() const {
    auto file = ReadSecretFile(path_, kFileBytesMax);
    // What was there when it was opened and is gone is not "no secrets yet".
    if (absl::IsNotFound(file.status())) return Damaged();
    RETURN_IF_ERROR(file.status());
    if (file->size() < kHeaderSize ||
        std::memcmp(file->data(), kMagic.data(), kMagic.size()) != 0 ||
        std::memcmp(file->data() + kMagic.size(), salt_.data(), salt_.size()) != 0) {
      return Damaged();
    }
    ASSIGN_OR_RETURN(const SecretBytes plain, Unseal(key_, file->span()));
    return Decode(plain);
  }

  absl::Status Write(const Records& records) const {
    ASSIGN_OR_RETURN(const std::vector<uint8_t> file, Seal(key_, salt_, Encode(records)));
    if (file.size() > kFileBytesMax) {
      return absl::ResourceExhaustedError("the secrets file is full");
    }
    return WriteFileAtomically(path_, file);
  }

  const std::string path_;
  const Salt salt_;
  const SecretBytes key_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SecretStore>> OpenPassphraseFileStore(std::string path,
                                                                     SecretBytes passphrase) {
  if (passphrase.empty()) return absl::FailedPreconditionError("the passphrase is empty");
  ASSIGN_OR_RETURN(const UniqueFd exclusive, LockFolder(path));
  Salt salt;
  auto file = ReadSecretFile(path, kFileBytesMax);
  if (absl::IsNotFound(file.status())) {
    FillRandom(salt);
    ASSIGN_OR_RETURN(SecretBytes key, DeriveKey(passphrase, salt));
    // Written now, so that all who open it from here on share one salt.
    ASSIGN_OR_RETURN(const std::vector<uint8_t> empty, Seal(key, salt, SecretBytes()));
    RETURN_IF_ERROR(WriteFileAtomically(path, empty));
    return std::unique_ptr<SecretStore>(
        std::make_unique<PassphraseFileStore>(std::move(path), salt, std::move(key)));
  }
  RETURN_IF_ERROR(file.status());
  if (file->size() < kHeaderSize || std::memcmp(file->data(), kMagic.data(), kMagic.size()) != 0) {
    return Damaged();
  }
  std::memcpy(salt.data(), file->data() + kMagic.size(), salt.size());
  ASSIGN_OR_RETURN(SecretBytes key, DeriveKey(passphrase, salt));
  if (!Unseal(key, file->span()).ok()) {
    return absl::FailedPreconditionError(
        "the passphrase does not open the secrets file, or the file is damaged");
  }
  return std::unique_ptr<SecretStore>(
      std::make_unique<PassphraseFileStore>(std::move(path), salt, std::move(key)));
}

}  // namespace postern::platform
