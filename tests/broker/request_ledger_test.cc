// SPDX-License-Identifier: Apache-2.0
#include "broker/request_ledger.h"

#include <gtest/gtest.h>

#include "broker/limits.h"
#include "broker/rpc_status.h"
#include "postern/v1/message_service.pb.h"
#include "tests/broker/storage_fixture.h"
#include "tests/fakes/fake_clock.h"

namespace postern::broker {
namespace {

class RequestLedgerTest : public testing::Test {
 protected:
  RequestLedgerTest() : store_(*OpenStore(folder_.path())) {
    ledger_ = *RequestLedger::Open(*store_, clock_);
  }
  absl::Status Ask(const std::string& id, absl::Status admitted, absl::Status done = {}) {
    v1::SendMessageRequest request;
    request.set_request_id(id);
    v1::SendMessageResponse response;
    return ledger_->Once(
        AppOf(1), "SendMessage", id, request, response,
        [&] {
          ++admissions_;
          return admitted;
        },
        [&] {
          ++actions_;
          return done;
        });
  }
  int64_t Rows(uint8_t app) {
    int64_t rows = -1;
    EXPECT_TRUE(store_
                    ->Read([&](Database& database) -> absl::Status {
                      auto count =
                          database.Prepare("SELECT COUNT(*) FROM requests WHERE principal = ?");
                      const permissions::Principal principal = AppOf(app);
                      count->BindAll(Blob{principal.view()});
                      EXPECT_TRUE(*count->Step());
                      rows = count->Integer(0);
                      return absl::OkStatus();
                    })
                    .ok());
    return rows;
  }

  fakes::FakeClock clock_;
  ScratchFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<RequestLedger> ledger_;
  int admissions_ = 0;
  int actions_ = 0;
};

TEST_F(RequestLedgerTest, WhatIsNotAdmittedIsNeitherDoneNorRemembered) {
  const absl::Status refused =
      ReasonStatus(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_LOOP, "not this way");
  EXPECT_EQ(Ask("a", refused), refused);
  EXPECT_EQ(Ask("a", refused), refused);
  EXPECT_EQ(actions_, 0);
  EXPECT_EQ(Rows(1), 0);
  EXPECT_TRUE(Ask("a", absl::OkStatus()).ok());
  EXPECT_EQ(actions_, 1);
}

TEST_F(RequestLedgerTest, WhatWasAnsweredIsAnsweredSoWhateverWouldBeAdmittedNow) {
  EXPECT_TRUE(Ask("a", absl::OkStatus()).ok());
  EXPECT_TRUE(Ask("a", absl::ResourceExhaustedError("no more")).ok());
  EXPECT_EQ(admissions_, 1);
  EXPECT_EQ(actions_, 1);
  const absl::Status final = ReasonStatus(absl::StatusCode::kFailedPrecondition,
                                          v1::ERROR_REASON_GATEKEEPER_REFUSED, "blocked");
  EXPECT_EQ(ReasonOf(Ask("b", absl::OkStatus(), final)), v1::ERROR_REASON_GATEKEEPER_REFUSED);
  EXPECT_EQ(ReasonOf(Ask("b", absl::OkStatus())), v1::ERROR_REASON_GATEKEEPER_REFUSED);
  EXPECT_EQ(actions_, 2);
}

TEST_F(RequestLedgerTest, KeepsSoManyOfOneAppAndTheNewestOfThem) {
  ASSERT_TRUE(Ask("first", absl::OkStatus()).ok());
  // As if it had asked all week; another app asked but once.
  clock_.Advance(absl::Seconds(1));
  const int64_t base = absl::ToUnixSeconds(clock_.Now());
  ASSERT_TRUE(store_
                  ->Write([&](Database& database) -> absl::Status {
                    const permissions::Principal busy = AppOf(1);
                    const permissions::Principal quiet = AppOf(2);
                    for (int64_t i = 0; i <= kRequestsPerAppMax; ++i) {
                      const absl::Status status = database.Run(
                          "INSERT INTO requests(principal, request_id, method, digest, state, "
                          "response, create_time) VALUES(?, ?, 'm', x'00', 1, NULL, ?)",
                          Blob{busy.view()}, "r" + std::to_string(i), base + i / 1000);
                      if (!status.ok()) return status;
                    }
                    return database.Run(
                        "INSERT INTO requests(principal, request_id, method, digest, state, "
                        "response, create_time) VALUES(?, 'q', 'm', x'00', 1, NULL, ?)",
                        Blob{quiet.view()}, base);
                  })
                  .ok());
  EXPECT_GT(Rows(1), kRequestsPerAppMax + 1);
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(Ask("last", absl::OkStatus()).ok());
  EXPECT_LE(Rows(1), kRequestsPerAppMax + 2);
  EXPECT_GE(Rows(1), kRequestsPerAppMax - 1000);
  EXPECT_EQ(Rows(2), 1);
  // The oldest has left, the newest has not.
  EXPECT_TRUE(Ask("first", absl::OkStatus()).ok());
  EXPECT_TRUE(Ask("last", absl::OkStatus()).ok());
  EXPECT_EQ(actions_, 3);
}

}  // namespace
}  // namespace postern::broker
