// SPDX-License-Identifier: Apache-2.0
// The problem: the sequence of an event and its place in the chain are known only when the writer
// reaches it, and may be shown only once durable. So Append prepares what does not depend on them
// on its own thread (packing, hashing); its job, on the writer thread, advances 'staged_' and
// inserts; OnCommit takes 'staged_' over, and OnMarked shows the records to readers. Rows are never
// read in the commit path.
#include "broker/event_log.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/attachment_rows.h"
#include "broker/storage_limits.h"
#include "broker/word_rows.h"
#include "platform/status_macros.h"

namespace postern::broker {

struct EventLog::Prepared {
  std::shared_ptr<LogRecord> record;
  std::string header;
  Digest digest;
};

namespace {

constexpr char kSelect[] = "SELECT sequence, header, erased, body, proof FROM events ";

absl::Status Lost(Sequence sequence, const char* what) {
  return absl::DataLossError(absl::StrCat("event ", sequence, " ", what));
}

// Reads the current row of a kSelect statement.
absl::StatusOr<std::shared_ptr<LogRecord>> ReadRow(const Statement& row) {
  auto record = std::make_shared<LogRecord>();
  record->sequence = static_cast<Sequence>(row.Integer(0));
  const int64_t erased = row.Integer(2);
  if (!UnpackHeader(row.Bytes(1), *record) || erased < 0 ||
      erased > static_cast<int64_t>(ErasedBy::kRetention)) {
    return Lost(record->sequence, "is damaged");
  }
  record->erased_by = static_cast<ErasedBy>(erased);
  record->body = row.Bytes(3);
  return record;
}

struct Trim {
  Sequence through = 0;
  ChainValue chain{};
};

absl::StatusOr<Trim> ReadTrim(Database& database) {
  Trim trim;
  ASSIGN_OR_RETURN(Statement statement, database.Prepare("SELECT value FROM meta WHERE key = ?"));
  statement.Bind(1, "trimmed_through");
  ASSIGN_OR_RETURN(const bool found, statement.Step());
  if (!found) return trim;
  trim.through = static_cast<Sequence>(statement.Integer(0));
  RETURN_IF_ERROR(statement.Run());
  statement.Bind(1, "trimmed_chain");
  ASSIGN_OR_RETURN(const bool chain, statement.Step());
  if (!chain || statement.Bytes(0).size() != trim.chain.size()) {
    return Lost(trim.through, "is damaged");
  }
  std::copy_n(statement.Bytes(0).begin(), trim.chain.size(), trim.chain.begin());
  return trim;
}

// Checks row after row against hashes and chain.
class ChainChecker {
 public:
  ChainChecker(const RecordHasher& hasher, Sequence through, const ChainValue& chain)
      : hasher_(hasher), through_(through), chain_(chain) {}

  // Takes the current row of a kSelect statement. DATA_LOSS when it does not follow the one before.
  absl::Status Take(const Statement& row) {
    const auto sequence = static_cast<Sequence>(row.Integer(0));
    if (sequence != through_ + 1) return Lost(through_ + 1, "is missing");
    Digest digest;
    ChainValue chain;
    if (!UnpackProof(row.Bytes(4), digest, chain)) return Lost(sequence, "is damaged");
    // The hash of what was erased stays, to carry the chain; it has nothing left to be compared
    // with.
    const bool erased = row.Integer(2) != static_cast<int64_t>(ErasedBy::kNothing);
    if (!erased && hasher_.OfRecord(row.Bytes(1), row.Bytes(3)) != digest) {
      return Lost(sequence, "was changed");
    }
    if (hasher_.Next(chain_, sequence, digest) != chain) return Lost(sequence, "breaks the chain");
    through_ = sequence;
    chain_ = chain;
    return absl::OkStatus();
  }
  Sequence through() const { return through_; }
  const ChainValue& chain() const { return chain_; }

 private:
  const RecordHasher& hasher_;
  Sequence through_;
  ChainValue chain_;
};

}  // namespace

EventLog::EventLog(Store& store) : store_(store), hasher_(store.DeriveKey("event chain")) {}

EventLog::~EventLog() { store_.SetParticipant(nullptr); }

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(Store& store) {
  std::unique_ptr<EventLog> log(new EventLog(store));
  RETURN_IF_ERROR(log->Load());
  store.SetParticipant(log.get());
  return log;
}

absl::Status EventLog::Load() {
  const HighWaterMark mark = store_.high_water();
  return store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(const Trim trim, ReadTrim(database));
    ASSIGN_OR_RETURN(const int64_t first,
                     database.QueryInteger("SELECT ifnull(min(sequence), 0) FROM events"));
    ASSIGN_OR_RETURN(const int64_t newest,
                     database.QueryInteger("SELECT ifnull(max(sequence), 0) FROM events"));
    const Sequence last = std::max(static_cast<Sequence>(newest), trim.through);
    if (mark.sequence > last) {
      return absl::DataLossError(absl::StrCat("events ", last + 1, " to ", mark.sequence,
                                              " were acknowledged and are gone"));
    }
    if (newest != 0 && static_cast<Sequence>(first) != trim.through + 1) {
      return Lost(trim.through + 1, "is missing");
    }

    // The row before the checked ones gives the chain value they start from.
    const Sequence start =
        last > trim.through + kCheckedAtOpen ? last - kCheckedAtOpen : trim.through;
    ChainValue chain = trim.chain;
    if (start > trim.through) {
      ASSIGN_OR_RETURN(Statement before,
                       database.Prepare("SELECT proof FROM events WHERE sequence = ?"));
      before.Bind(1, start);
      ASSIGN_OR_RETURN(const bool found, before.Step());
      Digest digest;
      if (!found || !UnpackProof(before.Bytes(0), digest, chain)) return Lost(start, "is missing");
    }
    platform::MutexLock lock(mutex_);
    ChainChecker checker(hasher_, start, chain);
    const auto compare_with_mark = [&]() -> absl::Status {
      if (checker.through() == mark.sequence && mark.sequence != 0 &&
          checker.chain() != mark.chain) {
        return Lost(mark.sequence, "is not the one that was acknowledged");
      }
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(compare_with_mark());
    ASSIGN_OR_RETURN(Statement rows, database.Prepare(absl::StrCat(
                                         kSelect, "WHERE sequence > ? ORDER BY sequence")));
    rows.Bind(1, start);
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) break;
      RETURN_IF_ERROR(checker.Take(rows));
      RETURN_IF_ERROR(compare_with_mark());
      ASSIGN_OR_RETURN(auto record, ReadRow(rows));
      tail_.Push(std::move(record));
    }
    if (checker.through() != last) return Lost(checker.through() + 1, "is missing");
    // A mark far behind (its writes failed for long) is compared by one look into the past.
    if (mark.sequence > trim.through && mark.sequence < start) {
      ASSIGN_OR_RETURN(Statement old,
                       database.Prepare("SELECT proof FROM events WHERE sequence = ?"));
      old.Bind(1, mark.sequence);
      ASSIGN_OR_RETURN(const bool found, old.Step());
      Digest digest;
      ChainValue value;
      if (!found || !UnpackProof(old.Bytes(0), digest, value) || value != mark.chain) {
        return Lost(mark.sequence, "is not the one that was acknowledged");
      }
    }

    ASSIGN_OR_RETURN(Statement positions,
                     database.Prepare("SELECT account, position FROM source_positions"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, positions.Step());
      if (!row) break;
      source_positions_[permissions::AccountId::FromRaw(positions.Bytes(0))] =
          static_cast<uint64_t>(positions.Integer(1));
    }
    committed_ = {.sequence = last, .chain = checker.chain()};
    staged_ = committed_;
    last_ = last;
    trimmed_through_ = trim.through;
    return absl::OkStatus();
  });
}

absl::StatusOr<Sequence> EventLog::Append(Batch batch) {
  if (batch.records.size() > kAppendRecordsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(batch.records.size(), " records in one batch, at most ", kAppendRecordsMax));
  }
  std::vector<Prepared> prepared;
  prepared.reserve(batch.records.size());
  for (LogRecord& record : batch.records) {
    auto kept = std::make_shared<LogRecord>(std::move(record));
    // As the database will give it back.
    kept->record_time = absl::FromUnixMicros(absl::ToUnixMicros(kept->record_time));
    kept->backfill_time = absl::FromUnixMicros(absl::ToUnixMicros(kept->backfill_time));
    kept->erased_by = ErasedBy::kNothing;
    std::string header = PackHeader(*kept);
    const Digest digest = hasher_.OfRecord(header, kept->body);
    prepared.push_back({std::move(kept), std::move(header), digest});
  }
  Sequence last = 0;
  const Store::Job job = [&](Database& database) -> absl::Status {
    const Position before = staged_;
    const size_t records_before = staged_records_.size();
    const size_t positions_before = staged_positions_.size();
    absl::Status status = Insert(database, batch, prepared);
    if (!status.ok()) {
      staged_ = before;
      staged_records_.resize(records_before);
      staged_positions_.resize(positions_before);
    }
    last = staged_.sequence;
    return status;
  };
  RETURN_IF_ERROR(store_.Enqueue(job, Store::Effect::kAppend));
  return last;
}

absl::Status EventLog::Insert(Database& database, const Batch& batch,
                              std::vector<Prepared>& prepared) {
  ASSIGN_OR_RETURN(
      Statement insert,
      database.Prepare(
          "INSERT INTO events(sequence, header, proof, erased, body) VALUES(?, ?, ?, 0, ?)"));
  for (Prepared& one : prepared) {
    const Sequence sequence = staged_.sequence + 1;
    const ChainValue chain = hasher_.Next(staged_.chain, sequence, one.digest);
    const std::string proof = PackProof(one.digest, chain);
    insert.BindAll(sequence, Blob{one.header}, Blob{proof}, Blob{one.record->body});
    RETURN_IF_ERROR(insert.Run());
    one.record->sequence = sequence;
    staged_records_.push_back(one.record);
    staged_ = {.sequence = sequence, .chain = chain};
  }
  if (batch.source_position != 0) {
    RETURN_IF_ERROR(database.Run(
        "INSERT INTO source_positions(account, position) VALUES(?1, ?2) ON CONFLICT(account) "
        "DO UPDATE SET position = ?2 WHERE ?2 > position",
        Blob{batch.account.view()}, batch.source_position));
    staged_positions_.emplace_back(batch.account, batch.source_position);
  }
  return absl::OkStatus();
}

void EventLog::OnCommit(HighWaterMark& mark) {
  committed_ = staged_;
  mark.sequence = committed_.sequence;
  mark.chain = committed_.chain;
}

void EventLog::OnMarked() {
  if (staged_records_.empty() && staged_positions_.empty()) return;
  {
    platform::MutexLock lock(mutex_);
    for (RecordPointer& record : staged_records_) tail_.Push(std::move(record));
    last_ = committed_.sequence;
    for (const auto& [account, position] : staged_positions_) {
      uint64_t& kept = source_positions_[account];
      kept = std::max(kept, position);
    }
    if (waiting_ > 0 && !staged_records_.empty()) changed_.NotifyAll();
  }
  staged_records_.clear();
  staged_positions_.clear();
}

void EventLog::OnRollback() {
  staged_ = committed_;
  staged_records_.clear();
  staged_positions_.clear();
}

absl::StatusOr<std::vector<RecordPointer>> EventLog::ReadAfter(Sequence sequence, int limit) {
  std::vector<RecordPointer> records;
  const int count = std::min(limit, kReadRecordsMax);
  Sequence last = 0;
  {
    platform::MutexLock lock(mutex_);
    sequence = std::max(sequence, trimmed_through_);
    if (count <= 0 || sequence >= last_) return records;
    if (tail_.Covers(sequence, last_)) {
      tail_.CopyAfter(sequence, count, records);
      return records;
    }
    // What the database has beyond is not yet marked.
    last = last_;
  }
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement rows,
        database.Prepare("SELECT sequence, header, erased, body FROM events "
                         "WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"));
    rows.BindAll(sequence, last, count);
    size_t bytes = 0;
    Sequence expected = sequence + 1;
    while (bytes < kReadBytesMax) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) break;
      ASSIGN_OR_RETURN(auto record, ReadRow(rows));
      if (record->sequence != expected) {
        // Right only where retention has removed what was before, in the meantime.
        ASSIGN_OR_RETURN(const Trim trim, ReadTrim(database));
        if (!records.empty() || record->sequence != trim.through + 1) {
          return Lost(expected, "is missing");
        }
      }
      expected = record->sequence + 1;
      bytes += record->body.size() + sizeof(LogRecord);
      records.push_back(std::move(record));
    }
    if (records.empty()) {
      ASSIGN_OR_RETURN(const Trim trim, ReadTrim(database));
      if (trim.through < last) return Lost(expected, "is missing");
    }
    return absl::OkStatus();
  }));
  return records;
}

absl::StatusOr<std::vector<RecordPointer>> EventLog::Read(const std::vector<Sequence>& sequences) {
  std::vector<RecordPointer> records(sequences.size());
  bool complete = true;
  Sequence last = 0;
  {
    platform::MutexLock lock(mutex_);
    last = last_;
    for (size_t i = 0; i < sequences.size(); ++i) {
      records[i] = tail_.Find(sequences[i]);
      complete &= records[i] != nullptr;
    }
  }
  if (complete) return records;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows, database.Prepare(absl::StrCat(kSelect, "WHERE sequence = ?")));
    for (size_t i = 0; i < sequences.size(); ++i) {
      if (records[i] != nullptr || sequences[i] > last) continue;
      rows.Bind(1, sequences[i]);
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) continue;
      ASSIGN_OR_RETURN(records[i], ReadRow(rows));
      RETURN_IF_ERROR(rows.Run());
    }
    return absl::OkStatus();
  }));
  return records;
}

bool EventLog::WaitPast(Sequence sequence, absl::Duration timeout,
                        std::optional<uint64_t> seen_wakes) {
  const auto deadline =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(std::min(timeout, kWaitMax));
  platform::MutexLock lock(mutex_);
  const uint64_t wakes = seen_wakes.value_or(wakes_);
  while (last_ <= sequence && wakes_ == wakes) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) break;
    ++waiting_;
    changed_.WaitFor(mutex_, absl::FromChrono(left));
    --waiting_;
  }
  return last_ > sequence;
}

void EventLog::WakeAll() {
  platform::MutexLock lock(mutex_);
  ++wakes_;
  changed_.NotifyAll();
}

uint64_t EventLog::wakes() const {
  platform::MutexLock lock(mutex_);
  return wakes_;
}

Sequence EventLog::last_sequence() const {
  platform::MutexLock lock(mutex_);
  return last_;
}

Sequence EventLog::oldest_sequence() const {
  platform::MutexLock lock(mutex_);
  return trimmed_through_ + 1;
}

uint64_t EventLog::event_count() const {
  platform::MutexLock lock(mutex_);
  return last_ - trimmed_through_;
}

uint64_t EventLog::SourcePosition(permissions::AccountId account) const {
  platform::MutexLock lock(mutex_);
  const auto position = source_positions_.find(account);
  return position == source_positions_.end() ? 0 : position->second;
}

absl::Status EventLog::Erase(const std::vector<Sequence>& sequences, ErasedBy by) {
  for (size_t from = 0; from < sequences.size(); from += kEraseSlice) {
    const size_t to = std::min(from + kEraseSlice, sequences.size());
    RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
      ASSIGN_OR_RETURN(Statement erase,
                       database.Prepare("UPDATE events SET body = NULL, erased = ? "
                                        "WHERE sequence = ? AND erased = 0"));
      for (size_t i = from; i < to; ++i) {
        // In the same commit: nobody finds by its words what is gone.
        RETURN_IF_ERROR(ForgetWordsOf(database, sequences[i]));
        RETURN_IF_ERROR(ForgetAttachmentsOf(database, sequences[i]));
        erase.BindAll(static_cast<int>(by), sequences[i]);
        RETURN_IF_ERROR(erase.Run());
      }
      return absl::OkStatus();
    }));
    platform::MutexLock lock(mutex_);
    for (size_t i = from; i < to; ++i) tail_.Erase(sequences[i], by);
  }
  if (!sequences.empty()) store_.RequestWalTruncation();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> EventLog::TrimErased(Sequence through) {
  uint64_t removed = 0;
  while (true) {
    Trim trim;
    uint64_t found = 0;
    RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
      found = 0;
      ASSIGN_OR_RETURN(trim, ReadTrim(database));
      {
        ASSIGN_OR_RETURN(Statement rows,
                         database.Prepare("SELECT sequence, erased, proof FROM events "
                                          "WHERE sequence <= ? ORDER BY sequence LIMIT ?"));
        rows.BindAll(through, kTrimSlice);
        while (true) {
          ASSIGN_OR_RETURN(const bool row, rows.Step());
          if (!row || rows.Integer(1) == static_cast<int64_t>(ErasedBy::kNothing)) break;
          Digest digest;
          trim.through = static_cast<Sequence>(rows.Integer(0));
          if (!UnpackProof(rows.Bytes(2), digest, trim.chain)) {
            return Lost(trim.through, "is damaged");
          }
          ++found;
        }
      }
      if (found == 0) return absl::OkStatus();
      RETURN_IF_ERROR(database.Run("DELETE FROM events WHERE sequence <= ?", trim.through));
      const std::string_view chain(reinterpret_cast<const char*>(trim.chain.data()),
                                   trim.chain.size());
      RETURN_IF_ERROR(database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)",
                                   "trimmed_through", trim.through));
      return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", "trimmed_chain",
                          Blob{chain});
    }));
    if (found == 0) return removed;
    removed += found;
    platform::MutexLock lock(mutex_);
    trimmed_through_ = std::max(trimmed_through_, trim.through);
    tail_.DropThrough(trim.through);
  }
}

absl::StatusOr<std::optional<Sequence>> EventLog::VerifyAll(absl::FunctionRef<bool()> stop) {
  const Sequence last = last_sequence();
  std::optional<ChainChecker> checker;
  std::optional<Sequence> bad;
  bool more = true;
  while (more && !bad.has_value()) {
    if (stop()) return absl::CancelledError("verification was stopped");
    RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
      ASSIGN_OR_RETURN(const Trim trim, ReadTrim(database));
      // Retention may have passed the check; the chain goes on from what it kept.
      if (!checker.has_value() || checker->through() < trim.through) {
        checker.emplace(hasher_, trim.through, trim.chain);
      }
      const Sequence before = checker->through();
      ASSIGN_OR_RETURN(
          Statement rows,
          database.Prepare(absl::StrCat(
              kSelect, "WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?")));
      rows.BindAll(before, last, kReadRecordsMax);
      while (true) {
        absl::StatusOr<bool> row = rows.Step();
        // A page that cannot be read is a finding, not a failure of the check.
        if (absl::IsDataLoss(row.status())) {
          bad = checker->through() + 1;
          return absl::OkStatus();
        }
        if (!row.ok()) return row.status();
        if (!*row) break;
        if (!checker->Take(rows).ok()) {
          bad = checker->through() + 1;
          return absl::OkStatus();
        }
      }
      if (checker->through() == before && before < last) bad = before + 1;
      more = checker->through() < last;
      return absl::OkStatus();
    }));
  }
  return bad;
}

absl::StatusOr<std::vector<EventLog::Outline>> EventLog::OutlineBefore(Sequence before, int limit) {
  std::vector<Outline> outlines;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT sequence, header, erased, length(body) FROM events "
                                      "WHERE sequence < ? ORDER BY sequence DESC LIMIT ?"));
    rows.BindAll(before, std::min(limit, kReadRecordsMax));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      LogRecord record;
      if (!UnpackHeader(rows.Bytes(1), record)) {
        return Lost(static_cast<Sequence>(rows.Integer(0)), "is damaged");
      }
      outlines.push_back({.sequence = static_cast<Sequence>(rows.Integer(0)),
                          .record_time = record.record_time,
                          .account = record.account,
                          .body_bytes = static_cast<uint64_t>(rows.Integer(3)),
                          .erased_by = static_cast<ErasedBy>(rows.Integer(2))});
    }
  }));
  return outlines;
}

}  // namespace postern::broker
