// SPDX-License-Identifier: Apache-2.0
// The machine's clock is set wrong, and right again: nothing that has ended comes alive, nothing
// that is valid is gone for good. And what nobody uses lapses, and what is used is not forgotten.
#include <gmock/gmock.h>

#include <algorithm>
#include <optional>

#include "broker/access_reminder.h"
#include "permissions/decide.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kTenYears = absl::Hours(24 * 3652);

class ClockTest : public testing::Test {
 protected:
  ClockTest() { EXPECT_TRUE(adapter_->PushDurably({ChatEvent("club")})); }

  void Restart() {
    adapter_.reset();
    harness_.Restart();
    adapter_ = Adapter::Again(harness_.Reconnect(gatekeeper_));
    owner_.Reconnect();
  }
  // Whether the app is served: a stream begins, and brings what is said now.
  bool IsServed(const Program& app) {
    EventReader reader(harness_.Reconnect(app));
    if (!reader.WaitLive()) {
      end_ = ReasonOf(reader.WaitEnd());
      return false;
    }
    const std::string text = "text " + std::to_string(++number_);
    EXPECT_TRUE(adapter_->PushDurably({MessageEvent("club", text, text)}));
    EXPECT_TRUE(reader.WaitForText(text));
    return true;
  }
  v1::App AppOf(const Program& program) {
    v1::ListAppsResponse response;
    EXPECT_TRUE(owner_->owner->ListApps(Patiently().get(), {}, &response).ok());
    for (const v1::App& app : response.apps()) {
      if (app.principal() == program.principal) return app;
    }
    return {};
  }
  bool ClockIsWarnedOf() {
    const v1::GetStatusResponse status = owner_.Status();
    for (const std::string& warning : status.warnings()) {
      if (warning.find("clock") != std::string::npos) return true;
    }
    return false;
  }

  BrokerHarness harness_{{}, absl::Milliseconds(10)};
  Program gatekeeper_ = harness_.Gatekeeper();
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(gatekeeper_);
  OwnerCalls owner_{harness_};
  std::string end_;
  int number_ = 0;
};

struct Jump {
  const char* name;
  absl::Duration by;
  bool restart;
};
class ClockJumpTest : public ClockTest, public testing::WithParamInterface<Jump> {};

TEST_P(ClockJumpTest, NothingComesAliveAndNothingIsGoneForGood) {
  const absl::Time now = harness_.clock().Now();
  const Program ended = harness_.App("Ended", {kMessagesRead}, {.until = now + absl::Hours(2)});
  const Program month = harness_.App("Month", {kMessagesRead}, {.until = now + 30 * kDay});
  const Program always = harness_.App("Always", {kMessagesRead});
  harness_.clock().Advance(absl::Hours(3));
  ASSERT_FALSE(IsServed(ended));
  ASSERT_EQ(end_, "GRANT_EXPIRED");
  ASSERT_TRUE(IsServed(month));

  const Jump jump = GetParam();
  for (int i = 0; i < 2; ++i) {
    harness_.clock().Jump(jump.by);
    if (jump.restart) Restart();
    EXPECT_FALSE(IsServed(ended));
    EXPECT_EQ(end_, "GRANT_EXPIRED");
    EXPECT_TRUE(IsServed(always));
    // Ahead by years, what ends within the month has ended as far as anybody can tell.
    EXPECT_EQ(IsServed(month), jump.by < absl::ZeroDuration());
    EXPECT_TRUE(OwnerCalls::Await([&] { return ClockIsWarnedOf(); }));
    EXPECT_TRUE(
        OwnerCalls::Await([&] { return owner_.HasNotice(v1::OwnerNotice::KIND_CLOCK_JUMPED); }));
    harness_.clock().Advance(absl::Hours(1));
    if (jump.restart) Restart();
    EXPECT_FALSE(IsServed(ended));

    harness_.clock().Jump(-jump.by);
    EXPECT_FALSE(IsServed(ended));
    EXPECT_EQ(end_, "GRANT_EXPIRED");
    EXPECT_TRUE(IsServed(month));
    EXPECT_TRUE(IsServed(always));
    EXPECT_FALSE(ClockIsWarnedOf());
    if (jump.restart) Restart();
    EXPECT_FALSE(IsServed(ended));
    EXPECT_TRUE(IsServed(month));
    EXPECT_EQ(owner_.GrantOf(month).state(), v1::Grant::STATE_ACTIVE);
  }
  // And the month's end is where it was.
  harness_.clock().Advance(30 * kDay);
  EXPECT_FALSE(IsServed(month));
  EXPECT_EQ(end_, "GRANT_EXPIRED");
  EXPECT_TRUE(IsServed(always));
}

INSTANTIATE_TEST_SUITE_P(All, ClockJumpTest,
                         testing::Values(Jump{"BackADay", -kDay, false},
                                         Jump{"BackADayOverRestarts", -kDay, true},
                                         Jump{"BackTenYears", -kTenYears, false},
                                         Jump{"BackTenYearsOverRestarts", -kTenYears, true},
                                         Jump{"AheadTenYears", kTenYears, false},
                                         Jump{"AheadTenYearsOverRestarts", kTenYears, true}),
                         [](const auto& instance) { return instance.param.name; });

// A crash keeps nothing that was not kept before it; what has ended was.
TEST_F(ClockTest, WhatEndedStaysEndedThoughTheDaemonDiesAndTheClockGoesBack) {
  const Program app =
      harness_.App("Ended", {kMessagesRead}, {.until = harness_.clock().Now() + absl::Hours(2)});
  harness_.clock().Advance(absl::Hours(2));
  ASSERT_FALSE(IsServed(app));
  // A round of upkeep later; of an orderly end, nothing.
  for (int i = 0; i < 2; ++i) {
    const int before = harness_.secrets().stores();
    ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m" + std::to_string(i), "x")}));
    ASSERT_TRUE(OwnerCalls::Await([&] { return harness_.secrets().stores() > before; }));
  }
  adapter_.reset();
  harness_.RestartAsAfterCrash();
  adapter_ = Adapter::Again(harness_.Reconnect(gatekeeper_));
  harness_.clock().Jump(-kDay);
  Restart();
  EXPECT_FALSE(IsServed(app));
}

TEST_F(ClockTest, RetentionDoesNotBelieveAJump) {
  const Program app = harness_.App("Reader", {kMessagesRead, kMessagesHistory});
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "kept")}));
  broker::Config config;
  config.retention.age = 30 * kDay;
  harness_.clock().Jump(kTenYears);
  adapter_.reset();
  harness_.Restart(config);
  harness_.clock().Jump(-kTenYears);
  EventReader reader(harness_.Reconnect(app), FromOldest());
  EXPECT_TRUE(reader.WaitForText("kept"));
}

TEST_F(ClockTest, AGrantGivenWhileTheClockIsAheadIsServed) {
  harness_.clock().Jump(kTenYears);
  const Program app = harness_.App("Reader", {kMessagesRead});
  EXPECT_TRUE(IsServed(app));
  harness_.clock().Jump(-kTenYears);
  EXPECT_TRUE(IsServed(app));
}

TEST_F(ClockTest, GrantsThatNobodyUsesLapse) {
  const Program used = harness_.App("Used", {kMessagesRead});
  Program idle = harness_.App("Idle", {kMessagesRead});
  // A connection is use; this one ends, and its end is noted.
  harness_.clock().Advance(absl::Seconds(1));
  idle.stubs.reset();
  ASSERT_TRUE(OwnerCalls::Await([&] {
    const v1::App app = AppOf(idle);
    return app.connection_count() == 0 &&
           app.last_seen_time().seconds() == absl::ToUnixSeconds(harness_.clock().Now());
  }));
  EventReader stays(used);
  ASSERT_TRUE(stays.WaitLive());
  const auto state = [&](const Program& app) { return owner_.GrantOf(app).state(); };
  harness_.clock().Advance(permissions::kIdleLapse - kDay);
  // A round that looks at such things notes who is here.
  ASSERT_TRUE(OwnerCalls::Await([&] {
    return AppOf(used).last_seen_time().seconds() == absl::ToUnixSeconds(harness_.clock().Now());
  }));
  EXPECT_EQ(state(idle), v1::Grant::STATE_ACTIVE);
  harness_.clock().Advance(2 * kDay);
  EXPECT_TRUE(OwnerCalls::Await([&] { return state(idle) == v1::Grant::STATE_SUSPENDED; }));
  EXPECT_EQ(state(used), v1::Grant::STATE_ACTIVE);
  EXPECT_TRUE(
      OwnerCalls::Await([&] { return owner_.HasNotice(v1::OwnerNotice::KIND_GRANT_LAPSED); }));
  EXPECT_EQ(owner_.HistoryOf(idle, {v1::ACCESS_VERB_SUSPENDED}).at(0).reason(), "idle");
  idle = harness_.Reconnect(idle);
  EXPECT_FALSE(IsServed(idle));
  EXPECT_EQ(end_, "GRANT_SUSPENDED");
  // The owner who wants it still has it, for as long again.
  owner_.Resume(owner_.GrantOf(idle).id());
  EXPECT_TRUE(IsServed(idle));
  Restart();
  harness_.clock().Advance(kDay);
  EXPECT_TRUE(IsServed(idle));
}

TEST_F(ClockTest, WhenAnAppWasHereOutlivesRestarts) {
  const Program app = harness_.App("Now and then", {kMessagesRead});
  for (int i = 0; i < 6; ++i) {
    harness_.clock().Advance(permissions::kIdleLapse - 2 * kDay);
    ASSERT_TRUE(IsServed(app)) << i << " " << end_;
    Restart();
  }
}

class ReminderTest : public ClockTest {
 protected:
  ReminderTest() { Connect(); }

  void Connect() {
    streams_.clear();
    for (const Program* program : {&here_, &reader_}) {
      streams_.push_back(std::make_unique<EventReader>(harness_.Reconnect(*program)));
      EXPECT_TRUE(streams_.back()->WaitLive());
    }
  }
  void RestartAll() {
    streams_.clear();
    Restart();
    Connect();
  }
  // Until a whole slow round of upkeep has passed. Each begins by noting who is here; jumps do not
  // reach the clock by which it does.
  void PassRound() {
    for (int i = 0; i < 2; ++i) {
      harness_.clock().Advance(broker::kUpkeepSlowInterval);
      const absl::Time now = begin_ + (harness_.clock().Elapsed() - begin_elapsed_);
      ASSERT_TRUE(OwnerCalls::Await(
          [&] { return AppOf(here_).last_seen_time().seconds() == absl::ToUnixSeconds(now); }));
    }
  }
  std::optional<v1::OwnerNotice> Reminder() {
    const v1::GetStatusResponse status = owner_.Status();
    for (const v1::OwnerNotice& notice : status.notices()) {
      if (notice.kind() == v1::OwnerNotice::KIND_ACCESS_REMINDER) return notice;
    }
    return std::nullopt;
  }
  void Dismiss() {
    v1::DismissNoticesResponse response;
    EXPECT_TRUE(owner_->owner->DismissNotices(Patiently().get(), {}, &response).ok());
  }

  // Sees names of chats and no text, and so never counts.
  const Program here_ = harness_.App("Names", {kChatsRead});
  const Program reader_ = harness_.App("Reader", {kMessagesRead});
  absl::Time begin_ = harness_.clock().Now();
  const absl::Duration begin_elapsed_ = harness_.clock().Elapsed();
  std::vector<std::unique_ptr<EventReader>> streams_;
};

TEST_F(ReminderTest, TellsOnceAMonthHowManyAppsCanReadAndHowManySendItOff) {
  v1::Manifest manifest = AppManifest("Translator", {kMessagesRead});
  manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
  manifest.mutable_data_destination()->set_service("translate.example");
  ASSERT_TRUE(harness_.Enroll(harness_.Connect("Translator"), manifest).granted());
  PassRound();
  // What was allowed is told too; here it would be shown together with the reminder.
  Dismiss();
  harness_.clock().Advance(broker::kReminderPeriod - kDay);
  PassRound();
  EXPECT_FALSE(Reminder().has_value());
  harness_.clock().Advance(kDay);
  PassRound();
  const std::optional<v1::OwnerNotice> first = Reminder();
  ASSERT_TRUE(first.has_value());
  EXPECT_THAT(first->text(),
              testing::HasSubstr(
                  "2 apps can read your messages, and 1 of them sends text off this device"));
  EXPECT_EQ(first->count(), 1u);
  EXPECT_TRUE(OwnerCalls::Await([&] {
    const std::vector<std::string> shown = harness_.notifier().shown();
    return std::find(shown.begin(), shown.end(), first->text()) != shown.end();
  }));

  // Once, whether it is read or not, and over restarts.
  RestartAll();
  harness_.clock().Advance(broker::kReminderPeriod - 2 * kDay);
  PassRound();
  EXPECT_EQ(Reminder()->notice_time().seconds(), first->notice_time().seconds());
  harness_.clock().Advance(2 * kDay);
  PassRound();
  EXPECT_GT(Reminder()->notice_time().seconds(), first->notice_time().seconds());
  EXPECT_EQ(Reminder()->count(), 1u) << "said of the apps, that would be wrong";
  Dismiss();
  PassRound();
  RestartAll();
  PassRound();
  EXPECT_FALSE(Reminder().has_value());
}

TEST_F(ReminderTest, IsNotGivenWhileNobodyCanRead) {
  harness_.App("Short", {kMessagesRead}, {.until = harness_.clock().Now() + 10 * kDay});
  PassRound();
  const std::string grant = owner_.GrantOf(reader_).id();
  owner_.Suspend(grant);
  for (int i = 0; i < 2; ++i) {
    harness_.clock().Advance(broker::kReminderPeriod);
    PassRound();
    EXPECT_FALSE(Reminder().has_value());
  }
  // The month begins when somebody can again. A pause hides it and does not begin it anew.
  owner_.Resume(grant);
  PassRound();
  EXPECT_FALSE(Reminder().has_value());
  v1::PauseResponse paused;
  ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
  harness_.clock().Advance(broker::kReminderPeriod);
  PassRound();
  EXPECT_FALSE(Reminder().has_value());
  v1::ResumeResponse resumed;
  ASSERT_TRUE(owner_->owner->Resume(Patiently().get(), {}, &resumed).ok());
  PassRound();
  ASSERT_TRUE(Reminder().has_value());
  EXPECT_THAT(
      Reminder()->text(),
      testing::HasSubstr("1 app can read your messages, and says that text stays on this device"));
}

TEST_F(ReminderTest, ComesOnceAMonthWhateverTheClockDoes) {
  const auto jump_there_and_back = [&] {
    for (const absl::Duration jump : {kTenYears, -kTenYears}) {
      harness_.clock().Jump(jump);
      PassRound();
      RestartAll();
      PassRound();
      EXPECT_FALSE(Reminder().has_value());
      harness_.clock().Jump(-jump);
      PassRound();
      EXPECT_FALSE(Reminder().has_value());
    }
  };
  PassRound();
  harness_.clock().Advance(broker::kReminderPeriod / 2);
  jump_there_and_back();
  harness_.clock().Advance(broker::kReminderPeriod / 2);
  PassRound();
  EXPECT_TRUE(Reminder().has_value());
  Dismiss();
  jump_there_and_back();
  // Ten years behind for good, and ahead for so long that it is believed, and then set back: there
  // is one for each month that passes, and one for the years that are said to have passed.
  harness_.clock().Jump(-kTenYears);
  harness_.clock().Advance(broker::kReminderPeriod);
  PassRound();
  EXPECT_TRUE(Reminder().has_value());
  Dismiss();
  harness_.clock().Jump(2 * kTenYears);
  PassRound();
  EXPECT_FALSE(Reminder().has_value());
  begin_ += kTenYears;
  harness_.clock().Advance(broker::kClockProbation);
  PassRound();
  EXPECT_TRUE(Reminder().has_value());
  Dismiss();
  harness_.clock().Jump(-kTenYears);
  PassRound();
  EXPECT_FALSE(Reminder().has_value());
  harness_.clock().Advance(broker::kReminderPeriod);
  PassRound();
  EXPECT_TRUE(Reminder().has_value());
}

TEST_F(ClockTest, AJumpAheadLapsesNothing) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  harness_.clock().Jump(kTenYears);
  Restart();
  EXPECT_TRUE(OwnerCalls::Await([&] { return ClockIsWarnedOf(); }));
  EXPECT_EQ(owner_.GrantOf(app).state(), v1::Grant::STATE_ACTIVE);
  harness_.clock().Jump(-kTenYears);
  EXPECT_TRUE(IsServed(app));
}

}  // namespace
}  // namespace postern::behaviors
