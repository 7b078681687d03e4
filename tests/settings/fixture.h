// SPDX-License-Identifier: Apache-2.0
// One broker with a history for all tests of a program, and windows over it.
#pragma once

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/settings/stage.h"
#include "tests/settings/window.h"

namespace postern::settings_test {

using daemon_test::Environment;

class Settings : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto session = fakes::SessionBus::Start();
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = session->release();
    environment_ = new fakes::ScopedEnvironment(session_->Environment());
    desktop_ = new Desktop(*session_);
    ASSERT_TRUE(desktop_->ok()) << "Xvfb does not start";
    stage_ = new Stage(*session_, absl::Now() - absl::Hours(24 * 14));
    stage_->Fill();
    std::filesystem::create_directories(ScreensFolder());
  }
  static void TearDownTestSuite() {
    delete stage_;
    delete desktop_;
    delete environment_;
    delete session_;
  }
  static std::string ScreensFolder() { return SCREENS_FOLDER; }

  Stage& stage() { return *stage_; }

  std::unique_ptr<Window> Open(Environment environment = {},
                               std::vector<std::string> arguments = {}) {
    return std::make_unique<Window>(*desktop_, stage_->profile(), std::move(environment),
                                    std::move(arguments));
  }

  inline static fakes::SessionBus* session_ = nullptr;
  inline static fakes::ScopedEnvironment* environment_ = nullptr;
  inline static Desktop* desktop_ = nullptr;
  inline static Stage* stage_ = nullptr;
};

// Waits until 'holds' does. What the window says in passing may be gone before a slow machine reads
// it; the broker is what counts.
inline bool Eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (holds()) return true;
  }
  return false;
}

}  // namespace postern::settings_test
