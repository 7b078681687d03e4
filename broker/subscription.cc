// SPDX-License-Identifier: Apache-2.0
#include "broker/subscription.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "broker/deliveries.h"
#include "broker/directory.h"
#include "broker/erase_asks.h"
#include "broker/erasure_book.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/lease_table.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "broker/send_limits.h"
#include "broker/shutdown.h"
#include "broker/subscription_store.h"
#include "permissions/event_scopes.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::Scope;
using permissions::Verdict;

// What one event takes in a frame beyond its own bytes: the field's tag and length.
constexpr size_t kEventOverheadBytes = 8;

// A frame is full here: short of its bound by what a gap event and the cursor take.
constexpr size_t kFrameFillBytes = kFrameBytesMax - 16 * 1024;

bool IsSubscriptionName(const std::string& name) {
  return name.size() <= kSubscriptionNameMax && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

// Which of two refusals an app is told, in the order of Decide: what passes by itself before what
// is final, after which it erases what it has.
int WeightOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPaused:
    case Verdict::kSuspended:
      return 3;
    case Verdict::kExpired:
      return 2;
    case Verdict::kScopeMissing:
      return 0;
    default:
      return 1;
  }
}

}  // namespace

Subscription::Subscription(const Parts& parts, const Caller& caller,
                           const v1::SubscribeRequest& request, grpc::ServerContext* context)
    : parts_(parts),
      caller_(caller),
      request_(request),
      context_(context),
      page_(parts.pseudonyms.Of(caller.principal)) {}

std::string Subscription::Cursor() const { return page_.pseudonyms.EncodeCursor(position_); }

absl::Status Subscription::Run(Write write) {
  RETURN_IF_ERROR(CheckVersion(request_.protocol_version()));
  if (!IsSubscriptionName(request_.subscription())) {
    return InvalidField("subscription", "must be 1 to 64 characters of [a-zA-Z0-9._-]");
  }
  if (request_.start() < v1::SubscribeRequest::START_UNSPECIFIED ||
      request_.start() > v1::SubscribeRequest::START_OLDEST) {
    return InvalidField("start", "has a value this broker does not know");
  }
  RETURN_IF_ERROR(CheckStanding());
  RETURN_IF_ERROR(CheckReadBudget());
  ASSIGN_OR_RETURN(stream_,
                   parts_.streams.Add(caller_.principal, request_.subscription(), context_));
  ASSIGN_OR_RETURN(position_, StartPosition());

  // The first frame is empty: it says that the stream lives, and from where.
  v1::SubscribeResponse frame;
  RETURN_IF_ERROR(WriteFrame(frame, write));
  while (true) {
    if (parts_.shutdown.begun()) return Shutdown::Refusal();
    if (context_->IsCancelled()) return absl::CancelledError();
    // Taken before grants and log are looked at, so that a change in between ends the wait at once.
    const uint64_t seen_wakes = parts_.log.wakes();
    RETURN_IF_ERROR(CheckStanding());
    frame.Clear();
    RETURN_IF_ERROR(FillFrame(frame));
    if (!frame.events().empty() || position_ - *written_ >= kSilentEventsMax) {
      // Over it the stream ends here and goes on from the last frame's cursor another day.
      if (!frame.events().empty()) RETURN_IF_ERROR(CheckReadBudget());
      RETURN_IF_ERROR(WriteFrame(frame, write));
    } else if (position_ >= parts_.log.last_sequence()) {
      // What cannot be written now stays noted.
      (void)parts_.deliveries.FlushWhenDue();
      (void)parts_.erasures.Flush(caller_.principal);
      WaitForMore(seen_wakes);
    }
  }
}

absl::StatusOr<Sequence> Subscription::StartPosition() {
  if (!request_.cursor().empty()) {
    const std::optional<uint64_t> sequence = page_.pseudonyms.DecodeCursor(request_.cursor());
    if (!sequence.has_value() || *sequence > parts_.log.last_sequence()) {
      return ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_CURSOR,
                          "'cursor' is not one this app was sent; subscribe without it",
                          {{"field", "cursor"}});
    }
    if (*sequence + 1 < parts_.log.oldest_sequence()) {
      return ReasonStatus(
          absl::StatusCode::kOutOfRange, v1::ERROR_REASON_CURSOR_TOO_OLD,
          "what followed this cursor is no longer kept; go on from 'oldest_cursor'",
          {{"oldest_cursor", page_.pseudonyms.EncodeCursor(parts_.log.oldest_sequence() - 1)}});
    }
    if (!request_.subscription().empty() &&
        !parts_.subscriptions.Find(caller_.principal, request_.subscription()).has_value()) {
      RETURN_IF_ERROR(
          parts_.subscriptions.Create(caller_.principal, request_.subscription(), *sequence));
    }
    return *sequence;
  }
  if (request_.subscription().empty()) return NewPosition();
  const std::optional<Sequence> acknowledged =
      parts_.subscriptions.Find(caller_.principal, request_.subscription());
  if (acknowledged.has_value()) return *acknowledged;
  ASSIGN_OR_RETURN(const Sequence position, NewPosition());
  RETURN_IF_ERROR(
      parts_.subscriptions.Create(caller_.principal, request_.subscription(), position));
  return position;
}

absl::StatusOr<Sequence> Subscription::NewPosition() {
  if (request_.start() == v1::SubscribeRequest::START_OLDEST) {
    return parts_.log.oldest_sequence() - 1;
  }
  return parts_.log.last_sequence();
}

absl::Status Subscription::CheckStanding() {
  const uint64_t epoch = parts_.apps.epoch();
  if (app_ == nullptr || epoch != epoch_) {
    epoch_ = epoch;
    app_ = parts_.apps.Find(caller_.principal);
  }
  if (app_->standing != Standing::kApp) {
    return VerdictStatus(Verdict::kRevoked, Scope::kMessagesRead);
  }
  // A stream lives by any scope that shows some kind of event. The answer is the best of them: with
  // everything revoked, "revoked" and not "missing".
  const permissions::Access access = parts_.apps.AccessOf(*app_);
  const absl::Time now = checked_at_ = parts_.clock.Now();
  Verdict best = Verdict::kScopeMissing;
  Scope best_scope = Scope::kMessagesRead;
  const auto opens = [&](Scope scope) {
    const Verdict verdict = permissions::Decide(access, scope, {}, now);
    if (WeightOf(verdict) > WeightOf(best)) {
      best = verdict;
      best_scope = scope;
    }
    return verdict == Verdict::kAllowed;
  };
  for (int kind = permissions::kFirstEventKind; kind <= permissions::kLastEventKind; ++kind) {
    const auto* row = permissions::FindEventScopes(static_cast<permissions::EventKind>(kind));
    for (const std::optional<Scope>& scope : {row->whole, row->reduced}) {
      if (scope.has_value() && opens(*scope)) return absl::OkStatus();
    }
  }
  // Who may ask to send is told by an event how that ended.
  if (opens(Scope::kMessagesSendAsk)) return absl::OkStatus();
  return VerdictStatus(best, best_scope);
}

absl::Status Subscription::CheckReadBudget() const {
  return parts_.limits.MayRead(caller_.principal,
                               ReadAllowance(parts_.apps.AccessOf(*app_), parts_.clock.Now()));
}

absl::StatusOr<bool> Subscription::WouldGoBack(const LogRecord& record) const {
  if (record.origin.empty() || record.origin == caller_.principal || record.erased()) return false;
  const std::vector<std::string> targets = parts_.leases.TargetsOf(caller_.principal, record.chat);
  if (targets.empty()) return false;
  storage::v1::StoredEvent stored;
  if (!stored.ParseFromString(record.body)) {
    return absl::DataLossError("a stored event is unreadable");
  }
  return std::any_of(targets.begin(), targets.end(), [&](const std::string& target) {
    return std::find(stored.networks().begin(), stored.networks().end(), target) !=
           stored.networks().end();
  });
}

absl::Status Subscription::AddRecord(const LogRecord& record, const Viewer& viewer,
                                     v1::SubscribeResponse& frame, size_t& bytes) {
  if (record.backfill && !request_.include_backfill()) return absl::OkStatus();
  if (record.origin == caller_.principal && !request_.include_own()) return absl::OkStatus();
  if (record.erased_by == ErasedBy::kRetention) {
    if (permissions::ViewOf(viewer.access, FactsOf(record, parts_.directory), viewer.now) !=
        permissions::View::kNothing) {
      ++lost_;
    }
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const bool goes_back, WouldGoBack(record));
  if (goes_back) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::optional<v1::Event> event, ViewEvent(record, viewer));
  if (!event.has_value()) return absl::OkStatus();
  if (lost_ > 0) AddGap(std::exchange(lost_, 0), frame);
  bytes += event->ByteSizeLong() + kEventOverheadBytes;
  AddReading(record.chat, event->view() == v1::EVENT_VIEW_WITHHELD ? v1::ACCESS_VERB_WITHHELD
                                                                   : v1::ACCESS_VERB_READ);
  if (AsksToErase(*event)) asks_.push_back(record.sequence);
  *frame.add_events() = *std::move(event);
  return absl::OkStatus();
}

// A frame has few chats: looking through them costs less than a hash.
void Subscription::AddReading(permissions::ChatId chat, v1::AccessVerb verb) {
  for (AccessHistory::Reading& reading : readings_) {
    if (reading.chat != chat || reading.verb != verb) continue;
    ++reading.count;
    return;
  }
  readings_.push_back({chat, verb, 1});
}

void Subscription::AddGap(uint64_t count, v1::SubscribeResponse& frame) {
  v1::Event& event = *frame.add_events();
  event.set_view(v1::EVENT_VIEW_WHOLE);
  *event.mutable_record_time() = ToProto(parts_.clock.Now());
  *event.mutable_event_time() = event.record_time();
  event.mutable_gap()->set_cause(v1::Gap::CAUSE_RETENTION);
  event.mutable_gap()->set_event_count(count);
}

absl::Status Subscription::FillFrame(v1::SubscribeResponse& frame) {
  size_t bytes = 0;
  readings_.clear();
  asks_.clear();
  if (position_ + 1 < parts_.log.oldest_sequence()) {
    // The records are gone, and with them who could have seen them: the count is not known.
    AddGap(0, frame);
    position_ = parts_.log.oldest_sequence() - 1;
  }
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                   parts_.log.ReadAfter(position_, kReadBatch));
  const Viewer viewer{
      *app_,          parts_.apps.AccessOf(*app_), page_.pseudonyms, parts_.directory,
      parts_.history, parts_.clock.Now()};
  for (const RecordPointer& record : records) {
    // Looked at before it is added: the frame's bound holds for whatever the next event is.
    const bool full = frame.events_size() >= kFrameEventsMax - 1;
    if (full || (frame.events_size() > 0 && bytes + record->body.size() > kFrameFillBytes)) break;
    RETURN_IF_ERROR(AddRecord(*record, viewer, frame, bytes));
    position_ = record->sequence;
  }
  if (lost_ > 0 && position_ >= parts_.log.last_sequence()) {
    AddGap(std::exchange(lost_, 0), frame);
  }
  return absl::OkStatus();
}

absl::Status Subscription::WriteFrame(v1::SubscribeResponse& frame, Write write) {
  // Told before the cursor moves past it: a stream that ends here resumes behind what was lost.
  if (lost_ > 0) AddGap(std::exchange(lost_, 0), frame);
  const Sequence start = written_.value_or(position_);
  while (true) {
    frame.set_cursor(Cursor());
    if (stream_->BeginWrite(epoch_, position_, frame.cursor())) break;
    RETURN_IF_ERROR(CheckStanding());
    // Decided by grants that are no longer so: decide the same stretch again.
    frame.Clear();
    position_ = start;
    lost_ = 0;
    if (written_.has_value()) RETURN_IF_ERROR(FillFrame(frame));
    if (lost_ > 0) AddGap(std::exchange(lost_, 0), frame);
  }
  // Before it is written: once the app has it, it must count as handed over, and where the
  // connection breaks some of it may have come through.
  if (written_.has_value()) parts_.deliveries.Note(*app_, {}, *written_ + 1, position_);
  parts_.erasures.Sent(caller_.principal, asks_);
  const bool open = write(frame);
  stream_->EndWrite();
  if (!frame.events().empty()) {
    parts_.limits.CountRead(caller_.principal, frame.ByteSizeLong());
  }
  if (!open) {
    // A revocation's cancel looks like a closed connection; the reason is what counts.
    RETURN_IF_ERROR(CheckStanding());
    return absl::CancelledError();
  }
  written_ = position_;
  parts_.accesses.CountReadings(caller_.principal, readings_);
  return absl::OkStatus();
}

void Subscription::WaitForMore(uint64_t seen_wakes) {
  // From when the standing was looked at: what ended since then is to be noticed at once.
  const absl::Time expiry = permissions::NextExpiry(parts_.apps.AccessOf(*app_), checked_at_);
  parts_.log.WaitPast(position_, std::min(kCancelPoll, expiry - checked_at_), seen_wakes);
}

}  // namespace postern::broker
