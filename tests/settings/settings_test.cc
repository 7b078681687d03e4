// SPDX-License-Identifier: Apache-2.0
// The owner's window does what it says, to a broker with a history, and looks as it should: each
// screen of the list is photographed and said aloud.
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "tests/settings/fixture.h"
#include "tests/settings/said.h"

namespace postern::settings_test {
namespace {

using testing::Contains;
using testing::HasSubstr;

// How one gets to a screen, and what is said there. The name is the picture's.
struct Screen {
  std::string name;
  std::vector<std::string> presses;
  // Is said once the screen is whole.
  std::string says;
  Environment environment;
  std::vector<std::string> arguments;
};

const std::vector<Screen>& Screens() {
  static const Environment dark = {{"ADW_DEBUG_COLOR_SCHEME", "prefer-dark"}};
  static const Environment german = {{"LANGUAGE", "de"}};
  static const Environment large = {{"GDK_SCALE", "2"}};
  static const Environment right_to_left = {{"LANGUAGE", "ar_XB"}};
  static const std::vector<Screen> screens = {
      {"apps", {}, "Translator", {}, {}},
      {"app", {"Translator"}, "Take everything back", {}, {}},
      {"app-revoke", {"Translator", "Take everything back"}, "Cancel", {}, {}},
      {"app-narrow", {"Translator", "Narrow"}, "How long", {}, {}},
      {"view-now", {"Customer notes", "See it as the app sees it"}, "The meeting moved", {}, {}},
      {"view-seen", {"Old backup"}, "What it already saw", {}, {}},
      {"view-metadata",
       {"Statistics", "See it as the app sees it"},
       "hidden from this app",
       {},
       {}},
      {"chats", {}, "Book club", {}, {"--page", "chats"}},
      {"chat", {"Family"}, "Sealed to every app", {}, {"--page", "chats"}},
      {"activity", {}, "In the last 7 days", {}, {"--page", "activity"}},
      {"activity-month", {"30 days"}, "In the last 30 days", {}, {"--page", "activity"}},
      {"history", {}, "read", {}, {"--page", "history"}},
      {"apps-dark", {}, "Translator", dark, {}},
      {"activity-dark", {}, "In the last 7 days", dark, {"--page", "activity"}},
      {"apps-german", {}, "Alle Apps anhalten", german, {}},
      {"app-german", {"Translator"}, "Neue Nachrichten lesen", german, {}},
      {"apps-large", {}, "Translator", large, {}},
      {"apps-right-to-left", {}, "Translator", right_to_left, {}},
  };
  return screens;
}

class SettingsScreens : public Settings, public testing::WithParamInterface<size_t> {};

TEST_P(SettingsScreens, IsSaidAndPhotographed) {
  const Screen& screen = Screens()[GetParam()];
  const auto window = Open(screen.environment, screen.arguments);
  ASSERT_TRUE(window->Press(screen.presses));
  ASSERT_TRUE(window->WaitForText(screen.says));
  EXPECT_TRUE(window->Photograph(ScreensFolder() + "/" + screen.name + ".png"));
  // Which rows of the history are the newest hangs on the hour.
  if (screen.name == "history") return;
  EXPECT_EQ(Difference(screen.name, [&] { return window->Tree(); }), "");
}

INSTANTIATE_TEST_SUITE_P(All, SettingsScreens, testing::Range(size_t{0}, Screens().size()),
                         [](const auto& info) {
                           std::string name = Screens()[info.param].name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(Settings, RevokingTakesNoMoreActionsThanGranting) {
  stage().App("Passing by", "Comes and goes", "", {Scope::kMessagesRead}, {});
  const auto window = Open();
  ASSERT_TRUE(window->Press({"Passing by", "Take everything back", "Yes, take it back"}));
  // To grant, one ticks a scope, ticks a chat and presses Allow.
  EXPECT_LE(window->actions(), 3);
  EXPECT_TRUE(Eventually(
      [&] { return stage().GrantsOf("Passing by").at(0).state() == v1::Grant::STATE_REVOKED; }));
}

TEST_F(Settings, SuspendsAndResumes) {
  const auto window = Open();
  ASSERT_TRUE(window->Press({"Customer notes", "Suspend"}));
  ASSERT_TRUE(window->Wait("Resume"));
  EXPECT_EQ(stage().GrantsOf("Customer notes").at(0).state(), v1::Grant::STATE_SUSPENDED);
  ASSERT_TRUE(window->Press({"Resume"}));
  ASSERT_TRUE(window->Wait("Suspend"));
  EXPECT_EQ(stage().GrantsOf("Customer notes").at(0).state(), v1::Grant::STATE_ACTIVE);
}

TEST_F(Settings, NarrowsWhatIsSwitchedOff) {
  const auto window = Open();
  ASSERT_TRUE(window->Press({"Assistant", "Narrow", "Send messages as you Send", "Apply"}));
  EXPECT_TRUE(Eventually([&] {
    return testing::Value(stage().GrantsOf("Assistant").at(0).scopes(),
                          testing::Not(Contains(v1::SCOPE_MESSAGES_SEND)));
  }));
}

TEST_F(Settings, PausesAll) {
  const auto window = Open();
  ASSERT_TRUE(window->Press({"Pause all apps"}));
  EXPECT_TRUE(Eventually([&] { return stage().paused(); }));
  EXPECT_TRUE(window->Photograph(ScreensFolder() + "/apps-paused.png"));
  ASSERT_TRUE(window->Press({"Resume all apps"}));
  EXPECT_TRUE(Eventually([&] { return !stage().paused(); }));
}

TEST_F(Settings, SealsAChat) {
  const auto window = Open({}, {"--page", "chats"});
  ASSERT_TRUE(window->Press({"Book club", "Sealed to every app"}));
  v1::ListSealsResponse seals;
  const Program owner = stage().Owner();
  ASSERT_TRUE(Eventually([&] {
    return owner->owner->ListSeals(behaviors::Patiently().get(), {}, &seals).ok() &&
           seals.seals_size() == 1;
  }));
  EXPECT_EQ(seals.seals(0).name(), "Book club");
  EXPECT_TRUE(window->Photograph(ScreensFolder() + "/chat-sealed.png"));
}

TEST_F(Settings, SaysWhatToDoWhenNothingRuns) {
  const daemon_test::Profile empty(session_);
  Window window(*desktop_, empty);
  ASSERT_TRUE(window.WaitForText("Postern is not running"));
  EXPECT_TRUE(window.Photograph(ScreensFolder() + "/not-running.png"));
}

TEST_F(Settings, AnEmptyBrokerHasEmptyPages) {
  Stage empty(*session_, absl::Now());
  Window window(*desktop_, empty.profile());
  ASSERT_TRUE(window.WaitForText("No app has access"));
  EXPECT_TRUE(window.Photograph(ScreensFolder() + "/apps-empty.png"));
}

}  // namespace
}  // namespace postern::settings_test
