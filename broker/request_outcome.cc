// SPDX-License-Identifier: Apache-2.0
#include "broker/request_outcome.h"

#include <utility>

#include "broker/broker_event.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/rpc_status.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

PendingSends::Outcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return v1::RequestCompleted::OUTCOME_DONE;
    case absl::StatusCode::kUnknown:
      return v1::RequestCompleted::OUTCOME_UNKNOWN;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return v1::RequestCompleted::OUTCOME_FAILED_RETRIABLE;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kNotFound:
      // The access went while the request waited.
      return v1::RequestCompleted::OUTCOME_REFUSED;
    default:
      return v1::RequestCompleted::OUTCOME_FAILED;
  }
}

}  // namespace

PendingSends::Ended EndedAs(PendingSends::Ask ask, const absl::Status& status) {
  PendingSends::Ended ended;
  ended.ask = std::move(ask);
  ended.outcome = OutcomeOf(status);
  ended.error = ErrorInfoOf(status);
  return ended;
}

absl::Status TellOutcome(const Parts& parts, const PendingSends::Ended& ended) {
  v1::Event event;
  v1::RequestCompleted& completed = *event.mutable_request_completed();
  completed.set_request_id(ended.ask.request_id);
  completed.set_outcome(ended.outcome);
  if (!ended.message.empty()) completed.set_message_id(IdText(ended.message));
  if (!ended.error.reason().empty()) *completed.mutable_error() = ended.error;
  EventLog::Batch batch;
  batch.account = ended.ask.account;
  batch.records.push_back(BrokerEvent(ended.ask.account, ended.ask.chat, std::move(event),
                                      ended.ask.principal, parts.confirmed_clock.Now()));
  return parts.log.Append(std::move(batch)).status();
}

absl::Status TellOutcome(const Parts& parts, PendingSends& pending,
                         const PendingSends::Ended& ended) {
  RETURN_IF_ERROR(TellOutcome(parts, ended));
  return pending.Remove(ended.ask);
}

}  // namespace postern::broker
