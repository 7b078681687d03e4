// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/player.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "clients/gatekeepers/demo/connection.h"
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
    World world;
    Player player(script, options,
                  {.link = [&]() -> sdk::GatekeeperLink& { return link; },
                   .reconnect = [&] { return ++cuts_, absl::OkStatus(); },
                   .world = world,
                   .faults = faults_,
                   .journal = *journal,
                   .show = [&](const std::string& line) { shown_.push_back(line); },
                   .wait =
                       [&](absl::Duration wait) {
                         waited_ += wait;
                         return waits-- > 0;
                       }});
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
  // Plays a script of 'count' events with a fault at full speed; what the broker got.
  std::vector<v1::Event> PlayWith(const std::string& fault, int count = 200) {
    EXPECT_TRUE(faults_.Add(fault).ok());
    const auto link = Open();
    EXPECT_TRUE(Play(*link, GenerateScript(count, 3, 5), {.speed = 0}, 1000).ok());
    EXPECT_TRUE(link->WaitUntilDurable(kSureWait).ok());
    return Taken();
  }

  Faults faults_{7};
  int cuts_ = 0;
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

std::vector<std::string> MessageIds(const std::vector<v1::Event>& events) {
  std::vector<std::string> ids;
  for (const v1::Event& event : events) {
    if (event.has_message_created()) ids.push_back(event.message_created().message().id());
  }
  return ids;
}

using Faulty = PlayerTest;

TEST_F(Faulty, LosesAnEventAndSaysSo) {
  const auto events = PlayWith("gap=0.2");
  int gaps = 0;
  for (const v1::Event& event : events) {
    if (event.has_gap()) {
      ++gaps;
      EXPECT_EQ(event.gap().event_count(), 1u);
    }
  }
  EXPECT_GT(gaps, 10);
  EXPECT_EQ(events.size(), 200u + 6u) << "each lost event has its gap";
}

TEST_F(Faulty, TellsAnEventTwice) {
  const auto events = PlayWith("replay=0.2");
  EXPECT_GT(events.size(), 210u + 6u);
  const auto ids = MessageIds(events);
  EXPECT_LT(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

TEST_F(Faulty, TellsTwoEventsTheWrongWayRound) {
  const auto ids = MessageIds(PlayWith("reorder=0.2"));
  const auto script = GenerateScript(200, 3, 5);
  std::vector<std::string> in_order;
  for (const Step& step : script.steps) {
    if (step.event.has_message_created()) {
      in_order.push_back(step.event.message_created().message().id());
    }
  }
  EXPECT_NE(ids, in_order);
  EXPECT_THAT(ids, ::testing::UnorderedElementsAreArray(in_order)) << "and loses none";
}

TEST_F(Faulty, LiesAboutTheTime) {
  int lies = 0;
  for (const v1::Event& event : PlayWith("lying-time=0.2")) {
    const absl::Time time = absl::FromUnixSeconds(event.event_time().seconds());
    lies += time < absl::Now() - absl::Minutes(30) || time > absl::Now() + absl::Minutes(30);
  }
  EXPECT_GT(lies, 10);
}

TEST_F(Faulty, StrikesWhereTheScriptSays) {
  const Script script = *ParseScript(
      "person a \"A\"\ndirect a\n+0 a - fault replay\n+0 a a says m1 \"x\"\n"
      "+0 a - fault disconnect\n+0 a a says m2 \"y\"\n");
  const auto link = Open();
  ASSERT_TRUE(Play(*link, script, {.speed = 1}, 1000).ok());
  ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  EXPECT_THAT(MessageIds(Taken()), ::testing::ElementsAre("m1", "m1", "m2"));
  EXPECT_EQ(cuts_, 1);
}

TEST_F(Faulty, CutsTheRealLinkAndLosesNothing) {
  const Script script = *ParseScript(
      "person a \"A\"\ndirect a\n+0 a a says m1 \"x\"\n+0 a - fault disconnect\n"
      "+0 a a says m2 \"y\"\n+0 a a says m3 \"z\"\n");
  World world;
  Files files;
  AliceChat alice(script, world, files, faults_, absl::Now());
  v1::AttachHello hello;
  hello.mutable_account()->set_id("me@papernet");
  hello.mutable_account()->set_network("papernet");
  Connection connection(
      {alice, files, faults_, [](const std::string&) {}, [](const std::string&) {}},
      sdk::GatekeeperManifest(), hello,
      {.client = broker_.OptionsFor("adapter"), .secret_store = &secrets_}, {});
  ASSERT_TRUE(connection.Open().ok());
  auto journal = *Journal::Open("");
  Player player(script, {},
                {.link = [&]() -> sdk::GatekeeperLink& { return connection.link(); },
                 .reconnect = [&] { return ++cuts_, connection.Reopen(); },
                 .world = world,
                 .faults = faults_,
                 .journal = *journal,
                 .show = [](const std::string&) {},
                 .wait = [](absl::Duration) { return true; }});
  ASSERT_TRUE(player.Run().ok());
  ASSERT_TRUE(connection.link().WaitUntilDurable(kSureWait).ok());
  EXPECT_EQ(cuts_, 1);
  EXPECT_THAT(MessageIds(Taken()), ::testing::ElementsAre("m1", "m2", "m3"));
}

TEST_F(Faulty, IsTheSameForTheSameSeed) {
  Faults one(42), same(42), other(43);
  for (Faults* faults : {&one, &same, &other}) ASSERT_TRUE(faults->Add("gap=0.3").ok());
  std::vector<bool> first, again, different;
  for (uint64_t place = 0; place < 200; ++place) {
    first.push_back(one.Strikes(demo::Fault::kGap, place));
    again.push_back(same.Strikes(demo::Fault::kGap, place));
    different.push_back(other.Strikes(demo::Fault::kGap, place));
    EXPECT_EQ(one.Lie(place), same.Lie(place));
  }
  EXPECT_EQ(first, again);
  EXPECT_NE(first, different);
}

TEST_F(Faulty, IsNamedOrRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(faults_.Add("earthquake")));
  EXPECT_TRUE(absl::IsInvalidArgument(faults_.Add("gap=2")));
  EXPECT_TRUE(absl::IsInvalidArgument(faults_.Add("gap=0")));
}

}  // namespace
}  // namespace postern::demo
