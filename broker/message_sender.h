// SPDX-License-Identifier: Apache-2.0
// The way of what an app writes in the user's name: decided by the grants as they are, held against
// what the chat carries (outgoing.h), counted, looked at for loops and written into the access
// history (dispatch.h), and only then a command to the gatekeeper.
//
// What is answered PENDING ends as an event to that app alone: what waits for the person's word
// (asked_sends.h), and what the network has yet to say (late_results.h).
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>
#include <string_view>

#include "broker/asked_sends.h"
#include "broker/asker.h"
#include "broker/caller.h"
#include "broker/dispatch.h"
#include "broker/late_results.h"
#include "broker/outgoing.h"
#include "broker/parts.h"
#include "broker/pending_sends.h"
#include "broker/recent_sent.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "postern/v1/message_service.pb.h"

namespace postern::broker {

// Thread-safe.
class MessageSender {
 public:
  // Tells apps what became of messages that a stop of the daemon cut. Before any adapter attaches.
  static absl::StatusOr<std::unique_ptr<MessageSender>> Open(const Parts& parts);
  MessageSender(const MessageSender&) = delete;
  MessageSender& operator=(const MessageSender&) = delete;

  // Takes up no more answers of the person. Call after the desk and the adapters have stopped;
  // calling it again does nothing.
  void Stop() { asked_.Stop(); }
  // Tells apps of what nobody knows any more (LateResults). Call now and then.
  void TellOverdue() { late_.TellOverdue(); }

  // The calls of message_service.proto that write, for an admitted caller.
  absl::Status Send(const Caller& caller, const v1::SendMessageRequest& request,
                    v1::SendMessageResponse& response);
  absl::Status Edit(const Caller& caller, const v1::EditMessageRequest& request,
                    v1::EditMessageResponse& response);
  absl::Status Delete(const Caller& caller, const v1::DeleteMessageRequest& request,
                      v1::DeleteMessageResponse& response);
  absl::Status React(const Caller& caller, const v1::SetReactionRequest& request,
                     v1::SetReactionResponse& response);
  absl::Status Vote(const Caller& caller, const v1::VotePollRequest& request,
                    v1::VotePollResponse& response);
  absl::Status MarkRead(const Caller& caller, const v1::MarkReadRequest& request,
                        v1::MarkReadResponse& response);
  // Not in the ledger, and no row of its own in the history: a notice that is gone in seconds is
  // not worth a durable write, and to show it twice is to show it once.
  absl::Status Type(const Caller& caller, const v1::SetTypingRequest& request);
  absl::Status Draft(const Caller& caller, const v1::CreateDraftRequest& request,
                     v1::CreateDraftResponse& response);

 private:
  using Prepare = absl::FunctionRef<absl::StatusOr<Outgoing>(const Asker&)>;
  using Answer = absl::FunctionRef<void(const Asker&, const Outgoing&, const v1::CommandResult&)>;

  explicit MessageSender(const Parts& parts) : parts_(parts) {}
  // Prepares, counts and runs the request, once for its id. 'answer' fills in the response.
  // 'ask', for what the person must confirm first, puts it before them.
  absl::Status Once(const Caller& caller, std::string_view method, const std::string& request_id,
                    const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite& response, Prepare prepare, Answer answer,
                    absl::FunctionRef<absl::Status(const Outgoing&)> ask);
  // The same for what the person need not confirm and that answers with nothing.
  absl::Status Once(const Caller& caller, std::string_view method, const std::string& request_id,
                    const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite& response, Prepare prepare);

  const Parts& parts_;
  RecentSent recent_;
  PendingSends pending_{parts_.store};
  LateResults late_{parts_, pending_};
  Dispatch dispatch_{parts_, late_};
  AskedSends asked_{parts_, dispatch_, pending_};
};

}  // namespace postern::broker
