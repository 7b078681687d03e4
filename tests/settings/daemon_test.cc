// SPDX-License-Identifier: Apache-2.0
// The owner's window over the real posternd, with a real app, and a person who answers the real
// consent agent at posternd's terminal.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "tests/daemon/process.h"
#include "tests/daemon/session.h"
#include "tests/settings/window.h"

namespace postern::settings_test {
namespace {

using daemon_test::Process;
using daemon_test::Profile;

constexpr char kApp[] = "org.example.reader";

class SettingsOverPosternd : public daemon_test::SessionTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(desktop_.ok()) << "Xvfb does not start";
    daemon_ = Process::Start(profile_, {.person = &person_});
    ASSERT_TRUE(daemon_->AwaitReady()) << daemon_->errors();
    const char* const program = ::getenv("POSTERN_CRASH_APP");
    ASSERT_NE(program, nullptr);
    app_ = Process::Start(profile_,
                          {.program = program, .arguments = {kApp, profile_.home() + "/seen"}});
    // For one day, in all chats and new ones: there are none yet.
    ASSERT_TRUE(person_.Answer({.duration = "3"})) << person_.screen();
    ASSERT_TRUE(app_->AwaitReady()) << app_->errors();
  }

  Desktop desktop_{session()};
  Profile profile_{&session()};
  fakes::ScriptedPerson person_;
  std::unique_ptr<Process> daemon_;
  std::unique_ptr<Process> app_;
};

TEST_F(SettingsOverPosternd, ShowsExtendsLooksAndTakesBack) {
  Window window(desktop_, profile_);
  ASSERT_TRUE(window.Press({kApp}));
  ASSERT_TRUE(window.Wait("Extend"));

  // The person says no, and then how long.
  ASSERT_TRUE(window.Press({"Extend"}));
  ASSERT_TRUE(person_.Expect("Let this access last longer?")) << person_.screen();
  ASSERT_TRUE(person_.Answer({.word = "no"})) << person_.screen();
  ASSERT_TRUE(window.WaitForText("You said no"));
  ASSERT_TRUE(window.Press({"Extend"}));
  ASSERT_TRUE(person_.Expect("Let this access last longer?")) << person_.screen();
  ASSERT_TRUE(person_.Answer({.duration = "3"})) << person_.screen();
  ASSERT_TRUE(window.WaitForText("in 31 days"));

  // No text without the person's word.
  ASSERT_TRUE(window.Press({"See it as the app sees it"}));
  ASSERT_TRUE(person_.Expect("Show your messages?")) << person_.screen();
  ASSERT_TRUE(window.WaitForText("Waiting for your answer"));
  ASSERT_TRUE(person_.Answer({.word = "no"})) << person_.screen();
  ASSERT_TRUE(window.WaitForText("Nothing is shown"));
  ASSERT_TRUE(window.Press({"Try again"}));
  ASSERT_TRUE(person_.Expect("Show your messages?")) << person_.screen();
  ASSERT_TRUE(person_.Answer({})) << person_.screen();
  ASSERT_TRUE(window.WaitForText("It sees nothing"));

  ASSERT_TRUE(window.Press({"Back", "Take everything back", "Yes, take it back"}));
  EXPECT_EQ(app_->Wait(), 1);
  EXPECT_EQ(daemon_->Stop(), 0);
}

}  // namespace
}  // namespace postern::settings_test
