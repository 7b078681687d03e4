// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/player.h"

#include <absl/strings/str_cat.h>
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
  static v1::AttachHello Hello() {
    v1::AttachHello hello;
    hello.mutable_account()->set_id("me@papernet");
    hello.mutable_account()->set_network("papernet");
    return hello;
  }
  static std::unique_ptr<sdk::GatekeeperLink> OpenAt(sdk::FakeBroker& broker,
                                                     fakes::MemorySecretStore& secrets) {
    auto link = sdk::GatekeeperLink::Open(
        sdk::GatekeeperManifest(), Hello(),
        {.client = broker.OptionsFor("adapter"), .secret_store = &secrets}, {});
    EXPECT_TRUE(link.ok()) << link.status();
    return *std::move(link);
  }
  std::unique_ptr<sdk::GatekeeperLink> Open() { return OpenAt(broker_, secrets_); }
  // A link that carries out commands.
  std::unique_ptr<Connection> Connect(AliceChat& alice, Files& files) {
    auto connection = std::make_unique<Connection>(
        Connection::Parts{alice, files, faults_, [](const std::string&) {},
                          [](const std::string&) {}},
        sdk::GatekeeperManifest(), Hello(),
        sdk::GatekeeperOptions{.client = broker_.OptionsFor("adapter"), .secret_store = &secrets_},
        sdk::GatekeeperCallbacks{});
    EXPECT_TRUE(connection->Open().ok());
    return connection;
  }
  // Plays until 'waits' waits have been made.
  absl::Status Play(sdk::GatekeeperLink& link, const Script& script, PlayOptions options,
                    int waits) {
    return PlayWrong(link, script, options, waits, faults_);
  }
  absl::Status PlayWrong(sdk::GatekeeperLink& link, const Script& script, PlayOptions options,
                         int waits, Faults& faults) {
    auto journal = *Journal::Open(folder_.path() + "/journal");
    World world;
    Player player(script, options,
                  {.link = [&]() -> sdk::GatekeeperLink& { return link; },
                   .reconnect = [&] { return ++cuts_, absl::OkStatus(); },
                   .world = world,
                   .faults = faults,
                   .journal = *journal,
                   .show = [&](const std::string& line) { shown_.push_back(line); },
                   .wait =
                       [&](absl::Duration wait) {
                         waited_ += wait;
                         return waits-- > 0;
                       }});
    return player.Run();
  }
  static std::vector<v1::Event> TakenBy(sdk::FakeBroker& broker) {
    platform::MutexLock lock(broker.mutex());
    std::vector<v1::Event> events;
    for (const auto& [position, sourced] : broker.state.taken) {
      EXPECT_TRUE(events.emplace_back().ParseFromString(sourced.event()));
    }
    return events;
  }
  std::vector<v1::Event> Taken() { return TakenBy(broker_); }
  // A whole run with several faults at once under 'seed', before a broker of its own: one line an
  // event, without its times, but with how many hours they are off. A run that is stopped after
  // 'waits' waits is begun anew, as the program is, until it is through; 'runs' says how often.
  std::vector<std::string> WholeRun(uint64_t seed, PlayOptions options, int waits, int& runs) {
    const sdk::TemporaryFolder folder;
    sdk::FakeBroker broker(folder.path());
    fakes::MemorySecretStore secrets;
    const Script script = GenerateScript(200, 3, 5);
    absl::Status played = absl::CancelledError();
    for (runs = 0; absl::IsCancelled(played) && runs < 10; ++runs) {
      Faults faults(seed);
      for (const char* fault : {"gap=0.1", "replay=0.1", "reorder=0.1", "lying-time=0.1"}) {
        EXPECT_TRUE(faults.Add(fault).ok());
      }
      const auto link = OpenAt(broker, secrets);
      played = PlayWrong(*link, script, options, waits, faults);
      EXPECT_TRUE(link->WaitUntilDurable(kSureWait).ok());
    }
    EXPECT_TRUE(played.ok()) << played;
    std::vector<std::string> lines;
    const absl::Time now = absl::Now();
    for (v1::Event& event : TakenBy(broker)) {
      const absl::Duration off = TimeOf(event.event_time()) - now + absl::Minutes(30);
      event.clear_event_time();
      if (event.has_message_created()) {
        event.mutable_message_created()->mutable_message()->clear_create_time();
      }
      lines.push_back(absl::StrCat(absl::ToInt64Hours(absl::Floor(off, absl::Hours(1))),
                                   " h off: ", event.ShortDebugString()));
    }
    return lines;
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

TEST_F(Faulty, IsSilentForAWhileAndGoesOn) {
  const Script script = *ParseScript(
      "person a \"A\"\ndirect a\n+0 a a says m1 \"x\"\n+0 a - fault slow\n"
      "+0 a a says m2 \"y\"\n+0 a a says m3 \"z\"\n");
  {
    // Stopped in the middle of it: the fourth wait, after one for each line.
    const auto link = Open();
    EXPECT_TRUE(absl::IsCancelled(Play(*link, script, {}, 3)));
    EXPECT_EQ(waited_, kSlowFor);
    ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
    EXPECT_THAT(MessageIds(Taken()), ::testing::ElementsAre("m1"));
  }
  const auto link = Open();
  ASSERT_TRUE(Play(*link, script, {}, 1000).ok());
  EXPECT_EQ(waited_, 2 * kSlowFor) << "what the script says is said again";
  ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  EXPECT_THAT(MessageIds(Taken()), ::testing::ElementsAre("m1", "m2", "m3"));
}

TEST_F(Faulty, AnswersLateAndInOrder) {
  const Script script = *ParseScript("person a \"A\"\ndirect a\n");
  World world;
  for (const Step& step : script.setup) world.Apply(step.event);
  Files files;
  AliceChat alice(script, world, files, faults_, absl::Now());
  const auto connection = Connect(alice, files);
  faults_.Next(Fault::kSlow, 1);
  const absl::Time asked = absl::Now();
  for (const char* id : {"first", "second"}) {
    v1::Command command;
    command.set_command_id(id);
    command.mutable_send_message()->set_chat_id("direct:a");
    command.mutable_send_message()->set_text(id);
    broker_.SendCommand(command);
  }
  broker_.WaitFor([&] { return !broker_.state.results.empty(); });
  EXPECT_GE(absl::Now() - asked, kSlowFor);
  broker_.WaitFor([&] { return broker_.state.results.size() == 2; });
  platform::MutexLock lock(broker_.mutex());
  const auto& results = broker_.state.results;
  EXPECT_EQ(results[0].command_id(), "first");
  EXPECT_EQ(results[1].command_id(), "second");
  for (const v1::CommandResult& result : results) {
    EXPECT_EQ(result.state(), v1::CommandResult::STATE_SENT);
  }
}

TEST_F(Faulty, CutsTheRealLinkAndLosesNothing) {
  const Script script = *ParseScript(
      "person a \"A\"\ndirect a\n+0 a a says m1 \"x\"\n+0 a - fault disconnect\n"
      "+0 a a says m2 \"y\"\n+0 a a says m3 \"z\"\n");
  World world;
  Files files;
  AliceChat alice(script, world, files, faults_, absl::Now());
  const auto connection = Connect(alice, files);
  auto journal = *Journal::Open("");
  Player player(script, {},
                {.link = [&]() -> sdk::GatekeeperLink& { return connection->link(); },
                 .reconnect = [&] { return ++cuts_, connection->Reopen(); },
                 .world = world,
                 .faults = faults_,
                 .journal = *journal,
                 .show = [](const std::string&) {},
                 .wait = [](absl::Duration) { return true; }});
  ASSERT_TRUE(player.Run().ok());
  ASSERT_TRUE(connection->link().WaitUntilDurable(kSureWait).ok());
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

// One by one or many at once, through or with a stop on the way: a seed is a run.
TEST_F(Faulty, AWholeRunCanBeRepeatedAlsoFromTheMiddle) {
  constexpr int kThrough = 1'000'000;
  int runs = 0;
  const std::vector<std::string> first = WholeRun(42, {.speed = 0}, kThrough, runs);
  EXPECT_EQ(runs, 1);
  EXPECT_GT(first.size(), 200u);
  EXPECT_EQ(WholeRun(42, {.speed = 0}, kThrough, runs), first);
  EXPECT_EQ(WholeRun(42, {.speed = 1}, 100, runs), first);
  EXPECT_GT(runs, 1) << "it was stopped on the way";
  EXPECT_NE(WholeRun(43, {.speed = 0}, kThrough, runs), first);
}

TEST_F(Faulty, IsNamedOrRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(faults_.Add("earthquake")));
  EXPECT_TRUE(absl::IsInvalidArgument(faults_.Add("gap=2")));
  EXPECT_TRUE(absl::IsInvalidArgument(faults_.Add("gap=0")));
}

}  // namespace
}  // namespace postern::demo
