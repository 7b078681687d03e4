// SPDX-License-Identifier: Apache-2.0
#include "broker/owner_notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/limits.h"
#include "tests/broker/storage_fixture.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/recording_notifier.h"

namespace postern::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Notice = v1::OwnerNotice;

class OwnerNoticesTest : public testing::Test {
 protected:
  void SetUp() override { Start(); }
  void Start() {
    notices_.reset();
    store_.reset();
    store_ = *OpenStore(folder_.path());
    notices_ = *OwnerNotices::Open(*store_, &notifier_, clock_);
  }
  ScratchFolder folder_;
  fakes::FakeClock clock_;
  fakes::RecordingNotifier notifier_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<OwnerNotices> notices_;
};

TEST_F(OwnerNoticesTest, StayUntilTheyAreDismissedAlsoOverARestart) {
  notices_->Tell(Notice::KIND_LOOP_STOPPED, "Two apps repeated each other.", AppOf(1),
                 IdOf<permissions::ChatId>(7));
  clock_.Advance(absl::Minutes(5));
  notices_->Tell(Notice::KIND_CLOCK_JUMPED, "The clock jumped.");
  Start();
  const std::vector<Notice> open = notices_->Open();
  ASSERT_THAT(open, SizeIs(2));
  EXPECT_EQ(open[0].kind(), Notice::KIND_CLOCK_JUMPED);
  EXPECT_EQ(open[1].kind(), Notice::KIND_LOOP_STOPPED);
  EXPECT_EQ(open[1].principal(), AppOf(1).ToHex());
  EXPECT_FALSE(open[1].chat_id().empty());
  EXPECT_EQ(open[1].count(), 1u);
  ASSERT_TRUE(notices_->Dismiss({open[0].id(), "no such notice"}).ok());
  Start();
  ASSERT_THAT(notices_->Open(), SizeIs(1));
  ASSERT_TRUE(notices_->Dismiss({}).ok());
  Start();
  EXPECT_THAT(notices_->Open(), IsEmpty());
}

// The second one raises a count, which is not written for that alone.
TEST_F(OwnerNoticesTest, WhatIsKeptIsOnDiskThoughTheProgramDies) {
  notices_->Tell(Notice::KIND_GRANTS_SUSPENDED, "Changed from outside.");
  ASSERT_TRUE(notices_->Keep().ok());
  notices_->Tell(Notice::KIND_GRANTS_SUSPENDED, "Changed from outside.");
  ASSERT_TRUE(notices_->Keep().ok());
  const auto later = *OwnerNotices::Open(*store_, nullptr, clock_);
  const std::vector<Notice> open = later->Open();
  ASSERT_THAT(open, SizeIs(1));
  EXPECT_EQ(open[0].count(), 2u);
}

TEST_F(OwnerNoticesTest, TheSameAgainRaisesTheCount) {
  for (int i = 0; i < 1000; ++i) notices_->Tell(Notice::KIND_OBJECTION, "No.", AppOf(1));
  clock_.Advance(absl::Seconds(1));
  notices_->Tell(Notice::KIND_OBJECTION, "No.", AppOf(2));
  Start();
  const std::vector<Notice> open = notices_->Open();
  ASSERT_THAT(open, SizeIs(2));
  EXPECT_EQ(open[0].count(), 1u);
  EXPECT_EQ(open[1].count(), 1000u);
}

TEST_F(OwnerNoticesTest, AreShownOnceAMinuteAndTogether) {
  notices_->Tell(Notice::KIND_CLOCK_JUMPED, "The clock jumped.");
  ASSERT_TRUE(notifier_.WaitFor(1));
  notices_->Tell(Notice::KIND_OBJECTION, "Bob objects.", AppOf(1));
  notices_->Tell(Notice::KIND_LOOP_STOPPED, "A loop.", AppOf(2));
  clock_.Advance(kNotificationInterval);
  notices_->Tell(Notice::KIND_GRANT_LAPSED, "A grant lapsed.", AppOf(3));
  ASSERT_TRUE(notifier_.WaitFor(2));
  EXPECT_THAT(notifier_.shown(), ElementsAre("The clock jumped.", testing::HasSubstr("3 things")));
  // What is open and happens again is not shown again so soon.
  clock_.Advance(kNotificationInterval);
  notices_->Tell(Notice::KIND_OBJECTION, "Bob objects.", AppOf(1));
  notices_->Tell(Notice::KIND_PROGRAM_CHANGED, "Another program.", AppOf(4));
  ASSERT_TRUE(notifier_.WaitFor(3));
  EXPECT_EQ(notifier_.shown().back(), "Another program.");
}

TEST_F(OwnerNoticesTest, AFloodOfOneKindDrownsNoOther) {
  notices_->Tell(Notice::KIND_PROGRAM_CHANGED, "Another program.", AppOf(1));
  clock_.Advance(absl::Seconds(1));
  for (uint64_t i = 0; i < 3 * kOwnerNoticesMax; ++i) {
    notices_->Tell(Notice::KIND_OBJECTION, "No.", AppOf(1), IdOf<permissions::ChatId>(i + 1));
  }
  const auto check = [&] {
    const std::vector<Notice> open = notices_->Open();
    ASSERT_THAT(open, SizeIs(kOwnerNoticesMax));
    EXPECT_EQ(open.back().kind(), Notice::KIND_PROGRAM_CHANGED);
  };
  check();
  Start();
  check();
}

TEST_F(OwnerNoticesTest, WithoutANotificationServiceTheyStayToBeSeen) {
  notifier_.SetPresent(false);
  notices_->Tell(Notice::KIND_CLOCK_JUMPED, "The clock jumped.");
  Start();
  EXPECT_THAT(notifier_.shown(), IsEmpty());
  EXPECT_THAT(notices_->Open(), SizeIs(1));
}

}  // namespace
}  // namespace postern::broker
