// SPDX-License-Identifier: Apache-2.0
// An app that is not running is started when something arrives for it, if the user allowed that: at
// most once in a while, and never an app that would be handed nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>

#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::Contains;
using testing::Not;

constexpr absl::Duration kLooks = absl::Milliseconds(20);
constexpr char kUnit[] = "reader.service";
// Of an app that is started whenever anything is: once it was, the others were looked at too.
constexpr char kWitness[] = "witness.service";

class AppStartTest : public testing::Test {
 protected:
  // Enrols an app with a unit, whom the person allows to be started or not; it reads, and goes.
  // With 'only_chat' the person opens no other chat.
  Program Installed(const std::string& name, const std::string& unit, bool may_start,
                    const std::function<void(permissions::ConsentAnswer&)>& change = {},
                    const std::string& only_chat = {}) {
    Allowance allowance;
    if (!only_chat.empty()) allowance.chats = {only_chat};
    harness_.units().Install(unit);
    harness_.Decide(name, [=](const permissions::ConsentQuestion& question) {
      EXPECT_EQ(question.systemd_unit, unit);
      permissions::ConsentAnswer answer = Allow(question, allowance);
      answer.may_start = may_start;
      if (change) change(answer);
      return std::optional(answer);
    });
    v1::Manifest manifest = AppManifest(name, {kChatsRead, kMessagesRead, kTypingRead});
    manifest.set_systemd_unit(unit);
    Program app = harness_.Connect(name);
    const auto enrolment = harness_.Enroll(app, manifest);
    EXPECT_TRUE(enrolment.granted()) << Text(enrolment.status);
    Read(app, only_chat.empty() ? "club" : only_chat);
    return app;
  }
  // Reads to the end under a name, acknowledges, and hangs up.
  void Read(Program& app, const std::string& chat = "club") {
    app = harness_.Reconnect(app);
    const std::string mark = "mark" + std::to_string(++marks_);
    {
      v1::SubscribeRequest request;
      request.set_subscription("main");
      EventReader reader(app, request);
      ASSERT_TRUE(reader.WaitLive());
      ASSERT_TRUE(adapter_.PushDurably({MessageEvent(chat, mark, mark)}));
      ASSERT_TRUE(reader.WaitForText(mark));
      v1::AcknowledgeRequest acknowledge;
      acknowledge.set_subscription("main");
      acknowledge.set_cursor(reader.frames().back().response.cursor());
      v1::AcknowledgeResponse acknowledged;
      ASSERT_TRUE(app->event->Acknowledge(Patiently().get(), acknowledge, &acknowledged).ok());
    }
    HangUp(app);
  }
  void HangUp(Program& app) {
    app.stubs.reset();
    ASSERT_TRUE(OwnerCalls::Await([&] { return AppOf(app).connection_count() == 0; }));
  }
  v1::App AppOf(const Program& app) {
    v1::ListAppsResponse response;
    EXPECT_TRUE(owner_->owner->ListApps(Patiently().get(), {}, &response).ok());
    for (const v1::App& each : response.apps()) {
      if (each.principal() == app.principal) return each;
    }
    return {};
  }
  std::string GrantOf(const Program& app) { return owner_.GrantOf(app).id(); }
  size_t Starts(const std::string& unit) {
    const std::vector<std::string> asked = harness_.units().asked();
    return static_cast<size_t>(std::count(asked.begin(), asked.end(), unit));
  }
  bool WaitForStarts(const std::string& unit, size_t count) {
    return OwnerCalls::Await([&] { return Starts(unit) >= count; });
  }
  // Something arrives, twice, so that each app was looked at in between.
  void Arrive() {
    for (int i = 0; i < 2; ++i) {
      const size_t before = Starts(kWitness);
      harness_.clock().Advance(absl::Hours(2));
      const std::string text = "news" + std::to_string(++marks_);
      ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", text, text)}));
      ASSERT_TRUE(WaitForStarts(kWitness, before + 1));
    }
  }

  BrokerHarness harness_{{}, kLooks};
  Adapter adapter_{harness_.Gatekeeper()};
  bool chats_ = adapter_.PushDurably({ChatEvent("club", "club")});
  OwnerCalls owner_{harness_};
  int marks_ = 0;
};

TEST_F(AppStartTest, StartsAnAppThatIsAwayWhenItsMessageArrives) {
  const Program app = Installed("Reader", kUnit, true);
  EXPECT_EQ(Starts(kUnit), 0u);
  EXPECT_EQ(AppOf(app).systemd_unit(), kUnit);
  EXPECT_TRUE(AppOf(app).may_start());
  EXPECT_TRUE(owner_.GrantOf(app).may_start());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "one")}));
  EXPECT_TRUE(WaitForStarts(kUnit, 1));
}

TEST_F(AppStartTest, StartsItOnceInAWhileHoweverMuchArrives) {
  Program app = Installed("Reader", kUnit, true);
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(WaitForStarts(kUnit, 1));
  Program witness = Installed("Witness", kWitness, true);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "x" + std::to_string(i), "x")}));
  }
  ASSERT_TRUE(WaitForStarts(kWitness, 1));
  // Enrolling the witness took more than a minute of the injected clock: one more start, for then.
  EXPECT_LE(Starts(kUnit), 2u);
  // It came, read, and went: what arrives next starts it again.
  Read(app);
  const size_t before = Starts(kUnit);
  harness_.clock().Advance(absl::Minutes(2));
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m2", "two")}));
  EXPECT_TRUE(WaitForStarts(kUnit, before + 1));
}

TEST_F(AppStartTest, StartsNothingThatTheUserDidNotAllow) {
  Installed("Witness", kWitness, true);
  Installed("Reader", kUnit, false);
  ASSERT_NO_FATAL_FAILURE(Arrive());
  EXPECT_EQ(Starts(kUnit), 0u);
}

TEST_F(AppStartTest, StartsNothingThatIsConnected) {
  Installed("Witness", kWitness, true);
  Program app = Installed("Reader", kUnit, true);
  app = harness_.Reconnect(app);
  v1::GetSelfResponse self;
  ASSERT_TRUE(app->grant->GetSelf(Patiently().get(), {}, &self).ok());
  ASSERT_NO_FATAL_FAILURE(Arrive());
  EXPECT_EQ(Starts(kUnit), 0u);
}

TEST_F(AppStartTest, StartsNothingThatIsSuspendedOrNarrowedOrTakenBack) {
  Installed("Witness", kWitness, true);
  const Program suspended = Installed("Suspended", "suspended.service", true);
  const Program narrowed = Installed("Narrowed", "narrowed.service", true);
  const Program revoked = Installed("Revoked", "revoked.service", true);
  owner_.Suspend(GrantOf(suspended));
  v1::NarrowGrantRequest narrow;
  narrow.set_grant_id(GrantOf(narrowed));
  narrow.set_remove_may_start(true);
  EXPECT_FALSE(owner_.Narrow(narrow).grant().grant().may_start());
  EXPECT_FALSE(AppOf(narrowed).may_start());
  owner_.Revoke(GrantOf(revoked));
  const std::vector<std::string> before = harness_.units().asked();
  ASSERT_NO_FATAL_FAILURE(Arrive());
  for (const char* unit : {"suspended.service", "narrowed.service", "revoked.service"}) {
    EXPECT_EQ(Starts(unit), static_cast<size_t>(std::count(before.begin(), before.end(), unit)))
        << unit;
  }
  // What is resumed may be started for what came meanwhile.
  const size_t starts = Starts("suspended.service");
  owner_.Resume(GrantOf(suspended));
  harness_.clock().Advance(absl::Hours(2));
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m9", "nine")}));
  EXPECT_TRUE(WaitForStarts("suspended.service", starts + 1));
}

TEST_F(AppStartTest, StartsNothingBehindALockedScreenThatMayOnlyReadWhenUnlocked) {
  Installed("Witness", kWitness, true);
  Program app = Installed("Reader", kUnit, true, [](permissions::ConsentAnswer& answer) {
    answer.only_while_unlocked = true;
  });
  Read(app);
  harness_.session().Set(platform::SessionPresence::kLocked);
  const size_t before = Starts(kUnit);
  ASSERT_NO_FATAL_FAILURE(Arrive());
  EXPECT_EQ(Starts(kUnit), before);
  harness_.session().Set(platform::SessionPresence::kPresent);
  ASSERT_NO_FATAL_FAILURE(Arrive());
  EXPECT_TRUE(WaitForStarts(kUnit, before + 1));
}

TEST_F(AppStartTest, StartsNothingWhileAllAppsArePaused) {
  Program app = Installed("Reader", kUnit, true);
  v1::PauseResponse paused;
  ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "one")}));
  EXPECT_EQ(Starts(kUnit), 0u);
  v1::ResumeResponse resumed;
  ASSERT_TRUE(owner_->owner->Resume(Patiently().get(), {}, &resumed).ok());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m2", "two")}));
  EXPECT_TRUE(WaitForStarts(kUnit, 1));
}

TEST_F(AppStartTest, StartsNothingForWhatTheAppMayNotSeeOrWhatIsOver) {
  Installed("Witness", kWitness, true);
  const Program app = Installed("Reader", kUnit, true, [](permissions::ConsentAnswer& answer) {
    // The one chat that there is.
    answer.chat_choice = permissions::ChatChoice::kListed;
    answer.accounts.clear();
    answer.chats = {0};
  });
  const std::string seen = "club";
  const std::string closed = "work";
  ASSERT_TRUE(adapter_.PushDurably({ChatEvent(closed, closed)}));
  const size_t before = Starts(kUnit);
  // It asks what it holds whenever it starts.
  v1::NarrowGrantRequest narrow;
  narrow.set_grant_id(GrantOf(app));
  narrow.add_remove_scopes(v1::SCOPE_TYPING_READ);
  owner_.Narrow(narrow);
  for (int i = 0; i < 2; ++i) {
    const size_t witnessed = Starts(kWitness);
    harness_.clock().Advance(absl::Hours(2));
    const std::string text = "closed" + std::to_string(i);
    ASSERT_TRUE(adapter_.PushDurably({TypingEvent(seen), MessageEvent(closed, text, text)}));
    ASSERT_TRUE(WaitForStarts(kWitness, witnessed + 1));
  }
  EXPECT_EQ(Starts(kUnit), before);
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent(seen, "seen", "seen")}));
  EXPECT_TRUE(WaitForStarts(kUnit, before + 1));
}

// Apps are looked at one after the other, and starting one takes its time. What opened meanwhile
// was noted as looked at with the grants of before.
TEST_F(AppStartTest, WhatOpensWhileAnotherAppIsStartedIsLookedAt) {
  ASSERT_TRUE(adapter_.PushDurably({ChatEvent("left", "left"), ChatEvent("right", "right")}));
  Program left = Installed("Left", "left.service", true, {}, "left");
  Program right = Installed("Right", "right.service", true, {}, "right");
  // In the order of their keys.
  const bool left_first = left.principal < right.principal;
  const std::string chat = left_first ? "left" : "right";
  Program& second = left_first ? right : left;
  const std::string second_unit = left_first ? "right.service" : "left.service";
  struct Pause {
    std::atomic<bool> begun{false};
    std::promise<void> reached;
    std::promise<void> over;
  };
  const auto pause = std::make_shared<Pause>();
  harness_.units().OnStart([pause, first_unit = chat + ".service"](const std::string& unit) {
    if (unit != first_unit || pause->begun.exchange(true)) return;
    pause->reached.set_value();
    pause->over.get_future().wait();
  });
  harness_.clock().Advance(absl::Hours(2));
  const size_t before = Starts(second_unit);
  EXPECT_TRUE(adapter_.PushDurably({MessageEvent(chat, "m1", "one")}));
  const bool reached = pause->reached.get_future().wait_for(absl::ToChronoSeconds(kPatience)) ==
                       std::future_status::ready;
  if (reached) {
    second = harness_.Reconnect(second);
    harness_.Widen(second, {kMessagesRead, kMessagesHistory}, {.chats = {chat}});
    HangUp(second);
  }
  pause->over.set_value();
  ASSERT_TRUE(reached);
  EXPECT_TRUE(WaitForStarts(second_unit, before + 1));
}

TEST_F(AppStartTest, TellsTheUserOnceWhenItCannotBeStarted) {
  Installed("Reader", "masked.service", true);
  harness_.units().Mask("masked.service");
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(WaitForStarts("masked.service", 1));
  ASSERT_TRUE(
      OwnerCalls::Await([&] { return owner_.HasNotice(v1::OwnerNotice::KIND_START_FAILED); }));
  for (size_t tries = 2; tries < 8; ++tries) {
    harness_.clock().Advance(absl::Hours(2));
    ASSERT_TRUE(WaitForStarts("masked.service", tries));
  }
  const v1::GetStatusResponse status = owner_.Status();
  for (const v1::OwnerNotice& notice : status.notices()) {
    // Once more where the end of its last connection was noticed after the first start.
    if (notice.kind() == v1::OwnerNotice::KIND_START_FAILED) EXPECT_LE(notice.count(), 2u);
  }
}

TEST_F(AppStartTest, AnAppThatConnectsAndDiesIsStartedLessAndLess) {
  Program witness = Installed("Witness", kWitness, true);
  Program app = Installed("Reader", kUnit, true);
  const size_t before = Starts(kUnit);
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    // The witness takes what came and goes, so that it is started in each round: before time goes
    // on, or what came last may start it once more, and not again in this round.
    ASSERT_NO_FATAL_FAILURE(Read(witness));
    harness_.clock().Advance(broker::kStartInterval + absl::Seconds(1));
    const size_t witnessed = Starts(kWitness);
    const std::string text = "round" + std::to_string(round);
    ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", text, text)}));
    ASSERT_TRUE(WaitForStarts(kWitness, witnessed + 1));
    // The other one connects, and takes nothing.
    app = harness_.Reconnect(app);
    v1::GetSelfResponse self;
    ASSERT_TRUE(app->grant->GetSelf(Patiently().get(), {}, &self).ok());
    ASSERT_NO_FATAL_FAILURE(HangUp(app));
    v1::PauseResponse paused;
    ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
    v1::ResumeResponse resumed;
    ASSERT_TRUE(owner_->owner->Resume(Patiently().get(), {}, &resumed).ok());
  }
  // After one, two, four and eight minutes, and not in each.
  EXPECT_GE(Starts(kUnit), before + 2);
  EXPECT_LE(Starts(kUnit), before + 5);
}

TEST_F(AppStartTest, AnotherUnitNeedsAnotherYes) {
  Program app = Installed("Reader", kUnit, true);
  // The same key comes back with another unit, and the person does not allow to start that one.
  Program again = harness_.Reconnect(app);
  harness_.Decide("Reader", [](const permissions::ConsentQuestion& question) {
    EXPECT_EQ(question.systemd_unit, "evil.service");
    return std::optional(Allow(question, {}));
  });
  v1::Manifest manifest = AppManifest("Reader", {kChatsRead, kMessagesRead});
  manifest.set_systemd_unit("evil.service");
  harness_.Enroll(again, manifest);
  for (const v1::Grant& grant : owner_.Grants(app.principal)) {
    EXPECT_EQ(grant.may_start(), AppOf(app).systemd_unit() == kUnit);
  }
}

}  // namespace
}  // namespace postern::behaviors
