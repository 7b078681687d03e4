// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/grants.h"

#include <absl/time/clock.h>

#include <algorithm>

#include "clients/sdk/enroll.h"
#include "clients/sdk/identity.h"
#include "clients/sdk/silence.h"
#include "clients/sdk/stubs.h"
#include "platform/status_macros.h"

namespace postern::sdk {
namespace {

// How often an open question is looked at: a person takes seconds.
constexpr absl::Duration kLookEvery = absl::Milliseconds(500);
// Longer than any question stands.
constexpr absl::Duration kAnswerAtMost = absl::Minutes(15);
constexpr absl::Duration kCallTimeout = absl::Seconds(30);
constexpr absl::Duration kRestMin = absl::Seconds(5);
constexpr absl::Duration kRestMax = absl::Minutes(1);
// For the broker to answer a call, and to refuse a stream of events.
constexpr absl::Duration kEndWithin = absl::Seconds(10);

// One call that gives a GrantRequest.
template <typename Request, typename Response>
absl::StatusOr<v1::GrantRequest> Call(
    Client& client,
    grpc::Status (v1::GrantService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
    const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  Response response;
  RETURN_IF_ERROR(WithSilenceInWords(
      ToClientStatus((client.stubs().grant.get()->*method)(&context, request, &response))));
  return std::move(*response.mutable_grant_request());
}

absl::Status Unanswered() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, v1::ERROR_REASON_CONSENT_REFUSED,
                   "nobody answered the question whether to allow more");
}

}  // namespace

bool IsStanding(const v1::Grant& grant) {
  return grant.state() == v1::Grant::STATE_ACTIVE || grant.state() == v1::Grant::STATE_SUSPENDED;
}

std::set<v1::Scope> HeldScopes(const v1::GetSelfResponse& self) {
  std::set<v1::Scope> held;
  for (const v1::Grant& grant : self.grants()) {
    if (!IsStanding(grant)) continue;
    for (const int scope : grant.scopes()) held.insert(static_cast<v1::Scope>(scope));
  }
  return held;
}

std::vector<v1::Scope> MissingScopes(const v1::Manifest& manifest,
                                     const v1::GetSelfResponse& self) {
  const std::set<v1::Scope> held = HeldScopes(self);
  std::vector<v1::Scope> missing;
  for (const auto* wanted : {&manifest.required_scopes(), &manifest.optional_scopes()}) {
    for (const int number : *wanted) {
      const auto scope = static_cast<v1::Scope>(number);
      if (!held.contains(scope)) missing.push_back(scope);
    }
  }
  return missing;
}

bool AccessIsOver(const absl::Status& status) {
  const v1::ErrorReason reason = ErrorReasonOf(status);
  return reason == v1::ERROR_REASON_GRANT_REVOKED || reason == v1::ERROR_REASON_GRANT_EXPIRED;
}

bool AccessRests(const absl::Status& status) {
  const v1::ErrorReason reason = ErrorReasonOf(status);
  return reason == v1::ERROR_REASON_GRANT_SUSPENDED ||
         (reason == v1::ERROR_REASON_LIMIT_EXCEEDED && RetryAfterOf(status) > absl::ZeroDuration());
}

absl::Duration RestOf(const absl::Status& status) {
  return std::clamp(RetryAfterOf(status), kRestMin, kRestMax);
}

absl::Status EraseIfOver(const std::string& app_id, const ClientOptions& options,
                         const std::function<absl::Status()>& erase_everything) {
  ASSIGN_OR_RETURN(const Identity identity, LoadIdentity(app_id, options));
  ClientOptions quick = options;
  quick.reach_timeout = std::min(options.reach_timeout, kEndWithin);
  quick.call_timeout = std::min(options.call_timeout, kEndWithin);
  // Not Connect: a key that was thrown out may still say this, and nobody is to be asked anew.
  ASSIGN_OR_RETURN(const auto client,
                   Client::ConnectWithKey(identity.key_pem, identity.certificate_pem, quick));
  const auto self = client->GetSelf();
  if (!self.ok() && !AccessIsOver(self.status())) return self.status();
  if (self.ok() && !HeldScopes(*self).empty()) return absl::OkStatus();
  absl::Status erased;
  const auto events = client->Subscribe({.on_erase_everything = [&] {
    erased = erase_everything();
    return erased;
  }});
  // It ends with the refusal, after the erasure was confirmed.
  const absl::Status ended = events->Next(kEndWithin).status();
  if (AccessIsOver(ended)) return erased.ok() ? ended : erased;
  if (!absl::IsDeadlineExceeded(ended)) return ended;
  return absl::UnavailableError("posternd does not say whether this program's access is over");
}

absl::Status AskForGrant(Client& client, v1::RequestGrantRequest request, AskOptions options) {
  if (request.request_id().empty()) request.set_request_id(MakeRequestId());
  ASSIGN_OR_RETURN(v1::GrantRequest asked,
                   Call(client, &v1::GrantService::Stub::RequestGrant, request));
  if (options.on_asking) options.on_asking();
  v1::GetGrantRequestRequest look;
  look.set_grant_request_id(asked.id());
  absl::Duration waited;
  while (asked.state() == v1::GrantRequest::STATE_PENDING) {
    if (waited >= kAnswerAtMost) return Unanswered();
    if (!options.wait) {
      absl::SleepFor(kLookEvery);
    } else if (!options.wait(kLookEvery)) {
      return absl::CancelledError("the answer was waited for no longer");
    }
    waited += kLookEvery;
    ASSIGN_OR_RETURN(asked, Call(client, &v1::GrantService::Stub::GetGrantRequest, look));
  }
  switch (asked.state()) {
    case v1::GrantRequest::STATE_GRANTED:
      return absl::OkStatus();
    case v1::GrantRequest::STATE_EXPIRED:
      return Unanswered();
    default:
      return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_CONSENT_REFUSED,
                       "the user did not allow more");
  }
}

}  // namespace postern::sdk
