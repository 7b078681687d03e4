// SPDX-License-Identifier: Apache-2.0
#include "broker/access_history.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "broker/access_table.h"
#include "broker/limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;

constexpr char kMarkName[] = "access-mark";
constexpr std::string_view kBreakKey = "access_break";

int64_t MinuteOf(absl::Time time) { return absl::ToUnixSeconds(time) / 60; }
int64_t DayOf(absl::Time time) { return absl::ToUnixSeconds(time) / (24 * 60 * 60); }

Blob ChainBlob(const ChainValue& chain) {
  return Blob{{reinterpret_cast<const char*>(chain.data()), chain.size()}};
}

// Ids that are none take no room.
template <typename AnyId>
Blob IdBlob(const AnyId& id) {
  return Blob{id.empty() ? std::string_view() : id.view()};
}

}  // namespace

AccessHistory::AccessHistory(Store& store, const platform::Clock& clock)
    : store_(store), clock_(clock), hasher_(store.DeriveKey("postern access history")) {}

absl::StatusOr<std::unique_ptr<AccessHistory>> AccessHistory::Open(Store& store,
                                                                   const platform::Clock& clock) {
  std::unique_ptr<AccessHistory> history(new AccessHistory(store, clock));
  RETURN_IF_ERROR(history->Load());
  RETURN_IF_ERROR(history->OpenMark());
  return history;
}

absl::Status AccessHistory::Load() {
  Head end;
  uint64_t broken = 0;
  decltype(connected_) connected;
  const int64_t today = DayOf(clock_.Now());
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(end, EndOf(database));
    ASSIGN_OR_RETURN(Statement meta, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    meta.BindAll(kBreakKey);
    ASSIGN_OR_RETURN(const bool found, meta.Step());
    if (found) broken = static_cast<uint64_t>(meta.Integer(0));
    ASSIGN_OR_RETURN(
        Statement rows,
        database.Prepare("SELECT principal FROM access_history WHERE time >= ? AND verb = ?"));
    rows.BindAll(today * absl::ToInt64Microseconds(absl::Hours(24)),
                 static_cast<int>(v1::ACCESS_VERB_CONNECTED));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return absl::OkStatus();
      connected[Principal::FromRaw(rows.Bytes(0))] = today;
    }
  }));
  {
    platform::MutexLock lock(mutex_);
    connected_ = std::move(connected);
  }
  platform::MutexLock lock(head_mutex_);
  head_ = end;
  broken_ = broken;
  return absl::OkStatus();
}

absl::Status AccessHistory::OpenMark() {
  const std::string path = store_.directory() + "/" + kMarkName;
  absl::StatusOr<std::unique_ptr<HighWaterFile>> file =
      HighWaterFile::Open(path, store_.DeriveKey("postern access mark"));
  const bool unreadable = absl::IsNotFound(file.status()) || absl::IsDataLoss(file.status());
  if (!file.ok() && !unreadable) return file.status();
  const Head end = head();
  if (unreadable) {
    // Before the first row there is no mark. Later, what followed the last row cannot be told.
    if (end.sequence != 0) RETURN_IF_ERROR(NoteBreak(end.sequence + 1));
    ASSIGN_OR_RETURN(file, HighWaterFile::Create(path, store_.DeriveKey("postern access mark"),
                                                 {.sequence = end.sequence, .chain = end.chain}));
  }
  const Head marked{(*file)->mark().sequence, (*file)->mark().chain};
  {
    platform::MutexLock lock(head_mutex_);
    mark_ = *std::move(file);
  }
  return Expect(marked);
}

absl::Status AccessHistory::Expect(const Head& remembered) {
  if (remembered.sequence == 0) return absl::OkStatus();
  bool fits = true;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row,
                     database.Prepare("SELECT chain FROM access_history WHERE sequence = ?"));
    row.BindAll(remembered.sequence);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    fits = !found || row.Bytes(0) == ChainBlob(remembered.chain).bytes;
    return absl::OkStatus();
  }));
  if (!fits) return NoteBreak(remembered.sequence);
  platform::MutexLock lock(head_mutex_);
  if (remembered.sequence > head_.sequence) head_ = remembered;
  WriteMark();
  return absl::OkStatus();
}

absl::Status AccessHistory::NoteBreak(uint64_t sequence) {
  {
    platform::MutexLock lock(head_mutex_);
    if (broken_ != 0 && broken_ <= sequence) return absl::OkStatus();
    broken_ = sequence;
  }
  spdlog::error("event=access_history_broken sequence={}", sequence);
  return store_.Write([&](Database& database) {
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kBreakKey,
                        sequence);
  });
}

AccessHistory::Head AccessHistory::head() const {
  platform::MutexLock lock(head_mutex_);
  return head_;
}

absl::StatusOr<AccessHistory::Head> AccessHistory::EndOf(Database& database) const {
  Head end;
  ASSIGN_OR_RETURN(
      Statement last,
      database.Prepare(
          "SELECT sequence, chain FROM access_history ORDER BY sequence DESC LIMIT 1"));
  ASSIGN_OR_RETURN(const bool found, last.Step());
  if (found) {
    end.sequence = static_cast<uint64_t>(last.Integer(0));
    const std::string_view chain = last.Bytes(1);
    if (chain.size() == end.chain.size()) {
      std::memcpy(end.chain.data(), chain.data(), chain.size());
    }
  }
  platform::MutexLock lock(head_mutex_);
  return head_.sequence > end.sequence ? head_ : end;
}

absl::StatusOr<AccessHistory::Head> AccessHistory::Insert(Database& database, AccessRow row) {
  // Asked of the database, because a commit that fails takes the rows of several jobs along.
  ASSIGN_OR_RETURN(Head head, EndOf(database));
  if (row.time == absl::InfinitePast()) row.time = clock_.Now();
  row.reason.resize(std::min(row.reason.size(), kAccessReasonBytesMax));
  head.chain =
      hasher_.Next(head.chain, head.sequence + 1, hasher_.OfRecord("access", PackAccessRow(row)));
  ++head.sequence;
  RETURN_IF_ERROR(database.Run(
      "INSERT INTO access_history(sequence, time, verb, principal, chat, grant_id, count, reason, "
      "chain) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
      head.sequence, absl::ToUnixMicros(row.time), static_cast<int>(row.verb),
      IdBlob(row.principal), IdBlob(row.chat), IdBlob(row.grant), row.count, row.reason,
      ChainBlob(head.chain)));
  return head;
}

void AccessHistory::Committed(const Head& head) {
  platform::MutexLock lock(head_mutex_);
  // Two commits may pass each other on their way here.
  if (head.sequence <= head_.sequence) return;
  head_ = head;
  WriteMark();
}

void AccessHistory::WriteMark() {
  HighWaterMark mark{.sequence = head_.sequence, .chain = head_.chain};
  if (mark == mark_->mark()) return;
  if (const absl::Status status = mark_->Write(mark); !status.ok()) {
    // The next row tries again; until then the secret store's copy of the head is what is left.
    spdlog::error("event=access_mark_not_written code={}", static_cast<int>(status.code()));
  }
}

absl::Status AccessHistory::Record(AccessRow row) {
  row.time = absl::InfinitePast();
  Head head;
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(head, Insert(database, row));
    return absl::OkStatus();
  }));
  Committed(head);
  return absl::OkStatus();
}

void AccessHistory::Add(const Principal& principal, v1::AccessVerb verb, ChatId chat,
                        std::string_view reason, uint64_t count, int64_t minute) {
  CountKey key{principal, verb, chat, minute, std::string(reason)};
  // Nobody works in so many chats at once: which of them it was is then left out, how often is not.
  if (counts_.size() >= kAccessCountsMax && !counts_.contains(key)) key.chat = ChatId();
  counts_[std::move(key)] += count;
}

void AccessHistory::Count(const Principal& principal, v1::AccessVerb verb, ChatId chat,
                          std::string_view reason, uint64_t count) {
  const int64_t minute = MinuteOf(clock_.Now());
  platform::MutexLock lock(mutex_);
  Add(principal, verb, chat, reason, count, minute);
}

void AccessHistory::CountReadings(const Principal& principal, std::span<const Reading> readings) {
  if (readings.empty()) return;
  const int64_t minute = MinuteOf(clock_.Now());
  platform::MutexLock lock(mutex_);
  for (const Reading& reading : readings) {
    Add(principal, reading.verb, reading.chat, {}, reading.count, minute);
  }
}

void AccessHistory::CountConnected(const Principal& principal) {
  const absl::Time now = clock_.Now();
  platform::MutexLock lock(mutex_);
  int64_t& day = connected_.try_emplace(principal, -1).first->second;
  if (day == DayOf(now)) return;
  day = DayOf(now);
  Add(principal, v1::ACCESS_VERB_CONNECTED, {}, {}, 1, MinuteOf(now));
}

absl::Status AccessHistory::Flush(Minutes minutes) {
  platform::MutexLock flush(flush_mutex_);
  const int64_t now = MinuteOf(clock_.Now());
  std::vector<std::pair<CountKey, uint64_t>> due;
  {
    platform::MutexLock lock(mutex_);
    for (const auto& [key, count] : counts_) {
      if (minutes == Minutes::kAll || key.minute != now) due.emplace_back(key, count);
    }
    for (const auto& [key, count] : due) counts_.erase(key);
  }
  if (due.empty()) return absl::OkStatus();
  std::sort(due.begin(), due.end(),
            [](const auto& a, const auto& b) { return a.first.minute < b.first.minute; });
  Head head;
  const absl::Status status = store_.Write([&](Database& database) -> absl::Status {
    for (const auto& [key, count] : due) {
      ASSIGN_OR_RETURN(head, Insert(database, RowOfCount(key, count)));
    }
    return absl::OkStatus();
  });
  if (status.ok()) {
    Committed(head);
    return status;
  }
  platform::MutexLock lock(mutex_);
  for (auto& [key, count] : due) {
    Add(key.principal, key.verb, key.chat, key.reason, count, key.minute);
  }
  return status;
}

absl::Status AccessHistory::Trim(absl::Time now) {
  bool more = true;
  while (more) {
    more = false;
    RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
      ASSIGN_OR_RETURN(const Head trimmed, ReadTrimmed(database, hasher_));
      ASSIGN_OR_RETURN(const Head end, EndOf(database));
      uint64_t keep_from = end.sequence > kAccessRowsMax ? end.sequence - kAccessRowsMax + 1 : 0;
      ASSIGN_OR_RETURN(
          Statement young,
          database.Prepare("SELECT MIN(sequence) FROM access_history WHERE time >= ?"));
      young.BindAll(absl::ToUnixMicros(now - kAccessAgeMax));
      ASSIGN_OR_RETURN(const bool any, young.Step());
      const bool all_old = !any || young.IsNull(0);
      // The last row stays: the chain's end is known by it.
      const auto oldest_young = all_old ? end.sequence : static_cast<uint64_t>(young.Integer(0));
      keep_from = std::min(std::max(keep_from, oldest_young), end.sequence);
      if (keep_from <= trimmed.sequence + 1) return absl::OkStatus();
      const uint64_t cut = std::min(keep_from - 1, trimmed.sequence + kAccessTrimSlice);
      more = cut + 1 < keep_from;
      ASSIGN_OR_RETURN(Statement row,
                       database.Prepare("SELECT chain FROM access_history WHERE sequence = ?"));
      row.BindAll(cut);
      ASSIGN_OR_RETURN(const bool found, row.Step());
      if (!found || row.Bytes(0).size() != sizeof(ChainValue)) {
        more = false;
        return absl::FailedPreconditionError("the access history is not as it was written");
      }
      Head last{.sequence = cut};
      std::memcpy(last.chain.data(), row.Bytes(0).data(), last.chain.size());
      RETURN_IF_ERROR(database.Run("DELETE FROM access_history WHERE sequence <= ?", cut));
      return WriteTrimmed(database, hasher_, last);
    }));
  }
  return absl::OkStatus();
}

}  // namespace postern::broker
