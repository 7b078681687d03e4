// SPDX-License-Identifier: Apache-2.0
// Apps that repeat what they see, to each other and to programs elsewhere: they are stopped, and
// nobody else is.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/behaviors/echoing_network.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

enum class Cause { kNamed, kNotNamed, kWrong };

// An app that sends whatever it sees in one chat into another.
class Bridge {
 public:
  Bridge(BrokerHarness& harness, const std::string& name, const std::string& from,
         const std::string& to, Cause cause)
      : harness_(harness),
        app_(harness.App(name, {kChatsRead, kMessagesRead, kMessagesSend})),
        from_(ChatIdOf(app_, from)),
        to_(ChatIdOf(app_, to)),
        cause_(cause),
        reader_(app_) {
    EXPECT_TRUE(reader_.WaitLive());
  }

  // Waits until it has been handed this many messages in all.
  bool WaitForMessages(size_t count) {
    while (true) {
      // Counted before the look: what comes in between ends the wait.
      const size_t seen = reader_.events().size();
      if (reader_.texts().size() >= count) return true;
      if (!reader_.WaitForEvents(seen + 1)) return false;
    }
  }

  // Passes on what is new in its chat. Returns how often it sent; the first refusal ends it.
  int PassOn() {
    int sent = 0;
    const std::vector<v1::Event> events = reader_.events();
    for (; looked_at_ < events.size(); ++looked_at_) {
      const v1::Event& event = events[looked_at_];
      if (!event.has_message_created() || event.chat_id() != from_) continue;
      const v1::Message& message = event.message_created().message();
      hops_seen_ = std::max(hops_seen_, message.origin().hops());
      if (first_event_.empty()) first_event_ = event.id();
      const std::string cause = cause_ == Cause::kNamed   ? event.id()
                                : cause_ == Cause::kWrong ? first_event_
                                                          : std::string();
      const SendResult result =
          SendText(harness_, app_, to_, "via " + app_.name + ": " + message.text(), cause);
      if (!result.status.ok()) {
        refusal_ = result.status;
        ++looked_at_;
        return sent;
      }
      ++sent;
    }
    return sent;
  }

  const Program& app() const { return app_; }
  uint32_t hops_seen() const { return hops_seen_; }
  const grpc::Status& refusal() const { return refusal_; }

 private:
  BrokerHarness& harness_;
  const Program app_;
  const std::string from_;
  const std::string to_;
  const Cause cause_;
  EventReader reader_;
  size_t looked_at_ = 0;
  std::string first_event_;
  uint32_t hops_seen_ = 0;
  grpc::Status refusal_;
};

// Lets the bridges work until one is stopped; each send is one more message for all but its sender.
// Returns how many sends there were.
int RunUntilStopped(const std::vector<Bridge*>& bridges, BrokerHarness& harness,
                    absl::Duration per_send) {
  constexpr int kSendsMax = 100;
  std::vector<size_t> due(bridges.size(), 1);
  int sends = 0;
  while (sends < kSendsMax) {
    for (size_t i = 0; i < bridges.size(); ++i) {
      EXPECT_TRUE(bridges[i]->WaitForMessages(due[i]));
      const int sent = bridges[i]->PassOn();
      sends += sent;
      for (size_t j = 0; j < bridges.size(); ++j) {
        if (j != i) due[j] += static_cast<size_t>(sent);
      }
      harness.clock().Advance(per_send * sent);
      if (!bridges[i]->refusal().ok()) return sends;
    }
  }
  return sends;
}

class LoopTest : public testing::TestWithParam<Cause> {
 protected:
  // The others, and the same apps elsewhere, go on as before.
  void ExpectAllCanSend(const std::vector<Program>& apps, const std::vector<std::string>& chats) {
    for (const Program& app : apps) {
      for (const std::string& chat : chats) {
        const SendResult sent =
            SendText(harness_, app, ChatIdOf(app, chat), "Hello from " + app.name);
        EXPECT_TRUE(sent.status.ok()) << app.name << " in " << chat << ": " << Text(sent.status);
      }
    }
  }

  BrokerHarness harness_;
};

void ExpectHopsEndedIt(BrokerHarness& harness, const std::vector<Bridge*>& bridges, int sends) {
  EXPECT_EQ(sends, 3);
  uint32_t hops = 0;
  int stopped = 0;
  for (const Bridge* bridge : bridges) {
    hops = std::max(hops, bridge->hops_seen());
    if (bridge->refusal().ok()) continue;
    ++stopped;
    EXPECT_EQ(bridge->refusal().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_EQ(ReasonOf(bridge->refusal()), "LOOP");
    const auto notices = NoticesOf(harness, v1::OwnerNotice::KIND_LOOP_STOPPED);
    ASSERT_EQ(notices.size(), 1u);
    EXPECT_EQ(notices[0].principal(), bridge->app().principal);
    EXPECT_FALSE(notices[0].chat_id().empty());
  }
  EXPECT_EQ(hops, 3u);
  EXPECT_EQ(stopped, 1);
}

TEST_P(LoopTest, TwoBridgesThatRepeatAllTheySeeComeToThreeHops) {
  EchoingNetwork alice(harness_, "alicechat", {"garden", "kitchen", "elsewhere"});
  Bridge there(harness_, "There", "garden", "kitchen", GetParam());
  Bridge back(harness_, "Back", "kitchen", "garden", GetParam());
  const Program bystander = harness_.App("Bystander", {kChatsRead, kMessagesSend});
  alice.Say("garden", "Is anybody home?");
  const int sends = RunUntilStopped({&there, &back}, harness_, absl::Milliseconds(100));
  ExpectHopsEndedIt(harness_, {&there, &back}, sends);
  ExpectAllCanSend({bystander, there.app(), back.app()}, {"elsewhere"});
}

TEST_P(LoopTest, ThreeBridgesInARingOverTwoNetworksComeToThreeHops) {
  EchoingNetwork alice(harness_, "alicechat", {"garden", "kitchen", "elsewhere"});
  EchoingNetwork bob(harness_, "bobchat", {"hall", "cellar"});
  Bridge first(harness_, "First", "garden", "hall", GetParam());
  Bridge second(harness_, "Second", "hall", "kitchen", GetParam());
  Bridge third(harness_, "Third", "kitchen", "garden", GetParam());
  const Program bystander = harness_.App("Bystander", {kChatsRead, kMessagesSend});
  alice.Say("garden", "Is anybody home?");
  const int sends = RunUntilStopped({&first, &second, &third}, harness_, absl::Milliseconds(100));
  ExpectHopsEndedIt(harness_, {&first, &second, &third}, sends);
  ExpectAllCanSend({bystander, first.app(), second.app(), third.app()}, {"elsewhere", "cellar"});
}

INSTANTIATE_TEST_SUITE_P(Cause, LoopTest, testing::Values(Cause::kNamed, Cause::kNotNamed),
                         [](const auto& info) {
                           return info.param == Cause::kNamed ? "Named" : "NotNamed";
                         });

class Breaker : public testing::Test {
 protected:
  BrokerHarness harness_;
};

TEST_F(Breaker, StopsBridgesThatNameTheWrongCause) {
  EchoingNetwork alice(harness_, "alicechat", {"garden", "kitchen", "elsewhere"});
  Bridge there(harness_, "There", "garden", "kitchen", Cause::kWrong);
  Bridge back(harness_, "Back", "kitchen", "garden", Cause::kNotNamed);
  alice.Say("garden", "Is anybody home?");
  const absl::Time start = harness_.clock().Now();
  const int sends = RunUntilStopped({&there, &back}, harness_, absl::Milliseconds(400));
  EXPECT_LT(harness_.clock().Now() - start, absl::Seconds(5));
  EXPECT_LE(sends, 8);
  EXPECT_EQ(NoticesOf(harness_, v1::OwnerNotice::KIND_LOOP_STOPPED).size(), 1u);
}

// A program elsewhere, behind another broker, that says again what it hears.
TEST_F(Breaker, OpensWithinFiveSecondsWhereTheEchoIsElsewhere) {
  EchoingNetwork alice(harness_, "alicechat", {"garden", "kitchen"});
  const Program app = harness_.App("Parrot", {kChatsRead, kMessagesRead, kMessagesSend});
  const std::string garden = ChatIdOf(app, "garden");
  const auto say = [&](const std::string& text) {
    const SendResult result = SendText(harness_, app, garden, text);
    if (result.status.ok()) alice.Say("garden", "[bob] " + text);
    return result.status;
  };
  const absl::Time start = harness_.clock().Now();
  grpc::Status refused;
  std::string text = "Is anybody home?";
  for (int lap = 0; lap < 20 && refused.ok(); ++lap) {
    refused = say(text);
    text = "[bob] " + text;
    harness_.clock().Advance(absl::Milliseconds(300));
  }
  EXPECT_LT(harness_.clock().Now() - start, absl::Seconds(5));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(refused);
  EXPECT_EQ(ReasonOf(refused), "LOOP");
  EXPECT_EQ(InfoOf(refused).metadata().at("retry_after_seconds"), "60");
  const auto notices = NoticesOf(harness_, v1::OwnerNotice::KIND_LOOP_STOPPED);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].principal(), app.principal);
  EXPECT_EQ(notices[0].text().find("home"), std::string::npos);

  // Shut out there whatever it says, and nowhere else.
  EXPECT_EQ(ReasonOf(SendText(harness_, app, garden, "Something new").status), "LOOP");
  EXPECT_TRUE(SendText(harness_, app, ChatIdOf(app, "kitchen"), text).status.ok());

  // Later it may try again; the first echo shuts it out for longer.
  harness_.clock().Advance(absl::Minutes(1));
  EXPECT_TRUE(say(text).ok());
  refused = say(text);
  EXPECT_EQ(ReasonOf(refused), "LOOP") << Text(refused);
  EXPECT_EQ(InfoOf(refused).metadata().at("retry_after_seconds"), "120");
}

// Two machines whose apps answer each other: neither broker can count what the other has seen,
// though both apps name their causes.
TEST_F(Breaker, OpensWithinFiveSecondsBetweenTwoBrokers) {
  struct Side {
    BrokerHarness harness;
    EchoingNetwork network{harness, "alicechat", {"talk", "other"}};
    Program app = harness.App("Parrot", {kChatsRead, kMessagesRead, kMessagesSend});
    EventReader reader{app};
    size_t heard = 0;

    // Repeats the next message it hears, naming it as the cause.
    SendResult Repeat() {
      ++heard;
      while (reader.texts().size() < heard) {
        if (!reader.WaitForEvents(reader.events().size() + 1)) break;
      }
      v1::Event last;
      for (const v1::Event& event : reader.events()) {
        if (event.has_message_created()) last = event;
      }
      EXPECT_EQ(last.message_created().message().origin().hops(), 0u);
      return SendText(harness, app, ChatIdOf(app, "talk"), last.message_created().message().text(),
                      last.id());
    }
  };
  Side left;
  Side right;
  ASSERT_TRUE(left.reader.WaitLive() && right.reader.WaitLive());
  left.network.Say("talk", "Is anybody home?");
  absl::Duration passed;
  grpc::Status refused;
  Side* stopped = nullptr;
  for (int send = 0; send < 40 && refused.ok(); ++send) {
    Side& from = send % 2 == 0 ? left : right;
    Side& to = send % 2 == 0 ? right : left;
    refused = from.Repeat().status;
    if (!refused.ok()) stopped = &from;
    for (Side* side : {&left, &right}) side->harness.clock().Advance(absl::Milliseconds(200));
    passed += absl::Milliseconds(200);
    if (refused.ok()) to.network.Say("talk", from.network.sent().back().text());
  }
  ASSERT_NE(stopped, nullptr);
  EXPECT_LT(passed, absl::Seconds(5));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(refused);
  EXPECT_EQ(ReasonOf(refused), "LOOP");
  EXPECT_EQ(NoticesOf(stopped->harness, v1::OwnerNotice::KIND_LOOP_STOPPED).size(), 1u);
  EXPECT_TRUE(SendText(stopped->harness, stopped->app, ChatIdOf(stopped->app, "other"), "Hello")
                  .status.ok());
}

TEST_F(Breaker, LeavesAloneWhoTellsManyChatsTheSameAndPeopleWhoAgree) {
  std::vector<std::string> chats;
  for (int i = 0; i < 30; ++i) chats.push_back("chat " + std::to_string(i));
  EchoingNetwork alice(harness_, "alicechat", chats);
  const Program app = harness_.App("Herald", {kChatsRead, kMessagesRead, kMessagesSend});
  for (const std::string& chat : chats) {
    alice.Say(chat, "Good morning!");
    const SendResult result = SendText(harness_, app, ChatIdOf(app, chat), "Good morning!");
    EXPECT_TRUE(result.status.ok()) << chat << ": " << Text(result.status);
    alice.Say(chat, "Good morning!");
  }
  // Different short texts under a long line of the bridge's own.
  const std::string chat = ChatIdOf(app, chats[0]);
  for (const std::string text : {"yes", "no", "on my way", "ok", "thanks", "see you"}) {
    alice.Say(chats[0], text);
    EXPECT_TRUE(
        SendText(harness_, app, chat, "Bob (via BobChat, with the bridge): " + text).status.ok());
  }
  EXPECT_TRUE(NoticesOf(harness_, v1::OwnerNotice::KIND_LOOP_STOPPED).empty());
}

TEST_F(Breaker, HopsOutliveARestart) {
  EchoingNetwork alice(harness_, "alicechat", {"garden", "kitchen"});
  const auto scopes = {kChatsRead, kMessagesRead, kMessagesSend};
  Program there = harness_.App("There", scopes);
  Program back = harness_.App("Back", scopes);
  alice.Say("garden", "Is anybody home?");
  const std::string kitchen = ChatIdOf(there, "kitchen");
  const std::string garden = ChatIdOf(back, "garden");
  // The event of the message with this many hops, as the app was sent it.
  const auto event_of = [&](const Program& app, uint32_t hops) {
    v1::SubscribeRequest request = FromOldest();
    request.set_include_own(true);
    EventReader reader(app, request);
    for (size_t count = 1; reader.WaitForEvents(count); ++count) {
      const v1::Event event = reader.events()[count - 1];
      if (event.has_message_created() &&
          event.message_created().message().origin().hops() == hops) {
        return event.id();
      }
    }
    return std::string();
  };
  ASSERT_TRUE(SendText(harness_, there, kitchen, "one", event_of(there, 0)).status.ok());
  ASSERT_TRUE(SendText(harness_, back, garden, "two", event_of(back, 1)).status.ok());
  const std::string cause = event_of(there, 2);
  harness_.Restart();
  alice.Reattach(harness_);
  there = harness_.Reconnect(there);
  back = harness_.Reconnect(back);
  const SendResult third = SendText(harness_, there, kitchen, "three", cause);
  ASSERT_TRUE(third.status.ok()) << Text(third.status);
  EXPECT_EQ(ReasonOf(SendText(harness_, back, garden, "four", event_of(back, 3)).status), "LOOP");
}

}  // namespace
}  // namespace postern::behaviors
