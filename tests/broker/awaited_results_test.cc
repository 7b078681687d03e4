// SPDX-License-Identifier: Apache-2.0
#include "broker/awaited_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using v1::CommandResult;

class AwaitedResultsTest : public testing::Test {
 protected:
  PendingSends::Waiting Waiting(const std::string& command, AccountId account = {}) {
    PendingSends::Waiting waiting;
    waiting.ask.account = account.empty() ? account_ : account;
    waiting.ask.request_id = "request of " + command;
    waiting.command_id = command;
    waiting.since = now_;
    return waiting;
  }
  static CommandResult Result(const std::string& command,
                              CommandResult::State state = CommandResult::STATE_SENT) {
    CommandResult result;
    result.set_command_id(command);
    result.set_state(state);
    return result;
  }
  // Whether the answer to a command is there before anybody waits for it.
  bool Came(const std::string& command, AccountId account = {}) {
    const auto came = awaited_.Add(Waiting(command, account));
    EXPECT_TRUE(came.ok()) << came.status();
    return came.ok() && came->has_value() && (*came)->command_id() == command;
  }
  // Whose wait the answer to a command ends.
  std::string EndedBy(const std::string& command) {
    const auto match = awaited_.Take(account_, Result(command));
    return match.ended.has_value() ? match.ended->ask.request_id : "";
  }

  const AccountId account_ = IdOf<AccountId>(1);
  const AccountId other_account_ = IdOf<AccountId>(2);
  const absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  AwaitedResults awaited_{{.awaited_max = 3, .early_max = 2}};
};

TEST_F(AwaitedResultsTest, SoManyWaitAtOnceAndNoneOfThemIsLostToOneMore) {
  for (const char* command : {"a", "b", "c"}) EXPECT_FALSE(Came(command));
  EXPECT_TRUE(absl::IsResourceExhausted(awaited_.Add(Waiting("d")).status()));
  EXPECT_THAT(awaited_.IdsOf(account_), UnorderedElementsAre("a", "b", "c"));
  // "d" is nobody's.
  EXPECT_FALSE(awaited_.Take(account_, Result("d")).awaited);
  EXPECT_EQ(EndedBy("b"), "request of b");
  // There is room again. What came early takes none.
  EXPECT_FALSE(Came("e"));
  EXPECT_TRUE(Came("d"));
  EXPECT_THAT(awaited_.IdsOf(account_), UnorderedElementsAre("a", "c", "e"));
}

TEST_F(AwaitedResultsTest, WhatWasAwaitedBeforeAStopCountsToo) {
  awaited_.Restore({Waiting("a"), Waiting("b"), Waiting("c")});
  EXPECT_TRUE(absl::IsResourceExhausted(awaited_.Add(Waiting("d")).status()));
  EXPECT_EQ(EndedBy("c"), "request of c");
}

TEST_F(AwaitedResultsTest, OfAnswersThatOvertookTheLatestOfEachAccountAreKept) {
  for (const char* command : {"a", "b", "c"}) {
    EXPECT_FALSE(awaited_.Take(account_, Result(command)).awaited);
  }
  awaited_.Take(other_account_, Result("z"));
  EXPECT_FALSE(Came("a")) << "the oldest made room";
  EXPECT_TRUE(Came("b"));
  EXPECT_TRUE(Came("c"));
  EXPECT_TRUE(Came("z", other_account_)) << "another account's are its own";
  // Each is there once; and who came too late for it waits as anybody.
  EXPECT_FALSE(Came("b"));
  EXPECT_EQ(EndedBy("a"), "request of a");
}

TEST_F(AwaitedResultsTest, AnotherAccountsAnswerAndOneThatIsNoEndEndNothing) {
  EXPECT_FALSE(Came("a"));
  EXPECT_FALSE(awaited_.Take(other_account_, Result("a")).awaited);
  const auto pending = awaited_.Take(account_, Result("a", CommandResult::STATE_PENDING));
  EXPECT_TRUE(pending.awaited);
  EXPECT_FALSE(pending.ended.has_value());
  EXPECT_FALSE(awaited_.Take(account_, Result("b", CommandResult::STATE_PENDING)).awaited);
  EXPECT_FALSE(Came("b")) << "that it is pending is no answer";
  EXPECT_EQ(EndedBy("a"), "request of a");
}

TEST_F(AwaitedResultsTest, ADayIsEnough) {
  EXPECT_FALSE(Came("a"));
  EXPECT_THAT(awaited_.TakeOverdue(now_ + kLateResultMax - absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(awaited_.TakeOverdue(now_ + kLateResultMax), SizeIs(1));
  EXPECT_THAT(awaited_.IdsOf(account_), IsEmpty());
}

}  // namespace
}  // namespace postern::broker
