// SPDX-License-Identifier: Apache-2.0
#include "broker/event_service.h"

#include "broker/app_registry.h"
#include "broker/event_log.h"
#include "broker/method_gate.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/subscription.h"
#include "broker/subscription_store.h"

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
  return parts_.gate.Handle(
      context, "/postern.v1.EventService/Acknowledge", request,
      [&](const Caller& caller) -> absl::Status {
        if (request->subscription().empty()) {
          return InvalidField("subscription", "must name a subscription");
        }
        const auto sequence =
            parts_.pseudonyms.Of(caller.principal).pseudonyms.DecodeCursor(request->cursor());
        if (!sequence.has_value() || *sequence > parts_.log.last_sequence()) {
          return ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_CURSOR,
                              "'cursor' is not one this app was sent", {{"field", "cursor"}});
        }
        return parts_.subscriptions.Acknowledge(caller.principal, request->subscription(),
                                                *sequence);
      });
}

}  // namespace postern::broker
