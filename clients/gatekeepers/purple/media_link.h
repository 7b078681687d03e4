// SPDX-License-Identifier: GPL-3.0-or-later
// Files are links here. An encrypted one (XEP-0454, aesgcm://) carries its key behind the '#',
// where no server sees it; the link itself is the attachment's id, so that nothing else need be
// kept to fetch it. Encryption and decryption are AES-256-GCM by OpenSSL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "postern/v1/message.pb.h"

namespace postern::purple {

struct MediaLink {
  std::string host;
  int port = 443;
  std::string path;  // with the query
  std::string file_name;
  std::string key;  // 32 bytes; empty: not encrypted
  std::string iv;   // 12 or 16 bytes
};

// https:// and aesgcm:// only; nothing for anything else.
std::optional<MediaLink> ParseMediaLink(std::string_view link);

// The attachment that the link stands for; 'message_encrypted' is whether the link came encrypted:
// a key that a server saw protects nothing. Nothing for a link that cannot be fetched, or is longer
// than an id may be.
std::optional<v1::Attachment> AttachmentOf(std::string_view link, bool message_encrypted);

// A new random key and iv, and how a link ends that carries them ("#...").
struct MediaKey {
  std::string key;
  std::string iv;
  std::string fragment;
};
MediaKey NewMediaKey();

// Ciphertext with the tag behind it; empty when OpenSSL fails.
std::string EncryptMedia(const std::string& key, const std::string& iv, std::string_view plain);
// Nothing when the file is not the one that was encrypted with this key.
std::optional<std::string> DecryptMedia(const MediaLink& link, std::string_view cipher);

}  // namespace postern::purple
