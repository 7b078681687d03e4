// SPDX-License-Identifier: Apache-2.0
// Messages that need the person's word (messages:send.ask): put before them, and taken up again, on
// a thread of its own, when they have spoken. Everything is decided again then. How each ended is
// an event to its app alone, also when the daemon was stopped in between.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "broker/caller.h"
#include "broker/dispatch.h"
#include "broker/outgoing.h"
#include "broker/parts.h"
#include "broker/pending_sends.h"
#include "platform/mutex.h"
#include "postern/v1/message_service.pb.h"

namespace postern::broker {

// Thread-safe. Borrows all it is given.
class AskedSends {
 public:
  AskedSends(const Parts& parts, Dispatch& dispatch, PendingSends& pending)
      : parts_(parts), dispatch_(dispatch), pending_(pending) {}
  // Stops.
  ~AskedSends();
  AskedSends(const AskedSends&) = delete;
  AskedSends& operator=(const AskedSends&) = delete;

  // Tells apps what became of messages that a stop of the daemon cut, and starts the thread.
  absl::Status Open();
  // Takes up no more answers of the person. Call after the desk and the adapters have stopped;
  // calling it again does nothing.
  void Stop();

  // Puts a message before the person who runs the caller's program. Errors as
  // ConsentDesk::AskToSend.
  absl::Status Ask(const Caller& caller, const Outgoing& outgoing,
                   const v1::SendMessageRequest& request);

 private:
  // What the person said about a message.
  struct Answer {
    PendingSends::Ask ask;
    v1::SendMessageRequest request;
    bool allowed = false;
  };
  // Owned by this and by what the desk calls back with: the desk's thread may still call when this
  // is gone.
  struct Answers {
    platform::Mutex mutex;
    platform::ConditionVariable changed;
    std::deque<Answer> waiting ABSL_GUARDED_BY(mutex);
    bool stopping ABSL_GUARDED_BY(mutex) = false;
  };

  void Loop();
  // Does what the person said, and tells the app.
  void TakeUp(const Answer& answer);
  // How it ended; nothing while the gatekeeper has yet to say.
  std::optional<PendingSends::Ended> Carry(const Answer& answer);

  const Parts& parts_;
  Dispatch& dispatch_;
  PendingSends& pending_;
  const std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
  std::thread thread_;
};

}  // namespace postern::broker
