// SPDX-License-Identifier: Apache-2.0
#include "broker/access_table.h"

#include <cstring>
#include <string>

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

constexpr std::string_view kTrimmedKey = "access_trimmed";
constexpr size_t kDigestBytes = sizeof(Digest);

ChainValue ChainFrom(std::string_view bytes) {
  ChainValue chain{};
  if (bytes.size() == chain.size()) std::memcpy(chain.data(), bytes.data(), chain.size());
  return chain;
}

std::string PackHead(const AccessHistory::Head& head) {
  std::string packed(sizeof(head.sequence), '\0');
  std::memcpy(packed.data(), &head.sequence, sizeof(head.sequence));
  packed.append(reinterpret_cast<const char*>(head.chain.data()), head.chain.size());
  return packed;
}

}  // namespace

AccessRow AccessRowAt(const Statement& statement) {
  AccessRow row;
  row.sequence = static_cast<uint64_t>(statement.Integer(0));
  row.time = absl::FromUnixMicros(statement.Integer(1));
  row.verb = static_cast<v1::AccessVerb>(statement.Integer(2));
  row.principal = permissions::Principal::FromRaw(statement.Bytes(3));
  row.chat = permissions::ChatId::FromRaw(statement.Bytes(4));
  row.grant = permissions::GrantId::FromRaw(statement.Bytes(5));
  row.count = static_cast<uint64_t>(statement.Integer(6));
  row.reason = std::string(statement.Text(7));
  row.chain = ChainFrom(statement.Bytes(8));
  return row;
}

// Sequence and chain, then their digest: a head made up by hand shows.
absl::StatusOr<AccessHistory::Head> ReadTrimmed(Database& database, const RecordHasher& hasher) {
  ASSIGN_OR_RETURN(Statement statement, database.Prepare("SELECT value FROM meta WHERE key = ?"));
  statement.BindAll(kTrimmedKey);
  ASSIGN_OR_RETURN(const bool found, statement.Step());
  AccessHistory::Head head;
  if (!found) return head;
  const std::string packed(statement.Bytes(0));
  const size_t head_bytes = sizeof(head.sequence) + head.chain.size();
  if (packed.size() != head_bytes + kDigestBytes) {
    return absl::FailedPreconditionError("what was forgotten of the access history is damaged");
  }
  std::memcpy(&head.sequence, packed.data(), sizeof(head.sequence));
  head.chain = ChainFrom(std::string_view(packed).substr(sizeof(head.sequence), head.chain.size()));
  const Digest digest = hasher.OfRecord("trimmed", PackHead(head));
  if (std::memcmp(digest.data(), packed.data() + head_bytes, digest.size()) != 0) {
    return absl::FailedPreconditionError("what was forgotten of the access history was changed");
  }
  return head;
}

absl::Status WriteTrimmed(Database& database, const RecordHasher& hasher,
                          const AccessHistory::Head& trimmed) {
  std::string packed = PackHead(trimmed);
  const Digest digest = hasher.OfRecord("trimmed", packed);
  packed.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kTrimmedKey,
                      Blob{packed});
}

}  // namespace postern::broker
