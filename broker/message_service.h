// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>

#include "broker/caller.h"
#include "broker/history.h"
#include "broker/parts.h"
#include "permissions/rate_limit.h"
#include "platform/mutex.h"
#include "postern/v1/message_service.grpc.pb.h"

namespace postern::broker {

struct Asker;

// Reads history, sends and reacts in the user's name.
class MessageService final : public v1::MessageService::Service {
 public:
  explicit MessageService(const Parts& parts) : parts_(parts), history_(parts.history) {}

  grpc::Status ListMessages(grpc::ServerContext* context, const v1::ListMessagesRequest* request,
                            v1::ListMessagesResponse* response) override;
  grpc::Status GetMessage(grpc::ServerContext* context, const v1::GetMessageRequest* request,
                          v1::GetMessageResponse* response) override;
  grpc::Status SendMessage(grpc::ServerContext* context, const v1::SendMessageRequest* request,
                           v1::SendMessageResponse* response) override;
  grpc::Status SetReaction(grpc::ServerContext* context, const v1::SetReactionRequest* request,
                           v1::SetReactionResponse* response) override;

 private:
  absl::Status List(const Asker& asker, const v1::ListMessagesRequest& request,
                    v1::ListMessagesResponse& response);
  absl::Status Get(const Asker& asker, const v1::GetMessageRequest& request,
                   v1::GetMessageResponse& response);
  absl::Status Send(const Caller& caller, const v1::SendMessageRequest& request,
                    v1::SendMessageResponse& response);
  absl::Status React(const Caller& caller, const v1::SetReactionRequest& request);
  // Takes one send from the app's allowance. RESOURCE_EXHAUSTED LIMIT_EXCEEDED with
  // "retry_after_seconds".
  absl::Status TakeSend(const Caller& caller);

  const Parts& parts_;
  History& history_;

  platform::Mutex mutex_;
  absl::flat_hash_map<permissions::Principal, permissions::TokenBucket> sends_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
