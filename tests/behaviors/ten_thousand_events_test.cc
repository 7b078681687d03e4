// SPDX-License-Identifier: Apache-2.0
// Who gets what: three apps with different grants against a model of the rules that fits on a
// screen.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <set>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

constexpr int kEvents = 10'000;
constexpr int kChats = 8;

std::string ChatName(int chat) { return "chat-" + std::to_string(chat); }

// Event i of the run. Each names itself in a field that every app with the right scope sees.
int ChatOf(int i) { return i * 7 % kChats; }
enum Kind { kMessage, kReaction, kTyping, kChat };
Kind KindOf(int i) {
  return std::array<Kind, 6>{
      kMessage, kMessage, kReaction, kMessage, kChat, kTyping}[static_cast<size_t>(i % 6)];
}

v1::Event EventOf(int i) {
  const std::string chat = ChatName(ChatOf(i));
  const std::string name = std::to_string(i);
  switch (KindOf(i)) {
    case kMessage:
      return MessageEvent(chat, "m" + name, name);
    case kReaction:
      return ReactionEvent(chat, "none", name);
    case kTyping: {
      v1::Event event = TypingEvent(chat);
      // Typing says nothing of its own: its network time is its name.
      event.mutable_event_time()->set_seconds(1'600'000'000 + i);
      return event;
    }
    case kChat: {
      v1::Event event;
      *event.mutable_chat_changed()->mutable_chat() = ChatEvent(chat).chat_created().chat();
      event.mutable_chat_changed()->mutable_chat()->set_topic(name);
      return event;
    }
  }
  return {};
}

int NumberOf(const v1::Event& event) {
  if (event.has_message_created()) return std::stoi(event.message_created().message().text());
  if (event.has_reaction_set()) return std::stoi(event.reaction_set().emoji());
  if (event.has_chat_changed()) return std::stoi(event.chat_changed().chat().topic());
  return static_cast<int>(event.event_time().seconds() - 1'600'000'000);
}

// The model: what the three apps may see of the events from 0 on.
// -- begin
struct Rule {
  std::set<int> chats;
  std::set<Kind> kinds;
};
struct ModelApp {
  std::string name;
  std::vector<Rule> rules;
};
const std::set<int> kAllChats = {0, 1, 2, 3, 4, 5, 6, 7};
const ModelApp kModel[] = {
    // messages:read in four chats; what it held in two more has expired.
    {"Lister", {{{0, 1, 2, 3}, {kMessage}}}},
    // messages:read and reactions:read everywhere, chats that are new included.
    {"Reader", {{kAllChats, {kMessage, kReaction}}}},
    // chats:read everywhere; typing:read in one chat, by another grant.
    {"Watcher", {{kAllChats, {kChat}}, {{5}, {kTyping}}}},
};
bool MaySee(const ModelApp& app, int i) {
  for (const Rule& rule : app.rules) {
    if (rule.chats.contains(ChatOf(i)) && rule.kinds.contains(KindOf(i))) return true;
  }
  return false;
}
std::vector<int> ExpectedOf(const ModelApp& app) {
  std::vector<int> expected;
  for (int i = 0; i < kEvents; ++i) {
    if (MaySee(app, i)) expected.push_back(i);
  }
  return expected;
}
// -- end

std::vector<int> Numbers(const v1::SubscribeResponse& frame) {
  std::vector<int> numbers;
  for (const v1::Event& event : frame.events()) numbers.push_back(NumberOf(event));
  return numbers;
}

// Reads with the subscription "main": up to half of what is expected, acknowledges there, goes
// away, and resumes. Returns what was read up to the acknowledgement and after it.
std::vector<int> ReadInTwoHalves(const Program& app, size_t expected) {
  v1::SubscribeRequest request;
  request.set_subscription("main");
  std::vector<int> got;
  {
    EventReader first(app, request);
    EXPECT_TRUE(first.WaitForEvents(expected / 2))
        << app.name << Text(first.WaitEnd(absl::ZeroDuration()));
    v1::AcknowledgeRequest acknowledge;
    acknowledge.set_subscription("main");
    for (const EventReader::Frame& frame : first.frames()) {
      acknowledge.set_cursor(frame.response.cursor());
      for (const int number : Numbers(frame.response)) got.push_back(number);
      if (got.size() >= expected / 2) break;
    }
    v1::AcknowledgeResponse response;
    const grpc::Status status = app->event->Acknowledge(Patiently().get(), acknowledge, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
  }
  EventReader second(app, request);
  EXPECT_TRUE(second.WaitForEvents(expected - got.size())) << app.name;
  for (const EventReader::Frame& frame : second.frames()) {
    EXPECT_LE(frame.response.events_size(), 64);
    EXPECT_LE(frame.response.ByteSizeLong(), 256u * 1024);
    for (const int number : Numbers(frame.response)) got.push_back(number);
  }
  return got;
}

TEST(TenThousandEvents, ReachEachAppAsItsGrantsSayInOrderAndOnce) {
  BrokerHarness harness;
  Adapter adapter(harness.Gatekeeper());
  std::vector<v1::Event> chats;
  for (int chat = 0; chat < kChats; ++chat) chats.push_back(ChatEvent(ChatName(chat)));
  ASSERT_TRUE(adapter.PushDurably(chats));

  const std::vector<Program> apps = {
      harness.App("Lister", {kMessagesRead},
                  {.chats = {ChatName(6), ChatName(7)},
                   .until = harness.clock().Now() + absl::Minutes(20)}),
      harness.App("Reader", {kMessagesRead, kReactionsRead}), harness.App("Watcher", {kChatsRead})};
  harness.Widen(apps[0], {kMessagesRead},
                {.chats = {ChatName(0), ChatName(1), ChatName(2), ChatName(3)}});
  harness.Widen(apps[2], {kTypingRead}, {.chats = {ChatName(5)}});
  harness.clock().Advance(absl::Hours(1));

  // Subscribed before the first event: the names keep their place from here on.
  std::vector<std::vector<int>> got(apps.size());
  std::vector<std::thread> readers;
  for (const Program& app : apps) {
    v1::SubscribeRequest request;
    request.set_subscription("main");
    EventReader start(app, request);
    ASSERT_TRUE(start.WaitLive()) << Text(start.WaitEnd());
  }
  for (size_t i = 0; i < apps.size(); ++i) {
    readers.emplace_back(
        [&, i] { got[i] = ReadInTwoHalves(apps[i], ExpectedOf(kModel[i]).size()); });
  }
  std::vector<v1::Event> events;
  for (int i = 0; i < kEvents; ++i) events.push_back(EventOf(i));
  const auto start = Steady::now();
  EXPECT_TRUE(adapter.PushDurably(events));
  const absl::Duration taken = absl::FromChrono(Steady::now() - start);
  for (std::thread& reader : readers) reader.join();
  const absl::Duration read = absl::FromChrono(Steady::now() - start);
  EXPECT_TRUE(adapter.refused().empty());

  size_t allowed = 0;
  for (size_t i = 0; i < apps.size(); ++i) {
    const std::vector<int> expected = ExpectedOf(kModel[i]);
    allowed += expected.size();
    // Order and doubles are in the comparison: the model's list has each number once, ascending.
    EXPECT_EQ(got[i], expected) << kModel[i].name;
  }
  const double share = static_cast<double>(allowed) / static_cast<double>(apps.size() * kEvents);
  EXPECT_GE(share, 0.3);
  EXPECT_LE(share, 0.7);
  std::printf("[ figure   ] %d events: durable in %s, read by 3 apps in %s; %.0f %% allowed\n",
              kEvents, absl::FormatDuration(taken).c_str(), absl::FormatDuration(read).c_str(),
              share * 100);

  // Nothing more comes: one last event that all may see ends what was under way.
  std::vector<v1::Event> last = {MessageEvent(ChatName(0), "last", "10000")};
  ASSERT_TRUE(adapter.PushDurably(last));
  for (size_t i = 0; i < 2; ++i) {
    v1::SubscribeRequest request;
    request.set_subscription("main");
    EventReader reader(apps[i], request);
    ASSERT_TRUE(reader.WaitForText("10000"));
    std::vector<int> numbers;
    for (const v1::Event& event : reader.events()) numbers.push_back(NumberOf(event));
    // From the acknowledged cursor on, the same again: at least once, from there.
    std::vector<int> expected = ExpectedOf(kModel[i]);
    expected.push_back(10'000);
    ASSERT_LE(numbers.size(), expected.size());
    EXPECT_TRUE(std::equal(numbers.rbegin(), numbers.rend(), expected.rbegin())) << kModel[i].name;
  }
}

}  // namespace
}  // namespace postern::behaviors
