// SPDX-License-Identifier: Apache-2.0
#include "broker/rpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::broker {
namespace {

v1::ErrorInfo InfoIn(const grpc::Status& status) {
  v1::RpcStatus details;
  v1::ErrorInfo info;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.message(), status.error_message());
  EXPECT_EQ(details.details_size(), 1);
  if (details.details_size() == 1) {
    EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
    EXPECT_TRUE(info.ParseFromString(details.details(0).value()));
  }
  return info;
}

TEST(RpcStatus, TellsTheCallerNothingOfOurFaults) {
  const grpc::Status status = ToGrpc(absl::InternalError("secret of the house"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), testing::Not(testing::HasSubstr("secret")));
  EXPECT_THAT(status.error_details(), testing::Not(testing::HasSubstr("secret")));
  const v1::ErrorInfo info = InfoIn(status);
  EXPECT_EQ(info.reason(), "INTERNAL");
  EXPECT_EQ(info.metadata().at("error_id").size(), 16u);
}

TEST(RpcStatus, SaysThatTheLogIsDamagedAndNotHow) {
  const grpc::Status status = ToGrpc(absl::DataLossError("secret of the house"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(status.error_message(), testing::Not(testing::HasSubstr("secret")));
  EXPECT_THAT(status.error_message(), testing::HasSubstr("postern doctor"));
  EXPECT_EQ(InfoIn(status).reason(), "LOG_DAMAGED");
}

TEST(RpcStatus, CarriesCodeReasonAndMetadata) {
  const absl::Status refusal =
      ReasonStatus(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_FIELD, "bad",
                   {{"field", "page_size"}});
  EXPECT_EQ(ReasonOf(refusal), v1::ERROR_REASON_INVALID_FIELD);
  const grpc::Status status = ToGrpc(refusal);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "bad");
  const v1::ErrorInfo info = InfoIn(status);
  EXPECT_EQ(info.reason(), "INVALID_FIELD");
  EXPECT_EQ(info.domain(), "postern");
  EXPECT_EQ(info.metadata().at("field"), "page_size");
}

TEST(RpcStatus, CancellationPassesAsItIs) {
  EXPECT_EQ(ToGrpc(absl::CancelledError("gone")).error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), std::nullopt);
}

TEST(RpcStatus, EveryReasonHasAName) {
  for (int i = v1::ErrorReason_MIN; i <= v1::ErrorReason_MAX; ++i) {
    if (!v1::ErrorReason_IsValid(i)) continue;
    const auto reason = static_cast<v1::ErrorReason>(i);
    EXPECT_FALSE(ReasonName(reason).empty());
    EXPECT_EQ(ReasonOf(ReasonStatus(absl::StatusCode::kAborted, reason, "")), reason);
  }
}

}  // namespace
}  // namespace postern::broker
