// SPDX-License-Identifier: Apache-2.0
// What the rows say. That there is one for every method of the contract: contract_test.cc.
#include "permissions/method_access.h"

#include <gtest/gtest.h>

#include <string>

namespace postern::permissions {
namespace {

TEST(MethodAccess, RefusesWhatIsNotListed) {
  for (const char* method :
       {"", "/", "/postern.v1.EventService/", "/postern.v1.EventService/subscribe",
        "postern.v1.EventService/Subscribe", "/postern.v1.EventService/Subscribe/",
        "/postern.v2.EventService/Subscribe", "/grpc.channelz.v1.Channelz/GetServers"}) {
    EXPECT_EQ(FindMethodAccess(method), nullptr) << method;
  }
}

TEST(MethodAccess, FindsWhatIsListed) {
  for (const MethodAccess& row : AllMethodAccess()) {
    EXPECT_EQ(FindMethodAccess(row.full_method), &row) << std::string(row.full_method);
  }
}

TEST(MethodAccess, AnUnknownKeyMayEnrollAndNothingElse) {
  for (const MethodAccess& row : AllMethodAccess()) {
    EXPECT_EQ((row.callers & kUnknownKey) != 0,
              row.full_method == "/postern.v1.EnrollmentService/Enroll")
        << std::string(row.full_method);
    EXPECT_NE(row.callers, 0);
  }
}

TEST(MethodAccess, AKeyThatIsOutMayEnrollAndSayThatItErased) {
  for (const MethodAccess& row : AllMethodAccess()) {
    EXPECT_EQ((row.callers & kRevokedKey) != 0,
              row.full_method == "/postern.v1.EventService/ConfirmErased")
        << std::string(row.full_method);
  }
}

TEST(MethodAccess, NoAppCallsTheOwnersOrTheGatekeepersMethods) {
  for (const MethodAccess& row : AllMethodAccess()) {
    if (row.full_method.find(".OwnerService/") != std::string_view::npos) {
      EXPECT_EQ(row.callers, kOwner) << std::string(row.full_method);
    }
    if (row.full_method.find(".GatekeeperService/") != std::string_view::npos) {
      EXPECT_EQ(row.callers, kGatekeepers);
    }
  }
}

}  // namespace
}  // namespace postern::permissions
