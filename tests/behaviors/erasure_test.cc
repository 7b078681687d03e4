// SPDX-License-Identifier: Apache-2.0
// The duty to erase: what is deleted, what disappears and what is taken back reaches the apps that
// had it as an ask, and the owner sees who has not said that they erased it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "clients/sdk/client.h"
#include "clients/sdk/grants.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

constexpr absl::Duration kLooks = absl::Milliseconds(20);
// Nothing tells the SDK's caller when a stream is open; what is reported before is not on it.
constexpr absl::Duration kUntilLive = absl::Seconds(1);

v1::SubscribeRequest Named(const std::string& name) {
  v1::SubscribeRequest request;
  request.set_subscription(name);
  return request;
}

v1::Event Disappearing(const std::string& chat, const std::string& id, absl::Time when) {
  v1::Event event = MessageEvent(chat, id, "the canary sings");
  event.mutable_message_created()->mutable_message()->mutable_expire_time()->set_seconds(
      absl::ToUnixSeconds(when));
  return event;
}

class ErasureTest : public testing::Test {
 protected:
  std::optional<v1::AppErasure> Of(const Program& app) {
    v1::ListErasuresResponse response;
    const grpc::Status status = owner_->owner->ListErasures(Patiently().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    for (const v1::AppErasure& erasure : response.erasures()) {
      if (erasure.principal() == app.principal) return erasure;
    }
    return std::nullopt;
  }
  uint64_t Unconfirmed(const Program& app) {
    const auto erasure = Of(app);
    return erasure.has_value() ? erasure->unconfirmed_count() : 0;
  }
  static grpc::Status Confirm(const Program& app, const std::string& cursor) {
    v1::ConfirmErasedRequest request;
    request.set_cursor(cursor);
    v1::ConfirmErasedResponse response;
    return app->event->ConfirmErased(Patiently().get(), request, &response);
  }
  static grpc::Status ConfirmEverything(const Program& app) {
    v1::ConfirmErasedRequest request;
    request.set_everything(true);
    v1::ConfirmErasedResponse response;
    return app->event->ConfirmErased(Patiently().get(), request, &response);
  }
  // The asks among what came, in order.
  static std::vector<v1::Event> Asks(EventReader& reader) {
    std::vector<v1::Event> asks;
    for (const v1::Event& event : reader.events()) {
      if (event.has_erase_asked()) asks.push_back(event);
    }
    return asks;
  }
  static bool WaitForAsks(EventReader& reader, size_t count) {
    return OwnerCalls::Await([&] { return Asks(reader).size() >= count; });
  }
  static std::set<std::string> ChatsOf(const v1::Event& ask) {
    return {ask.erase_asked().chat_ids().begin(), ask.erase_asked().chat_ids().end()};
  }
  void Narrow(const Program& app, const std::string& chat) {
    v1::ListOwnedChatsResponse chats;
    ASSERT_TRUE(owner_->owner->ListOwnedChats(Patiently().get(), {}, &chats).ok());
    v1::NarrowGrantRequest request;
    request.set_grant_id(owner_.GrantOf(app).id());
    for (const v1::Chat& each : chats.chats()) {
      if (each.name() == chat) request.add_remove_chat_ids(each.id());
    }
    owner_.Narrow(request);
  }

  BrokerHarness harness_{{}, kLooks};
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(harness_.Gatekeeper());
  bool chats_ = adapter_->PushDurably({ChatEvent("club", "club"), ChatEvent("work", "work")});
  Program app_ =
      harness_.App("Reader", {kChatsRead, kMessagesRead, kMessagesHistory, kEphemeralRead});
  OwnerCalls owner_{harness_};
};

TEST_F(ErasureTest, ADeleteCountsUntilTheAppSaysThatItErased) {
  EventReader reader(app_, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(
      adapter_->PushDurably({MessageEvent("club", "m1", "one"), DeleteEvent("club", "m1")}));
  ASSERT_TRUE(reader.WaitForReported(2));
  ASSERT_EQ(Unconfirmed(app_), 1u);
  EXPECT_TRUE(Of(app_)->has_oldest_ask_time());
  EXPECT_FALSE(Of(app_)->has_confirm_time());
  const std::string cursor = reader.frames().back().response.cursor();
  ASSERT_TRUE(Confirm(app_, cursor).ok());
  EXPECT_EQ(Unconfirmed(app_), 0u);
  EXPECT_TRUE(Of(app_)->has_confirm_time());
  EXPECT_FALSE(Of(app_)->has_oldest_ask_time());
  // What was confirmed and comes again is asked no second time.
  EventReader again(app_, FromOldest());
  ASSERT_TRUE(again.WaitForReported(3));
  EXPECT_EQ(Unconfirmed(app_), 0u);
}

TEST_F(ErasureTest, SentAgainItIsStillOneAsk) {
  ASSERT_TRUE(
      adapter_->PushDurably({MessageEvent("club", "m1", "one"), DeleteEvent("club", "m1")}));
  // Nobody was told yet.
  EXPECT_FALSE(Of(app_).has_value());
  for (int i = 0; i < 2; ++i) {
    EventReader reader(app_, FromOldest());
    ASSERT_TRUE(OwnerCalls::Await([&] { return Unconfirmed(app_) > 0; }));
    ASSERT_TRUE(reader.WaitForReported(3));
  }
  EXPECT_EQ(Unconfirmed(app_), 1u);
  // It outlives the daemon, and so does the app's word.
  harness_.Restart();
  owner_.Reconnect();
  app_ = harness_.Reconnect(app_);
  EXPECT_EQ(Unconfirmed(app_), 1u);
  ASSERT_TRUE(ConfirmEverything(app_).ok());
  harness_.Restart();
  owner_.Reconnect();
  EXPECT_EQ(Unconfirmed(app_), 0u);
  EXPECT_TRUE(Of(app_)->has_confirm_time());
}

TEST_F(ErasureTest, ACursorConfirmsWhatCameBeforeItAndNoMore) {
  EventReader reader(app_, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(
      adapter_->PushDurably({MessageEvent("club", "m1", "one"), DeleteEvent("club", "m1")}));
  ASSERT_TRUE(reader.WaitForReported(2));
  const std::string early = reader.frames().back().response.cursor();
  ASSERT_TRUE(
      adapter_->PushDurably({MessageEvent("club", "m2", "two"), DeleteEvent("club", "m2")}));
  ASSERT_TRUE(reader.WaitForReported(4));
  ASSERT_EQ(Unconfirmed(app_), 2u);
  ASSERT_TRUE(Confirm(app_, early).ok());
  EXPECT_EQ(Unconfirmed(app_), 1u);
  EXPECT_EQ(ReasonOf(Confirm(app_, "")), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(Confirm(app_, "no cursor")), "INVALID_CURSOR");
}

TEST_F(ErasureTest, NarrowingAsksTheAppAndNoOtherForTheChatThatWasTakenOut) {
  const Program other = harness_.App("Other", {kChatsRead, kMessagesRead});
  const std::string club = ChatIdOf(app_, "club");
  EventReader reader(app_, Named("main"));
  EventReader others(other, Named("main"));
  ASSERT_TRUE(reader.WaitLive() && others.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one") && others.WaitForText("one"));
  ASSERT_NO_FATAL_FAILURE(Narrow(app_, "club"));
  ASSERT_TRUE(WaitForAsks(reader, 1));
  const v1::Event ask = Asks(reader).front();
  EXPECT_EQ(ask.erase_asked().cause(), v1::EraseAsked::CAUSE_REVOKED);
  EXPECT_EQ(ChatsOf(ask), std::set<std::string>{club});
  EXPECT_TRUE(ask.erase_asked().message_ids().empty());
  EXPECT_TRUE(OwnerCalls::Await([&] { return Unconfirmed(app_) == 1; }));
  // The other app comes past the same place in the log.
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("work", "m2", "two")}));
  ASSERT_TRUE(reader.WaitForText("two") && others.WaitForText("two"));
  EXPECT_TRUE(Asks(others).empty());
  EXPECT_FALSE(Of(other).has_value());
  EXPECT_EQ(Asks(reader).size(), 1u);
}

TEST_F(ErasureTest, OneOfSeveralGrantsTakenBackAsksForWhatOnlyItOpened) {
  const Program app = harness_.App("Two", {kChatsRead, kMessagesRead}, {.chats = {"work"}});
  const v1::Grant wide = harness_.Widen(app, {kMessagesRead}, {});
  EventReader reader(app, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one"));
  const std::string club = reader.reported().front().chat_id();
  std::vector<v1::Grant> grants = owner_.Grants(app.principal);
  ASSERT_EQ(grants.size(), 2u);
  for (const v1::Grant& grant : grants) {
    if (grant.selection().chat_choice() == v1::Selection::CHAT_CHOICE_ALL_AND_NEW) {
      owner_.Revoke(grant.id());
    }
  }
  ASSERT_TRUE(WaitForAsks(reader, 1));
  EXPECT_EQ(ChatsOf(Asks(reader).front()), std::set<std::string>{club});
  EXPECT_FALSE(Of(app)->everything_asked());
}

TEST_F(ErasureTest, AGrantThatExpiresAsksToo) {
  const Program app = harness_.App("Two", {kChatsRead, kMessagesRead}, {.chats = {"work"}});
  harness_.Widen(app, {kMessagesRead}, {.until = harness_.clock().Now() + absl::Hours(5)});
  EventReader reader(app, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one"));
  const std::string club = reader.reported().front().chat_id();
  harness_.clock().Advance(absl::Hours(6));
  // The injected clock wakes nobody; something happens.
  ASSERT_TRUE(adapter_->PushDurably({ChatEvent("new", "new")}));
  ASSERT_TRUE(WaitForAsks(reader, 1));
  EXPECT_EQ(ChatsOf(Asks(reader).front()), std::set<std::string>{club});
}

TEST_F(ErasureTest, ASealAsksAndAPauseDoesNot) {
  EventReader reader(app_, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one"));
  const std::string club = reader.reported().front().chat_id();
  const std::string grant = owner_.GrantOf(app_).id();
  owner_.Suspend(grant);
  ASSERT_EQ(ReasonOf(reader.WaitEnd()), "GRANT_SUSPENDED");
  owner_.Resume(grant);
  EventReader again(app_, Named("main"));
  ASSERT_TRUE(again.WaitLive());
  v1::ListOwnedChatsResponse chats;
  ASSERT_TRUE(owner_->owner->ListOwnedChats(Patiently().get(), {}, &chats).ok());
  v1::SealRequest seal;
  seal.set_request_id(harness_.NewRequestId());
  for (const v1::Chat& chat : chats.chats()) {
    if (chat.name() == "club") seal.set_chat_id(chat.id());
  }
  v1::SealResponse sealed;
  ASSERT_TRUE(owner_->owner->Seal(Patiently().get(), seal, &sealed).ok());
  ASSERT_TRUE(WaitForAsks(again, 1));
  // The suspension before it asked for nothing.
  EXPECT_EQ(Asks(again).size(), 1u);
  EXPECT_EQ(ChatsOf(Asks(again).front()), std::set<std::string>{club});
}

TEST_F(ErasureTest, NamesAtMostFiveHundredChatsInOneEvent) {
  std::vector<v1::Event> many;
  for (int i = 0; i < 600; ++i) many.push_back(ChatEvent("c" + std::to_string(i)));
  ASSERT_TRUE(adapter_->PushDurably(many));
  const Program app = harness_.App("Two", {kChatsRead, kMessagesRead}, {.chats = {"work"}});
  harness_.Widen(app, {kMessagesRead}, {});
  EventReader reader(app, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("c1", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one"));
  for (const v1::Grant& grant : owner_.Grants(app.principal)) {
    if (grant.selection().chat_choice() == v1::Selection::CHAT_CHOICE_ALL_AND_NEW) {
      owner_.Revoke(grant.id());
    }
  }
  ASSERT_TRUE(WaitForAsks(reader, 2));
  std::set<std::string> named;
  for (const v1::Event& ask : Asks(reader)) {
    EXPECT_LE(ask.erase_asked().chat_ids_size(), 500);
    named.merge(ChatsOf(ask));
  }
  EXPECT_EQ(named.size(), 601u);  // with the club
}

TEST_F(ErasureTest, WhatWasGivenAndTakenBackAtOnceIsAskedBack) {
  const Program app = harness_.App("Two", {kChatsRead, kMessagesRead}, {.chats = {"work"}});
  harness_.Widen(app, {kMessagesRead}, {});
  EventReader reader(app, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  // A chat that was there, and one that begins after the grant.
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one"), ChatEvent("late", "late"),
                                     MessageEvent("late", "m2", "two")}));
  ASSERT_TRUE(reader.WaitForText("two"));
  std::set<std::string> seen;
  for (const v1::Event& event : reader.reported()) seen.insert(event.chat_id());
  ASSERT_EQ(seen.size(), 2u);
  for (const v1::Grant& grant : owner_.Grants(app.principal)) {
    if (grant.selection().chat_choice() == v1::Selection::CHAT_CHOICE_ALL_AND_NEW) {
      owner_.Revoke(grant.id());
    }
  }
  ASSERT_TRUE(WaitForAsks(reader, 1));
  EXPECT_EQ(ChatsOf(Asks(reader).front()), seen);
}

TEST_F(ErasureTest, AnAppThatIsOutAtOnceIsAskedForEverything) {
  const Program app = harness_.App("Quick", {kChatsRead, kMessagesRead});
  EventReader reader(app, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one"));
  owner_.RevokeApp(app.principal);
  ASSERT_TRUE(Of(app).has_value());
  EXPECT_TRUE(Of(app)->everything_asked());
}

TEST_F(ErasureTest, AnAppThatIsOutMaySayThatItErasedAndNothingElse) {
  EventReader reader(app_, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one"));
  const std::string cursor = reader.frames().back().response.cursor();
  owner_.RevokeApp(app_.principal);
  EXPECT_EQ(ReasonOf(reader.WaitEnd()), "GRANT_REVOKED");
  ASSERT_TRUE(
      OwnerCalls::Await([&] { return Of(app_).has_value() && Of(app_)->everything_asked(); }));
  EXPECT_FALSE(Of(app_)->everything_confirmed());
  EXPECT_EQ(Of(app_)->app_display_name(), "Reader");

  const Program out = harness_.Reconnect(app_);
  const auto refused = [](const grpc::Status& status) {
    return status.error_code() == grpc::StatusCode::UNAUTHENTICATED &&
           ReasonOf(status) == "GRANT_REVOKED";
  };
  v1::GetSelfResponse self;
  EXPECT_TRUE(refused(out->grant->GetSelf(Patiently().get(), {}, &self)));
  v1::ListChatsResponse chats;
  EXPECT_TRUE(refused(out->chat->ListChats(Patiently().get(), {}, &chats)));
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_subscription("main");
  acknowledge.set_cursor(cursor);
  v1::AcknowledgeResponse acknowledged;
  EXPECT_TRUE(refused(out->event->Acknowledge(Patiently().get(), acknowledge, &acknowledged)));
  EventReader stream(out, Named("main"));
  EXPECT_TRUE(refused(stream.WaitEnd()));
  EXPECT_TRUE(stream.frames().empty());
  v1::ListErasuresResponse erasures;
  EXPECT_TRUE(refused(out->owner->ListErasures(Patiently().get(), {}, &erasures)));

  ASSERT_TRUE(ConfirmEverything(out).ok());
  EXPECT_TRUE(Of(app_)->everything_confirmed());
  // Again changes nothing, and is no error.
  ASSERT_TRUE(ConfirmEverything(out).ok());
  // It is still out.
  EXPECT_TRUE(refused(out->grant->GetSelf(Patiently().get(), {}, &self)));
}

TEST_F(ErasureTest, OnlyAppsSayThatTheyErased) {
  EXPECT_EQ(ReasonOf(ConfirmEverything(harness_.Connect("Stranger"))), "ENROLLMENT_REQUIRED");
  EXPECT_EQ(ReasonOf(ConfirmEverything(harness_.Owner())), "ROLE_REQUIRED");
}

TEST_F(ErasureTest, AConfirmationOvertakesNoAsk) {
  // The app hears of its end and answers before anybody else had time to look.
  for (int i = 0; i < 5; ++i) {
    const Program app = harness_.App("Quick" + std::to_string(i), {kChatsRead, kMessagesRead});
    EventReader reader(app, Named("main"));
    ASSERT_TRUE(reader.WaitLive());
    const std::string text = "hello" + std::to_string(i);
    ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "q" + std::to_string(i), text)}));
    ASSERT_TRUE(reader.WaitForText(text));
    const Program out = harness_.Reconnect(app);
    owner_.RevokeApp(app.principal);
    ASSERT_TRUE(ConfirmEverything(out).ok());
    ASSERT_TRUE(Of(app).has_value());
    EXPECT_TRUE(Of(app)->everything_asked());
    EXPECT_TRUE(Of(app)->everything_confirmed());
    // A look that comes later asks for nothing anew.
    ASSERT_TRUE(adapter_->PushDurably({ChatEvent("later" + std::to_string(i))}));
    EventReader other(app_, FromOldest());
    ASSERT_TRUE(other.WaitForText(text));
    EXPECT_TRUE(Of(app)->everything_confirmed());
  }
}

TEST_F(ErasureTest, DisappearingMessagesGoAtTheirTimer) {
  const Program plain = harness_.App("Plain", {kChatsRead, kMessagesRead, kMessagesHistory});
  EventReader reader(app_, Named("main"));
  EventReader without(plain, Named("main"));
  ASSERT_TRUE(reader.WaitLive() && without.WaitLive());
  const absl::Time when = harness_.clock().Now() + absl::Minutes(10);
  ASSERT_TRUE(adapter_->PushDurably(
      {Disappearing("club", "m1", when), MessageEvent("club", "m2", "stays")}));
  ASSERT_TRUE(reader.WaitForText("stays") && without.WaitForText("stays"));
  const std::string id = reader.reported().front().message_created().message().id();
  harness_.clock().Advance(absl::Minutes(9));
  v1::GetMessageRequest get;
  get.set_message_id(id);
  v1::GetMessageResponse got;
  ASSERT_TRUE(app_->message->GetMessage(Patiently().get(), get, &got).ok());
  EXPECT_EQ(got.message().text(), "the canary sings");

  harness_.clock().Advance(absl::Minutes(2));
  ASSERT_TRUE(reader.WaitForReported(3));
  EXPECT_EQ(reader.reported().back().message_expired().message_id(), id);
  EXPECT_TRUE(OwnerCalls::Await([&] { return Unconfirmed(app_) == 1; }));
  // Text is gone from lists and streams; who never saw it is told nothing.
  const auto gone = [&] {
    v1::GetMessageResponse now;
    app_->message->GetMessage(Patiently().get(), get, &now);
    return now.message().text().empty();
  };
  EXPECT_TRUE(OwnerCalls::Await(gone));
  EventReader fresh(app_, FromOldest());
  ASSERT_TRUE(fresh.WaitForText("stays"));
  for (const std::string& text : fresh.texts()) EXPECT_NE(text, "the canary sings");
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m3", "end")}));
  ASSERT_TRUE(without.WaitForText("end"));
  for (const v1::Event& event : without.events()) EXPECT_FALSE(event.has_message_expired());
  EXPECT_FALSE(Of(plain).has_value());
}

TEST_F(ErasureTest, WhatTheClientSaysOfATimerAfterTheBrokerIsNoSecondAsk) {
  EventReader reader(app_, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  const absl::Time when = harness_.clock().Now() + absl::Minutes(10);
  ASSERT_TRUE(adapter_->PushDurably({Disappearing("club", "m1", when)}));
  harness_.clock().Advance(absl::Minutes(11));
  ASSERT_TRUE(reader.WaitForReported(2));
  v1::Event expired;
  expired.set_chat_id("club");
  expired.mutable_message_expired()->set_message_id("m1");
  ASSERT_TRUE(adapter_->PushDurably({expired, MessageEvent("club", "m2", "end")}));
  ASSERT_TRUE(reader.WaitForText("end"));
  EXPECT_EQ(reader.reported().size(), 3u);
  EXPECT_EQ(Unconfirmed(app_), 1u);
}

TEST_F(ErasureTest, WhatDisappearedWhileTheDaemonWasOffIsGoneOnceItRuns) {
  const absl::Time when = harness_.clock().Now() + absl::Minutes(10);
  ASSERT_TRUE(adapter_->PushDurably({Disappearing("club", "m1", when)}));
  harness_.Stop();
  harness_.clock().Advance(absl::Hours(3));
  harness_.Restart();
  app_ = harness_.Reconnect(app_);
  EventReader reader(app_, FromOldest());
  const auto expired = [&] {
    for (const v1::Event& event : reader.events()) {
      if (event.has_message_expired()) return true;
    }
    return false;
  };
  ASSERT_TRUE(OwnerCalls::Await(expired));
  // The index takes the text away right behind the event.
  const auto gone = [&] {
    EventReader fresh(app_, FromOldest());
    // One that comes before the last ones have ended at the broker is refused: look again.
    if (!fresh.WaitForReported(4)) return false;
    const std::vector<std::string> texts = fresh.texts();
    return std::find(texts.begin(), texts.end(), "the canary sings") == texts.end();
  };
  EXPECT_TRUE(OwnerCalls::Await(gone));
}

TEST_F(ErasureTest, WhatWasDeletedBeforeItsTimerIsNotAskedForTwice) {
  EventReader reader(app_, Named("main"));
  ASSERT_TRUE(reader.WaitLive());
  const absl::Time when = harness_.clock().Now() + absl::Minutes(10);
  ASSERT_TRUE(adapter_->PushDurably({Disappearing("club", "m1", when), DeleteEvent("club", "m1"),
                                     Disappearing("club", "m2", when + absl::Minutes(1))}));
  harness_.clock().Advance(absl::Minutes(20));
  // The second one's timer came after the first one's.
  const auto expiries = [&] {
    std::vector<v1::Event> found;
    for (const v1::Event& event : reader.events()) {
      if (event.has_message_expired()) found.push_back(event);
    }
    return found;
  };
  ASSERT_TRUE(OwnerCalls::Await([&] { return !expiries().empty(); }));
  ASSERT_EQ(expiries().size(), 1u);
  EXPECT_NE(expiries().front().message_expired().message_id(),
            reader.reported().front().message_created().message().id());
}

class SdkErasureTest : public ErasureTest {
 protected:
  absl::StatusOr<std::unique_ptr<sdk::Client>> Connect() {
    harness_.clock().Advance(absl::Minutes(20));
    return sdk::Client::Connect(manifest_, Options());
  }
  sdk::ClientOptions Options() {
    sdk::ClientOptions options;
    options.socket_path = harness_.socket_path();
    options.broker_certificate_path = harness_.data_dir() + "/broker.pem";
    options.state_directory = harness_.data_dir() + "/sdk-app";
    return options;
  }
  std::optional<v1::AppErasure> OfClient(const sdk::Client& client) {
    Program named;
    named.principal = client.principal();
    return Of(named);
  }

  const v1::Manifest manifest_ = AppManifest("SDK", {kChatsRead, kMessagesRead});
};

TEST_F(SdkErasureTest, TheSdkConfirmsWhatTheAppErasedOnceTheAppComesBackForMore) {
  auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  std::vector<v1::Event> erased;
  sdk::SubscribeOptions options;
  options.name = "main";
  options.on_erase = [&](const v1::Event& event) {
    erased.push_back(event);
    return absl::OkStatus();
  };
  auto events = (*client)->Subscribe(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(events->Next(kUntilLive).status()));
  ASSERT_TRUE(
      adapter_->PushDurably({MessageEvent("club", "m1", "one"), DeleteEvent("club", "m1")}));
  while (erased.empty()) ASSERT_TRUE(events->Next(kPatience).ok());
  EXPECT_EQ(OfClient(**client)->unconfirmed_count(), 1u);
  // It comes back for more: what it was handed is dealt with.
  EXPECT_FALSE(events->Next(absl::Milliseconds(10)).ok());
  EXPECT_EQ(OfClient(**client)->unconfirmed_count(), 0u);

  // What it could not erase stays open, and what comes later with it.
  options.name = "second";
  options.on_erase = [](const v1::Event&) { return absl::InternalError("the disk is full"); };
  events = (*client)->Subscribe(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(events->Next(kUntilLive).status()));
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m2", "two"), DeleteEvent("club", "m2"),
                                     MessageEvent("club", "m3", "three")}));
  for (bool last = false; !last;) {
    auto event = events->Next(kPatience);
    ASSERT_TRUE(event.ok()) << event.status();
    last = event->message_created().message().text() == "three";
  }
  EXPECT_FALSE(events->Next(absl::Milliseconds(10)).ok());
  EXPECT_EQ(OfClient(**client)->unconfirmed_count(), 1u);
}

TEST_F(SdkErasureTest, OfAnAppThatIsThrownOutTheSdkErasesEverythingAndSaysSo) {
  auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  int called = 0;
  sdk::SubscribeOptions options;
  options.on_erase_everything = [&] {
    ++called;
    return absl::OkStatus();
  };
  auto events = (*client)->Subscribe(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(events->Next(kUntilLive).status()));
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  for (bool seen = false; !seen;) {
    auto event = events->Next(kPatience);
    ASSERT_TRUE(event.ok()) << event.status();
    seen = event->message_created().message().text() == "one";
  }
  owner_.RevokeApp((*client)->principal());
  absl::Status end;
  while (end.ok()) end = events->Next(kPatience).status();
  EXPECT_FALSE(absl::IsDeadlineExceeded(end)) << end;
  EXPECT_EQ(called, 1);
  EXPECT_TRUE(OfClient(**client)->everything_asked());
  EXPECT_TRUE(OfClient(**client)->everything_confirmed());
  EXPECT_FALSE(events->Next(absl::Milliseconds(10)).ok());
  EXPECT_EQ(called, 1);
}

// Both ways in which a user takes all of it back.
TEST_F(SdkErasureTest, WhatWasTakenBackWhileTheAppWasAwayItErasesWhenItComesBack) {
  for (const bool whole_app : {false, true}) {
    auto client = Connect();
    ASSERT_TRUE(client.ok()) << client.status();
    ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", whole_app ? "m1" : "m2", "one")}));
    auto events = (*client)->Subscribe({.start = v1::SubscribeRequest::START_OLDEST});
    ASSERT_TRUE(events->Next(kPatience).ok());
    events.reset();
    int called = 0;
    absl::Status answer = absl::InternalError("the disk is full");
    const auto erase = [&] {
      ++called;
      return answer;
    };
    // While any of it stands there is nothing to erase.
    EXPECT_TRUE(sdk::EraseIfOver(manifest_.app_id(), Options(), erase).ok());
    const std::string rests = owner_.Grants((*client)->principal()).front().id();
    owner_.Suspend(rests);
    EXPECT_TRUE(sdk::EraseIfOver(manifest_.app_id(), Options(), erase).ok());
    owner_.Resume(rests);
    EXPECT_EQ(called, 0);

    if (whole_app) {
      owner_.RevokeApp((*client)->principal());
    } else {
      for (const v1::Grant& grant : owner_.Grants((*client)->principal())) {
        owner_.Revoke(grant.id());
      }
    }
    EXPECT_EQ(sdk::EraseIfOver(manifest_.app_id(), Options(), erase), answer);
    EXPECT_EQ(called, 1);
    EXPECT_TRUE(OfClient(**client)->everything_asked());
    EXPECT_FALSE(OfClient(**client)->everything_confirmed());
    answer = absl::OkStatus();
    const absl::Status over = sdk::EraseIfOver(manifest_.app_id(), Options(), erase);
    EXPECT_TRUE(sdk::AccessIsOver(over)) << over;
    EXPECT_EQ(called, 2);
    EXPECT_TRUE(OfClient(**client)->everything_confirmed());
    std::filesystem::remove_all(Options().state_directory);
  }
}

}  // namespace
}  // namespace postern::behaviors
