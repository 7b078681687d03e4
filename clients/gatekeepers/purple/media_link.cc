// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/media_link.h"

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstdlib>
#include <memory>

#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr std::string_view kEncryptedScheme = "aesgcm://";
constexpr std::string_view kPlainScheme = "https://";
constexpr int kHttpsPort = 443;
constexpr size_t kKeyBytes = 32;
constexpr size_t kIvBytes = 12;
// Older clients write the long one.
constexpr size_t kOldIvBytes = 16;
constexpr size_t kTagBytes = 16;
constexpr size_t kFileNameBytesMax = 255;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

std::optional<std::string> FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = g_ascii_xdigit_value(hex[i]), low = g_ascii_xdigit_value(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return hex.size() % 2 == 0 ? std::optional(bytes) : std::nullopt;
}

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

// By the ending only: nobody looks into the file before it is fetched.
std::string MimeTypeOf(const std::string& file_name) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".jpg", "image/jpeg"},      {".jpeg", "image/jpeg"}, {".png", "image/png"},
      {".gif", "image/gif"},       {".webp", "image/webp"}, {".mp4", "video/mp4"},
      {".mp3", "audio/mpeg"},      {".ogg", "audio/ogg"},   {".opus", "audio/ogg"},
      {".pdf", "application/pdf"}, {".txt", "text/plain"},
  };
  for (const auto& [ending, type] : kTypes) {
    if (file_name.ends_with(ending)) return std::string(type);
  }
  return "application/octet-stream";
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::optional<MediaLink> ParseMediaLink(std::string_view link) {
  const bool encrypted = link.starts_with(kEncryptedScheme);
  if (!encrypted && !link.starts_with(kPlainScheme)) return std::nullopt;
  link.remove_prefix(encrypted ? kEncryptedScheme.size() : kPlainScheme.size());
  for (const char c : link) {
    // It becomes a line of a request.
    if (c <= ' ' || c == 0x7f) return std::nullopt;
  }
  MediaLink result;
  std::string_view fragment;
  if (const size_t hash = link.find('#'); hash != std::string_view::npos) {
    fragment = link.substr(hash + 1);
    link = link.substr(0, hash);
  }
  const size_t slash = link.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  result.path = link.substr(slash);
  result.host = link.substr(0, slash);
  if (result.host.find_first_of("@[]\\") != std::string::npos) return std::nullopt;
  if (const size_t colon = result.host.find(':'); colon != std::string::npos) {
    result.port = std::atoi(result.host.c_str() + colon + 1);
    result.host.resize(colon);
    if (result.port < 1 || result.port > 65535) return std::nullopt;
  } else {
    result.port = kHttpsPort;
  }
  const std::string path = result.path.substr(0, result.path.find('?'));
  result.file_name =
      TakeString(g_uri_unescape_string(path.substr(path.rfind('/') + 1).c_str(), "/"))
          .substr(0, kFileNameBytesMax);
  if (!encrypted) return result;
  const std::optional<std::string> secret = FromHex(fragment);
  if (!secret ||
      (secret->size() != kKeyBytes + kIvBytes && secret->size() != kKeyBytes + kOldIvBytes)) {
    return std::nullopt;
  }
  result.iv = secret->substr(0, secret->size() - kKeyBytes);
  result.key = secret->substr(secret->size() - kKeyBytes);
  return result;
}

std::optional<v1::Attachment> AttachmentOf(std::string_view link, bool message_encrypted) {
  const std::optional<MediaLink> parsed = ParseMediaLink(link);
  if (!parsed || link.size() > kIdBytesMax) return std::nullopt;
  v1::Attachment attachment;
  attachment.set_id(std::string(link));
  attachment.set_file_name(parsed->file_name);
  attachment.set_mime_type(MimeTypeOf(parsed->file_name));
  attachment.set_end_to_end_encrypted(!parsed->key.empty() && message_encrypted);
  return attachment;
}

MediaKey NewMediaKey() {
  MediaKey result;
  result.key.resize(kKeyBytes);
  result.iv.resize(kIvBytes);
  if (RAND_bytes(Bytes(result.key), kKeyBytes) != 1 ||
      RAND_bytes(Bytes(result.iv), kIvBytes) != 1) {
    g_error("OpenSSL has no random numbers");  // ends the program: a weak key is worse
  }
  result.fragment = "#" + ToHex(result.iv) + ToHex(result.key);
  return result;
}

std::string EncryptMedia(const std::string& key, const std::string& iv, std::string_view plain) {
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string cipher(plain.size() + kTagBytes, '\0');
  std::string tag(kTagBytes, '\0');
  int written = 0, ending = 0;
  if (context == nullptr ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_IVLEN, static_cast<int>(iv.size()),
                          nullptr) != 1 ||
      EVP_EncryptInit_ex(context.get(), nullptr, nullptr, Bytes(key), Bytes(iv)) != 1 ||
      EVP_EncryptUpdate(context.get(), Bytes(cipher), &written, Bytes(plain),
                        static_cast<int>(plain.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), Bytes(cipher) + written, &ending) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) != 1) {
    return "";
  }
  return cipher.substr(0, plain.size()) + tag;
}

std::optional<std::string> DecryptMedia(const MediaLink& link, std::string_view cipher) {
  if (cipher.size() < kTagBytes) return std::nullopt;
  const std::string_view text = cipher.substr(0, cipher.size() - kTagBytes);
  std::string tag(cipher.substr(text.size()));
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string plain(text.size() + kTagBytes, '\0');
  int written = 0, ending = 0;
  if (context == nullptr ||
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_IVLEN, static_cast<int>(link.iv.size()),
                          nullptr) != 1 ||
      EVP_DecryptInit_ex(context.get(), nullptr, nullptr, Bytes(link.key), Bytes(link.iv)) != 1 ||
      EVP_DecryptUpdate(context.get(), Bytes(plain), &written, Bytes(text),
                        static_cast<int>(text.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), Bytes(plain) + written, &ending) != 1) {
    return std::nullopt;
  }
  plain.resize(text.size());
  return plain;
}

}  // namespace postern::purple
