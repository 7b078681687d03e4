// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

#include "broker/store.h"
#include "permissions/ids.h"
#include "postern/v1/error_reason.pb.h"
#include "postern/v1/event.pb.h"

namespace postern::broker {

// Requests that were answered PENDING, in the store: those that wait for the person's word, and
// those whose end the gatekeeper has yet to tell. How far each came, so that its app is told how it
// ended even if the daemon did not live to see it. Never their text. Thread-safe.
class PendingSends {
 public:
  using Outcome = v1::RequestCompleted::Outcome;

  // Who asked, by which request, and where the message was to go.
  struct Ask {
    permissions::Principal principal;
    std::string request_id;
    permissions::AccountId account;
    permissions::ChatId chat;
  };
  struct Ended {
    Ask ask;
    Outcome outcome = v1::RequestCompleted::OUTCOME_UNSPECIFIED;
    permissions::MessageId message;
    // For failures: why.
    v1::ErrorInfo error;
  };
  // The gatekeeper has it and answers later.
  struct Waiting {
    Ask ask;
    std::string command_id;
    absl::Time since;
  };

  explicit PendingSends(Store& store) : store_(store) {}

  // Each is durable when it returns.
  absl::Status Add(const Ask& ask);
  // The person allowed it and the command goes out: from here on a crash leaves it unknown.
  absl::Status Begin(const Ask& ask);
  // The gatekeeper has it: from here on a crash changes nothing.
  absl::Status Wait(const Waiting& waiting);
  // It ended. Kept until Remove, so that a crash before the app is told loses nothing, and what it
  // is told twice is the same.
  absl::Status End(const Ended& ended);
  absl::Status Remove(const Ask& ask);

  // What a stop of the daemon left behind: refused when nobody had answered, unknown when the
  // command was on its way, else what it ended as.
  absl::StatusOr<std::vector<Ended>> LeftBehind();
  // What the gatekeeper has yet to answer.
  absl::StatusOr<std::vector<Waiting>> StillWaiting();

 private:
  Store& store_;
};

}  // namespace postern::broker
