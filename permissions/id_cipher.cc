// SPDX-License-Identifier: Apache-2.0
#include "permissions/id_cipher.h"

#include <absl/base/thread_annotations.h>
#include <absl/strings/escaping.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "platform/mutex.h"

namespace postern::permissions {
namespace {

using Block = std::array<uint8_t, 16>;

constexpr size_t kAesKeySize = 16;
constexpr size_t kGcmKeySize = 32;
constexpr size_t kGcmNonceSize = 12;
constexpr size_t kGcmTagSize = 16;
// 16 bytes in base64url without padding.
constexpr size_t kPseudonymLength = 22;
// A page token carries a place in a list; longer ones are not ours.
constexpr size_t kTokenTextMax = 1024;

// What a pseudonym stands for. Kept for ever: a number that changes makes old pseudonyms dangle.
enum class Kind : uint8_t {
  kAccount = 1,
  kChat,
  kContact,
  kMessage,
  kAttachment,
  kGrant,
  kEvent,
  kCursor,
};

// OpenSSL fails here only without memory or without AES: then nothing that follows would be safe.
void Require(bool ok) {
  if (!ok) std::abort();
}

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;
struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;
struct FreePkey {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

// HKDF-SHA256 (RFC 5869) of 'master' for one use and one app.
platform::SecretBytes DeriveKey(std::span<const uint8_t> master, std::string_view use,
                                const Principal& principal, size_t size) {
  std::string info(use);
  info += principal.view();
  platform::SecretBytes key(size);
  std::unique_ptr<EVP_PKEY_CTX, FreePkey> context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  size_t length = size;
  Require(context != nullptr);
  Require(EVP_PKEY_derive_init(context.get()) == 1);
  Require(EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1);
  Require(EVP_PKEY_CTX_set1_hkdf_key(context.get(), master.data(),
                                     static_cast<int>(master.size())) == 1);
  Require(EVP_PKEY_CTX_add1_hkdf_info(context.get(),
                                      reinterpret_cast<const unsigned char*>(info.data()),
                                      static_cast<int>(info.size())) == 1);
  Require(EVP_PKEY_derive(context.get(), key.data(), &length) == 1);
  Require(length == size);
  return key;
}

std::string ToBase64Url(std::string_view bytes) {
  std::string text;
  absl::WebSafeBase64Escape(absl::string_view(bytes.data(), bytes.size()), &text);
  return text;
}

// Returns nullopt unless 'text' is exactly what ToBase64Url writes: one text for one value.
std::optional<std::string> FromBase64Url(std::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(absl::string_view(text.data(), text.size()), &bytes)) {
    return std::nullopt;
  }
  if (ToBase64Url(bytes) != text) return std::nullopt;
  return bytes;
}

void StoreBigEndian(uint64_t value, uint8_t* out) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<uint8_t>(value);
}

uint64_t LoadBigEndian(const uint8_t* in) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | in[i];
  return value;
}

}  // namespace

struct IdMaker::State {
  EVP_MAC* mac = nullptr;
  // Keyed once; each id starts from a copy.
  MacContext keyed;

  ~State() { EVP_MAC_free(mac); }

  // Lengths go first, so that no two lists of parts read the same.
  Block Hash(Kind kind, std::initializer_list<std::string_view> parts) const {
    std::string input(1, static_cast<char>(kind));
    for (std::string_view part : parts) {
      uint8_t length[8];
      StoreBigEndian(part.size(), length);
      input.append(reinterpret_cast<const char*>(length), sizeof(length));
      input += part;
    }
    MacContext context(EVP_MAC_CTX_dup(keyed.get()));
    uint8_t digest[32];
    size_t size = 0;
    Require(context != nullptr);
    Require(EVP_MAC_update(context.get(), reinterpret_cast<const uint8_t*>(input.data()),
                           input.size()) == 1);
    Require(EVP_MAC_final(context.get(), digest, &size, sizeof(digest)) == 1);
    Require(size == sizeof(digest));
    Block block;
    std::memcpy(block.data(), digest, block.size());
    return block;
  }
};

IdMaker::IdMaker(std::span<const uint8_t> id_key) : state_(std::make_unique<State>()) {
  Require(id_key.size() == 32);
  state_->mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  Require(state_->mac != nullptr);
  state_->keyed.reset(EVP_MAC_CTX_new(state_->mac));
  char digest_name[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest_name, 0),
                                   OSSL_PARAM_construct_end()};
  Require(state_->keyed != nullptr);
  Require(EVP_MAC_init(state_->keyed.get(), id_key.data(), id_key.size(), parameters) == 1);
}

IdMaker::~IdMaker() = default;

AccountId IdMaker::Account(std::string_view network, std::string_view remote_id) const {
  return {state_->Hash(Kind::kAccount, {network, remote_id})};
}
ChatId IdMaker::Chat(const AccountId& account, std::string_view remote_id) const {
  return {state_->Hash(Kind::kChat, {account.view(), remote_id})};
}
ContactId IdMaker::Contact(const AccountId& account, std::string_view remote_id) const {
  return {state_->Hash(Kind::kContact, {account.view(), remote_id})};
}
MessageId IdMaker::Message(const AccountId& account, const ChatId& chat,
                           std::string_view remote_id) const {
  return {state_->Hash(Kind::kMessage, {account.view(), chat.view(), remote_id})};
}
AttachmentId IdMaker::Attachment(const AccountId& account, std::string_view remote_id) const {
  return {state_->Hash(Kind::kAttachment, {account.view(), remote_id})};
}

GrantId NewGrantId() {
  GrantId id;
  platform::FillRandom(id.bytes);
  return id;
}

struct Pseudonyms::State {
  uint64_t epoch = 0;
  // A context holds the expanded key and is not thread-safe; the lock is free nearly always,
  // because an app's streams are few.
  platform::Mutex mutex;
  CipherContext encrypt ABSL_GUARDED_BY(mutex);
  CipherContext decrypt ABSL_GUARDED_BY(mutex);

  // The kind goes over the block before the cipher: what is given in place of another kind decodes
  // to an id that names nothing.
  std::string Seal(Kind kind, Block block) {
    block[0] ^= static_cast<uint8_t>(kind);
    Block out;
    int length = 0;
    {
      platform::MutexLock lock(mutex);
      Require(EVP_EncryptUpdate(encrypt.get(), out.data(), &length, block.data(), block.size()) ==
              1);
    }
    Require(length == static_cast<int>(out.size()));
    return ToBase64Url({reinterpret_cast<const char*>(out.data()), out.size()});
  }

  std::optional<Block> Open(Kind kind, std::string_view text) {
    if (text.size() != kPseudonymLength) return std::nullopt;
    const std::optional<std::string> bytes = FromBase64Url(text);
    if (!bytes) return std::nullopt;
    Block block;
    // So many characters are so many bytes.
    Require(bytes->size() == block.size());
    int length = 0;
    {
      platform::MutexLock lock(mutex);
      Require(EVP_DecryptUpdate(decrypt.get(), block.data(), &length,
                                reinterpret_cast<const uint8_t*>(bytes->data()),
                                block.size()) == 1);
    }
    Require(length == static_cast<int>(block.size()));
    block[0] ^= static_cast<uint8_t>(kind);
    return block;
  }

  std::string SealSequence(Kind kind, uint64_t sequence) {
    Block block;
    StoreBigEndian(sequence, block.data());
    StoreBigEndian(epoch, block.data() + 8);
    // In the half that is checked, so that an event id is no cursor.
    block[15] ^= static_cast<uint8_t>(kind);
    return Seal(kind, block);
  }

  std::optional<uint64_t> OpenSequence(Kind kind, std::string_view text) {
    std::optional<Block> block = Open(kind, text);
    if (!block) return std::nullopt;
    (*block)[15] ^= static_cast<uint8_t>(kind);
    if (LoadBigEndian(block->data() + 8) != epoch) return std::nullopt;
    return LoadBigEndian(block->data());
  }

  template <typename IdType>
  std::string EncodeId(Kind kind, const IdType& id) {
    return id.empty() ? std::string() : Seal(kind, id.bytes);
  }

  template <typename IdType>
  std::optional<IdType> DecodeId(Kind kind, std::string_view text) {
    const std::optional<Block> block = Open(kind, text);
    if (!block) return std::nullopt;
    return IdType{*block};
  }
};

Pseudonyms::Pseudonyms(std::span<const uint8_t> master, const Principal& principal, uint64_t epoch)
    : state_(std::make_unique<State>()) {
  Require(master.size() == 32);
  const platform::SecretBytes key =
      DeriveKey(master, "postern pseudonyms 1 ", principal, kAesKeySize);
  state_->epoch = epoch;
  platform::MutexLock lock(state_->mutex);
  state_->encrypt.reset(EVP_CIPHER_CTX_new());
  state_->decrypt.reset(EVP_CIPHER_CTX_new());
  Require(state_->encrypt != nullptr);
  Require(state_->decrypt != nullptr);
  Require(EVP_EncryptInit_ex(state_->encrypt.get(), EVP_aes_128_ecb(), nullptr, key.data(),
                             nullptr) == 1);
  Require(EVP_DecryptInit_ex(state_->decrypt.get(), EVP_aes_128_ecb(), nullptr, key.data(),
                             nullptr) == 1);
  Require(EVP_CIPHER_CTX_set_padding(state_->encrypt.get(), 0) == 1);
  Require(EVP_CIPHER_CTX_set_padding(state_->decrypt.get(), 0) == 1);
}

Pseudonyms::~Pseudonyms() = default;

std::string Pseudonyms::Encode(const AccountId& id) const {
  return state_->EncodeId(Kind::kAccount, id);
}
std::string Pseudonyms::Encode(const ChatId& id) const { return state_->EncodeId(Kind::kChat, id); }
std::string Pseudonyms::Encode(const ContactId& id) const {
  return state_->EncodeId(Kind::kContact, id);
}
std::string Pseudonyms::Encode(const MessageId& id) const {
  return state_->EncodeId(Kind::kMessage, id);
}
std::string Pseudonyms::Encode(const AttachmentId& id) const {
  return state_->EncodeId(Kind::kAttachment, id);
}
std::string Pseudonyms::Encode(const GrantId& id) const {
  return state_->EncodeId(Kind::kGrant, id);
}
std::optional<AccountId> Pseudonyms::DecodeAccount(std::string_view text) const {
  return state_->DecodeId<AccountId>(Kind::kAccount, text);
}
std::optional<ChatId> Pseudonyms::DecodeChat(std::string_view text) const {
  return state_->DecodeId<ChatId>(Kind::kChat, text);
}
std::optional<ContactId> Pseudonyms::DecodeContact(std::string_view text) const {
  return state_->DecodeId<ContactId>(Kind::kContact, text);
}
std::optional<MessageId> Pseudonyms::DecodeMessage(std::string_view text) const {
  return state_->DecodeId<MessageId>(Kind::kMessage, text);
}
std::optional<AttachmentId> Pseudonyms::DecodeAttachment(std::string_view text) const {
  return state_->DecodeId<AttachmentId>(Kind::kAttachment, text);
}
std::optional<GrantId> Pseudonyms::DecodeGrant(std::string_view text) const {
  return state_->DecodeId<GrantId>(Kind::kGrant, text);
}

std::string Pseudonyms::EncodeEvent(uint64_t sequence) const {
  return state_->SealSequence(Kind::kEvent, sequence);
}
std::optional<uint64_t> Pseudonyms::DecodeEvent(std::string_view text) const {
  return state_->OpenSequence(Kind::kEvent, text);
}
std::string Pseudonyms::EncodeCursor(uint64_t sequence) const {
  return state_->SealSequence(Kind::kCursor, sequence);
}
std::optional<uint64_t> Pseudonyms::DecodeCursor(std::string_view text) const {
  return state_->OpenSequence(Kind::kCursor, text);
}

namespace {

// What a token is bound to: the length of the first part keeps the two apart.
std::string BoundTo(std::string_view full_method, std::string_view request) {
  uint8_t length[8];
  StoreBigEndian(full_method.size(), length);
  std::string bound(reinterpret_cast<const char*>(length), sizeof(length));
  bound += full_method;
  bound += request;
  return bound;
}

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

TokenSealer::TokenSealer(std::span<const uint8_t> master, const Principal& principal)
    : key_(DeriveKey(master, "postern page tokens 1 ", principal, kGcmKeySize)) {
  Require(master.size() == 32);
}

std::string TokenSealer::Seal(std::string_view full_method, std::string_view request,
                              std::string_view payload) const {
  const std::string bound = BoundTo(full_method, request);
  std::vector<uint8_t> sealed(kGcmNonceSize + payload.size() + kGcmTagSize);
  platform::FillRandom(std::span(sealed).first(kGcmNonceSize));
  uint8_t* const body = sealed.data() + kGcmNonceSize;
  CipherContext context(EVP_CIPHER_CTX_new());
  int length = 0;
  Require(context != nullptr);
  Require(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(),
                             sealed.data()) == 1);
  Require(EVP_EncryptUpdate(context.get(), nullptr, &length, Bytes(bound),
                            static_cast<int>(bound.size())) == 1);
  Require(EVP_EncryptUpdate(context.get(), body, &length, Bytes(payload),
                            static_cast<int>(payload.size())) == 1);
  Require(EVP_EncryptFinal_ex(context.get(), body + length, &length) == 1);
  Require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kGcmTagSize,
                              body + payload.size()) == 1);
  return ToBase64Url({reinterpret_cast<const char*>(sealed.data()), sealed.size()});
}

std::optional<std::string> TokenSealer::Open(std::string_view full_method, std::string_view request,
                                             std::string_view token) const {
  if (token.size() > kTokenTextMax) return std::nullopt;
  std::optional<std::string> sealed = FromBase64Url(token);
  if (!sealed || sealed->size() < kGcmNonceSize + kGcmTagSize) return std::nullopt;
  const std::string bound = BoundTo(full_method, request);
  const size_t payload_size = sealed->size() - kGcmNonceSize - kGcmTagSize;
  std::string payload(payload_size, '\0');
  uint8_t* const in = reinterpret_cast<uint8_t*>(sealed->data());
  uint8_t* const out = reinterpret_cast<uint8_t*>(payload.data());
  CipherContext context(EVP_CIPHER_CTX_new());
  int length = 0;
  Require(context != nullptr);
  Require(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), in) == 1);
  Require(EVP_DecryptUpdate(context.get(), nullptr, &length, Bytes(bound),
                            static_cast<int>(bound.size())) == 1);
  Require(EVP_DecryptUpdate(context.get(), out, &length, in + kGcmNonceSize,
                            static_cast<int>(payload_size)) == 1);
  Require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kGcmTagSize,
                              in + kGcmNonceSize + payload_size) == 1);
  // Only this depends on what the bytes are.
  if (EVP_DecryptFinal_ex(context.get(), out + length, &length) != 1) return std::nullopt;
  return payload;
}

}  // namespace postern::permissions
