// SPDX-License-Identifier: Apache-2.0
// What the user takes back is gone with the very next event, on streams that are open, under load.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/flood.h"
#include "tests/behaviors/owner_calls.h"
#include "tests/behaviors/raw_subscriber.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

constexpr absl::Duration kReaderSees = absl::Milliseconds(100 * kSlowdown);
// From the moment the user asks: the reply waits for a commit and for the keyring.
constexpr absl::Duration kReaderSeesFromAsking = absl::Milliseconds(250 * kSlowdown);
constexpr absl::Duration kStalledSees = absl::Seconds(kSlowdown);

uint64_t HighestNumber(const std::vector<v1::SubscribeResponse>& frames) {
  uint64_t highest = 0;
  for (const v1::SubscribeResponse& frame : frames) {
    for (const v1::Event& event : frame.events()) {
      highest = std::max(highest, NumberIn(event));
    }
  }
  return highest;
}
uint64_t HighestNumber(EventReader& reader) {
  std::vector<v1::SubscribeResponse> frames;
  for (EventReader::Frame& frame : reader.frames()) frames.push_back(std::move(frame.response));
  return HighestNumber(frames);
}

class RevocationTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(adapter_.PushDurably({ChatEvent("club"), ChatEvent("other")}));
  }

  uint64_t Recorded() {
    v1::GetStatusResponse status;
    EXPECT_TRUE(owner_->owner->GetStatus(Patiently().get(), {}, &status).ok());
    return status.event_count();
  }
  std::string GrantOf(const Program& app) {
    v1::ListGrantsRequest request;
    request.set_principal(app.principal);
    v1::ListGrantsResponse response;
    const grpc::Status status = owner_->owner->ListGrants(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    EXPECT_EQ(response.grants_size(), 1);
    return response.grants_size() > 0 ? response.grants(0).grant().id() : "";
  }
  v1::RevokeGrantResponse RevokeGrant(const std::string& grant) {
    v1::RevokeGrantRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_grant_id(grant);
    v1::RevokeGrantResponse response;
    const grpc::Status status = owner_->owner->RevokeGrant(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return response;
  }
  v1::RevokeAppResponse RevokeApp(const Program& app) {
    v1::RevokeAppRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_principal(app.principal);
    v1::RevokeAppResponse response;
    const grpc::Status status = owner_->owner->RevokeApp(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return response;
  }
  grpc::Status Subscribe(const Program& app) {
    EventReader reader(app);
    if (reader.WaitLive()) return grpc::Status::OK;
    return reader.WaitEnd();
  }
  // A subscriber that reads nothing, once the broker can write nothing more to it.
  std::unique_ptr<RawSubscriber> Stalled(const Program& app) {
    auto subscriber = std::make_unique<RawSubscriber>(harness_, app, v1::SubscribeRequest());
    const std::string text(32 * 1024, 'x');
    // Each round offers 1 MiB, and another app has read it before the next; full is when two rounds
    // added nothing.
    EventReader witness(watcher_);
    EXPECT_TRUE(witness.WaitLive());
    size_t offered = 0;
    for (int same = 0, before = -1, round = 0; same < 2 && round < 50; ++round) {
      const uint64_t recorded = Recorded();
      std::vector<v1::Event> events;
      for (uint64_t number = recorded + 1; number <= recorded + 32; ++number) {
        events.push_back(MessageEvent("club", "m" + std::to_string(number),
                                      std::to_string(number) + " " + text));
      }
      offered += events.size();
      EXPECT_TRUE(adapter_.PushDurably(events));
      EXPECT_TRUE(witness.WaitForEvents(offered));
      same = subscriber->unread_bytes() == before && before > 0 ? same + 1 : 0;
      before = subscriber->unread_bytes();
    }
    EXPECT_GT(subscriber->unread_bytes(), 64 * 1024);
    return subscriber;
  }

  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  Adapter adapter_{gatekeeper_};
  Program owner_ = harness_.Owner();
  Program watcher_ = harness_.App("Watcher", {kMessagesRead});
};

TEST_F(RevocationTest, StopsTheVeryNextMessage) {
  constexpr int kRounds = 5;
  absl::Duration slowest_reply, slowest_end = -absl::InfiniteDuration(), slowest_in_all;
  double rates = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Program app = harness_.App("Reader " + std::to_string(round), {kMessagesRead});
    const std::string grant = GrantOf(app);
    EventReader reader(app);
    EventReader witness(watcher_);
    ASSERT_TRUE(reader.WaitLive());
    ASSERT_TRUE(witness.WaitLive());
    Flood flood(adapter_, Recorded(), 64);
    ASSERT_TRUE(reader.WaitForEvents(1000));

    const auto asked = Steady::now();
    const v1::RevokeGrantResponse response = RevokeGrant(grant);
    const auto replied = Steady::now();
    const grpc::Status end = reader.WaitEnd();
    EXPECT_EQ(end.error_code(), grpc::StatusCode::PERMISSION_DENIED) << Text(end);
    EXPECT_EQ(ReasonOf(end), "GRANT_REVOKED");
    const absl::Duration took = absl::FromChrono(reader.end_time() - replied);
    EXPECT_LT(took, kReaderSees);
    slowest_reply = std::max(slowest_reply, absl::FromChrono(replied - asked));
    slowest_end = std::max(slowest_end, took);
    const absl::Duration in_all = absl::FromChrono(reader.end_time() - asked);
    EXPECT_LT(in_all, kReaderSeesFromAsking);
    slowest_in_all = std::max(slowest_in_all, in_all);

    ASSERT_EQ(response.stream_ends_size(), 1);
    const uint64_t last = response.stream_ends(0).last_sequence();
    // All that the app ever read, until the end of the stream.
    EXPECT_LE(HighestNumber(reader), last);
    EXPECT_GE(HighestNumber(reader), 1000u);
    // The counting was right, and the flood went on past the revocation.
    ASSERT_TRUE(witness.WaitForEvents(witness.events().size() + 500));
    const uint64_t pushed = flood.Stop();
    rates += flood.rate();
    EXPECT_EQ(Recorded(), pushed);
    EXPECT_GT(pushed, last);
    const grpc::Status again = Subscribe(app);
    EXPECT_EQ(ReasonOf(again), "GRANT_REVOKED") << Text(again);
  }
  // Over all rounds: one of them is half a second.
  EXPECT_GE(rates / kRounds, Flood::kRateMin);
  std::printf(
      "[ figure   ] %d revocations at %.0f events/s: reply within %s, end of stream %s after it "
      "and "
      "%s after the user asked\n",
      kRounds, rates / kRounds, absl::FormatDuration(slowest_reply).c_str(),
      absl::FormatDuration(slowest_end).c_str(), absl::FormatDuration(slowest_in_all).c_str());
}

TEST_F(RevocationTest, OfAGrantEndsTheConnectionOfAnAppThatDoesNotRead) {
  const Program app = harness_.App("Staller", {kMessagesRead});
  const std::string grant = GrantOf(app);
  const auto stalled = Stalled(app);
  const v1::RevokeGrantResponse response = RevokeGrant(grant);
  const auto took = stalled->WaitHangUp(2 * kStalledSees);
  ASSERT_TRUE(took.has_value());
  EXPECT_LT(*took, kStalledSees);
  std::printf("[ figure   ] a stalled app's connection ended %s after the reply\n",
              absl::FormatDuration(*took).c_str());
  ASSERT_EQ(response.stream_ends_size(), 1);
  EXPECT_LE(HighestNumber(stalled->ReadToEnd()), response.stream_ends(0).last_sequence());
}

TEST_F(RevocationTest, OfAnAppEndsItsConnectionsAndShutsItOut) {
  const Program app = harness_.App("Staller", {kMessagesRead, kChatsRead});
  const auto stalled = Stalled(app);
  EventReader reading(app);
  ASSERT_TRUE(reading.WaitLive());
  Flood flood(adapter_, Recorded(), 64);
  ASSERT_TRUE(reading.WaitForEvents(500));
  const v1::RevokeAppResponse response = RevokeApp(app);
  const auto replied = Steady::now();
  const auto took = stalled->WaitHangUp(2 * kStalledSees);
  ASSERT_TRUE(took.has_value());
  EXPECT_LT(*took, kStalledSees);
  const grpc::Status end = reading.WaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::PERMISSION_DENIED) << Text(end);
  EXPECT_EQ(ReasonOf(end), "GRANT_REVOKED");
  EXPECT_LT(absl::FromChrono(reading.end_time() - replied), kReaderSees);
  ASSERT_EQ(response.stream_ends_size(), 2);
  const uint64_t first = response.stream_ends(0).last_sequence();
  const uint64_t second = response.stream_ends(1).last_sequence();
  EXPECT_LE(HighestNumber(stalled->ReadToEnd()), std::min(first, second));
  EXPECT_LE(HighestNumber(reading), std::max(first, second));
  flood.Stop();

  for (const Program& later : {app, harness_.Reconnect(app)}) {
    v1::GetSelfResponse self;
    grpc::Status status = later->grant->GetSelf(Patiently().get(), {}, &self);
    // The old channel notices first that its connection has gone.
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
      status = later->grant->GetSelf(Patiently().get(), {}, &self);
    }
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << Text(status);
    EXPECT_EQ(ReasonOf(status), "GRANT_REVOKED");
  }
  const Program back = harness_.Reconnect(app);
  EXPECT_EQ(Subscribe(back).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  // Only the person, asked again, lets it in again; what it had before stays taken.
  const size_t asked = harness_.asked().size();
  EXPECT_TRUE(harness_.Enroll(back, AppManifest("Staller", {kChatsRead})).granted());
  EXPECT_EQ(harness_.asked().size(), asked + 1);
  EXPECT_TRUE(Subscribe(back).ok());
  v1::ListMessagesResponse messages;
  v1::ListMessagesRequest list;
  list.set_chat_id(ChatIdOf(back, "club"));
  EXPECT_FALSE(back->message->ListMessages(Patiently().get(), list, &messages).ok());
}

TEST_F(RevocationTest, OfAnAppShutsTheConnectionOfAStreamThatEndedInOrder) {
  const Program app = harness_.App("Sleeper", {kMessagesRead});
  // It reads nothing, and its socket has room for the status.
  RawSubscriber subscriber(harness_, app, v1::SubscribeRequest());
  OwnerCalls owner(harness_);
  ASSERT_TRUE(OwnerCalls::Await([&] { return owner.Status().stream_count() == 1u; }));
  RevokeApp(app);
  const auto took = subscriber.WaitHangUp(2 * kStalledSees);
  ASSERT_TRUE(took.has_value());
  EXPECT_LT(*took, kStalledSees);
  subscriber.ReadToEnd();
  EXPECT_TRUE(subscriber.told());
}

TEST_F(RevocationTest, OfAGatekeeperEndsItsStream) {
  const Program rogue = harness_.Gatekeeper("Rogue");
  Adapter adapter(rogue, Adapter::Hello("other-account"));
  ASSERT_TRUE(adapter.welcome());
  RevokeApp(rogue);
  EXPECT_NE(adapter.WaitEnd().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  Adapter again(harness_.Reconnect(rogue), Adapter::Hello("other-account"));
  EXPECT_FALSE(again.welcome());
  const grpc::Status status = again.WaitEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << Text(status);
  EXPECT_EQ(ReasonOf(status), "GRANT_REVOKED");
  // Nobody else's.
  EXPECT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "one")}));
}

TEST_F(RevocationTest, BySuspensionEndsTheStreamAndResumeOpensItAgain) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  const std::string grant = GrantOf(app);
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  v1::SuspendGrantRequest suspend;
  suspend.set_request_id(harness_.NewRequestId());
  suspend.set_grant_id(grant);
  v1::SuspendGrantResponse suspended;
  ASSERT_TRUE(owner_->owner->SuspendGrant(Patiently().get(), suspend, &suspended).ok());
  EXPECT_EQ(suspended.stream_ends_size(), 1);
  const grpc::Status end = reader.WaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(end), "GRANT_SUSPENDED");
  EXPECT_EQ(ReasonOf(Subscribe(app)), "GRANT_SUSPENDED");

  v1::ResumeGrantRequest resume;
  resume.set_request_id(harness_.NewRequestId());
  resume.set_grant_id(grant);
  v1::ResumeGrantResponse resumed;
  ASSERT_TRUE(owner_->owner->ResumeGrant(Patiently().get(), resume, &resumed).ok());
  EventReader again(app);
  ASSERT_TRUE(again.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "back")}));
  EXPECT_TRUE(again.WaitForText("back"));

  // What was revoked is not resumed.
  RevokeGrant(grant);
  resume.set_request_id(harness_.NewRequestId());
  EXPECT_FALSE(owner_->owner->ResumeGrant(Patiently().get(), resume, &resumed).ok());
  EXPECT_EQ(ReasonOf(Subscribe(app)), "GRANT_REVOKED");
}

// Or it would erase what comes back with the next unlocking of the screen.
TEST_F(RevocationTest, OfOneGrantIsNotTheEndWhileAnotherOnlyRests) {
  using permissions::Scope;
  OwnerCalls owner(harness_);
  const std::vector<std::pair<Scope, Scope>> cases = {{kMessagesRead, kChatsRead},
                                                      {kChatsRead, kMessagesRead},
                                                      {Scope::kMessagesSendAsk, kMessagesRead}};
  for (const auto& [rests, ends] : cases) {
    SCOPED_TRACE(permissions::ScopeName(rests));
    const Program app = harness_.App("Holder " + std::to_string(static_cast<int>(rests)), {rests});
    const std::string first = owner.GrantOf(app).id();
    harness_.Widen(app, {ends}, {});
    owner.Suspend(first);
    for (const v1::Grant& grant : owner.Grants(app.principal)) {
      if (grant.id() != first) owner.Revoke(grant.id());
    }
    EXPECT_EQ(ReasonOf(Subscribe(app)), "GRANT_SUSPENDED");
    owner.Revoke(first);
    EXPECT_EQ(ReasonOf(Subscribe(app)), "GRANT_REVOKED");
  }
}

TEST_F(RevocationTest, ByNarrowingStopsTheScopeAndTheChatAndKeepsTheStream) {
  const Program app =
      harness_.App("Reader", {kMessagesRead, kReactionsRead}, {.chats = {"club", "other"}});
  const std::string grant = GrantOf(app);
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(
      adapter_.PushDurably({MessageEvent("club", "m1", "one"), ReactionEvent("club", "m1", "+1"),
                            MessageEvent("other", "m2", "two")}));
  ASSERT_TRUE(reader.WaitForReported(3));

  v1::NarrowGrantRequest narrow;
  narrow.set_request_id(harness_.NewRequestId());
  narrow.set_grant_id(grant);
  narrow.add_remove_scopes(v1::SCOPE_REACTIONS_READ);
  v1::ListOwnedChatsResponse chats;
  ASSERT_TRUE(owner_->owner->ListOwnedChats(Patiently().get(), {}, &chats).ok());
  for (const v1::Chat& chat : chats.chats()) {
    if (chat.name() == "other") narrow.add_remove_chat_ids(chat.id());
  }
  ASSERT_EQ(narrow.remove_chat_ids_size(), 1);
  v1::NarrowGrantResponse narrowed;
  const grpc::Status status = owner_->owner->NarrowGrant(Patiently().get(), narrow, &narrowed);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(narrowed.stream_ends_size(), 1);
  ASSERT_TRUE(
      adapter_.PushDurably({ReactionEvent("club", "m1", "+2"), MessageEvent("other", "m3", "three"),
                            MessageEvent("club", "m4", "four")}));
  ASSERT_TRUE(reader.WaitForText("four"));
  EXPECT_FALSE(reader.ended());
  EXPECT_EQ(reader.texts(), (std::vector<std::string>{"one", "two", "four"}));
  EXPECT_EQ(reader.reported().size(), 4u);
}

TEST_F(RevocationTest, ByPauseEndsAllStreamsUntilResumed) {
  EventReader reader(watcher_);
  ASSERT_TRUE(reader.WaitLive());
  v1::PauseResponse paused;
  ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
  EXPECT_EQ(paused.stream_ends_size(), 1);
  const grpc::Status end = reader.WaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE) << Text(end);
  EXPECT_EQ(ReasonOf(end), "PAUSED");
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "unseen")}));
  EXPECT_EQ(ReasonOf(Subscribe(watcher_)), "PAUSED");
  EXPECT_TRUE(reader.texts().empty());

  v1::ResumeResponse resumed;
  ASSERT_TRUE(owner_->owner->Resume(Patiently().get(), {}, &resumed).ok());
  EventReader again(watcher_);
  ASSERT_TRUE(again.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m2", "seen")}));
  EXPECT_TRUE(again.WaitForText("seen"));
}

TEST_F(RevocationTest, ByTimeEndsTheStream) {
  const Program app =
      harness_.App("Guest", {kMessagesRead}, {.until = harness_.clock().Now() + absl::Hours(2)});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "in time")}));
  ASSERT_TRUE(reader.WaitForText("in time"));
  harness_.clock().Advance(absl::Hours(2));
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m2", "too late")}));
  const grpc::Status end = reader.WaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::PERMISSION_DENIED) << Text(end);
  EXPECT_EQ(ReasonOf(end), "GRANT_EXPIRED");
  EXPECT_EQ(reader.texts(), std::vector<std::string>{"in time"});
  EXPECT_EQ(ReasonOf(Subscribe(app)), "GRANT_EXPIRED");
}

TEST_F(RevocationTest, ByTheAppItselfEndsItsStream) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  v1::GetSelfResponse self;
  ASSERT_TRUE(app->grant->GetSelf(Patiently().get(), {}, &self).ok());
  ASSERT_EQ(self.grants_size(), 1);
  v1::ReleaseGrantRequest release;
  release.set_request_id("r1");
  release.set_grant_id(self.grants(0).id());
  v1::ReleaseGrantResponse released;
  const grpc::Status status = app->grant->ReleaseGrant(Patiently().get(), release, &released);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(ReasonOf(reader.WaitEnd()), "GRANT_REVOKED");
}

}  // namespace
}  // namespace postern::behaviors
