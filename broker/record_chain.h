// SPDX-License-Identifier: Apache-2.0
// How a record is laid out on disk, and the keyed hashes that tie records into a chain.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

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

// Hashes under one key. Thread-safe.
class RecordHasher {
 public:
  explicit RecordHasher(platform::SecretBytes key);
  ~RecordHasher();
  RecordHasher(const RecordHasher&) = delete;
  RecordHasher& operator=(const RecordHasher&) = delete;

  Digest OfRecord(std::string_view header, std::string_view body) const;
  // The chain value after a record with 'digest' at 'sequence'.
  ChainValue Next(const ChainValue& previous, Sequence sequence, const Digest& digest) const;

 private:
  struct Context;
  Digest Hash(uint8_t purpose, std::string_view first, std::string_view second) const;
  std::unique_ptr<Context> context_;
};

}  // namespace postern::broker
