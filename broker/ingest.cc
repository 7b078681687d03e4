// SPDX-License-Identifier: Apache-2.0
#include "broker/ingest.h"

#include <algorithm>
#include <utility>

#include "broker/app_registry.h"
#include "broker/command_id.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/event_kinds.h"
#include "broker/event_log.h"
#include "broker/incoming_times.h"
#include "broker/limits.h"
#include "broker/loop_guard.h"
#include "broker/loop_words.h"
#include "broker/message_index.h"
#include "broker/objections.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "broker/rpc_status.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

// A message this much older than now may have been taken long ago, under another position: such
// ones are looked up in the index, which news is spared.
constexpr absl::Duration kNewsAge = absl::Hours(1);
// How long an acknowledgement waits for its deletes to be carried out.
constexpr absl::Duration kDeleteWait = absl::Seconds(1);

}  // namespace

Ingest::Ingest(const Parts& parts, permissions::AccountId account, Sink sink)
    : parts_(parts),
      account_(account),
      sink_(std::move(sink)),
      durable_position_(parts.log.SourcePosition(account)),
      thread_([this] { Loop(); }) {}

Ingest::~Ingest() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

bool Ingest::Add(v1::EventBatch batch) {
  platform::MutexLock lock(mutex_);
  while (pending_.size() >= kPendingBatchesMax && !failed_) changed_.Wait(mutex_);
  if (failed_) return false;
  pending_.push_back(std::move(batch));
  changed_.NotifyAll();
  return true;
}

void Ingest::WaitUntilTaken() {
  platform::MutexLock lock(mutex_);
  while ((committing_ || !pending_.empty()) && !failed_) changed_.Wait(mutex_);
}

std::vector<v1::SourcedEvent> Ingest::TakePending() {
  std::vector<v1::SourcedEvent> events;
  while (!pending_.empty() && events.size() < kCommitEventsMax) {
    v1::EventBatch& first = pending_.front();
    while (taken_of_first_ < first.events_size() && events.size() < kCommitEventsMax) {
      events.push_back(std::move(*first.mutable_events(taken_of_first_++)));
    }
    if (taken_of_first_ >= first.events_size()) {
      pending_.pop_front();
      taken_of_first_ = 0;
    }
  }
  changed_.NotifyAll();
  return events;
}

void Ingest::Loop() {
  if (absl::Status status = RememberLatest(); !status.ok()) {
    Fail(std::move(status));
    return;
  }
  while (true) {
    std::vector<v1::SourcedEvent> events;
    {
      platform::MutexLock lock(mutex_);
      while (pending_.empty() && !stopping_) changed_.Wait(mutex_);
      if (pending_.empty()) return;
      events = TakePending();
      committing_ = true;
    }
    if (absl::Status status = Commit(events); !status.ok()) {
      Fail(std::move(status));
      return;
    }
    platform::MutexLock lock(mutex_);
    committing_ = false;
    changed_.NotifyAll();
  }
}

void Ingest::Fail(absl::Status status) {
  {
    platform::MutexLock lock(mutex_);
    failed_ = true;
    changed_.NotifyAll();
  }
  sink_.fail(std::move(status));
}

bool Ingest::IsDeletedAlready(const LogRecord& record) {
  switch (record.kind) {
    case kMessageDeleted:
    case kMessageExpired:
      if (deleted_.size() >= kDuplicateWindow) deleted_.clear();
      deleted_.insert(record.message);
      return false;
    case kMessageCreated:
    case kMessageEdited:
      // Where it came long after its delete, the index erases it when it finds it.
      return deleted_.contains(record.message);
    default:
      return false;
  }
}

absl::StatusOr<bool> Ingest::IsDuplicate(const TakenEvent& taken) {
  if (taken.fingerprint.empty()) return false;
  if (seen_.contains(taken.fingerprint)) return true;
  const bool may_be_old = taken.record.kind == kMessageCreated &&
                          (taken.record.backfill || FromProto(taken.event.event_time()) + kNewsAge <
                                                        taken.record.record_time);
  // Of an expiry, the broker's own word may have come first, just now (message_expiry.h).
  if (taken.record.kind == kMessageExpired) {
    parts_.index.CatchUp(parts_.log.last_sequence(), kDeleteWait).IgnoreError();
  }
  if (may_be_old || taken.record.kind == kMessageExpired) {
    ASSIGN_OR_RETURN(const std::vector<Sequence> sequences,
                     parts_.index.RefsOf(taken.record.message));
    if (!sequences.empty()) {
      ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, parts_.log.Read(sequences));
      for (const RecordPointer& record : records) {
        if (record != nullptr && record->kind == taken.record.kind) return true;
      }
    }
  }
  Remember(taken.fingerprint);
  return false;
}

void Ingest::Remember(const std::string& fingerprint) {
  if (!seen_.insert(fingerprint).second) return;
  seen_order_.push_back(fingerprint);
  if (seen_order_.size() > kDuplicateWindow) {
    seen_.erase(seen_order_.front());
    seen_order_.pop_front();
  }
}

absl::Status Ingest::RememberLatest() {
  const Sequence last = parts_.log.last_sequence();
  Sequence position = last > kDuplicateWindow ? last - kDuplicateWindow : 0;
  while (position < last) {
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                     parts_.log.ReadAfter(position, static_cast<int>(kCommitEventsMax)));
    if (records.empty()) break;
    for (const RecordPointer& record : records) {
      if (record->account == account_ && record->kind == kMessageCreated) {
        Remember(std::string(record->message.view()));
      }
    }
    position = records.back()->sequence;
  }
  return absl::OkStatus();
}

void Ingest::MarkEphemeral(LogRecord& record) {
  if (record.message.empty()) return;
  if (record.kind == kMessageCreated) {
    if (!record.ephemeral) return;
    if (ephemeral_.size() >= kDuplicateWindow) ephemeral_.clear();
    ephemeral_.insert(record.message);
    return;
  }
  const std::optional<v1::Chat> chat = parts_.directory.FindChat(record.chat);
  // Where messages disappear now, a change is treated as one to a disappearing message.
  record.ephemeral = record.ephemeral || ephemeral_.contains(record.message) ||
                     (chat.has_value() && chat->disappearing_timer().seconds() > 0);
}

void Ingest::Hear(const TakenEvent& taken) {
  parts_.incoming.Note(taken);
  // Edits go round as messages do.
  const bool edited = taken.event.has_message_edited();
  if ((!edited && !taken.event.has_message_created()) || taken.record.backfill ||
      !taken.record.origin.empty() || parts_.directory.IsSelf(account_, taken.record.sender)) {
    return;
  }
  if (edited) {
    parts_.loops.Arrived(taken.event.message_edited().text());
    return;
  }
  const v1::Message& message = taken.event.message_created().message();
  if (!message.from_owner()) parts_.loops.Arrived(LoopWords(message));
}

absl::Status Ingest::Commit(const std::vector<v1::SourcedEvent>& events) {
  v1::EventAck ack;
  uint64_t position = durable_position_;
  std::vector<TakenEvent> taken_events;
  const absl::Time now = parts_.clock.Now();
  const absl::Time record_time = parts_.confirmed_clock.Now();
  for (const v1::SourcedEvent& sourced : events) {
    // Known and durable, or out of order within what is not: positions only grow.
    if (sourced.position() <= position) continue;
    position = sourced.position();
    absl::StatusOr<TakenEvent> taken =
        TakeEvent(parts_.ids, account_, sourced.event(), now, record_time);
    if (!taken.ok()) {
      v1::RefusedEvent& refused = *ack.add_refused_events();
      refused.set_position(sourced.position());
      refused.set_reason(ReasonOf(taken.status()).value_or(v1::ERROR_REASON_INVALID_FIELD));
      // What cannot be parsed has no field to name.
      const std::string field = FieldOf(taken.status());
      refused.set_field(field.empty() ? "event" : field);
      continue;
    }
    if (IsDeletedAlready(taken->record)) continue;
    ASSIGN_OR_RETURN(const bool duplicate, IsDuplicate(*taken));
    if (duplicate) continue;
    if (ChatNotices::IsNoticeId(sourced.command_id()) && taken->event.has_message_created()) {
      // The broker's own words, in the user's name: so that no app takes them for the user's.
      taken->event.mutable_message_created()
          ->mutable_message()
          ->mutable_origin()
          ->set_app_display_name("Postern");
    } else if (!sourced.command_id().empty() && !taken->record.backfill) {
      // What a command only brought in, nobody sent by it.
      CommandOrigin origin = ReadCommandId(sourced.command_id());
      taken->record.origin = parts_.apps.FindByPrefix(origin.principal_prefix);
      if (!taken->record.origin.empty()) taken->trail = std::move(origin.trail);
    }
    MarkEphemeral(taken->record);
    taken_events.push_back(*std::move(taken));
  }
  RETURN_IF_ERROR(parts_.directory.Apply(account_, taken_events));
  RETURN_IF_ERROR(TakeObjections(parts_, account_, taken_events));
  parts_.disclosures.Took(taken_events);
  for (const TakenEvent& taken : taken_events) Hear(taken);

  EventLog::Batch batch;
  batch.account = account_;
  batch.source_position = position;
  for (TakenEvent& taken : taken_events) {
    if (!taken.record.origin.empty() && taken.event.has_message_created()) {
      taken.event.mutable_message_created()
          ->mutable_message()
          ->mutable_origin()
          ->set_app_display_name(parts_.apps.Find(taken.record.origin)->app.display_name());
    }
    storage::v1::StoredEvent stored;
    *stored.mutable_event() = std::move(taken.event);
    stored.set_remote_message_id(taken.remote_message_id);
    for (auto& [known, remote_id] : taken.remote_attachments) {
      storage::v1::RemoteAttachment& attachment = *stored.add_attachments();
      attachment.set_id(std::move(known));
      attachment.set_remote_id(std::move(remote_id));
    }
    stored.set_hops(taken.trail.hops);
    for (std::string& network : taken.trail.networks) stored.add_networks(std::move(network));
    taken.record.body = stored.SerializeAsString();
    batch.records.push_back(std::move(taken.record));
  }
  if (position > durable_position_) {
    const bool deletes =
        std::any_of(batch.records.begin(), batch.records.end(), [](const LogRecord& record) {
          return record.kind == kMessageDeleted || record.kind == kMessageExpired;
        });
    RETURN_IF_ERROR(parts_.log.Append(std::move(batch)).status());
    durable_position_ = position;
    // An acknowledged delete has been carried out: no reader that comes after it finds the text.
    // Where deletes flood, the index's own thread does the rest.
    if (deletes) {
      parts_.index.CatchUp(parts_.log.last_sequence(), kDeleteWait).IgnoreError();
    }
  }
  ack.set_durable_position(durable_position_);
  sink_.acknowledge(std::move(ack));
  return absl::OkStatus();
}

}  // namespace postern::broker
