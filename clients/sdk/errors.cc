// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/errors.h"

#include <absl/strings/cord.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>

namespace postern::sdk {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kReasonPrefix[] = "ERROR_REASON_";
constexpr char kStalledText[] = "READER_STALLED:";
// A broker that asks for more is waited for no longer than this before asking again.
constexpr absl::Duration kRetryAfterMax = absl::Hours(24 * 7);

// From a view: newer clangs look for the constructor from a string under another name than the
// one that GCC gave it in Debian 13's library.
absl::Cord PayloadOf(const v1::ErrorInfo& info) {
  const std::string bytes = info.SerializeAsString();
  return absl::Cord(absl::string_view(bytes));
}

v1::ErrorReason ReasonOf(const std::optional<v1::ErrorInfo>& info) {
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (info.has_value() && info->domain() == "postern") {
    v1::ErrorReason_Parse(absl::StrCat(kReasonPrefix, info->reason()), &reason);
  }
  return reason;
}

}  // namespace

std::optional<v1::ErrorInfo> ErrorInfoOf(const grpc::Status& status) {
  v1::RpcStatus details;
  if (status.ok() || !details.ParseFromString(status.error_details())) return std::nullopt;
  for (const auto& detail : details.details()) {
    v1::ErrorInfo info;
    if (detail.type_url() == kErrorInfoUrl && info.ParseFromString(detail.value())) return info;
  }
  return std::nullopt;
}

std::optional<v1::ErrorInfo> ErrorInfoOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorInfoUrl);
  v1::ErrorInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) return std::nullopt;
  return info;
}

v1::ErrorReason ErrorReasonOf(const grpc::Status& status) { return ReasonOf(ErrorInfoOf(status)); }
v1::ErrorReason ErrorReasonOf(const absl::Status& status) { return ReasonOf(ErrorInfoOf(status)); }

absl::Status ToStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  if (const auto info = ErrorInfoOf(status); info.has_value()) {
    result.SetPayload(kErrorInfoUrl, PayloadOf(*info));
  } else if (absl::IsDeadlineExceeded(result) &&
             status.error_message().rfind(kStalledText, 0) == 0) {
    // The broker resets such a stream, and a reset has no room for details.
    return MakeError(result.code(), v1::ERROR_REASON_READER_STALLED, status.error_message());
  }
  return result;
}

absl::Status MakeError(absl::StatusCode code, v1::ErrorReason reason, std::string message) {
  absl::Status status(code, message);
  v1::ErrorInfo info;
  info.set_reason(v1::ErrorReason_Name(reason).substr(sizeof(kReasonPrefix) - 1));
  info.set_domain("postern");
  status.SetPayload(kErrorInfoUrl, PayloadOf(info));
  return status;
}

absl::Duration RetryAfterOf(const absl::Status& status) {
  const auto info = ErrorInfoOf(status);
  if (!info.has_value()) return absl::ZeroDuration();
  const auto entry = info->metadata().find("retry_after_seconds");
  double seconds = 0;
  if (entry == info->metadata().end() || !absl::SimpleAtod(entry->second, &seconds) ||
      !(seconds > 0)) {
    return absl::ZeroDuration();
  }
  return std::min(absl::Seconds(seconds), kRetryAfterMax);
}

bool IsRetriable(const absl::Status& status) {
  const v1::ErrorReason reason = ErrorReasonOf(status);
  if (absl::IsUnavailable(status)) return reason != v1::ERROR_REASON_CONSENT_UNAVAILABLE;
  return reason == v1::ERROR_REASON_READER_STALLED;
}

}  // namespace postern::sdk
