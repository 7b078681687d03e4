// SPDX-License-Identifier: Apache-2.0
// The owner's calls that ask the person in the dialog, and what the person was told.
#include "broker/app_registry.h"
#include "broker/consent_desk.h"
#include "broker/door.h"
#include "broker/method_gate.h"
#include "broker/owner_notices.h"
#include "broker/owner_service.h"
#include "broker/pseudonym_book.h"
#include "broker/purge.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "broker/shutdown.h"
#include "platform/status_macros.h"

namespace postern::broker {

grpc::Status OwnerService::ExtendGrant(grpc::ServerContext* context,
                                       const v1::ExtendGrantRequest* request,
                                       v1::ExtendGrantResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ExtendGrant", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const permissions::GrantId id,
                         CheckedId("grant_id", parts_.pseudonyms.Of(caller.principal)
                                                   .pseudonyms.DecodeGrant(request->grant_id())));
        return parts_.requests.Once(caller.principal, "ExtendGrant", request->request_id(),
                                    *request, *response, [&]() -> absl::Status {
                                      ASSIGN_OR_RETURN(const permissions::Grant grant,
                                                       parts_.consent.AskToExtend(caller, id, [&] {
                                                         return context->IsCancelled() ||
                                                                parts_.shutdown.begun();
                                                       }));
                                      *response->mutable_grant() = Owned(grant);
                                      return absl::OkStatus();
                                    });
      });
}

grpc::Status OwnerService::DismissNotices(grpc::ServerContext* context,
                                          const v1::DismissNoticesRequest* request,
                                          v1::DismissNoticesResponse*) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/DismissNotices", request, [&](const Caller&) {
        return parts_.notices.Dismiss({request->ids().begin(), request->ids().end()});
      });
}

grpc::Status OwnerService::Purge(grpc::ServerContext* context, const v1::PurgeRequest* request,
                                 v1::PurgeResponse* response) {
  return parts_.gate.Handle(context, "/postern.v1.OwnerService/Purge", request,
                            [&](const Caller& caller) -> absl::Status {
                              // Not remembered by its id: nothing is left that could remember.
                              RETURN_IF_ERROR(CheckRequestId(request->request_id()));
                              RETURN_IF_ERROR(parts_.consent.AskToConfirm(
                                  permissions::QuestionKind::kPurge, "", caller, [&] {
                                    return context->IsCancelled() || parts_.shutdown.begun();
                                  }));
                              for (const AppPointer& app : parts_.apps.All()) {
                                parts_.door.CloseConnections(app->principal);
                              }
                              for (std::string& left : parts_.purge.Run())
                                response->add_remaining(std::move(left));
                              return absl::OkStatus();
                            });
}

}  // namespace postern::broker
