// SPDX-License-Identifier: Apache-2.0
#include "broker/message_expiry.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "broker/broker_event.h"
#include "broker/event_intake.h"
#include "broker/event_kinds.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "broker/storage_limits.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

constexpr std::string_view kThroughKey = "expiries_through";
// How long the text of what expired may take to be gone before the next batch.
constexpr absl::Duration kEraseWait = absl::Seconds(1);

// When the message disappears; InfiniteFuture when it does not, or that is not known yet.
absl::Time ExpireTimeOf(const LogRecord& record) {
  storage::v1::StoredEvent stored;
  if (record.kind != kMessageCreated || !record.ephemeral || record.erased() ||
      !stored.ParseFromString(record.body)) {
    return absl::InfiniteFuture();
  }
  const v1::Message& message = stored.event().message_created().message();
  return message.has_expire_time() ? FromProto(message.expire_time()) : absl::InfiniteFuture();
}

}  // namespace

absl::StatusOr<std::unique_ptr<MessageExpiry>> MessageExpiry::Open(const Options& options) {
  std::unique_ptr<MessageExpiry> expiry(new MessageExpiry(options));
  RETURN_IF_ERROR(expiry->Load());
  expiry->thread_ = std::thread([raw = expiry.get()] { raw->Loop(); });
  return expiry;
}

MessageExpiry::~MessageExpiry() { Stop(); }

void MessageExpiry::Stop() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  options_.log.WakeAll();
  if (thread_.joinable()) thread_.join();
}

absl::Status MessageExpiry::Load() {
  return options_.store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    row.BindAll(kThroughKey);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found) through_ = kept_through_ = static_cast<Sequence>(row.Integer(0));
    return absl::OkStatus();
  });
}

void MessageExpiry::Loop() {
  while (true) {
    // Taken before the look at stopping_, so that Stop's wake is never missed.
    const uint64_t wakes = options_.log.wakes();
    if (stopping_) return;
    absl::Status status = Follow();
    absl::Duration wait = kIndexRetry;
    if (status.ok()) {
      const absl::StatusOr<absl::Time> next = ExpireDue();
      status = next.status();
      if (next.ok()) {
        wait = *next == absl::InfiniteFuture()
                   ? absl::InfiniteDuration()
                   : std::min(*next - options_.dates.Now(), options_.wait_max);
      }
    }
    if (!status.ok()) {
      spdlog::error("event=expiry_failed code={}", static_cast<int>(status.code()));
    }
    if (status.ok() && wait > absl::ZeroDuration() &&
        !options_.log.WaitPast(through_, wait, wakes)) {
      continue;
    }
    // What comes in a burst is looked at together; an error is not tried again at once.
    platform::MutexLock lock(mutex_);
    if (!stopping_) stop_.WaitFor(mutex_, status.ok() ? kExpiryLinger : kIndexRetry);
  }
}

absl::Status MessageExpiry::Follow() {
  while (!stopping_ && through_ < options_.log.last_sequence()) {
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                     options_.log.ReadAfter(through_, kReadRecordsMax));
    if (records.empty()) break;
    std::vector<Expiry> found;
    for (const RecordPointer& record : records) {
      const absl::Time time = ExpireTimeOf(*record);
      if (time != absl::InfiniteFuture()) found.emplace_back(time, record->sequence);
    }
    const Sequence through = records.back()->sequence;
    if (!found.empty() || through - kept_through_ >= kExpiryKeepEvery) {
      RETURN_IF_ERROR(Keep(found, through));
    }
    through_ = through;
  }
  return absl::OkStatus();
}

absl::Status MessageExpiry::Keep(const std::vector<Expiry>& found, Sequence through) {
  RETURN_IF_ERROR(options_.store.Write([&](Database& database) -> absl::Status {
    for (const auto& [time, sequence] : found) {
      RETURN_IF_ERROR(database.Run("INSERT OR IGNORE INTO expiries(time, sequence) VALUES(?, ?)",
                                   absl::ToUnixMicros(time), sequence));
    }
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kThroughKey,
                        through);
  }));
  kept_through_ = through;
  any_ = any_ || !found.empty();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MessageExpiry::Expiry>> MessageExpiry::Next(int limit) {
  std::vector<Expiry> next;
  RETURN_IF_ERROR(options_.store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT time, sequence FROM expiries ORDER BY time LIMIT ?"));
    rows.BindAll(limit);
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return absl::OkStatus();
      next.emplace_back(absl::FromUnixMicros(rows.Integer(0)),
                        static_cast<Sequence>(rows.Integer(1)));
    }
  }));
  return next;
}

absl::StatusOr<absl::Time> MessageExpiry::ExpireDue() {
  while (!stopping_ && any_) {
    ASSIGN_OR_RETURN(std::vector<Expiry> next, Next(kExpiryBatch));
    any_ = !next.empty();
    if (!any_) break;
    const absl::Time now = options_.dates.Now();
    const auto later = std::find_if(next.begin(), next.end(),
                                    [now](const Expiry& expiry) { return expiry.first > now; });
    if (later == next.begin()) return next.front().first;
    next.erase(later, next.end());
    RETURN_IF_ERROR(Expire(next));
  }
  return absl::InfiniteFuture();
}

absl::Status MessageExpiry::Expire(const std::vector<Expiry>& due) {
  std::vector<Sequence> sequences;
  for (const auto& [time, sequence] : due) sequences.push_back(sequence);
  // What was deleted, or expired by the client's word, has no text any more.
  RETURN_IF_ERROR(options_.index.CatchUp(options_.log.last_sequence(), kEraseWait));
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, options_.log.Read(sequences));
  std::map<permissions::AccountId, EventLog::Batch> batches;
  for (const RecordPointer& record : records) {
    if (record == nullptr || record->erased()) continue;
    v1::Event event;
    event.mutable_message_expired()->set_message_id(IdText(record->message));
    LogRecord expired =
        BrokerEvent(record->account, record->chat, std::move(event), {}, options_.dates.Now());
    expired.message = record->message;
    expired.ephemeral = true;
    EventLog::Batch& batch = batches[record->account];
    batch.account = record->account;
    batch.records.push_back(std::move(expired));
  }
  for (auto& [account, batch] : batches) {
    RETURN_IF_ERROR(options_.log.Append(std::move(batch)).status());
  }
  // Recorded before it is forgotten: after a crash in between, the text is gone and nothing
  // follows.
  RETURN_IF_ERROR(options_.store.Write([&](Database& database) -> absl::Status {
    for (const auto& [time, sequence] : due) {
      RETURN_IF_ERROR(database.Run("DELETE FROM expiries WHERE time = ? AND sequence = ?",
                                   absl::ToUnixMicros(time), sequence));
    }
    return absl::OkStatus();
  }));
  // The index carries it out; it does so in any case, at the latest when it comes by.
  options_.index.CatchUp(options_.log.last_sequence(), kEraseWait).IgnoreError();
  return absl::OkStatus();
}

}  // namespace postern::broker
