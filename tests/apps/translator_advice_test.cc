// SPDX-License-Identifier: Apache-2.0
// What an error means: what is tried again, and how the program ends otherwise.
#include "clients/translator/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/sdk/errors.h"
#include "clients/translator/patience.h"

namespace postern::translator {
namespace {

using testing::HasSubstr;

TEST(Patience, HoldsForWhatPassesByItself) {
  const absl::Status suspended = sdk::MakeError(absl::StatusCode::kPermissionDenied,
                                                v1::ERROR_REASON_GRANT_SUSPENDED, "locked");
  v1::ErrorInfo info;
  info.set_domain("postern");
  info.set_reason("LIMIT_EXCEEDED");
  (*info.mutable_metadata())["retry_after_seconds"] = "30";
  absl::Status limit = absl::ResourceExhaustedError("60 an hour");
  limit.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                   absl::Cord(absl::string_view(info.SerializeAsString())));
  EXPECT_TRUE(PassesByItself(suspended));
  EXPECT_TRUE(PassesByItself(limit));
  EXPECT_TRUE(PassesByItself(absl::UnavailableError("away")));
  EXPECT_FALSE(PassesByItself(absl::OkStatus()));
  EXPECT_FALSE(PassesByItself(sdk::MakeError(absl::StatusCode::kResourceExhausted,
                                             v1::ERROR_REASON_LIMIT_EXCEEDED, "for good")));
  EXPECT_FALSE(PassesByItself(
      sdk::MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_GRANT_REVOKED, "no")));
  Screen screen;
  int tries = 0;
  EXPECT_TRUE(
      Patiently("A try", screen, [&] { return ++tries == 1 ? suspended : absl::OkStatus(); }).ok());
  EXPECT_EQ(tries, 2);
}

TEST(Advice, OnlyWhatAPersonHasToEndKeepsSystemdFromStartingItAgain) {
  const auto code = [](v1::ErrorReason reason) {
    return AdviceFor(sdk::MakeError(absl::StatusCode::kPermissionDenied, reason, "said")).exit_code;
  };
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_CONSENT_SILENCED, v1::ERROR_REASON_CONSENT_UNAVAILABLE,
        v1::ERROR_REASON_GRANT_SUSPENDED, v1::ERROR_REASON_PAUSED,
        v1::ERROR_REASON_LIMIT_EXCEEDED}) {
    EXPECT_EQ(code(reason), kFailed) << reason;
  }
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_CONSENT_REFUSED, v1::ERROR_REASON_GRANT_REVOKED,
        v1::ERROR_REASON_GRANT_EXPIRED, v1::ERROR_REASON_SCOPE_REQUIRED}) {
    EXPECT_EQ(code(reason), kNotAllowed) << reason;
  }
  EXPECT_EQ(AdviceFor(absl::UnavailableError("away")).exit_code, kNotRunning);
  const absl::Status revoked =
      sdk::MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_GRANT_REVOKED, "over");
  EXPECT_THAT(AdviceFor(revoked, "/data/its-id").line,
              HasSubstr("remove the folder /data/its-id "));
}

}  // namespace
}  // namespace postern::translator
