// SPDX-License-Identifier: Apache-2.0
// The last part of the way of what an app writes, the same for all of it: looked at for loops,
// counted against the app's limits, written into the access history, handed to the gatekeeper.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string_view>

#include "broker/asker.h"
#include "broker/late_results.h"
#include "broker/outgoing.h"
#include "broker/parts.h"
#include "permissions/ids.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

// Thread-safe. Borrows both.
class Dispatch {
 public:
  Dispatch(const Parts& parts, LateResults& late) : parts_(parts), late_(late) {}
  Dispatch(const Dispatch&) = delete;
  Dispatch& operator=(const Dispatch&) = delete;

  // Fills in the trail; tells the owner of a loop. Errors as TrailOf.
  absl::Status Trace(const Asker& asker, Outgoing& outgoing);
  // Takes from the app's limits and passes the loop guard. UNAVAILABLE GATEKEEPER_OFFLINE,
  // RESOURCE_EXHAUSTED LIMIT_EXCEEDED or LOOP. Follow it by TakeBack, whatever comes.
  absl::Status Admit(const Asker& asker, Outgoing& outgoing);
  // Gives back what a command that did not go out has used up.
  void TakeBack(const permissions::Principal& app, const Outgoing& outgoing);
  // Writes the history and runs the command. Where the answer is STATE_PENDING, the app is told the
  // end under the request's id. Errors as AdapterTable::Run, and the store's.
  absl::StatusOr<v1::CommandResult> Run(const permissions::Principal& app, Outgoing& outgoing);
  // The same for what need not be durable: counted in the history, no limit but kTypingPerMinute.
  absl::Status RunLightly(const permissions::Principal& app, Outgoing outgoing);

 private:
  void TellLoop(const AppSnapshot& app, permissions::ChatId chat, std::string_view what);

  const Parts& parts_;
  LateResults& late_;
};

}  // namespace postern::broker
