// SPDX-License-Identifier: Apache-2.0
// The owner can look up what was read, sent, refused and decided: no more and no less than was.
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::ElementsAre;

// How many events or messages, by principal and name of the chat.
using Counts = std::map<std::pair<std::string, std::string>, uint64_t>;

class AccessHistoryTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(adapter_->PushDurably({ChatEvent("family"), ChatEvent("club"), ChatEvent("work")}));
  }
  // The names of chats, by the ids that a caller knows them by.
  static std::map<std::string, std::string> Names(const Program& app) {
    std::map<std::string, std::string> names;
    v1::ListChatsResponse response;
    const grpc::Status status = app->chat->ListChats(Patiently().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    for (const v1::Chat& chat : response.chats()) names[chat.id()] = chat.name();
    return names;
  }
  std::map<std::string, std::string> OwnersNames() {
    std::map<std::string, std::string> names;
    v1::ListOwnedChatsResponse response;
    const grpc::Status status = owner_->owner->ListOwnedChats(Patiently().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    for (const v1::Chat& chat : response.chats()) names[chat.id()] = chat.name();
    return names;
  }
  // What the history says was read.
  Counts Read() {
    const std::map<std::string, std::string> names = OwnersNames();
    v1::ListAccessHistoryRequest request;
    request.add_verbs(v1::ACCESS_VERB_READ);
    request.set_page_size(7);
    Counts counts;
    for (const v1::AccessEntry& entry : owner_.History(request)) {
      const auto name = names.find(entry.chat_id());
      counts[{entry.principal(), name == names.end() ? "" : name->second}] += entry.count();
    }
    return counts;
  }
  // What a reader has received, by the names that its app's ids stand for.
  static void AddTo(Counts& counts, const Program& app, EventReader& reader,
                    std::map<std::string, std::map<std::string, std::string>>& names) {
    for (const v1::Event& event : reader.events()) {
      if (!event.has_gap()) ++counts[{app.principal, names[app.principal][event.chat_id()]}];
    }
  }
  std::string Verbs(const Program& app) {
    std::string text;
    for (const v1::AccessEntry& entry : owner_.HistoryOf(app, {})) {
      if (entry.verb() == v1::ACCESS_VERB_READ || entry.verb() == v1::ACCESS_VERB_CONNECTED) {
        continue;
      }
      text = v1::AccessVerb_Name(entry.verb()).substr(12) + " " + text;
    }
    return text;
  }

  BrokerHarness harness_{{}, absl::Milliseconds(10)};
  Program gatekeeper_ = harness_.Gatekeeper();
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(gatekeeper_);
  OwnerCalls owner_{harness_};
};

// The property: whatever apps do, the history's counts are what the apps' own programs received.
TEST_F(AccessHistoryTest, CountsAreWhatAppsReceived) {
  const std::vector<Program> apps = {
      harness_.App("Family reader", {kChatsRead, kMessagesRead, kMessagesHistory},
                   {.chats = {"family"}}),
      harness_.App("Counter", {kChatsRead, kMessagesMetadata, kReactionsRead}),
      harness_.App("All",
                   {kChatsRead, kMessagesRead, kMessagesHistory, kReactionsRead, kTypingRead}),
      harness_.App("Blind", {kChatsRead, kMessagesSend}),
  };
  Counts received;
  std::map<std::string, std::map<std::string, std::string>> names;
  for (const Program& app : apps) names[app.principal] = Names(app);
  const auto receive = [&](const Program& app, const std::string& chat_id, uint64_t count) {
    received[{app.principal, names[app.principal][chat_id]}] += count;
  };
  std::mt19937 random(42);
  const std::string chats[] = {"family", "club", "work"};
  int number = 0;
  size_t family_ever = 0;
  for (int round = 0; round < 4; ++round) {
    std::vector<std::unique_ptr<EventReader>> readers;
    std::vector<size_t> reads;
    for (size_t i = 0; i < apps.size(); ++i) {
      // One reads twice; another comes and goes.
      for (size_t stream = 0; stream < (i == 2 ? 2u : 1u); ++stream) {
        readers.push_back(std::make_unique<EventReader>(
            harness_.Reconnect(apps[i]),
            round % 2 == 0 ? v1::SubscribeRequest() : FromOldest("desk" + std::to_string(stream))));
        reads.push_back(i);
        ASSERT_TRUE(readers.back()->WaitLive());
      }
    }
    std::vector<v1::Event> events;
    size_t family_now = 0;
    for (int i = 0; i < 200; ++i) {
      // The last one goes where most can see it.
      const std::string& chat = i == 199 ? chats[0] : chats[random() % 3];
      family_now += chat == chats[0];
      const std::string id = "m" + std::to_string(++number);
      events.push_back(MessageEvent(chat, id, "text " + id));
      if (random() % 4 == 0) events.push_back(ReactionEvent(chat, id, "+"));
      if (random() % 8 == 0) events.push_back(TypingEvent(chat));
    }
    ASSERT_TRUE(adapter_->PushDurably(events));
    family_ever += family_now;
    ASSERT_TRUE(readers[2]->WaitForText("text m" + std::to_string(number)));
    harness_.clock().Advance(absl::Minutes(round));
    for (const Program& app : apps) {
      for (const auto& [id, name] : names[app.principal]) {
        v1::ListMessagesRequest request;
        request.set_chat_id(id);
        request.set_page_size(30);
        v1::ListMessagesResponse response;
        if (!app->message->ListMessages(Patiently().get(), request, &response).ok()) continue;
        for (const v1::Message& message : response.messages()) receive(app, message.chat_id(), 1);
        if (response.messages().empty()) continue;
        v1::GetMessageRequest get;
        get.set_message_id(response.messages(0).id());
        v1::GetMessageResponse got;
        ASSERT_TRUE(app->message->GetMessage(Patiently().get(), get, &got).ok());
        receive(app, got.message().chat_id(), 1);
      }
    }
    // Whoever sees the family's messages has had all there is once the last of them has come.
    for (size_t i = 0; i < readers.size(); ++i) {
      const Program& app = apps[reads[i]];
      if (app.name == "Blind") continue;
      const size_t expected = round % 2 == 0 ? family_now : family_ever;
      ASSERT_TRUE(OwnerCalls::Await([&] {
        size_t family = 0;
        for (const v1::Event& event : readers[i]->events()) {
          family +=
              event.has_message_created() && names[app.principal][event.chat_id()] == "family";
        }
        return family == expected;
      }));
    }
    // A frame is counted right after it was written.
    EXPECT_TRUE(OwnerCalls::Await([&] {
      Counts now = received;
      for (size_t i = 0; i < readers.size(); ++i) AddTo(now, apps[reads[i]], *readers[i], names);
      return Read() == now;
    }));
    for (size_t i = 0; i < readers.size(); ++i) {
      readers[i]->Cancel();
      AddTo(received, apps[reads[i]], *readers[i], names);
    }
    if (round == 2) {
      adapter_.reset();
      harness_.Restart();
      owner_.Reconnect();
      adapter_ = Adapter::Again(harness_.Reconnect(gatekeeper_));
    }
    EXPECT_EQ(Read(), received) << "round " << round;
  }
  const v1::VerifyResponse verified = owner_.Verify();
  EXPECT_TRUE(verified.intact()) << verified.finding();
  EXPECT_GT(verified.access_record_count(), 20u);
}

TEST_F(AccessHistoryTest, EachActUponAGrantHasItsRow) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead, kReactionsRead});
  const std::string grant = owner_.GrantOf(app).id();
  v1::NarrowGrantRequest narrow;
  narrow.set_grant_id(grant);
  narrow.add_remove_scopes(v1::SCOPE_REACTIONS_READ);
  owner_.Narrow(narrow);
  owner_.Suspend(grant);
  owner_.Resume(grant);
  v1::GetSelfResponse self;
  ASSERT_TRUE(app->grant->GetSelf(Patiently().get(), {}, &self).ok());
  v1::ReleaseGrantRequest release;
  release.set_request_id(harness_.NewRequestId());
  release.set_grant_id(self.grants(0).id());
  release.add_scopes(v1::SCOPE_CHATS_READ);
  v1::ReleaseGrantResponse released;
  ASSERT_TRUE(app->grant->ReleaseGrant(Patiently().get(), release, &released).ok());
  owner_.Revoke(grant);
  owner_.RevokeApp(app.principal);
  EXPECT_THAT(Verbs(app),
              testing::EndsWith("NARROWED SUSPENDED RESUMED NARROWED REVOKED REVOKED "));
  std::vector<std::string> reasons;
  for (const v1::AccessEntry& entry :
       owner_.HistoryOf(app, {v1::ACCESS_VERB_NARROWED, v1::ACCESS_VERB_REVOKED})) {
    reasons.push_back(entry.reason());
    EXPECT_EQ(entry.app_display_name(), "Reader");
    EXPECT_EQ(entry.count(), 1u);
    EXPECT_NE(entry.sequence(), 0u);
    EXPECT_FALSE(entry.record_hash().empty());
  }
  EXPECT_THAT(reasons, ElementsAre("owner", "owner", "app", "owner"));
  EXPECT_EQ(owner_.HistoryOf(app, {v1::ACCESS_VERB_SUSPENDED}).at(0).grant_id(), grant);
}

TEST_F(AccessHistoryTest, NarrowingThatLeavesNothingIsARevocation) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  v1::NarrowGrantRequest narrow;
  narrow.set_grant_id(owner_.GrantOf(app).id());
  narrow.add_remove_scopes(v1::SCOPE_MESSAGES_READ);
  owner_.Narrow(narrow);
  EXPECT_THAT(Verbs(app), testing::EndsWith("REVOKED "));
}

TEST_F(AccessHistoryTest, WhatIsRefusedLeavesNoRow) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  const std::string before = Verbs(app);
  v1::NarrowGrantRequest narrow;
  narrow.set_grant_id(owner_.GrantOf(app).id());
  narrow.set_request_id(harness_.NewRequestId());
  narrow.mutable_expire_time()->set_seconds(253402300799);
  owner_.Revoke(narrow.grant_id());
  v1::NarrowGrantResponse response;
  EXPECT_FALSE(owner_->owner->NarrowGrant(Patiently().get(), narrow, &response).ok());
  EXPECT_EQ(Verbs(app), before + "REVOKED ");
}

TEST_F(AccessHistoryTest, PausingAllIsToldOnceAndOfNobody) {
  v1::PauseResponse paused;
  ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
  v1::ResumeResponse resumed;
  ASSERT_TRUE(owner_->owner->Resume(Patiently().get(), {}, &resumed).ok());
  v1::ListAccessHistoryRequest request;
  request.add_verbs(v1::ACCESS_VERB_SUSPENDED);
  request.add_verbs(v1::ACCESS_VERB_RESUMED);
  const std::vector<v1::AccessEntry> entries = owner_.History(request);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].verb(), v1::ACCESS_VERB_RESUMED);
  EXPECT_EQ(entries[1].verb(), v1::ACCESS_VERB_SUSPENDED);
  EXPECT_EQ(entries[0].principal(), "");
}

TEST_F(AccessHistoryTest, RefusalsAreCountedByAppAndReason) {
  const Program app = harness_.App("Reader", {kChatsRead});
  const std::string chat = ChatIdOf(app, "club");
  const auto refused = [&](const std::string& principal) {
    std::map<std::string, uint64_t> counts;
    v1::ListAccessHistoryRequest request;
    request.add_verbs(v1::ACCESS_VERB_REFUSED);
    for (const v1::AccessEntry& entry : owner_.History(request)) {
      if (entry.principal() == principal) counts[entry.reason()] += entry.count();
    }
    return counts;
  };
  v1::SendMessageResponse sent;
  for (int i = 0; i < 3; ++i) {
    v1::SendMessageRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(chat);
    request.set_text("hello");
    EXPECT_EQ(ReasonOf(app->message->SendMessage(Patiently().get(), request, &sent)),
              "SCOPE_REQUIRED");
  }
  // Mistakes are not refusals.
  EXPECT_EQ(ReasonOf(app->message->SendMessage(Patiently().get(), {}, &sent)), "INVALID_FIELD");
  v1::ListAppsResponse apps;
  EXPECT_EQ(ReasonOf(app->owner->ListApps(Patiently().get(), {}, &apps)), "ROLE_REQUIRED");
  EXPECT_EQ(refused(app.principal),
            (std::map<std::string, uint64_t>{{"SCOPE_REQUIRED", 3}, {"ROLE_REQUIRED", 1}}));
  // Strangers are counted as one.
  for (int i = 0; i < 2; ++i) {
    v1::ListChatsResponse chats;
    EXPECT_EQ(
        ReasonOf(harness_.Connect("Stranger")->chat->ListChats(Patiently().get(), {}, &chats)),
        "ENROLLMENT_REQUIRED");
  }
  EXPECT_EQ(refused("")["ENROLLMENT_REQUIRED"], 2u);
  // The owner is refused nothing that an app did.
  v1::RevokeGrantRequest nothing;
  nothing.set_request_id(harness_.NewRequestId());
  nothing.set_grant_id(chat);
  v1::RevokeGrantResponse revoked;
  EXPECT_FALSE(owner_->owner->RevokeGrant(Patiently().get(), nothing, &revoked).ok());
  EXPECT_EQ(refused("").size(), 1u);
  // And a stream that is taken away from its app was refused to it.
  EventReader reader(harness_.Reconnect(app));
  ASSERT_TRUE(reader.WaitLive());
  owner_.Revoke(owner_.GrantOf(app).id());
  reader.WaitEnd();
  EXPECT_TRUE(OwnerCalls::Await([&] { return refused(app.principal)["GRANT_REVOKED"] == 1; }));
}

TEST_F(AccessHistoryTest, ComingIsCountedOnceADay) {
  const Program app = harness_.App("Reader", {kChatsRead});
  const auto connected = [&] { return owner_.HistoryOf(app, {v1::ACCESS_VERB_CONNECTED}).size(); };
  for (int i = 0; i < 3; ++i) (void)Names(harness_.Reconnect(app));
  EXPECT_EQ(connected(), 1u);
  harness_.clock().Advance(absl::Hours(24));
  (void)Names(app);
  EXPECT_EQ(connected(), 2u);
  EXPECT_EQ(owner_.HistoryOf(gatekeeper_, {v1::ACCESS_VERB_CONNECTED}).size(), 1u);
}

TEST_F(AccessHistoryTest, CountsBecomeRowsWhenTheirMinuteIsOver) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one"));
  const auto read = [&] { return owner_.HistoryOf(app, {v1::ACCESS_VERB_READ}); };
  ASSERT_TRUE(OwnerCalls::Await([&] { return read().size() == 1; }));
  EXPECT_EQ(read()[0].sequence(), 0u);
  EXPECT_TRUE(read()[0].record_hash().empty());
  harness_.clock().Advance(absl::Minutes(1));
  EXPECT_TRUE(OwnerCalls::Await([&] { return read()[0].sequence() != 0; }));
  EXPECT_EQ(read().size(), 1u);
  EXPECT_EQ(read()[0].count(), 1u);
}

TEST_F(AccessHistoryTest, BadQuestionsAreToldWhy) {
  const auto list = [&](const v1::ListAccessHistoryRequest& request) {
    v1::ListAccessHistoryResponse response;
    return owner_->owner->ListAccessHistory(Patiently().get(), request, &response);
  };
  const auto expect_field = [](const grpc::Status& status, const std::string& field) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << Text(status);
    EXPECT_EQ(InfoOf(status).metadata().at("field"), field);
  };
  v1::ListAccessHistoryRequest request;
  request.set_principal("12");
  expect_field(list(request), "principal");
  request.Clear();
  request.set_chat_id("club");
  expect_field(list(request), "chat_id");
  request.Clear();
  request.add_verbs(static_cast<v1::AccessVerb>(77));
  expect_field(list(request), "verbs");
  request.Clear();
  request.set_page_size(-1);
  expect_field(list(request), "page_size");
  // A token goes on with the request that it was given for.
  request.Clear();
  request.set_page_size(1);
  v1::ListAccessHistoryResponse page;
  ASSERT_TRUE(owner_->owner->ListAccessHistory(Patiently().get(), request, &page).ok());
  owner_.Suspend(owner_.GrantOf(harness_.App("Reader", {kChatsRead})).id());
  ASSERT_TRUE(owner_->owner->ListAccessHistory(Patiently().get(), request, &page).ok());
  ASSERT_FALSE(page.next_page_token().empty());
  request.set_page_token(page.next_page_token());
  EXPECT_TRUE(list(request).ok());
  request.add_verbs(v1::ACCESS_VERB_READ);
  expect_field(list(request), "page_token");

  const auto sum = [&](const v1::SummarizeAccessRequest& asked) {
    v1::SummarizeAccessResponse response;
    return owner_->owner->SummarizeAccess(Patiently().get(), asked, &response);
  };
  v1::SummarizeAccessRequest good;
  good.mutable_start_time()->set_seconds(1'000'000'000);
  good.mutable_end_time()->set_seconds(1'000'000'000 + 500 * 60);
  good.mutable_stretch()->set_seconds(60);
  EXPECT_TRUE(sum(good).ok());
  v1::SummarizeAccessRequest bad = good;
  bad.mutable_end_time()->set_seconds(1'000'000'000 + 500 * 60 + 1);
  expect_field(sum(bad), "stretch");
  bad = good;
  bad.mutable_stretch()->set_seconds(59);
  expect_field(sum(bad), "stretch");
  bad = good;
  bad.clear_stretch();
  expect_field(sum(bad), "stretch");
  bad = good;
  bad.clear_start_time();
  expect_field(sum(bad), "start_time");
  bad = good;
  *bad.mutable_end_time() = bad.start_time();
  expect_field(sum(bad), "end_time");
  bad = good;
  bad.set_principal("x");
  expect_field(sum(bad), "principal");
}

TEST_F(AccessHistoryTest, SumsShowWhatIsReadNow) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  std::vector<v1::Event> events;
  for (int i = 0; i < 30; ++i) {
    events.push_back(MessageEvent("club", "m" + std::to_string(i), "text"));
  }
  ASSERT_TRUE(adapter_->PushDurably(events));
  ASSERT_TRUE(reader.WaitForEvents(30));
  v1::SummarizeAccessRequest request;
  const int64_t now = absl::ToUnixSeconds(harness_.clock().Now());
  request.mutable_start_time()->set_seconds(now - 3600);
  request.mutable_end_time()->set_seconds(now + 60);
  request.mutable_stretch()->set_seconds(600);
  request.set_principal(app.principal);
  const auto read = [&] {
    v1::SummarizeAccessResponse response;
    EXPECT_TRUE(owner_->owner->SummarizeAccess(Patiently().get(), request, &response).ok());
    uint64_t count = 0;
    for (const v1::AccessSummary& summary : response.summaries()) count += summary.read_count();
    return count;
  };
  // Beside the messages, who can see which chat may be news to the app.
  EXPECT_TRUE(OwnerCalls::Await([&] { return read() == reader.events().size(); }));
  harness_.clock().Advance(absl::Minutes(1));
  EXPECT_TRUE(OwnerCalls::Await(
      [&] { return owner_.HistoryOf(app, {v1::ACCESS_VERB_READ}).at(0).sequence() != 0; }));
  EXPECT_TRUE(OwnerCalls::Await([&] { return read() == reader.events().size(); }));
}

}  // namespace
}  // namespace postern::behaviors
