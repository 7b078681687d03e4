// SPDX-License-Identifier: Apache-2.0
#include "broker/rpc_status.h"

#include <absl/random/random.h>
#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include "broker/absl_text.h"

namespace postern::broker {
namespace {

constexpr char kErrorInfoType[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kDomain[] = "postern";
constexpr std::string_view kReasonPrefix = "ERROR_REASON_";

v1::ErrorInfo InfoOf(v1::ErrorReason reason, const ErrorMetadata& metadata) {
  v1::ErrorInfo info;
  info.set_reason(std::string(ReasonName(reason)));
  info.set_domain(kDomain);
  for (const auto& [name, value] : metadata) (*info.mutable_metadata())[name] = value;
  return info;
}

grpc::Status WireStatus(grpc::StatusCode code, std::string_view message, std::string error_info) {
  v1::RpcStatus details;
  details.set_code(static_cast<int>(code));
  details.set_message(std::string(message));
  auto* any = details.add_details();
  any->set_type_url(kErrorInfoType);
  any->set_value(std::move(error_info));
  return {code, std::string(message), details.SerializeAsString()};
}

// What the storage says without a reason of its own: the caller can wait and try again.
grpc::Status StorageUnavailable(const absl::Status& status) {
  spdlog::error("event=storage_unavailable what=\"{}\"", std::string(status.message()));
  return MakeStatus(
      grpc::StatusCode::UNAVAILABLE, v1::ERROR_REASON_STORAGE_UNAVAILABLE,
      "the broker's disk is full, read-only or unreadable; nothing was stored, try again "
      "once there is room");
}

// The log, or what is kept beside it, is not as it was written.
grpc::Status LogDamaged(const absl::Status& status) {
  spdlog::error("event=log_damaged what=\"{}\"", std::string(status.message()));
  return MakeStatus(grpc::StatusCode::DATA_LOSS, v1::ERROR_REASON_LOG_DAMAGED,
                    "what the broker has stored failed its own checks; it takes nothing more in. "
                    "The user can run: postern doctor");
}

grpc::Status InternalFault(const absl::Status& status) {
  absl::BitGen random;
  const std::string id = absl::StrCat(absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16));
  spdlog::error("internal error {}: {}", id, status.ToString());
  return MakeStatus(grpc::StatusCode::INTERNAL, v1::ERROR_REASON_INTERNAL,
                    "the broker failed; its journal has the details under this error_id",
                    {{"error_id", id}});
}

}  // namespace

std::string_view ReasonName(v1::ErrorReason reason) {
  std::string_view name = v1::ErrorReason_Name(reason);
  if (name.starts_with(kReasonPrefix)) name.remove_prefix(kReasonPrefix.size());
  return name;
}

absl::Status ReasonStatus(absl::StatusCode code, v1::ErrorReason reason, std::string_view message,
                          const ErrorMetadata& metadata) {
  absl::Status status(code, std::string(message));
  // From a view: newer clangs look for the constructor from a string under another name than the
  // one that GCC gave it in Debian 13's library.
  const std::string info = InfoOf(reason, metadata).SerializeAsString();
  status.SetPayload(kErrorInfoType, absl::Cord(AbslText(info)));
  return status;
}

std::optional<v1::ErrorReason> ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorInfoType);
  v1::ErrorInfo info;
  v1::ErrorReason reason;
  if (!payload || !info.ParseFromString(std::string(*payload)) ||
      !v1::ErrorReason_Parse(std::string(kReasonPrefix) + info.reason(), &reason)) {
    return std::nullopt;
  }
  return reason;
}

v1::ErrorInfo ErrorInfoOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorInfoType);
  v1::ErrorInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) return {};
  return info;
}

std::string FieldOf(const absl::Status& status) {
  const v1::ErrorInfo info = ErrorInfoOf(status);
  const auto field = info.metadata().find("field");
  return field == info.metadata().end() ? std::string() : field->second;
}

grpc::Status MakeStatus(grpc::StatusCode code, v1::ErrorReason reason, std::string_view message,
                        const ErrorMetadata& metadata) {
  return WireStatus(code, message, InfoOf(reason, metadata).SerializeAsString());
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // The numbers of absl's codes are gRPC's.
  const auto code = static_cast<grpc::StatusCode>(status.code());
  if (const auto info = status.GetPayload(kErrorInfoType)) {
    return WireStatus(code, std::string(status.message()), std::string(*info));
  }
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
      return {code, std::string(status.message())};
    case absl::StatusCode::kUnavailable:
      return StorageUnavailable(status);
    case absl::StatusCode::kDataLoss:
      return LogDamaged(status);
    default:
      return InternalFault(status);
  }
}

}  // namespace postern::broker
