// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/problem.h"

#include <gtest/gtest.h>

#include "clients/sdk/errors.h"

namespace postern::cli {
namespace {

Problem ExplainReason(v1::ErrorReason reason, Caller caller = Caller::kApp) {
  return Explain(sdk::MakeError(absl::StatusCode::kPermissionDenied, reason, "for developers"),
                 caller);
}

TEST(Explain, HasWordsForEveryReason) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason = static_cast<v1::ErrorReason>(reasons->value(i)->number());
    for (const Caller caller : {Caller::kOwner, Caller::kApp}) {
      const Problem problem = ExplainReason(reason, caller);
      EXPECT_NE(problem.exit_code, ExitCode::kOk) << v1::ErrorReason_Name(reason);
      EXPECT_FALSE(problem.what.empty()) << v1::ErrorReason_Name(reason);
      EXPECT_FALSE(problem.reason.empty()) << v1::ErrorReason_Name(reason);
    }
  }
}

TEST(Explain, TellsScriptsWhatWasNotAllowed) {
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_ENROLLMENT_REQUIRED, v1::ERROR_REASON_GRANT_REVOKED,
        v1::ERROR_REASON_GRANT_EXPIRED, v1::ERROR_REASON_GRANT_SUSPENDED,
        v1::ERROR_REASON_SCOPE_REQUIRED, v1::ERROR_REASON_CONSENT_REFUSED,
        v1::ERROR_REASON_CONSENT_UNAVAILABLE}) {
    EXPECT_EQ(ExplainReason(reason).exit_code, ExitCode::kNotAllowed)
        << v1::ErrorReason_Name(reason);
    EXPECT_FALSE(ExplainReason(reason).next.empty()) << v1::ErrorReason_Name(reason);
  }
}

TEST(Explain, KnowsABrokerThatDoesNotRun) {
  EXPECT_EQ(Explain(absl::UnavailableError("connection refused"), Caller::kOwner).exit_code,
            ExitCode::kNotRunning);
}

TEST(Explain, KnowsABrokerThatIsNotThePinnedOne) {
  EXPECT_EQ(Explain(absl::UnauthenticatedError("handshake"), Caller::kOwner).exit_code,
            ExitCode::kNotAllowed);
}

TEST(Explain, PassesOnWhatIsWrongWithAField) {
  const Problem problem =
      Explain(sdk::MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_FIELD,
                             "'grant_id' names a grant that has ended; its app can ask anew"),
              Caller::kOwner);
  EXPECT_EQ(problem.exit_code, ExitCode::kUsage);
  EXPECT_NE(problem.what.find("names a grant that has ended"), std::string::npos);
}

TEST(Explain, ShowsNoEscapeSequences) {
  const Problem problem = Explain(absl::InternalError("\x1b[31mred"), Caller::kApp);
  EXPECT_EQ(problem.what.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace postern::cli
