// SPDX-License-Identifier: Apache-2.0
#include "broker/event_service.h"

#include "broker/app_registry.h"
#include "broker/erasure_book.h"
#include "broker/event_log.h"
#include "broker/method_gate.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/subscription.h"
#include "broker/subscription_store.h"
#include "platform/status_macros.h"

namespace postern::broker {

grpc::Status EventService::Subscribe(grpc::ServerContext* context,
                                     const v1::SubscribeRequest* request,
                                     grpc::ServerWriter<v1::SubscribeResponse>* writer) {
  return parts_.gate.Handle(
      context, "/postern.v1.EventService/Subscribe", request, [&](const Caller& caller) {
        parts_.apps.SawNow(caller.principal, parts_.clock.Now());
        Subscription subscription(parts_, caller, *request, context);
        return subscription.Run(
            [&](const v1::SubscribeResponse& frame) { return writer->Write(frame); });
      });
}

grpc::Status EventService::Acknowledge(grpc::ServerContext* context,
                                       const v1::AcknowledgeRequest* request,
                                       v1::AcknowledgeResponse*) {
  return parts_.gate.Handle(context, "/postern.v1.EventService/Acknowledge", request,
                            [&](const Caller& caller) -> absl::Status {
                              if (request->subscription().empty()) {
                                return InvalidField("subscription", "must name a subscription");
                              }
                              ASSIGN_OR_RETURN(const Sequence sequence,
                                               SentCursor(caller, request->cursor()));
                              // What it was asked to erase is not forgotten by a crash once it does
                              // not come again.
                              RETURN_IF_ERROR(parts_.erasures.Flush(caller.principal));
                              return parts_.subscriptions.Acknowledge(
                                  caller.principal, request->subscription(), sequence);
                            });
}

grpc::Status EventService::ConfirmErased(grpc::ServerContext* context,
                                         const v1::ConfirmErasedRequest* request,
                                         v1::ConfirmErasedResponse*) {
  return parts_.gate.Handle(context, "/postern.v1.EventService/ConfirmErased", request,
                            [&](const Caller& caller) -> absl::Status {
                              if (request->everything())
                                return parts_.erasures.ConfirmEverything(caller.principal);
                              if (request->cursor().empty()) {
                                return InvalidField("cursor", "must be set, or 'everything'");
                              }
                              ASSIGN_OR_RETURN(const Sequence sequence,
                                               SentCursor(caller, request->cursor()));
                              return parts_.erasures.ConfirmThrough(caller.principal, sequence);
                            });
}

absl::StatusOr<Sequence> EventService::SentCursor(const Caller& caller,
                                                  const std::string& cursor) const {
  const auto sequence = parts_.pseudonyms.Of(caller.principal).pseudonyms.DecodeCursor(cursor);
  if (sequence.has_value() && *sequence <= parts_.log.last_sequence()) return *sequence;
  return ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_CURSOR,
                      "'cursor' is not one this app was sent", {{"field", "cursor"}});
}

}  // namespace postern::broker
