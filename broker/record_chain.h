// SPDX-License-Identifier: Apache-2.0
// How a record is laid out on disk, and the keyed hashes that tie records into a chain.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/keyed_hash.h"
#include "broker/log_record.h"
#include "platform/secret_bytes.h"

namespace postern::broker {

// HMAC-SHA256 cut to 128 bits.
using Digest = std::array<uint8_t, 16>;
using ChainValue = std::array<uint8_t, 16>;

// Packs all fields but sequence, erasure and body. Layout: on_disk.md.
std::string PackHeader(const LogRecord& record);
// Fills 'record' from a packed header. False when it is not one.
bool UnpackHeader(std::string_view header, LogRecord& record);

// Thread-safe.
class RecordHasher {
 public:
  explicit RecordHasher(const platform::SecretBytes& key) : hash_(key) {}

  Digest OfRecord(std::string_view header, std::string_view body) const;
  // The chain value at a record, after 'previous' of the record before it.
  ChainValue Next(const ChainValue& previous, Sequence sequence, const Digest& digest) const;

 private:
  const KeyedHash hash_;
};

// The two values, one after the other, as they are stored.
std::string PackProof(const Digest& digest, const ChainValue& chain);
bool UnpackProof(std::string_view proof, Digest& digest, ChainValue& chain);

}  // namespace postern::broker
