// SPDX-License-Identifier: Apache-2.0
// How services read requests and refuse them: malformed is answered before forbidden, and forbidden
// looks like missing.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "broker/absl_text.h"
#include "broker/limits.h"
#include "broker/rpc_status.h"
#include "permissions/decide.h"
#include "permissions/manifest.h"
#include "permissions/scope.h"
#include "postern/v1/version.pb.h"

namespace postern::broker {

// INVALID_ARGUMENT INVALID_FIELD.
inline absl::Status InvalidField(std::string_view field, std::string_view what) {
  return ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_FIELD,
                      absl::StrCat("'", AbslText(field), "' ", AbslText(what)),
                      {{"field", std::string(field)}});
}

// NOT_FOUND: missing and forbidden alike.
inline absl::Status NotFound(std::string_view field) {
  return ReasonStatus(
      absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
      absl::StrCat("there is nothing of that '", AbslText(field), "' that this app may see"),
      {{"field", std::string(field)}});
}

// Gives the id that 'decoded' holds, or says that 'field' is malformed.
template <typename AnyId>
absl::StatusOr<AnyId> CheckedId(std::string_view field, const std::optional<AnyId>& decoded) {
  if (!decoded.has_value() || decoded->empty()) {
    return InvalidField(field, "is not an id of this app");
  }
  return *decoded;
}

// Every method that changes something takes one (AIP-155).
inline absl::Status CheckRequestId(const std::string& request_id) {
  if (!request_id.empty() && request_id.size() <= kRequestIdMax) return absl::OkStatus();
  return InvalidField("request_id", absl::StrCat("must have 1 to ", kRequestIdMax, " characters"));
}

// A page size within bounds (AIP-158).
inline absl::StatusOr<int> CheckedPageSize(int page_size) {
  if (page_size < 0) return InvalidField("page_size", "must not be negative");
  return page_size == 0 ? kPageSizeDefault : std::min(page_size, kPageSizeMax);
}

inline absl::Status InvalidPageToken() {
  return ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PAGE_TOKEN,
                      "'page_token' does not continue this request; start again without it",
                      {{"field", "page_token"}});
}

inline absl::Status CheckVersion(const v1::ProtocolVersion& version) {
  const uint32_t major =
      version.major() == 0 && version.minor() == 0 ? permissions::kProtocolMajor : version.major();
  if (major == permissions::kProtocolMajor) return absl::OkStatus();
  const std::string theirs = absl::StrCat(version.major(), ".", version.minor());
  const std::string ours =
      absl::StrCat(permissions::kProtocolMajor, ".", permissions::kProtocolMinor);
  return ReasonStatus(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_VERSION_MISMATCH,
                      absl::StrCat("this program speaks version ", theirs, " and the broker ", ours,
                                   "; update the older one"),
                      {{"caller_version", theirs}, {"broker_version", ours}});
}

// Turns a verdict into the caller's answer; OK when allowed.
inline absl::Status VerdictStatus(permissions::Verdict verdict, permissions::Scope scope) {
  using permissions::Verdict;
  const std::string name(permissions::ScopeName(scope));
  switch (verdict) {
    case Verdict::kAllowed:
      return absl::OkStatus();
    case Verdict::kPaused:
      return ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_PAUSED,
                          "the user paused all apps; wait");
    case Verdict::kScopeMissing:
      return ReasonStatus(
          absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_SCOPE_REQUIRED,
          absl::StrCat("this app holds no ", name, " grant; call GrantService.RequestGrant"),
          {{"scope", name}});
    case Verdict::kRevoked:
      return ReasonStatus(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_GRANT_REVOKED,
                          "the user took this access back", {{"scope", name}});
    case Verdict::kSuspended:
      return ReasonStatus(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_GRANT_SUSPENDED,
                          "the user suspended this access; follow GrantService.WatchGrants",
                          {{"scope", name}});
    case Verdict::kExpired:
      return ReasonStatus(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_GRANT_EXPIRED,
                          "the time the user allowed has passed; ask again", {{"scope", name}});
    case Verdict::kNotFound:
      return NotFound("id");
  }
  return absl::InternalError("a verdict without an answer");
}

}  // namespace postern::broker
