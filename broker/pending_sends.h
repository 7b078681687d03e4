// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "broker/store.h"
#include "permissions/ids.h"
#include "postern/v1/event.pb.h"

namespace postern::broker {

// Messages that wait for the person's word, in the store: how far each came, so that its app is
// told how it ended even if the daemon did not live to see it. Never their text. Thread-safe.
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
  };

  explicit PendingSends(Store& store) : store_(store) {}

  // Each is durable when it returns.
  absl::Status Add(const Ask& ask);
  // The person allowed it and the command goes out: from here on a crash leaves it unknown.
  absl::Status Begin(const Ask& ask);
  // It ended. Kept until Remove, so that a crash before the app is told loses nothing, and what it
  // is told twice is the same.
  absl::Status End(const Ended& ended);
  absl::Status Remove(const Ask& ask);

  // What a stop of the daemon left behind: refused when nobody had answered, unknown when the
  // command was on its way, else what it ended as.
  absl::StatusOr<std::vector<Ended>> LeftBehind();

 private:
  Store& store_;
};

}  // namespace postern::broker
