// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "platform/secret_bytes.h"

namespace postern::broker {

// Derives 32 bytes for 'purpose' from 'key' (HKDF-SHA256, RFC 5869). Aborts when OpenSSL cannot.
platform::SecretBytes DeriveKey(const platform::SecretBytes& key, std::string_view purpose);

// HMAC-SHA256 with the key set up once. Thread-safe: each call works on a copy.
class KeyedHash {
 public:
  explicit KeyedHash(const platform::SecretBytes& key);
  ~KeyedHash();
  KeyedHash(const KeyedHash&) = delete;
  KeyedHash& operator=(const KeyedHash&) = delete;

  // Returns the hash of both parts, one after the other.
  std::array<uint8_t, 32> Of(std::string_view first, std::string_view second = {}) const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace postern::broker
