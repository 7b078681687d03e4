// SPDX-License-Identifier: Apache-2.0
#include "broker/record_chain.h"

#include <algorithm>
#include <cstring>

namespace postern::broker {
namespace {

constexpr char kHeaderVersion = 1;
constexpr size_t kFixedBytes = 12;

enum Flag : uint8_t {
  kBackfill = 1 << 0,
  kEphemeral = 1 << 1,
};

// Which ids follow, in this order.
enum Present : uint8_t {
  kAccount = 1 << 0,
  kChat = 1 << 1,
  kMessage = 1 << 2,
  kSender = 1 << 3,
  kOrigin = 1 << 4,
};

void PutLittleEndian(uint64_t value, size_t bytes, std::string& out) {
  for (size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t GetLittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

template <typename T>
void PutId(const T& id, uint8_t bit, uint8_t& present, std::string& out) {
  if (id.empty()) return;
  present |= bit;
  out.append(id.view());
}

template <typename T>
bool TakeId(uint8_t present, uint8_t bit, std::string_view& rest, T& id) {
  if ((present & bit) == 0) return true;
  if (rest.size() < id.view().size()) return false;
  const size_t size = id.view().size();
  id = T::FromRaw(rest.substr(0, size));
  rest.remove_prefix(size);
  return true;
}

std::array<uint8_t, 16> Cut(const std::array<uint8_t, 32>& hash) {
  std::array<uint8_t, 16> cut;
  std::copy_n(hash.begin(), cut.size(), cut.begin());
  return cut;
}

std::string_view View(const std::array<uint8_t, 16>& value) {
  return {reinterpret_cast<const char*>(value.data()), value.size()};
}

}  // namespace

// Byte 0 version, 1 kind, 2 flags, 3 present ids, 4-11 record time in microseconds, then the ids,
// and for backfill 8 bytes more: its own time.
std::string PackHeader(const LogRecord& record) {
  std::string header;
  header.reserve(kFixedBytes + 4 * 16 + 32 + 8);
  header.push_back(kHeaderVersion);
  header.push_back(static_cast<char>(record.kind));
  header.push_back(
      static_cast<char>((record.backfill ? kBackfill : 0) | (record.ephemeral ? kEphemeral : 0)));
  header.push_back(0);
  PutLittleEndian(static_cast<uint64_t>(absl::ToUnixMicros(record.record_time)), 8, header);
  uint8_t present = 0;
  PutId(record.account, kAccount, present, header);
  PutId(record.chat, kChat, present, header);
  PutId(record.message, kMessage, present, header);
  PutId(record.sender, kSender, present, header);
  PutId(record.origin, kOrigin, present, header);
  header[3] = static_cast<char>(present);
  if (record.backfill) {
    PutLittleEndian(static_cast<uint64_t>(absl::ToUnixMicros(record.backfill_time)), 8, header);
  }
  return header;
}

bool UnpackHeader(std::string_view header, LogRecord& record) {
  if (header.size() < kFixedBytes || header[0] != kHeaderVersion) return false;
  record.kind = static_cast<uint8_t>(header[1]);
  const auto flags = static_cast<uint8_t>(header[2]);
  record.backfill = (flags & kBackfill) != 0;
  record.ephemeral = (flags & kEphemeral) != 0;
  const auto present = static_cast<uint8_t>(header[3]);
  record.record_time =
      absl::FromUnixMicros(static_cast<int64_t>(GetLittleEndian(header.substr(4, 8))));
  std::string_view rest = header.substr(kFixedBytes);
  if (!TakeId(present, kAccount, rest, record.account) ||
      !TakeId(present, kChat, rest, record.chat) ||
      !TakeId(present, kMessage, rest, record.message) ||
      !TakeId(present, kSender, rest, record.sender) ||
      !TakeId(present, kOrigin, rest, record.origin)) {
    return false;
  }
  if (!record.backfill) return rest.empty();
  if (rest.size() != 8) return false;
  record.backfill_time = absl::FromUnixMicros(static_cast<int64_t>(GetLittleEndian(rest)));
  return true;
}

// The header's length first, so that header and body cannot trade bytes.
Digest RecordHasher::OfRecord(std::string_view header, std::string_view body) const {
  std::string prefixed("R");
  prefixed.reserve(header.size() + 3);
  PutLittleEndian(header.size(), 2, prefixed);
  prefixed.append(header);
  return Cut(hash_.Of(prefixed, body));
}

ChainValue RecordHasher::Next(const ChainValue& previous, Sequence sequence,
                              const Digest& digest) const {
  std::string link("C");
  PutLittleEndian(sequence, 8, link);
  link.append(View(previous));
  return Cut(hash_.Of(link, View(digest)));
}

std::string PackProof(const Digest& digest, const ChainValue& chain) {
  std::string proof(View(digest));
  proof.append(View(chain));
  return proof;
}

bool UnpackProof(std::string_view proof, Digest& digest, ChainValue& chain) {
  if (proof.size() != digest.size() + chain.size()) return false;
  std::memcpy(digest.data(), proof.data(), digest.size());
  std::memcpy(chain.data(), proof.data() + digest.size(), chain.size());
  return true;
}

}  // namespace postern::broker
