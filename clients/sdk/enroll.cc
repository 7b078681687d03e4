// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/enroll.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "clients/sdk/errors.h"
#include "clients/sdk/silence.h"
#include "platform/status_macros.h"

namespace postern::sdk {
namespace {

constexpr char kStartIt[] = "; start it, e.g. systemctl --user start posternd";

// The socket that gRPC could not connect to, out of its words "...: unix:PATH: why"; empty when
// they say something else.
std::string UnreachedSocket(const std::string& message) {
  constexpr char kScheme[] = "unix:";
  const size_t begin = message.find(kScheme);
  if (begin == std::string::npos) return "";
  const std::string rest = message.substr(begin + sizeof(kScheme) - 1);
  if (!absl::StrContains(rest, "No such file") && !absl::StrContains(rest, "Connection refused")) {
    return "";
  }
  return rest.substr(0, rest.find(": "));
}

}  // namespace

absl::Status CheckSocketIsThere(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      absl::StrCat("posternd is not running (no socket at ", path, ")", kStartIt));
}

absl::Status ToClientStatus(const grpc::Status& status) {
  if (IsWrongBroker(status)) {
    return absl::UnauthenticatedError(
        "the program that answers on the broker's socket does not hold the pinned certificate's "
        "key; "
        "not connected. If the user made a new broker key, its broker.pem must be replaced too");
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && !ErrorInfoOf(status).has_value()) {
    if (const std::string path = UnreachedSocket(status.error_message()); !path.empty()) {
      RETURN_IF_ERROR(CheckSocketIsThere(path));
      return absl::UnavailableError(
          absl::StrCat("posternd is not running (nobody answers at ", path, ")", kStartIt));
    }
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
  return WithSilenceInWords(ToClientStatus(status));
}

}  // namespace postern::sdk
