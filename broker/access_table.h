// SPDX-License-Identifier: Apache-2.0
// The access history's table, in SQL: what its two halves share.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string_view>

#include "broker/access_history.h"
#include "broker/access_row.h"
#include "broker/database.h"
#include "broker/record_chain.h"

namespace postern::broker {

inline constexpr std::string_view kAccessColumns =
    "sequence, time, verb, principal, chat, grant_id, count, reason, chain";

// The row that 'statement' stands on, which selects kAccessColumns.
AccessRow AccessRowAt(const Statement& statement);

// The row that a count becomes when its minute is over. 'Key' is AccessHistory's, and private to
// it.
template <typename Key>
AccessRow RowOfCount(const Key& key, uint64_t count) {
  AccessRow row;
  row.time = absl::FromUnixSeconds(key.minute * 60);
  row.verb = key.verb;
  row.principal = key.principal;
  row.chat = key.chat;
  row.count = count;
  row.reason = key.reason;
  return row;
}

// The last row that was forgotten; none when nothing was. FAILED_PRECONDITION when what is stored
// of it is not what was.
absl::StatusOr<AccessHistory::Head> ReadTrimmed(Database& database, const RecordHasher& hasher);
absl::Status WriteTrimmed(Database& database, const RecordHasher& hasher,
                          const AccessHistory::Head& trimmed);

}  // namespace postern::broker
