// SPDX-License-Identifier: Apache-2.0
#include "broker/grant_service.h"

#include <algorithm>

#include "broker/app_registry.h"
#include "broker/consent_desk.h"
#include "broker/directory.h"
#include "broker/door.h"
#include "broker/event_log.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "broker/question_offer.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "broker/send_limits.h"
#include "broker/shutdown.h"
#include "broker/store_anchor.h"
#include "broker/wire_grants.h"
#include "permissions/display_text.h"
#include "permissions/subset.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::Grant;
using permissions::GrantState;

v1::GrantRequest WireRequest(const std::string& id, const ConsentDesk::Status& status,
                             const permissions::Pseudonyms& pseudonyms, absl::Time now) {
  v1::GrantRequest request;
  request.set_id(id);
  *request.mutable_expire_time() = ToProto(status.expire_time);
  switch (status.state) {
    case ConsentDesk::State::kPending:
      request.set_state(v1::GrantRequest::STATE_PENDING);
      break;
    case ConsentDesk::State::kGranted:
      request.set_state(v1::GrantRequest::STATE_GRANTED);
      break;
    case ConsentDesk::State::kExpired:
    case ConsentDesk::State::kUnavailable:
    case ConsentDesk::State::kWithdrawn:
    case ConsentDesk::State::kSilenced:
      request.set_state(v1::GrantRequest::STATE_EXPIRED);
      break;
    case ConsentDesk::State::kDenied:
      request.set_state(v1::GrantRequest::STATE_DENIED);
      break;
  }
  if (status.grant.has_value())
    *request.mutable_grant() = WireGrant(*status.grant, pseudonyms, now);
  return request;
}

// A grant as its app holds it now: one that waits for the session to be unlocked is suspended.
v1::Grant HeldGrant(const Parts& parts, const Grant& grant,
                    const permissions::Pseudonyms& pseudonyms) {
  v1::Grant held = WireGrant(grant, pseudonyms, parts.clock.Now());
  if (held.state() == v1::Grant::STATE_ACTIVE && grant.only_while_unlocked &&
      !parts.apps.session_unlocked()) {
    held.set_state(v1::Grant::STATE_SUSPENDED);
  }
  return held;
}

// OK when the app has such a grant and it has not ended.
absl::Status CheckStands(const AppSnapshot& app, permissions::GrantId id, absl::Time now) {
  for (const Grant& grant : app.grants) {
    if (grant.id != id) continue;
    if (Stands(grant) && now < grant.validity.expire_time) return absl::OkStatus();
  }
  return NotFound("grant_id");
}

}  // namespace

grpc::Status GrantService::GetSelf(grpc::ServerContext* context, const v1::GetSelfRequest* request,
                                   v1::GetSelfResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.GrantService/GetSelf", request, [&](const Caller& caller) {
        const AppPointer app = parts_.apps.Find(caller.principal);
        const auto& page = parts_.pseudonyms.Of(caller.principal);
        response->set_principal(caller.principal.ToHex());
        response->set_role(RoleOf(caller.standing));
        response->set_display_name(app->app.display_name());
        for (auto grant = app->grants.rbegin(); grant != app->grants.rend(); ++grant) {
          *response->add_grants() = HeldGrant(parts_, *grant, page.pseudonyms);
        }
        response->set_paused(parts_.apps.paused());
        return absl::OkStatus();
      });
}

grpc::Status GrantService::RequestGrant(grpc::ServerContext* context,
                                        const v1::RequestGrantRequest* request,
                                        v1::RequestGrantResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.GrantService/RequestGrant", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& page = parts_.pseudonyms.Of(caller.principal);
        const AppPointer app = parts_.apps.Find(caller.principal);
        ConsentDesk::Request question;
        for (const int number : request->scopes()) {
          const auto scope = permissions::ScopeFromNumber(number);
          if (!scope.ok()) return InvalidField("scopes", "names a scope this broker does not know");
          question.question.optional_scopes.Add(*scope);
        }
        if (question.question.optional_scopes.empty()) {
          return InvalidField("scopes", "must name what is wanted");
        }
        if (request->chat_ids_size() > static_cast<int>(kAskedChatsMax)) {
          return InvalidField("chat_ids", absl::StrCat("must name at most ", kAskedChatsMax));
        }
        for (const std::string& chat_id : request->chat_ids()) {
          ASSIGN_OR_RETURN(const permissions::ChatId chat,
                           CheckedId("chat_ids", page.pseudonyms.DecodeChat(chat_id)));
          question.asked_chats.push_back(chat);
        }
        question.question.kind = permissions::QuestionKind::kWidenGrant;
        DescribeApp(app->app, question.question);
        question.question.principal = caller.principal;
        question.question.purpose = permissions::CleanPurpose(request->purpose());
        question.app = app->app;
        return parts_.requests.Once(
            caller.principal, "RequestGrant", request->request_id(), *request, *response,
            [&] { return parts_.limits.TakeWrite(caller.principal); },
            [&]() -> absl::Status {
              ASSIGN_OR_RETURN(question.pidfd, parts_.door.PidfdOf(caller.connection));
              ASSIGN_OR_RETURN(const std::string id, parts_.consent.Ask(std::move(question)));
              ASSIGN_OR_RETURN(const ConsentDesk::Status status,
                               parts_.consent.Find(caller.principal, id));
              *response->mutable_grant_request() =
                  WireRequest(id, status, page.pseudonyms, parts_.clock.Now());
              return absl::OkStatus();
            });
      });
}

grpc::Status GrantService::GetGrantRequest(grpc::ServerContext* context,
                                           const v1::GetGrantRequestRequest* request,
                                           v1::GetGrantRequestResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.GrantService/GetGrantRequest", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const ConsentDesk::Status status,
                         parts_.consent.Find(caller.principal, request->grant_request_id()));
        // What the user can do about it is in the refusal.
        if (status.state == ConsentDesk::State::kUnavailable ||
            status.state == ConsentDesk::State::kSilenced) {
          return ConsentDesk::WhyUnanswered(status);
        }
        *response->mutable_grant_request() =
            WireRequest(request->grant_request_id(), status,
                        parts_.pseudonyms.Of(caller.principal).pseudonyms, parts_.clock.Now());
        return absl::OkStatus();
      });
}

grpc::Status GrantService::WatchGrants(grpc::ServerContext* context,
                                       const v1::WatchGrantsRequest* request,
                                       grpc::ServerWriter<v1::WatchGrantsResponse>* writer) {
  return parts_.gate.Handle(
      context, "/postern.v1.GrantService/WatchGrants", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& page = parts_.pseudonyms.Of(caller.principal);
        std::string last;
        while (!context->IsCancelled()) {
          if (parts_.shutdown.begun()) return Shutdown::Refusal();
          const uint64_t epoch = parts_.apps.epoch();
          // Before the grants are looked at: what ends meanwhile is to be noticed at once.
          const absl::Time now = parts_.clock.Now();
          const AppPointer app = parts_.apps.Find(caller.principal);
          if (app->standing == Standing::kRevoked) {
            return VerdictStatus(permissions::Verdict::kRevoked, permissions::Scope::kMessagesRead);
          }
          v1::WatchGrantsResponse response;
          for (const Grant& grant : app->grants) {
            v1::Grant held = HeldGrant(parts_, grant, page.pseudonyms);
            if (held.state() == v1::Grant::STATE_ACTIVE ||
                held.state() == v1::Grant::STATE_SUSPENDED) {
              *response.add_grants() = std::move(held);
            }
          }
          response.set_paused(parts_.apps.paused());
          // Another app's change is no news to this one.
          const std::string bytes = response.SerializeAsString();
          if (last != bytes || last.empty()) {
            if (!writer->Write(response)) return absl::CancelledError();
            last = bytes.empty() ? "-" : bytes;
          }
          // What ends by itself changes no grant and no epoch.
          const absl::Time expiry = permissions::NextExpiry(parts_.apps.AccessOf(*app), now);
          parts_.apps.WaitForChange(epoch, std::min(kCancelPoll, expiry - now));
        }
        return absl::CancelledError();
      });
}

grpc::Status GrantService::ReleaseGrant(grpc::ServerContext* context,
                                        const v1::ReleaseGrantRequest* request,
                                        v1::ReleaseGrantResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.GrantService/ReleaseGrant", request,
      [&](const Caller& caller) -> absl::Status {
        const auto& page = parts_.pseudonyms.Of(caller.principal);
        ASSIGN_OR_RETURN(const permissions::GrantId id,
                         CheckedId("grant_id", page.pseudonyms.DecodeGrant(request->grant_id())));
        permissions::ScopeSet scopes;
        for (const int number : request->scopes()) {
          const auto scope = permissions::ScopeFromNumber(number);
          if (!scope.ok()) return InvalidField("scopes", "names a scope this broker does not know");
          scopes.Add(*scope);
        }
        return parts_.requests.Once(
            caller.principal, "ReleaseGrant", request->request_id(), *request, *response,
            [&]() -> absl::Status {
              // A grant that has ended cannot be given back, and saying so costs no write.
              RETURN_IF_ERROR(
                  CheckStands(*parts_.apps.Find(caller.principal), id, parts_.clock.Now()));
              return parts_.limits.TakeWrite(caller.principal);
            },
            [&]() -> absl::Status {
              ASSIGN_OR_RETURN(const Grant grant,
                               parts_.apps.ChangeGrant(
                                   id,
                                   [&](Grant& changed) -> absl::Status {
                                     if (changed.principal != caller.principal)
                                       return NotFound("grant_id");
                                     const Grant before = changed;
                                     for (const permissions::Scope scope : scopes.ToVector()) {
                                       changed.scopes.Remove(scope);
                                     }
                                     if (scopes.empty() || changed.scopes.empty()) {
                                       changed.state = GrantState::kRevoked;
                                     }
                                     if (permissions::IsWithin(changed, before)) {
                                       return absl::OkStatus();
                                     }
                                     return absl::InternalError("giving back would have widened");
                                   },
                                   {v1::ACCESS_VERB_NARROWED, "app"}));
              parts_.anchor.SaveNow();
              *response->mutable_grant() = WireGrant(grant, page.pseudonyms, parts_.clock.Now());
              // Streams decide again, and end when nothing is left to them.
              parts_.log.WakeAll();
              return absl::OkStatus();
            });
      });
}

}  // namespace postern::broker
