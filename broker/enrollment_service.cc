// SPDX-License-Identifier: Apache-2.0
#include "broker/enrollment_service.h"

#include "broker/app_registry.h"
#include "broker/consent_desk.h"
#include "broker/door.h"
#include "broker/manifest_codec.h"
#include "broker/method_gate.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/shutdown.h"
#include "broker/wire_grants.h"
#include "permissions/display_text.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// How often a waiting enrolment looks whether its caller is still there.
constexpr absl::Duration kCallerPoll = absl::Seconds(1);

permissions::ConsentQuestion QuestionFor(const permissions::Manifest& manifest,
                                         const permissions::Principal& principal) {
  permissions::ConsentQuestion question;
  question.kind = manifest.role == permissions::Role::kGatekeeper
                      ? permissions::QuestionKind::kEnrollGatekeeper
                      : permissions::QuestionKind::kEnrollApp;
  question.principal = principal;
  question.claimed_name = permissions::CleanName(manifest.display_name);
  question.purpose = permissions::CleanPurpose(manifest.purpose);
  question.app_id = manifest.app_id;
  question.software_version = permissions::CleanName(manifest.software_version);
  question.role = manifest.role;
  question.required_scopes = manifest.required_scopes;
  question.optional_scopes = manifest.optional_scopes;
  question.destination = manifest.data_destination;
  question.networks = manifest.networks;
  // An adapter starts with its client, not for events.
  if (manifest.role == permissions::Role::kApp) question.systemd_unit = manifest.systemd_unit;
  return question;
}

v1::EnrollResponse::State WireState(ConsentDesk::State state) {
  switch (state) {
    case ConsentDesk::State::kGranted:
      return v1::EnrollResponse::STATE_GRANTED;
    case ConsentDesk::State::kExpired:
      return v1::EnrollResponse::STATE_EXPIRED;
    default:
      return v1::EnrollResponse::STATE_DENIED;
  }
}

}  // namespace

grpc::Status EnrollmentService::Enroll(grpc::ServerContext* context,
                                       const v1::EnrollRequest* request,
                                       grpc::ServerWriter<v1::EnrollResponse>* writer) {
  return parts_.gate.Handle(
      context, "/postern.v1.EnrollmentService/Enroll", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const permissions::Manifest manifest,
                         ManifestFromProto(request->manifest()));
        const auto say = [&](v1::EnrollResponse response) {
          response.set_principal(caller.principal.ToHex());
          return writer->Write(response);
        };
        const AppPointer known = parts_.apps.Find(caller.principal);
        const Standing wanted = manifest.role == permissions::Role::kGatekeeper
                                    ? Standing::kGatekeeper
                                    : Standing::kApp;
        if (known->standing == Standing::kOwner) {
          return InvalidField("manifest", "is of no use: this is the owner's own key");
        }
        if (known->standing == wanted) {
          v1::EnrollResponse response;
          response.set_state(v1::EnrollResponse::STATE_GRANTED);
          const auto& page = parts_.pseudonyms.Of(caller.principal);
          for (const permissions::Grant& grant : known->grants) {
            *response.add_grants() = WireGrant(grant, page.pseudonyms, parts_.clock.Now());
          }
          say(std::move(response));
          return absl::OkStatus();
        }

        ConsentDesk::Request question;
        question.question = QuestionFor(manifest, caller.principal);
        question.app = AppFromManifest(manifest, caller.principal);
        ASSIGN_OR_RETURN(question.pidfd, parts_.door.PidfdOf(caller.connection));
        ASSIGN_OR_RETURN(const std::string id, parts_.consent.Ask(std::move(question)));
        ASSIGN_OR_RETURN(ConsentDesk::Status status, parts_.consent.Find(caller.principal, id));
        v1::EnrollResponse pending;
        pending.set_state(v1::EnrollResponse::STATE_PENDING);
        *pending.mutable_expire_time() = ToProto(status.expire_time);
        say(std::move(pending));
        while (status.state == ConsentDesk::State::kPending) {
          ASSIGN_OR_RETURN(status, parts_.consent.Wait(caller.principal, id, kCallerPoll));
          if (context->IsCancelled() || parts_.shutdown.begun()) {
            parts_.consent.Withdraw(caller.principal, id);
            return parts_.shutdown.begun() ? Shutdown::Refusal() : absl::CancelledError();
          }
        }
        RETURN_IF_ERROR(ConsentDesk::WhyUnanswered(status));
        v1::EnrollResponse response;
        response.set_state(WireState(status.state));
        if (status.grant.has_value()) {
          *response.add_grants() = WireGrant(
              *status.grant, parts_.pseudonyms.Of(caller.principal).pseudonyms, parts_.clock.Now());
        }
        say(std::move(response));
        return absl::OkStatus();
      });
}

}  // namespace postern::broker
