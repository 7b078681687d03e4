// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/model.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

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

}  // namespace
}  // namespace postern::settings
