// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/enroll.h"

#include "clients/sdk/errors.h"

namespace postern::sdk {

absl::Status ToClientStatus(const grpc::Status& status) {
  if (IsWrongBroker(status)) {
    return absl::UnauthenticatedError(
        "the program that answers on the broker's socket does not hold the pinned certificate's "
        "key; "
        "not connected. If the user made a new broker key, its broker.pem must be replaced too");
  }
  return ToStatus(status);
}

bool IsBrokenConnection(const absl::Status& status) {
  if (IsRetriable(status)) return true;
  if (ErrorReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED) return false;
  // Every refusal of the broker carries a reason; without one these come from the transport.
  return status.code() == absl::StatusCode::kInternal ||
         status.code() == absl::StatusCode::kUnknown ||
         status.code() == absl::StatusCode::kCancelled;
}

absl::Status Enroll(Stubs& stubs, const v1::Manifest& manifest, const ClientOptions& options,
                    Canceller& canceller) {
  grpc::ClientContext context;
  const Canceller::Scope scope(canceller, context);
  v1::EnrollRequest request;
  *request.mutable_manifest() = manifest;
  const auto stream = stubs.enrollment->Enroll(&context, request);
  v1::EnrollResponse response;
  v1::EnrollResponse::State last = v1::EnrollResponse::STATE_UNSPECIFIED;
  while (stream->Read(&response)) {
    last = response.state();
    if (options.on_enrollment) options.on_enrollment(response);
  }
  const grpc::Status status = stream->Finish();
  switch (last) {
    case v1::EnrollResponse::STATE_GRANTED:
      return absl::OkStatus();
    case v1::EnrollResponse::STATE_DENIED:
      return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_CONSENT_REFUSED,
                       "the user did not allow this program");
    case v1::EnrollResponse::STATE_EXPIRED:
      return MakeError(absl::StatusCode::kDeadlineExceeded, v1::ERROR_REASON_CONSENT_REFUSED,
                       "nobody answered the question whether to allow this program");
    default:
      break;
  }
  if (status.ok()) return absl::InternalError("the broker ended the enrolment without an answer");
  return ToClientStatus(status);
}

}  // namespace postern::sdk
