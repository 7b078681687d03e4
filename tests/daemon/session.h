// SPDX-License-Identifier: Apache-2.0
// One session bus with a real keyring for all tests of a program; each test has a profile of its
// own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tests/daemon/process.h"
#include "tests/fakes/session_bus.h"

namespace postern::daemon_test {

// Two chats of Eve's, for BringIn.
inline constexpr char kEvesChats[] =
    "person eve \"Eve\"\n"
    "direct eve\n"
    "group club \"Book Club\" eve\n"
    "+0 eve eve says m1 \"hello\"\n"
    "+0 eve club says m2 \"hello all\"\n";

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

  // A client that the person allows brings in what 'script' tells, and ends.
  static void BringIn(const Profile& profile, fakes::ScriptedPerson& person,
                      const std::string& script) {
    WriteFile(profile.home() + "/script", script);
    const auto client =
        Process::Start(profile, {.program = "postern-demo-gatekeeper",
                                 .arguments = {"--script", profile.home() + "/script",
                                               "--full-speed", "--quiet", "--exit-at-end"}});
    ASSERT_TRUE(person.Answer({})) << person.screen() << client->errors();
    ASSERT_EQ(client->Wait(), 0) << client->errors();
  }

  // Whether 'condition' comes to hold before kPatience is over; asked again and again, on this
  // thread.
  template <typename Condition>
  static bool Await(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

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
