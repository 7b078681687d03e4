// SPDX-License-Identifier: Apache-2.0
// The way of what an app writes in the user's name: decided by the grants as they are, counted
// against the app's limits, looked at for loops, written into the access history, and only then a
// command to the gatekeeper.
//
// What needs the person's word (messages:send.ask) is put before them, answered PENDING, and taken
// up again here, on a thread of its own, when they have spoken: everything is decided again then.
// How it ended is an event to that app alone, also when the daemon was stopped in between.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "broker/asker.h"
#include "broker/caller.h"
#include "broker/outgoing.h"
#include "broker/parts.h"
#include "broker/pending_sends.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "postern/v1/message_service.pb.h"

namespace postern::broker {

// Thread-safe.
class MessageSender {
 public:
  // Tells apps what became of messages that a stop of the daemon cut.
  static absl::StatusOr<std::unique_ptr<MessageSender>> Open(const Parts& parts);
  // Stops.
  ~MessageSender();
  MessageSender(const MessageSender&) = delete;
  MessageSender& operator=(const MessageSender&) = delete;

  // Takes up no more answers of the person. Call after the desk and the adapters have stopped;
  // calling it again does nothing.
  void Stop();

  // SendMessage and SetReaction (message_service.proto), for an admitted caller.
  absl::Status Send(const Caller& caller, const v1::SendMessageRequest& request,
                    v1::SendMessageResponse& response);
  absl::Status React(const Caller& caller, const v1::SetReactionRequest& request,
                     v1::SetReactionResponse& response);

 private:
  // What the person said about a message.
  struct Answer {
    PendingSends::Ask ask;
    v1::SendMessageRequest request;
    bool allowed = false;
  };
  // Owned by the sender and by what the desk calls back with: the desk's thread may still call when
  // the sender is gone.
  struct Answers {
    platform::Mutex mutex;
    platform::ConditionVariable changed;
    std::deque<Answer> waiting ABSL_GUARDED_BY(mutex);
    bool stopping ABSL_GUARDED_BY(mutex) = false;
  };

  explicit MessageSender(const Parts& parts);
  void Loop();

  // Fills in the trail; tells the owner of a loop.
  absl::Status Trace(const Asker& asker, const std::string& caused_by_event_id, Outgoing& outgoing);
  // Takes from the app's limits and passes the loop guard. UNAVAILABLE GATEKEEPER_OFFLINE,
  // RESOURCE_EXHAUSTED LIMIT_EXCEEDED or LOOP.
  absl::Status Admit(const Asker& asker, Outgoing& outgoing);
  // Gives back what a command that did not go out has used up.
  void TakeBack(const permissions::Principal& app, const Outgoing& outgoing);
  // Writes the history and runs the command.
  absl::StatusOr<v1::CommandResult> Deliver(const permissions::Principal& app, Outgoing& outgoing);
  absl::Status SendNow(const Asker& asker, Outgoing& outgoing, v1::SendMessageResponse& response);
  // Puts the message before the person.
  absl::Status Ask(const Caller& caller, const Outgoing& outgoing,
                   const v1::SendMessageRequest& request);
  // Does what the person said, and tells the app.
  void TakeUp(const Answer& answer);
  PendingSends::Ended Carry(const Answer& answer);
  // Tells the app how it ended.
  absl::Status Tell(const PendingSends::Ended& ended);
  void TellLoop(const AppSnapshot& app, permissions::ChatId chat, std::string_view what);

  const Parts& parts_;
  PendingSends pending_;
  const std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
  std::thread thread_;
};

}  // namespace postern::broker
