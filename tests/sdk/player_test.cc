// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/player.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/fakes/memory_secret_store.h"
#include "tests/sdk/fake_broker.h"

namespace postern::demo {
namespace {

constexpr absl::Duration kSureWait = absl::Seconds(20);

class PlayerTest : public ::testing::Test {
 protected:
  std::unique_ptr<sdk::GatekeeperLink> Open() {
    v1::AttachHello hello;
    hello.mutable_account()->set_id("me@papernet");
    hello.mutable_account()->set_network("papernet");
    auto link = sdk::GatekeeperLink::Open(
        sdk::GatekeeperManifest(), hello,
        {.client = broker_.OptionsFor("adapter"), .secret_store = &secrets_}, {});
    EXPECT_TRUE(link.ok()) << link.status();
    return *std::move(link);
  }
  // Plays until 'waits' waits have been made.
  absl::Status Play(sdk::GatekeeperLink& link, const Script& script, PlayOptions options,
                    int waits) {
    auto journal = *Journal::Open(folder_.path() + "/journal");
    Player player(
        script, options, link, *journal, [&](const std::string& line) { shown_.push_back(line); },
        [&](absl::Duration wait) {
          waited_ += wait;
          return waits-- > 0;
        });
    return player.Run();
  }
  std::vector<v1::Event> Taken() {
    platform::MutexLock lock(broker_.mutex());
    std::vector<v1::Event> events;
    for (const auto& [position, sourced] : broker_.state.taken) {
      EXPECT_TRUE(events.emplace_back().ParseFromString(sourced.event()));
    }
    return events;
  }

  sdk::TemporaryFolder folder_;
  fakes::MemorySecretStore secrets_;
  sdk::FakeBroker broker_{folder_.path()};
  std::vector<std::string> shown_;
  absl::Duration waited_;
};

using Playing = PlayerTest;

TEST_F(Playing, GoesOnWhereItWasStopped) {
  const Script script = *ParseScript(DefaultScript());
  for (int waits = 3; waits < 7; ++waits) {
    EXPECT_TRUE(absl::IsCancelled(Play(*Open(), script, {}, waits)));
  }
  const auto link = Open();
  ASSERT_TRUE(Play(*link, script, {}, 1000).ok());
  ASSERT_TRUE(Play(*link, script, {}, 1000).ok()) << "and is not played again";
  ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  const auto events = Taken();
  ASSERT_EQ(events.size(), script.setup.size() + script.steps.size());
  for (size_t i = 0; i < script.steps.size(); ++i) {
    EXPECT_EQ(events[script.setup.size() + i].kind_case(), script.steps[i].event.kind_case()) << i;
  }
}

TEST_F(Playing, KeepsTheScriptsPausesAtTheSpeedAsked) {
  const Script script =
      *ParseScript("person a \"A\"\ndirect a\n+3 a a says m1 \"x\"\n+1 a a says m2 \"y\"");
  ASSERT_TRUE(Play(*Open(), script, {.speed = 2}, 1000).ok());
  EXPECT_EQ(waited_, absl::Seconds(2));
  EXPECT_THAT(shown_, ::testing::ElementsAre("[A] A: x", "[A] A: y"));
}

TEST_F(Playing, RepeatsWithIdsOfTheirOwn) {
  const Script script = *ParseScript("person a \"A\"\ndirect a\n+0 a a says m1 \"x\"");
  const auto link = Open();
  ASSERT_TRUE(Play(*link, script, {.speed = 0, .rounds = 3}, 1000).ok());
  ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  const auto events = Taken();
  ASSERT_EQ(events.size(), 5u) << "the set-up is told once";
  EXPECT_EQ(events[2].message_created().message().id(), "m1");
  EXPECT_EQ(events[4].message_created().message().id(), "m1#2");
}

TEST_F(Playing, WritesAJournalThatMatches) {
  const Script script = GenerateScript(1200, 3, 5);
  const auto link = Open();
  ASSERT_TRUE(Play(*link, script, {.speed = 0}, 1000).ok());
  std::ifstream journal(folder_.path() + "/journal");
  uint64_t position = 0, count = 0;
  std::string word, id;
  while (journal >> position >> word >> id) {
    EXPECT_EQ(position, ++count);
    EXPECT_EQ(word, "submitted");
  }
  EXPECT_EQ(count, script.setup.size() + script.steps.size());
  EXPECT_EQ(link->last_position(), count);
}

TEST_F(Playing, BeginsAnotherScriptAtItsBeginning) {
  const auto link = Open();
  ASSERT_TRUE(Play(*link, GenerateScript(50, 2, 1), {.speed = 0}, 1000).ok());
  ASSERT_TRUE(Play(*link, GenerateScript(50, 2, 2), {.speed = 0}, 1000).ok());
  EXPECT_EQ(link->last_position(), 2 * (50u + 4u));
}

}  // namespace
}  // namespace postern::demo
