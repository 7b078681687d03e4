// SPDX-License-Identifier: Apache-2.0
// Who gets what: AliceChat's generated script at full speed to three apps with different grants,
// against a model of the rules that fits on a screen.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <utility>

#include "clients/gatekeepers/demo/script.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

// What happened before the apps were allowed anything, and while they read.
constexpr int kBefore = 500;
constexpr int kEvents = 10'000;
// From here on one of the apps may read more.
constexpr int kWiden = kBefore + kEvents / 2;
constexpr int kChats = 8;
constexpr uint64_t kSeed = 20;
// One in so many of the script's events is deleted at the end, where it is a message.
constexpr int kDeletedOneIn = 50;

enum Kind { kMessage, kEdit, kDelete, kReaction, kReceipt, kOther };

// One event of the run. Its number is its place in the run.
struct Item {
  v1::Event event;
  Kind kind = kOther;
  int chat = 0;
  // The number of the message that it is about.
  int about = -1;
};

Kind KindOf(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated:
      return kMessage;
    case v1::Event::kMessageEdited:
      return kEdit;
    case v1::Event::kMessageDeleted:
      return kDelete;
    case v1::Event::kReactionSet:
      return kReaction;
    case v1::Event::kReceipt:
      return kReceipt;
    default:
      return kOther;
  }
}
std::string TargetOf(const v1::Event& event) {
  if (event.has_message_edited()) return event.message_edited().message_id();
  if (event.has_message_deleted()) return event.message_deleted().message_id();
  if (event.has_reaction_set()) return event.reaction_set().message_id();
  if (event.has_receipt()) return event.receipt().message_ids(0);
  return {};
}
std::string TextOf(const v1::Event& event) {
  return event.has_message_edited() ? event.message_edited().text()
                                    : event.message_created().message().text();
}

// The model: what the three apps may see of the run.
// -- begin
enum View { kNothing, kReduced, kWhole };
using Shows = std::map<Kind, View>;
const Shows kReads = {{kMessage, kWhole}, {kEdit, kWhole}, {kDelete, kWhole}};
const Shows kCounts = {{kMessage, kReduced}, {kEdit, kReduced}, {kDelete, kReduced}};
const Shows kReacts = {{kReaction, kWhole}}, kReceipts = {{kReceipt, kWhole}};
// A grant: none opens what was before it.
struct Rule {
  std::set<int> chats;
  Shows shows;
  int from = kBefore;
};
const std::map<std::string, std::vector<Rule>> kModel = {
    {"Lister", {{{0, 1, 2, 3}, kReads}}},
    {"Reader", {{{3, 4, 5, 6, 7}, kReads}, {{2, 3, 4, 5}, kReacts}}},
    {"Counter", {{{1, 2, 3, 4}, kCounts}, {{1, 2, 3, 4}, kReceipts}, {{3, 4, 5}, kReads, kWiden}}}};
View ViewOf(const std::string& app, const std::vector<Item>& run, int number) {
  const Item& item = run[static_cast<size_t>(number)];
  View best = kNothing;
  for (const Rule& rule : kModel.at(app)) {
    if (number < rule.from || !rule.chats.contains(item.chat)) continue;
    if (rule.shows.contains(item.kind)) best = std::max(best, rule.shows.at(item.kind));
  }
  if (item.about < 0) return best;
  // Nobody sees more of an edit than of what was edited, nor what hangs on an unseen message.
  const View target = ViewOf(app, run, item.about);
  if (item.kind == kEdit || item.kind == kDelete) return std::min(best, target);
  return target == kNothing ? kNothing : best;
}
// -- end

using Seen = std::vector<std::pair<int, View>>;

Seen ExpectedOf(const std::string& app, const std::vector<Item>& run, size_t from, size_t to) {
  Seen expected;
  for (size_t i = from; i < to; ++i) {
    const int number = static_cast<int>(i);
    const View view = ViewOf(app, run, number);
    if (view != kNothing) expected.emplace_back(number, view);
  }
  return expected;
}

class TenThousandEvents : public testing::Test {
 protected:
  void SetUp() override {
    const demo::Script script = demo::GenerateScript(kBefore + kEvents, kChats, kSeed);
    std::vector<v1::Event> setup;
    for (const demo::Step& step : script.setup) {
      setup.push_back(demo::Play(step, start_, 0));
      if (!setup.back().has_chat_created()) continue;
      const v1::Chat& chat = setup.back().chat_created().chat();
      chats_.emplace(chat.id(), static_cast<int>(names_.size()));
      names_.push_back(chat.name());
    }
    ASSERT_EQ(names_.size(), size_t{kChats});
    ASSERT_TRUE(adapter_.PushDurably(setup));
    for (const demo::Step& step : script.steps) Add(step.event);
    deletes_ = run_.size();
    for (int i = 0; i < kBefore + kEvents; i += kDeletedOneIn) {
      const Item& item = run_[static_cast<size_t>(i)];
      if (item.kind != kMessage) continue;
      const v1::Message& message = item.event.message_created().message();
      v1::Event deleted = DeleteEvent(item.event.chat_id(), message.id());
      deleted.mutable_message_deleted()->set_contact_id(message.sender_contact_id());
      Add(deleted);
    }
    // The last, which all of them see: nothing comes after it.
    v1::Event last = MessageEvent(ChatNamed(3), "last", "the end");
    last.mutable_message_created()->mutable_message()->set_sender_contact_id("p3");
    Add(last);
  }

  std::string ChatNamed(int chat) const {
    for (const auto& [id, number] : chats_) {
      if (number == chat) return id;
    }
    return {};
  }
  std::vector<std::string> Names(const std::set<int>& chats) const {
    std::vector<std::string> names;
    for (const int chat : chats) names.push_back(names_[static_cast<size_t>(chat)]);
    return names;
  }

  void Add(v1::Event event) {
    Item item;
    item.kind = KindOf(event);
    item.chat = chats_.at(event.chat_id());
    if (item.kind == kMessage) {
      messages_[event.message_created().message().id()] = static_cast<int>(run_.size());
    } else {
      item.about = messages_.at(TargetOf(event));
    }
    // Every app that sees an event sees its network's time: that is its number.
    const absl::Time time = start_ + absl::Seconds(static_cast<int64_t>(run_.size()));
    demo::Step step;
    step.event = std::move(event);
    item.event = demo::Play(step, time, 0);
    run_.push_back(std::move(item));
  }
  std::vector<v1::Event> Events(size_t from, size_t to) const {
    std::vector<v1::Event> events;
    for (size_t i = from; i < to; ++i) events.push_back(run_[i].event);
    return events;
  }

  // What a frame shows of the run, checked against what was sent.
  Seen Look(const v1::SubscribeResponse& frame) const {
    EXPECT_LE(frame.events_size(), 64);
    EXPECT_LE(frame.ByteSizeLong(), 256u * 1024);
    Seen seen;
    for (const v1::Event& event : frame.events()) {
      // The rest is what Postern tells an app of itself.
      if (KindOf(event) == kOther) continue;
      const int64_t number = event.event_time().seconds() - absl::ToUnixSeconds(start_);
      if (number < 0 || number >= static_cast<int64_t>(run_.size())) {
        ADD_FAILURE() << "an event that nobody sent: " << number;
        continue;
      }
      const v1::Event& sent = run_[static_cast<size_t>(number)].event;
      const bool whole = event.view() == v1::EVENT_VIEW_WHOLE;
      EXPECT_TRUE(whole || event.view() == v1::EVENT_VIEW_METADATA) << number;
      EXPECT_EQ(event.kind_case(), sent.kind_case()) << number;
      EXPECT_EQ(TextOf(event), whole ? TextOf(sent) : "") << number;
      seen.emplace_back(static_cast<int>(number), whole ? kWhole : kReduced);
    }
    return seen;
  }

  // A model without cases for a rule would prove nothing about it.
  void ExpectCasesOfEachRule() const {
    int copies_of_less = 0, about_what_was_before = 0, without_message = 0;
    for (size_t i = kBefore; i < run_.size(); ++i) {
      const Item& item = run_[i];
      if (item.about < 0) continue;
      about_what_was_before += item.about < kBefore ? 1 : 0;
      // The Reader may see reactions there, and no messages.
      without_message += item.kind == kReaction && item.chat == 2 ? 1 : 0;
      // The Counter may read such edits, and only count what they edit.
      copies_of_less += item.kind == kEdit && (item.chat == 3 || item.chat == 4) && i >= kWiden &&
                                item.about < kWiden
                            ? 1
                            : 0;
    }
    EXPECT_GT(copies_of_less, 20);
    EXPECT_GT(about_what_was_before, 20);
    EXPECT_GT(without_message, 20);
  }

  // Acknowledges 'cursor' of the subscription "main".
  static void Acknowledge(const Program& app, const std::string& cursor) {
    v1::AcknowledgeRequest request;
    request.set_subscription("main");
    request.set_cursor(cursor);
    v1::AcknowledgeResponse response;
    const grpc::Status status = app->event->Acknowledge(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
  }

  // Reads with the subscription "main" until so many of the run's events have come, acknowledges
  // the end of the frame with the last of them, and goes away. Returns what came up to there.
  Seen Read(const Program& app, size_t count) const {
    v1::SubscribeRequest request;
    request.set_subscription("main");
    EventReader reader(app, request);
    EXPECT_TRUE(reader.WaitForReported(count))
        << app.name << " " << Text(reader.WaitEnd(absl::ZeroDuration()));
    Seen got;
    std::string cursor;
    for (const EventReader::Frame& frame : reader.frames()) {
      if (got.size() >= count) break;
      for (const auto& one : Look(frame.response)) got.push_back(one);
      cursor = frame.response.cursor();
    }
    Acknowledge(app, cursor);
    return got;
  }
  // The same in two halves, with an acknowledgement between.
  Seen ReadInTwoHalves(const Program& app, size_t count) const {
    Seen got = Read(app, count / 2);
    for (const auto& one : Read(app, count - std::min(count, got.size()))) got.push_back(one);
    return got;
  }

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
  const absl::Time start_ = harness_.clock().Now();
  std::map<std::string, int> chats_;
  std::vector<std::string> names_;
  std::map<std::string, int> messages_;
  std::vector<Item> run_;
  size_t deletes_ = 0;
};

TEST_F(TenThousandEvents, ReachEachAppAsItsGrantsSayInOrderAndOnce) {
  ExpectCasesOfEachRule();
  ASSERT_TRUE(adapter_.PushDurably(Events(0, kBefore)));
  const std::vector<Program> apps = {
      // What it held in two more chats has expired.
      harness_.App("Lister", {kMessagesRead},
                   {.chats = Names({6, 7}), .until = harness_.clock().Now() + absl::Minutes(20)}),
      harness_.App("Reader", {kMessagesRead}, {.chats = Names({3, 4, 5, 6, 7})}),
      harness_.App("Counter", {kMessagesMetadata, kReceiptsRead}, {.chats = Names({1, 2, 3, 4})})};
  harness_.Widen(apps[0], {kMessagesRead}, {.chats = Names({0, 1, 2, 3})});
  harness_.Widen(apps[1], {kReactionsRead}, {.chats = Names({2, 3, 4, 5})});
  harness_.clock().Advance(absl::Hours(1));

  // Subscribed before the first event: the names keep their place from here on.
  for (const Program& app : apps) {
    v1::SubscribeRequest request;
    request.set_subscription("main");
    EventReader first(app, request);
    ASSERT_TRUE(first.WaitLive()) << Text(first.WaitEnd());
  }
  std::vector<Seen> expected;
  for (const Program& app : apps) expected.push_back(ExpectedOf(app.name, run_, 0, deletes_));
  std::vector<Seen> got(apps.size());
  std::vector<std::thread> readers;
  for (size_t i = 0; i < apps.size(); ++i) {
    readers.emplace_back([&, i] { got[i] = ReadInTwoHalves(apps[i], expected[i].size()); });
  }
  const auto start = Steady::now();
  EXPECT_TRUE(adapter_.PushDurably(Events(kBefore, kWiden)));
  absl::Duration taken = absl::FromChrono(Steady::now() - start);
  harness_.Widen(apps[2], {kMessagesRead}, {.chats = Names({3, 4, 5})});
  const auto widened = Steady::now();
  EXPECT_TRUE(adapter_.PushDurably(Events(kWiden, deletes_)));
  taken += absl::FromChrono(Steady::now() - widened);
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(adapter_.refused().empty());
  std::printf("[ figure   ] %d events durable in %s; allowed", kEvents,
              absl::FormatDuration(taken).c_str());
  for (size_t i = 0; i < apps.size(); ++i) {
    // Order and doubles are in the comparison: the model's list has each number once, ascending.
    EXPECT_TRUE(got[i] == expected[i]) << apps[i].name << ": " << got[i].size() << " events, of "
                                       << expected[i].size() << " by the model";
    const double share = static_cast<double>(expected[i].size()) / kEvents;
    EXPECT_GE(share, 0.3) << apps[i].name;
    EXPECT_LE(share, 0.7) << apps[i].name;
    std::printf("%s %s %.0f %%", i == 0 ? "" : ",", apps[i].name.c_str(), share * 100);
  }
  std::printf("\n");

  // Nothing that was acknowledged comes again, and nothing was left over: what follows is the
  // deletes, each with its message, and the end.
  ASSERT_TRUE(adapter_.PushDurably(Events(deletes_, run_.size())));
  for (const Program& app : apps) {
    const Seen last = ExpectedOf(app.name, run_, deletes_, run_.size());
    EXPECT_GT(last.size(), 20u) << app.name;
    EXPECT_TRUE(Read(app, last.size()) == last) << app.name;
  }
}

}  // namespace
}  // namespace postern::behaviors
