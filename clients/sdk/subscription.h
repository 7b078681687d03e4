// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>

#include "postern/v1/event_service.pb.h"

namespace postern::sdk {

struct SubscribeOptions {
  // 1 to 64 characters of [a-zA-Z0-9._-]. The broker keeps a named subscription's acknowledged
  // cursor, so the next run goes on where this one stopped. Empty: nothing is kept.
  std::string name{};
  // Start after this cursor. Empty: after the acknowledged one, or as 'start' says.
  std::string cursor{};
  v1::SubscribeRequest::Start start = v1::SubscribeRequest::START_NOW;
  // Also what this app caused itself.
  bool include_own = false;
  // Also older history that adapters bring in.
  bool include_backfill = false;
  // The duty to erase. Called on the thread in Next, before the event is returned, for each
  // message_deleted, message_expired and erase_asked: erase what it names, and say OK. Once the app
  // comes back for more, the broker is told, and with it the user. An error leaves this and all
  // that is asked later unconfirmed, until the app subscribes anew. Without it nothing is
  // confirmed.
  std::function<absl::Status(const v1::Event&)> on_erase = {};
  // The access is over as a whole (the stream ends with GRANT_REVOKED or GRANT_EXPIRED): erase
  // everything that came through Postern, and say OK; the broker is told then. Called once, before
  // Next returns that end.
  std::function<absl::Status()> on_erase_everything = {};
};

// A stream of events that outlives its connections.
//
// When the broker restarts or a connection breaks, it reconnects with back-off and resumes after
// the last frame it received: between two restarts of the app no event comes twice. After a restart
// of the app it resumes after the last acknowledged cursor: what was not acknowledged comes again.
//
// Ends, for good and with the broker's reason, when trying again cannot help: GRANT_REVOKED,
// GRANT_EXPIRED, SCOPE_REQUIRED, SUBSCRIPTION_IN_USE, ... (see IsRetriable in errors.h). A cursor
// that the broker no longer keeps does not end it: a Gap event says that something is missing, and
// the stream goes on with the oldest event kept.
//
// One thread at a time may call Next; Acknowledge and Cancel may be called from any.
class Subscription {
 public:
  virtual ~Subscription() = default;

  // Returns the next event; waits for it as long as it takes, or for 'timeout'.
  // DEADLINE_EXCEEDED when the time passed, the stream goes on; CANCELLED after Cancel; any other
  // error is the end, and later calls return the same.
  virtual absl::StatusOr<v1::Event> Next(absl::Duration timeout = absl::InfiniteDuration()) = 0;

  // Tells the broker that every event returned so far has been dealt with. The broker keeps whole
  // frames: the last, partly returned frame waits for its end. FAILED_PRECONDITION without a name.
  virtual absl::Status Acknowledge() = 0;

  // The place after the last whole frame that Next has returned: for apps that keep it themselves.
  virtual std::string cursor() const = 0;

  // Ends the stream; a waiting Next returns CANCELLED.
  virtual void Cancel() = 0;
};

// How an EventSession acknowledges.
enum class AcknowledgeMode {
  // After the handler has returned for the events of a frame. An event is then dealt with at least
  // once.
  kAfterHandler,
  // Never by itself: the handler's owner calls EventSession::Acknowledge.
  kExplicit,
};

// A subscription that calls back, on a thread of its own named "postern-events".
//
// 'handler' gets one event after the other; it may take its time (the broker's log is the queue)
// and may call the client. 'on_end' is called once, last, with the reason; CANCELLED when the
// session was destroyed or cancelled. Destroying the session waits for a running handler; do not
// destroy it from within one.
class EventSession {
 public:
  using Handler = std::function<void(const v1::Event&)>;
  using EndHandler = std::function<void(const absl::Status&)>;

  virtual ~EventSession() = default;
  virtual absl::Status Acknowledge() = 0;
  virtual void Cancel() = 0;
};

}  // namespace postern::sdk
