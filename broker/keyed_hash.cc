// SPDX-License-Identifier: Apache-2.0
// SHA-256's own functions and not EVP_MAC: for records of half a kilobyte the fetch and the copy of
// an EVP context cost as much as the hash. They are deprecated in OpenSSL 3, not gone, and the
// state is a plain struct that copies.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "broker/keyed_hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/sha.h>

#include <cstdlib>

namespace postern::broker {
namespace {

constexpr size_t kBlockBytes = 64;

struct PkeyContextFree {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

}  // namespace

platform::SecretBytes DeriveKey(const platform::SecretBytes& key, std::string_view purpose) {
  platform::SecretBytes derived(SHA256_DIGEST_LENGTH);
  const std::unique_ptr<EVP_PKEY_CTX, PkeyContextFree> context(
      EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  size_t size = derived.size();
  const bool done =
      context && EVP_PKEY_derive_init(context.get()) == 1 &&
      EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1 &&
      EVP_PKEY_CTX_set1_hkdf_key(context.get(), key.data(), static_cast<int>(key.size())) == 1 &&
      EVP_PKEY_CTX_add1_hkdf_info(context.get(),
                                  reinterpret_cast<const unsigned char*>(purpose.data()),
                                  static_cast<int>(purpose.size())) == 1 &&
      EVP_PKEY_derive(context.get(), derived.data(), &size) == 1 && size == derived.size();
  // Only a broken OpenSSL comes here, and there is no safe key to go on with.
  if (!done) std::abort();
  return derived;
}

// The hash states after the key's inner and outer block (RFC 2104).
struct KeyedHash::State {
  SHA256_CTX inner;
  SHA256_CTX outer;
  ~State() { OPENSSL_cleanse(this, sizeof(*this)); }
};

KeyedHash::KeyedHash(const platform::SecretBytes& key) : state_(std::make_unique<State>()) {
  std::array<uint8_t, kBlockBytes> block{};
  // Longer keys would have to be hashed first; all of ours have 32 bytes.
  if (key.size() > block.size()) std::abort();
  for (size_t i = 0; i < block.size(); ++i) {
    block[i] = static_cast<uint8_t>((i < key.size() ? key.data()[i] : 0) ^ 0x36);
  }
  SHA256_Init(&state_->inner);
  SHA256_Update(&state_->inner, block.data(), block.size());
  for (uint8_t& byte : block) byte = static_cast<uint8_t>(byte ^ 0x36 ^ 0x5c);
  SHA256_Init(&state_->outer);
  SHA256_Update(&state_->outer, block.data(), block.size());
  OPENSSL_cleanse(block.data(), block.size());
}

KeyedHash::~KeyedHash() = default;

std::array<uint8_t, 32> KeyedHash::Of(std::string_view first, std::string_view second) const {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> hash;
  SHA256_CTX context = state_->inner;
  SHA256_Update(&context, first.data(), first.size());
  SHA256_Update(&context, second.data(), second.size());
  SHA256_Final(hash.data(), &context);
  context = state_->outer;
  SHA256_Update(&context, hash.data(), hash.size());
  SHA256_Final(hash.data(), &context);
  OPENSSL_cleanse(&context, sizeof(context));
  return hash;
}

}  // namespace postern::broker
