// SPDX-License-Identifier: Apache-2.0
// History: one order for what came as news and what came late, pages that stay whole while messages
// arrive, and each message with all that happened to it.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "broker/proto_time.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using Texts = std::vector<std::string>;

v1::Event OldMessage(const std::string& chat, const std::string& id, const std::string& text,
                     absl::Time time) {
  v1::Event event = MessageEvent(chat, id, text);
  event.set_backfill(true);
  *event.mutable_event_time() = broker::ToProto(time);
  *event.mutable_message_created()->mutable_message()->mutable_create_time() = event.event_time();
  return event;
}

v1::Event Vote(const std::string& message, const std::string& person, const Texts& options) {
  v1::Event event;
  event.set_chat_id("club");
  v1::PollVoted& voted = *event.mutable_poll_voted();
  voted.set_message_id(message);
  voted.set_contact_id(person);
  for (const std::string& option : options) voted.add_option_ids(option);
  return event;
}

class HistoryTest : public testing::Test {
 protected:
  v1::ListMessagesResponse List(const Program& app, int page_size = 0,
                                const std::string& token = {}) {
    v1::ListMessagesRequest request;
    request.set_chat_id(ChatIdOf(app, "club"));
    request.set_page_size(page_size);
    request.set_page_token(token);
    v1::ListMessagesResponse response;
    const grpc::Status status = app->message->ListMessages(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return response;
  }
  static Texts TextsOf(const auto& messages) {
    Texts texts;
    for (const v1::Message& message : messages) texts.push_back(message.text());
    return texts;
  }
  v1::Message Newest() { return List(app_, 1).messages(0); }

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
  bool chats_ = adapter_.PushDurably({ChatEvent("club", "club")});
  Program app_ = harness_.App(
      "Reader", {kChatsRead, kMessagesRead, kMessagesHistory, kReactionsRead, kAttachmentsRead});
};

TEST_F(HistoryTest, PagesHoldNothingTwiceAndMissNothingWhileAThousandMessagesArrive) {
  std::vector<v1::Event> first;
  std::set<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = "old" + std::to_string(i);
    first.push_back(MessageEvent("club", id, id));
    expected.insert(id);
  }
  ASSERT_TRUE(adapter_.PushDurably(first));
  std::vector<std::string> seen;
  std::string token;
  uint64_t pushed = 0;
  for (int page = 0;; ++page) {
    const v1::ListMessagesResponse response = List(app_, 50, token);
    for (const v1::Message& message : response.messages()) seen.push_back(message.text());
    // Between any two pages: news, and history that comes late and belongs far back.
    std::vector<v1::Event> more;
    for (int i = 0; i < 50; ++i) {
      const std::string id = "new" + std::to_string(page) + "." + std::to_string(i);
      more.push_back(i % 10 == 0
                         ? OldMessage("club", id, id, harness_.clock().Now() - absl::Hours(1))
                         : MessageEvent("club", id, id));
    }
    pushed += more.size();
    ASSERT_TRUE(adapter_.PushDurably(more));
    token = response.next_page_token();
    if (token.empty()) break;
    ASSERT_LT(page, 100);
  }
  EXPECT_GE(pushed, 1000u);
  const std::set<std::string> once(seen.begin(), seen.end());
  EXPECT_EQ(once.size(), seen.size()) << "something came twice";
  for (const std::string& id : expected) EXPECT_TRUE(once.contains(id)) << id;
  // What came late stands after all that was there when it belongs before that.
  EXPECT_TRUE(std::is_partitioned(seen.begin(), seen.end(),
                                  [](const std::string& id) { return id.starts_with("old"); }));
}

// Pushes "new0" to "new999" from a thread of its own, news and what belongs far back by turns, and
// is never much further ahead than its reader has read pages: so they do it at the same time.
class Arrivals {
 public:
  static constexpr int kCount = 1000;

  Arrivals(Adapter& adapter, absl::Time long_ago)
      : adapter_(adapter), long_ago_(long_ago), thread_([this] { Loop(); }) {}
  ~Arrivals() {
    for (int page = 0; page < kCount; ++page) PageRead();
    thread_.join();
  }

  // The reader has read one page more.
  void PageRead() {
    platform::MutexLock lock(mutex_);
    ++pages_;
    changed_.NotifyAll();
  }
  // How many of them were durable by now.
  int durable() const {
    platform::MutexLock lock(mutex_);
    return durable_;
  }

 private:
  static constexpr int kBatch = 10;
  // Batches for each page.
  static constexpr int kAhead = 4;

  void Loop() {
    for (int first = 0; first < kCount; first += kBatch) {
      std::vector<v1::Event> events;
      for (int i = first; i < first + kBatch; ++i) {
        const std::string id = "new" + std::to_string(i);
        events.push_back(i % 5 == 0 ? OldMessage("club", id, id, long_ago_)
                                    : MessageEvent("club", id, id));
      }
      EXPECT_TRUE(adapter_.PushDurably(events));
      platform::MutexLock lock(mutex_);
      durable_ = first + kBatch;
      while (first / kBatch >= kAhead * (pages_ + 1)) changed_.Wait(mutex_);
    }
  }

  Adapter& adapter_;
  const absl::Time long_ago_;
  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  int pages_ ABSL_GUARDED_BY(mutex_) = 0;
  int durable_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

TEST_F(HistoryTest, PagesHoldNothingTwiceAndMissNothingWhileAnotherThreadBringsAThousand) {
  std::vector<v1::Event> first;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = "old" + std::to_string(i);
    first.push_back(MessageEvent("club", id, id));
  }
  ASSERT_TRUE(adapter_.PushDurably(first));
  Arrivals arrivals(adapter_, harness_.clock().Now() - absl::Hours(1));
  int passes_meanwhile = 0;
  for (int durable = 0; durable < Arrivals::kCount;) {
    // Whatever was durable when the first page was asked for is in the pass.
    durable = arrivals.durable();
    passes_meanwhile += durable < Arrivals::kCount ? 1 : 0;
    Texts seen;
    std::string token;
    for (int pages = 0; pages == 0 || !token.empty(); ++pages) {
      ASSERT_LT(pages, 100);
      const v1::ListMessagesResponse response = List(app_, 50, token);
      for (const v1::Message& message : response.messages()) seen.push_back(message.text());
      token = response.next_page_token();
      arrivals.PageRead();
    }
    const std::set<std::string> once(seen.begin(), seen.end());
    EXPECT_EQ(once.size(), seen.size()) << "something came twice";
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(once.contains("old" + std::to_string(i))) << i;
    for (int i = 0; i < durable; ++i) EXPECT_TRUE(once.contains("new" + std::to_string(i))) << i;
    // News, newest first; then what was there; then what came late.
    const auto old = [](const std::string& id) { return id.starts_with("old"); };
    const auto first_old = std::find_if(seen.begin(), seen.end(), old);
    EXPECT_TRUE(std::is_partitioned(first_old, seen.end(), old));
    EXPECT_TRUE(std::is_sorted(seen.begin(), first_old, [](const auto& one, const auto& other) {
      return std::stoi(one.substr(3)) > std::stoi(other.substr(3));
    }));
  }
  EXPECT_GT(passes_meanwhile, 0);
}

TEST_F(HistoryTest, WhatIsBroughtInLaterStandsWhereItBelongsInTimeAndWakesNobodyWhoDidNotAsk) {
  const absl::Time start = harness_.clock().Now();
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "first")}));
  harness_.clock().Advance(absl::Hours(10));
  EventReader live(app_);
  v1::SubscribeRequest also;
  also.set_include_backfill(true);
  EventReader all(app_, also);
  ASSERT_TRUE(live.WaitLive() && all.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({OldMessage("club", "b1", "before", start - absl::Hours(1)),
                                    OldMessage("club", "b2", "between", start + absl::Hours(5)),
                                    MessageEvent("club", "m2", "second")}));
  EXPECT_EQ(TextsOf(List(app_).messages()), (Texts{"second", "between", "first", "before"}));
  ASSERT_TRUE(live.WaitForText("second"));
  EXPECT_EQ(live.texts(), (Texts{"second"}));
  ASSERT_TRUE(all.WaitForText("second"));
  EXPECT_EQ(all.texts(), (Texts{"before", "between", "second"}));
  adapter_.End();
  harness_.Restart();
  app_ = harness_.Reconnect(app_);
  EXPECT_EQ(TextsOf(List(app_).messages()), (Texts{"second", "between", "first", "before"}));
}

TEST_F(HistoryTest, AGrantOpensNoHistoryFromBeforeItsDateHoweverLateThatArrives) {
  const absl::Time start = harness_.clock().Now();
  const Program bound = harness_.App("Bound", {kChatsRead, kMessagesRead, kMessagesHistory},
                                     {.history_from = start - absl::Hours(2)});
  harness_.clock().Advance(absl::Minutes(1));
  ASSERT_TRUE(adapter_.PushDurably({OldMessage("club", "b1", "too old", start - absl::Hours(3)),
                                    OldMessage("club", "b2", "within", start - absl::Hours(1)),
                                    MessageEvent("club", "m1", "news")}));
  const v1::ListMessagesResponse response = List(bound);
  EXPECT_EQ(TextsOf(response.messages()), (Texts{"news", "within"}));
  // Nor does a token say that there is more.
  EXPECT_TRUE(response.next_page_token().empty());
}

TEST_F(HistoryTest, ReactionsEditsAndVotesAreFoldedIn) {
  v1::Event poll = MessageEvent("club", "p1", "");
  v1::Message& message = *poll.mutable_message_created()->mutable_message();
  message.set_kind(v1::MESSAGE_KIND_POLL);
  message.mutable_poll()->set_question("Where?");
  for (const char* id : {"sea", "hill"}) {
    message.mutable_poll()->add_options()->set_id(id);
  }
  // The edit comes before what it edits.
  ASSERT_TRUE(adapter_.PushDurably(
      {EditEvent("club", "m1", "better"), MessageEvent("club", "m1", "good"),
       ReactionEvent("club", "m1", "👍"), ReactionEvent("club", "m1", "👍"),
       ReactionEvent("club", "m1", "🎉"), poll, Vote("p1", "bob", {"sea"}),
       Vote("p1", "carol", {"sea"}), Vote("p1", "bob", {"hill"}), Vote("p1", "carol", {})}));
  const v1::ListMessagesResponse response = List(app_);
  ASSERT_EQ(response.messages_size(), 2);
  const v1::Message& voted = response.messages(0);
  ASSERT_EQ(voted.poll().votes_size(), 1) << voted.ShortDebugString();
  EXPECT_EQ(voted.poll().votes(0).option_ids(0), "hill");
  const v1::Message& edited = response.messages(1);
  EXPECT_EQ(edited.text(), "better");
  EXPECT_TRUE(edited.has_edit_time());
  ASSERT_EQ(edited.reactions_size(), 2);
  EXPECT_EQ(edited.reactions(0).emoji(), "👍");
  v1::GetMessageRequest get;
  get.set_message_id(edited.id());
  v1::GetMessageResponse got;
  ASSERT_TRUE(app_->message->GetMessage(Patiently().get(), get, &got).ok());
  EXPECT_EQ(got.message().SerializeAsString(), edited.SerializeAsString());
}

TEST_F(HistoryTest, WhatStandsOnAMessageIsNeverTakenFromAnAdaptersWord) {
  v1::Event event = MessageEvent("club", "p1", "");
  v1::Message& said = *event.mutable_message_created()->mutable_message();
  said.set_kind(v1::MESSAGE_KIND_POLL);
  said.mutable_poll()->set_question("When?");
  v1::PollOption& option = *said.mutable_poll()->add_options();
  option.set_id("1");
  option.set_text("now");
  v1::PollVote& vote = *said.mutable_poll()->add_votes();
  vote.set_contact_id("bob");
  vote.add_option_ids("1");
  said.set_withheld(true);
  ASSERT_TRUE(adapter_.PushDurably({event}));
  const v1::ListMessagesResponse response = List(app_, 10);
  ASSERT_EQ(response.messages_size(), 1);
  EXPECT_EQ(response.messages(0).poll().question(), "When?");
  EXPECT_TRUE(response.messages(0).poll().votes().empty());
  // Its reading would be counted as of nothing.
  EXPECT_FALSE(response.messages(0).withheld());
}

TEST_F(HistoryTest, AnotherPersonsEditChangesNothing) {
  v1::Event edit = EditEvent("club", "m1", "I owe you all I have");
  edit.mutable_message_edited()->set_sender_contact_id("mallory");
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "hello"), edit}));
  EXPECT_EQ(Newest().text(), "hello");
}

TEST_F(HistoryTest, AThousandReactionsAreBoundedAndHideNeitherEditNorDelete) {
  std::vector<v1::Event> events = {MessageEvent("club", "m1", "good"),
                                   EditEvent("club", "m1", "better")};
  for (int i = 0; i < 1000; ++i) {
    events.push_back(ReactionEvent("club", "m1", "r" + std::to_string(i)));
  }
  ASSERT_TRUE(adapter_.PushDurably(events));
  EXPECT_EQ(Newest().text(), "better");
  EXPECT_LE(Newest().reactions_size(), broker::kFoldedReactionsMax);
  EXPECT_EQ(Newest().reactions(Newest().reactions_size() - 1).emoji(), "r999");
  ASSERT_TRUE(
      adapter_.PushDurably({DeleteEvent("club", "m1"), ReactionEvent("club", "m1", "late")}));
  EXPECT_TRUE(Newest().deleted());
  EXPECT_EQ(Newest().reactions_size(), 0);
}

TEST_F(HistoryTest, ADeletedMessageIsTheSameHoweverOneAsks) {
  ASSERT_TRUE(adapter_.PushDurably(
      {MessageEvent("club", "m1", "the canary sings"), MessageEvent("club", "m2", "after")}));
  const std::string id = List(app_).messages(1).id();
  ASSERT_TRUE(adapter_.PushDurably({DeleteEvent("club", "m1")}));
  const v1::Message listed = List(app_).messages(1);
  EXPECT_TRUE(listed.deleted());
  v1::GetMessageRequest get;
  get.set_message_id(id);
  v1::GetMessageResponse got;
  const grpc::Status status = app_->message->GetMessage(Patiently().get(), get, &got);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(got.message().SerializeAsString(), listed.SerializeAsString());
  v1::GetMessageContextRequest around;
  around.set_message_id(id);
  v1::GetMessageContextResponse context;
  ASSERT_TRUE(app_->message->GetMessageContext(Patiently().get(), around, &context).ok());
  ASSERT_EQ(context.messages_size(), 2);
  EXPECT_EQ(context.messages(1).SerializeAsString(), listed.SerializeAsString());
}

TEST_F(HistoryTest, ContextIsWhatStandsAroundAMessageAndNoMore) {
  std::vector<v1::Event> events;
  for (int i = 0; i < 9; ++i) {
    events.push_back(MessageEvent("club", std::to_string(i), std::to_string(i)));
  }
  ASSERT_TRUE(adapter_.PushDurably(events));
  v1::GetMessageContextRequest request;
  request.set_message_id(List(app_).messages(4).id());
  request.set_before_count(2);
  request.set_after_count(3);
  v1::GetMessageContextResponse response;
  ASSERT_TRUE(app_->message->GetMessageContext(Patiently().get(), request, &response).ok());
  EXPECT_EQ(TextsOf(response.messages()), (Texts{"7", "6", "5", "4", "3", "2"}));
  request.set_before_count(-1);
  grpc::Status negative = app_->message->GetMessageContext(Patiently().get(), request, &response);
  EXPECT_EQ(negative.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << Text(negative);
  EXPECT_EQ(InfoOf(negative).metadata().at("field"), "before_count");
  request.set_before_count(0);
  request.set_after_count(-1);
  negative = app_->message->GetMessageContext(Patiently().get(), request, &response);
  EXPECT_EQ(negative.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << Text(negative);
  EXPECT_EQ(InfoOf(negative).metadata().at("field"), "after_count");
  // One message of another app's, or none: the same answer.
  const Program other = harness_.App("Other", {kChatsRead, kMessagesRead, kMessagesHistory});
  request.set_after_count(0);
  const grpc::Status foreign =
      other->message->GetMessageContext(Patiently().get(), request, &response);
  EXPECT_EQ(foreign.error_code(), grpc::StatusCode::NOT_FOUND) << Text(foreign);
}

TEST_F(HistoryTest, ContextIsBoundedOnBothSides) {
  std::vector<v1::Event> events;
  for (int i = 0; i < 2 * broker::kContextMax + 20; ++i) {
    events.push_back(MessageEvent("club", std::to_string(i), std::to_string(i)));
  }
  ASSERT_TRUE(adapter_.PushDurably(events));
  v1::GetMessageContextRequest request;
  request.set_message_id(List(app_, 500).messages(broker::kContextMax + 10).id());
  v1::GetMessageContextResponse response;
  ASSERT_TRUE(app_->message->GetMessageContext(Patiently().get(), request, &response).ok());
  EXPECT_EQ(response.messages_size(), 2 * broker::kContextDefault + 1);
  request.set_before_count(1'000'000);
  request.set_after_count(1'000'000);
  ASSERT_TRUE(app_->message->GetMessageContext(Patiently().get(), request, &response).ok());
  EXPECT_EQ(response.messages_size(), 2 * broker::kContextMax + 1);
  EXPECT_EQ(response.messages(broker::kContextMax).id(), request.message_id());
}

// What is not seen costs as much to look at as what is: one call does so much of it and no more.
TEST_F(HistoryTest, WhatIsNotSeenIsPassedOverInBoundedSteps) {
  std::vector<v1::Event> events{MessageEvent("club", "first", "a word of Bob")};
  for (size_t i = 0; i < broker::kHistoryLooksMax + 100; ++i) {
    events.push_back(MessageEvent("club", std::to_string(i), "a word of Mallory"));
    events.back().mutable_message_created()->mutable_message()->set_sender_contact_id("mallory");
  }
  v1::Event chat = ChatEvent("club", "club");
  for (const char* person : {"bob", "mallory"}) {
    v1::Participant& one = *chat.mutable_chat_created()->mutable_chat()->add_participants();
    one.set_contact_id(person);
    one.set_display_name(person);
  }
  events.insert(events.begin(), chat);
  ASSERT_TRUE(adapter_.PushDurably(events));
  const Program owner = harness_.Owner();
  v1::ListOwnedChatsResponse owned;
  ASSERT_TRUE(owner->owner->ListOwnedChats(Patiently().get(), {}, &owned).ok());
  v1::SealRequest seal;
  seal.set_request_id(harness_.NewRequestId());
  for (const v1::Participant& person : owned.chats(0).participants()) {
    if (person.display_name() == "mallory") seal.set_contact_id(person.contact_id());
  }
  v1::SealResponse sealed;
  ASSERT_TRUE(owner->owner->Seal(Patiently().get(), seal, &sealed).ok());

  v1::ListMessagesResponse page = List(app_);
  EXPECT_EQ(page.messages_size(), 0);
  ASSERT_FALSE(page.next_page_token().empty());
  page = List(app_, 0, page.next_page_token());
  EXPECT_EQ(TextsOf(page.messages()), Texts{"a word of Bob"});
  EXPECT_EQ(page.next_page_token(), "");

  const Program finder =
      harness_.App("Finder", {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesSearch});
  v1::SearchMessagesRequest search;
  search.set_query("word");
  v1::SearchMessagesResponse found;
  grpc::Status status = finder->message->SearchMessages(Patiently().get(), search, &found);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(found.messages_size(), 0);
  ASSERT_FALSE(found.next_page_token().empty());
  search.set_page_token(found.next_page_token());
  status = finder->message->SearchMessages(Patiently().get(), search, &found);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(TextsOf(found.messages()), Texts{"a word of Bob"});
  EXPECT_EQ(found.next_page_token(), "");
}

}  // namespace
}  // namespace postern::behaviors
