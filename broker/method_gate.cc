// SPDX-License-Identifier: Apache-2.0
#include "broker/method_gate.h"

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <string>

#include "permissions/method_access.h"
#include "platform/mutex.h"

namespace postern::broker {
namespace {

using permissions::MethodAccess;

std::string CallersText(uint8_t callers) {
  std::string text;
  const auto add = [&](uint8_t bit, const char* name) {
    if ((callers & bit) != 0) absl::StrAppend(&text, text.empty() ? "" : ", ", name);
  };
  add(permissions::kApps, "app");
  add(permissions::kGatekeepers, "gatekeeper");
  add(permissions::kOwner, "owner");
  return text;
}

// Standing and role; not the caller's number of calls. Standing comes first: a stranger is not told
// what exists.
absl::Status CheckRole(const MethodAccess* access, std::string_view full_method,
                       Standing standing) {
  const bool open_to_any = access != nullptr && (access->callers & permissions::kUnknownKey) != 0;
  if (!open_to_any && standing == Standing::kUnknown) {
    return ReasonStatus(
        absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_ENROLLMENT_REQUIRED,
        "this key is not enrolled: call postern.v1.EnrollmentService/Enroll on this "
        "channel, the user is asked, and then the same channel works",
        {{"enroll_method", "/postern.v1.EnrollmentService/Enroll"}});
  }
  if (standing == Standing::kRevoked &&
      (access == nullptr || (access->callers & CallerBit(standing)) == 0)) {
    return ReasonStatus(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_GRANT_REVOKED,
                        "the user took this key's access back: call "
                        "postern.v1.EnrollmentService/Enroll to ask again",
                        {{"enroll_method", "/postern.v1.EnrollmentService/Enroll"}});
  }
  if (access == nullptr) {
    return ReasonStatus(absl::StatusCode::kUnimplemented, v1::ERROR_REASON_NOT_IMPLEMENTED_YET,
                        "the broker has no such method", {{"method", std::string(full_method)}});
  }
  if ((access->callers & CallerBit(standing)) == 0) {
    return ReasonStatus(
        absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_REQUIRED,
        absl::StrCat("only these may call this method: ", CallersText(access->callers)),
        {{"method", std::string(full_method)}, {"roles", CallersText(access->callers)}});
  }
  return absl::OkStatus();
}

// Whether a caller that gets this answer was kept from something, rather than mistaken or unlucky.
bool IsRefusal(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_ENROLLMENT_REQUIRED:
    case v1::ERROR_REASON_GRANT_REVOKED:
    case v1::ERROR_REASON_GRANT_SUSPENDED:
    case v1::ERROR_REASON_GRANT_EXPIRED:
    case v1::ERROR_REASON_SCOPE_REQUIRED:
    case v1::ERROR_REASON_ROLE_REQUIRED:
    case v1::ERROR_REASON_CONSENT_REFUSED:
    case v1::ERROR_REASON_CONSENT_SILENCED:
    case v1::ERROR_REASON_NOT_FOUND:
    case v1::ERROR_REASON_ACCOUNT_ALREADY_SERVED:
    case v1::ERROR_REASON_LIMIT_EXCEEDED:
    case v1::ERROR_REASON_PAUSED:
    case v1::ERROR_REASON_LOOP:
      return true;
    default:
      return false;
  }
}

}  // namespace

uint8_t CallerBit(Standing standing) {
  switch (standing) {
    case Standing::kUnknown:
      return permissions::kUnknownKey;
    case Standing::kRevoked:
      return permissions::kUnknownKey | permissions::kRevokedKey;
    case Standing::kApp:
      return permissions::kApps;
    case Standing::kGatekeeper:
      return permissions::kGatekeepers;
    case Standing::kOwner:
      return permissions::kOwner;
  }
  return 0;
}

// How many calls each key runs now. A key without calls has no entry.
class MethodGate::Calls {
 public:
  explicit Calls(const DoorLimits& limits) : limits_(limits) {}

  bool Begin(const permissions::Principal& principal, Standing standing) {
    const int most = standing <= Standing::kRevoked ? limits_.calls_per_unknown_key_max
                                                    : limits_.calls_per_principal_max;
    platform::MutexLock lock(mutex_);
    int& running = running_[principal];
    if (running >= most) return false;
    ++running;
    return true;
  }
  void End(const permissions::Principal& principal) {
    platform::MutexLock lock(mutex_);
    const auto entry = running_.find(principal);
    if (--entry->second == 0) running_.erase(entry);
  }

 private:
  const DoorLimits limits_;
  platform::Mutex mutex_;
  absl::flat_hash_map<permissions::Principal, int> running_ ABSL_GUARDED_BY(mutex_);
};

MethodGate::MethodGate(const Door& door, StandingOf standing_of, const DoorLimits& limits,
                       Observer observer)
    : door_(door),
      standing_of_(std::move(standing_of)),
      observer_(std::move(observer)),
      calls_(std::make_shared<Calls>(limits)) {}

MethodGate::~MethodGate() = default;

// OK counts as a call that has begun.
absl::Status MethodGate::CheckCaller(const Caller& caller, std::string_view full_method) const {
  absl::Status role =
      CheckRole(permissions::FindMethodAccess(full_method), full_method, caller.standing);
  if (!role.ok()) return role;
  if (calls_->Begin(caller.principal, caller.standing)) return absl::OkStatus();
  return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      "too many calls of this key at once: end one, then call again",
                      {{"limit", "calls"}, {"retry_after_seconds", "1"}});
}

void MethodGate::TellRefused(const Caller& caller, const absl::Status& status) const {
  if (!observer_.refused) return;
  const std::optional<v1::ErrorReason> reason = ReasonOf(status);
  if (reason.has_value() && IsRefusal(*reason)) observer_.refused(caller, *reason);
}

absl::StatusOr<MethodGate::Admission> MethodGate::Admit(const grpc::ServerContext& context,
                                                        std::string_view full_method) const {
  auto caller = door_.CallerOf(context);
  if (!caller.ok()) return caller.status();
  caller->standing = standing_of_(caller->principal);
  if (absl::Status status = CheckCaller(*caller, full_method); !status.ok()) {
    TellRefused(*caller, status);
    return status;
  }
  if (observer_.admitted) observer_.admitted(*caller);
  // The destructor of the last copy ends the call, whatever way the handler is left.
  std::shared_ptr<void> call(calls_.get(), [calls = calls_, principal = caller->principal](void*) {
    calls->End(principal);
  });
  return Admission(*caller, std::move(call));
}

absl::Status MethodGate::CheckSize(const Caller& caller,
                                   const google::protobuf::MessageLite& message) {
  if (caller.standing == Standing::kGatekeeper) return absl::OkStatus();  // gRPC's own limit holds
  if (message.ByteSizeLong() <= kAppRequestBytesMax) return absl::OkStatus();
  return ReasonStatus(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
      absl::StrCat("a request of an app has at most ", kAppRequestBytesMax, " bytes"),
      {{"limit", "request_bytes"}, {"max", absl::StrCat(kAppRequestBytesMax)}});
}

}  // namespace postern::broker
