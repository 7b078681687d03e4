// SPDX-License-Identifier: Apache-2.0
// Whatever cuts a message that waits for the person, its app is told how it ended.
#include "broker/pending_sends.h"

#include <gtest/gtest.h>

#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

using v1::RequestCompleted;

class PendingSendsTest : public testing::Test {
 protected:
  PendingSendsTest() : store_(*OpenStore(folder_.path())) {
    ask_.principal.sha256.fill(1);
    ask_.request_id = "asked";
    ask_.account = IdOf<permissions::AccountId>(2);
    ask_.chat = IdOf<permissions::ChatId>(3);
  }
  // What a daemon that starts now finds; there is one at most.
  std::optional<PendingSends::Ended> Left() {
    const auto left = PendingSends(*store_).LeftBehind();
    EXPECT_TRUE(left.ok()) << left.status();
    if (!left.ok() || left->empty()) return std::nullopt;
    EXPECT_EQ(left->size(), 1u);
    EXPECT_EQ(left->front().ask.principal, ask_.principal);
    EXPECT_EQ(left->front().ask.request_id, ask_.request_id);
    EXPECT_EQ(left->front().ask.account, ask_.account);
    EXPECT_EQ(left->front().ask.chat, ask_.chat);
    return left->front();
  }

  ScratchFolder folder_;
  std::unique_ptr<Store> store_;
  PendingSends::Ask ask_;
};

TEST_F(PendingSendsTest, WhatNobodyAnsweredIsRefused) {
  EXPECT_FALSE(Left().has_value());
  ASSERT_TRUE(PendingSends(*store_).Add(ask_).ok());
  ASSERT_TRUE(Left().has_value());
  EXPECT_EQ(Left()->outcome, RequestCompleted::OUTCOME_REFUSED);
  EXPECT_TRUE(Left()->message.empty());
}

TEST_F(PendingSendsTest, WhatWasOnItsWayIsUnknown) {
  PendingSends pending(*store_);
  ASSERT_TRUE(pending.Add(ask_).ok());
  ASSERT_TRUE(pending.Begin(ask_).ok());
  EXPECT_EQ(Left()->outcome, RequestCompleted::OUTCOME_UNKNOWN);
}

TEST_F(PendingSendsTest, WhatEndedIsToldAsItEnded) {
  PendingSends pending(*store_);
  for (int number = 1; number < RequestCompleted::Outcome_ARRAYSIZE; ++number) {
    PendingSends::Ended ended;
    ended.ask = ask_;
    ended.outcome = static_cast<RequestCompleted::Outcome>(number);
    ended.message = IdOf<permissions::MessageId>(4);
    ended.error.set_reason("GATEKEEPER_REFUSED");
    ASSERT_TRUE(pending.Add(ask_).ok());
    ASSERT_TRUE(pending.Begin(ask_).ok());
    ASSERT_TRUE(pending.End(ended).ok());
    ASSERT_TRUE(Left().has_value());
    EXPECT_EQ(Left()->outcome, ended.outcome);
    EXPECT_EQ(Left()->message, ended.message);
    EXPECT_EQ(Left()->error.reason(), "GATEKEEPER_REFUSED");
    ASSERT_TRUE(pending.Remove(ask_).ok());
    EXPECT_FALSE(Left().has_value());
  }
}

TEST_F(PendingSendsTest, WhatTheGatekeeperHasIsWaitedForOn) {
  PendingSends pending(*store_);
  ASSERT_TRUE(pending.Add(ask_).ok());
  ASSERT_TRUE(pending.Begin(ask_).ok());
  const absl::Time since = absl::FromUnixSeconds(1000);
  ASSERT_TRUE(pending.Wait({ask_, "command", since}).ok());
  EXPECT_FALSE(Left().has_value());
  const auto waiting = PendingSends(*store_).StillWaiting();
  ASSERT_TRUE(waiting.ok()) << waiting.status();
  ASSERT_EQ(waiting->size(), 1u);
  EXPECT_EQ(waiting->front().command_id, "command");
  EXPECT_EQ(waiting->front().since, since);
  EXPECT_EQ(waiting->front().ask.principal, ask_.principal);
  EXPECT_EQ(waiting->front().ask.request_id, ask_.request_id);
  EXPECT_EQ(waiting->front().ask.account, ask_.account);
  EXPECT_EQ(waiting->front().ask.chat, ask_.chat);
  PendingSends::Ended ended;
  ended.ask = ask_;
  ended.outcome = RequestCompleted::OUTCOME_DONE;
  ASSERT_TRUE(pending.End(ended).ok());
  EXPECT_TRUE(pending.StillWaiting()->empty());
  EXPECT_EQ(Left()->outcome, RequestCompleted::OUTCOME_DONE);
}

}  // namespace
}  // namespace postern::broker
