// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/model.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "clients/settings/snapshot.h"

namespace postern::settings {
namespace {

// How long an answer may take; no broker being there is found out at once.
constexpr std::chrono::seconds kPatience{20};

// This thread is GTK's, and no broker is there: every look is answered, with an error.
class ModelTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(g_main_context_acquire(nullptr)); }
  void TearDown() override { g_main_context_release(nullptr); }

  void Look() {
    model_.Look([](owner::Owner&) -> absl::StatusOr<int> { return 1; },
                [this](const absl::StatusOr<int>& answer) {
                  EXPECT_FALSE(answer.ok());
                  ++answers_;
                });
  }
  // Until GTK has an answer to take.
  static bool AwaitAnswer() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!g_main_context_pending(nullptr)) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  // Runs GTK's loop until 'holds' does.
  static bool RunUntil(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      g_main_context_iteration(nullptr, FALSE);
    }
    return true;
  }
  // As GTK does when its loop has ended.
  static void TakeWhatWaits() {
    while (g_main_context_iteration(nullptr, FALSE)) {
    }
  }

  Model model_{
      owner::Paths{.runtime_directory = "/nonexistent", .socket = "/nonexistent/postern.sock"}};
  int answers_ = 0;
};

TEST_F(ModelTest, CallsBackWithTheAnswer) {
  Look();
  ASSERT_TRUE(AwaitAnswer());
  TakeWhatWaits();
  EXPECT_EQ(answers_, 1);
}

// The window closes while it looks: what the answer is for is gone.
TEST_F(ModelTest, CallsBackNoMoreOnceItIsClosed) {
  Look();
  ASSERT_TRUE(AwaitAnswer());
  model_.Close();
  TakeWhatWaits();
  Look();
  ASSERT_TRUE(AwaitAnswer());
  TakeWhatWaits();
  EXPECT_EQ(answers_, 0);
}

// Pages are filled anew with what the answers say: what is pressed would be gone.
TEST_F(ModelTest, KeepsAnswersBackWhileThePersonPresses) {
  bool pressing = true;
  int times = 0;
  model_.HoldWhile(
      [&] {
        ++times;
        return pressing;
      },
      absl::Hours(1));
  Look();
  Look();
  ASSERT_TRUE(RunUntil([&] { return times >= 3; }));
  EXPECT_EQ(answers_, 0);
  pressing = false;
  EXPECT_TRUE(RunUntil([&] { return answers_ == 2; }));
}

TEST_F(ModelTest, KeepsNoAnswerBackForLong) {
  model_.HoldWhile([] { return true; }, absl::Milliseconds(50));
  Look();
  EXPECT_TRUE(RunUntil([&] { return answers_ == 1; }));
}

TEST_F(ModelTest, DropsWhatItKeptBackWhenItIsClosed) {
  int times = 0;
  model_.HoldWhile([&] { return ++times > 0; }, absl::Hours(1));
  Look();
  ASSERT_TRUE(RunUntil([&] { return times >= 1; }));
  model_.Close();
  const int before = times;
  // The next look at the press would come before this.
  bool later = false;
  g_timeout_add(
      50,
      [](gpointer passed) -> gboolean {
        *static_cast<bool*>(passed) = true;
        return G_SOURCE_REMOVE;
      },
      &later);
  ASSERT_TRUE(RunUntil([&] { return later; }));
  EXPECT_EQ(times, before);
  EXPECT_EQ(answers_, 0);
}

// Who comes and goes is shown; how often, and when last while they are there, is not.
TEST(AccessPictureTest, IsAnotherOnlyWhenItShowsSomethingElse) {
  AccessPicture picture;
  v1::App& app = picture.apps.emplace_back();
  app.set_connection_count(1);
  app.mutable_last_seen_time()->set_seconds(1);
  v1::OwnedGrant& grant = picture.grants.emplace_back();
  grant.mutable_last_use_time()->set_seconds(1);
  const std::string before = picture.Fingerprint();

  app.set_connection_count(2);
  app.mutable_last_seen_time()->set_seconds(2);
  grant.mutable_last_use_time()->set_seconds(2);
  picture.status.set_event_count(2);
  picture.status.set_pending_consent_count(1);
  EXPECT_EQ(picture.Fingerprint(), before);

  // When it was last here is said of who is away, and of all while they are paused.
  app.set_connection_count(0);
  const std::string away = picture.Fingerprint();
  EXPECT_NE(away, before);
  app.mutable_last_seen_time()->set_seconds(3);
  EXPECT_NE(picture.Fingerprint(), away);
  app.set_connection_count(1);
  picture.status.set_paused(true);
  const std::string paused = picture.Fingerprint();
  EXPECT_NE(paused, before);
  app.mutable_last_seen_time()->set_seconds(4);
  EXPECT_NE(picture.Fingerprint(), paused);

  picture.status.set_paused(false);
  app.mutable_last_seen_time()->set_seconds(2);
  EXPECT_EQ(picture.Fingerprint(), before);
  grant.mutable_grant()->set_state(v1::Grant::STATE_SUSPENDED);
  EXPECT_NE(picture.Fingerprint(), before);
  grant.mutable_grant()->clear_state();
  picture.status.add_warnings("The disk is full.");
  EXPECT_NE(picture.Fingerprint(), before);
  picture.status.clear_warnings();
  picture.status.add_notices()->set_text("An app was refused.");
  EXPECT_NE(picture.Fingerprint(), before);
}

}  // namespace
}  // namespace postern::settings
