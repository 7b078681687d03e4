// SPDX-License-Identifier: Apache-2.0
// One session bus with a real keyring for all tests of a program; each test has a profile of its
// own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/daemon/process.h"
#include "tests/fakes/session_bus.h"

namespace postern::daemon_test {

class SessionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto session = fakes::SessionBus::Start();
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = session->release();
    // For what a test does in the keyring itself.
    environment_ = new fakes::ScopedEnvironment(session_->Environment());
  }
  static void TearDownTestSuite() {
    delete environment_;
    delete session_;
    environment_ = nullptr;
    session_ = nullptr;
  }

  static fakes::SessionBus& session() { return *session_; }

  inline static fakes::SessionBus* session_ = nullptr;
  inline static fakes::ScopedEnvironment* environment_ = nullptr;
};

// Exactly one line, of posternd, that says each of 'texts'.
MATCHER_P(IsOneLine, text, "") {
  const std::string& errors = arg;
  return errors.rfind("posternd: ", 0) == 0 && errors.find('\n') == errors.size() - 1 &&
         errors.find(text) != std::string::npos;
}

}  // namespace postern::daemon_test
