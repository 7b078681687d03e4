// SPDX-License-Identifier: Apache-2.0
// The access history, read: lists, sums, and the check of the chain. Slices bound how long a read
// transaction lasts.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "broker/absl_text.h"
#include "broker/access_history.h"
#include "broker/access_table.h"
#include "broker/limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::Principal;

// The first sequence that can have a row from 'start' on; rows of one minute may pass each other.
absl::StatusOr<uint64_t> FirstFrom(Database& database, absl::Time start) {
  if (start == absl::InfinitePast()) return 1;
  ASSIGN_OR_RETURN(Statement first,
                   database.Prepare("SELECT MIN(sequence) FROM access_history WHERE time >= ?"));
  first.BindAll(absl::ToUnixMicros(start));
  ASSIGN_OR_RETURN(const bool found, first.Step());
  return found && !first.IsNull(0) ? static_cast<uint64_t>(first.Integer(0)) : UINT64_MAX;
}

// Where a verb goes in a sum; null for those that are not summed.
uint64_t* PartOf(AccessHistory::Sum& sum, v1::AccessVerb verb) {
  switch (verb) {
    case v1::ACCESS_VERB_READ:
      return &sum.read;
    case v1::ACCESS_VERB_SEND:
    case v1::ACCESS_VERB_WRITE:
      return &sum.sent;
    case v1::ACCESS_VERB_REFUSED:
      return &sum.refused;
    case v1::ACCESS_VERB_WITHHELD:
      return &sum.withheld;
    default:
      return nullptr;
  }
}

}  // namespace

std::vector<AccessRow> AccessHistory::Pending(const AccessFilter& filter) const {
  std::vector<AccessRow> rows;
  {
    platform::MutexLock lock(mutex_);
    for (const auto& [key, count] : counts_) {
      AccessRow row = RowOfCount(key, count);
      if (filter.Takes(row)) rows.push_back(std::move(row));
    }
  }
  std::sort(rows.begin(), rows.end(), [](const AccessRow& a, const AccessRow& b) {
    return std::tie(b.time, a.principal, a.chat, a.verb, a.reason) <
           std::tie(a.time, b.principal, b.chat, b.verb, b.reason);
  });
  return rows;
}

absl::StatusOr<AccessHistory::Page> AccessHistory::List(const AccessFilter& filter, uint64_t before,
                                                        int limit) {
  platform::MutexLock flush(flush_mutex_);
  Page page;
  if (before == 0) page.rows = Pending(filter);
  const size_t most = page.rows.size() + static_cast<size_t>(limit);
  uint64_t end = before == 0 ? head().sequence + 1 : before;
  uint64_t first = 0;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(first, FirstFrom(database, filter.start));
    ASSIGN_OR_RETURN(
        const int64_t oldest,
        database.QueryInteger("SELECT COALESCE(MIN(sequence), 1) FROM access_history"));
    first = std::max(first, static_cast<uint64_t>(oldest));
    return absl::OkStatus();
  }));
  const std::string sql = absl::StrCat("SELECT ", AbslText(kAccessColumns),
                                       " FROM access_history WHERE sequence >= ? AND sequence < ? "
                                       "ORDER BY sequence DESC");
  while (end > first) {
    const uint64_t start = end > first + kAccessScanSlice ? end - kAccessScanSlice : first;
    RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
      ASSIGN_OR_RETURN(Statement rows, database.Prepare(sql));
      rows.BindAll(start, end);
      while (true) {
        ASSIGN_OR_RETURN(const bool more, rows.Step());
        if (!more) return absl::OkStatus();
        AccessRow row = AccessRowAt(rows);
        if (!filter.Takes(row)) continue;
        if (page.rows.size() == most) {
          page.next_before = page.rows.back().sequence;
          return absl::OkStatus();
        }
        page.rows.push_back(std::move(row));
      }
    }));
    if (page.next_before != 0) return page;
    end = start;
  }
  return page;
}

absl::StatusOr<std::vector<AccessHistory::Sum>> AccessHistory::Summarize(const Principal& principal,
                                                                         absl::Time start,
                                                                         absl::Time end,
                                                                         absl::Duration stretch) {
  platform::MutexLock flush(flush_mutex_);
  std::map<std::pair<absl::Time, Principal>, Sum> sums;
  const auto add = [&](absl::Time at, const Principal& who, v1::AccessVerb verb, uint64_t count) {
    Sum none;
    if (PartOf(none, verb) == nullptr) return;
    Sum& sum = sums[{at, who}];
    sum.principal = who;
    sum.start = at;
    *PartOf(sum, verb) += count;
  };
  for (absl::Time at = start; at < end; at += stretch) {
    RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
      ASSIGN_OR_RETURN(
          Statement rows,
          database.Prepare("SELECT principal, verb, SUM(count) FROM access_history WHERE time >= ? "
                           "AND time < ? AND (length(?3) = 0 OR principal = ?3) "
                           "GROUP BY principal, verb"));
      rows.BindAll(absl::ToUnixMicros(at), absl::ToUnixMicros(std::min(at + stretch, end)),
                   Blob{principal.empty() ? std::string_view() : principal.view()});
      while (true) {
        ASSIGN_OR_RETURN(const bool more, rows.Step());
        if (!more) return absl::OkStatus();
        add(at, Principal::FromRaw(rows.Bytes(0)), static_cast<v1::AccessVerb>(rows.Integer(1)),
            static_cast<uint64_t>(rows.Integer(2)));
      }
    }));
  }
  for (const AccessRow& row : Pending({.principal = principal, .start = start, .end = end})) {
    add(start + stretch * ((row.time - start) / stretch), row.principal, row.verb, row.count);
  }
  std::vector<Sum> result;
  for (auto& [key, sum] : sums) result.push_back(std::move(sum));
  return result;
}

absl::StatusOr<AccessHistory::Finding> AccessHistory::Verify(absl::FunctionRef<bool()> stop) {
  // What is appended meanwhile is checked as far as the walk meets it.
  const Head expected_end = head();
  Finding finding;
  uint64_t broken = 0;
  {
    platform::MutexLock lock(head_mutex_);
    broken = broken_;
  }
  Head at;
  bool good = true;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    const absl::StatusOr<Head> trimmed = ReadTrimmed(database, hasher_);
    if (absl::IsFailedPrecondition(trimmed.status())) {
      good = false;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(trimmed.status());
    at = *trimmed;
    return absl::OkStatus();
  }));
  const std::string sql = absl::StrCat("SELECT ", AbslText(kAccessColumns),
                                       " FROM access_history WHERE sequence > ? "
                                       "ORDER BY sequence LIMIT ?");
  bool more = good;
  while (more) {
    if (stop()) return absl::CancelledError();
    RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
      ASSIGN_OR_RETURN(Statement rows, database.Prepare(sql));
      rows.BindAll(at.sequence, kAccessScanSlice);
      uint64_t taken = 0;
      while (good) {
        ASSIGN_OR_RETURN(more, rows.Step());
        if (!more) break;
        const AccessRow row = AccessRowAt(rows);
        const ChainValue chain =
            hasher_.Next(at.chain, at.sequence + 1, hasher_.OfRecord("access", PackAccessRow(row)));
        good = row.sequence == at.sequence + 1 && row.chain == chain &&
               (row.sequence != expected_end.sequence || row.chain == expected_end.chain);
        if (!good) break;
        at = {row.sequence, row.chain};
        ++finding.rows;
        ++taken;
      }
      more = good && taken == kAccessScanSlice;
      return absl::OkStatus();
    }));
  }
  if (!good || at.sequence < expected_end.sequence) finding.first_bad = at.sequence + 1;
  if (broken != 0 && (finding.first_bad == 0 || broken < finding.first_bad)) {
    finding.first_bad = broken;
  }
  return finding;
}

}  // namespace postern::broker
