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

// Which broker a screen is of.
enum class Over {
  kTwoWeeks,
  // One whose days are always the same ones of the week, at the same hours.
  kLastMonth,
  kEmptyBroker,
  kNothing,
};

// How one gets to a screen, and what is said there. The name is the picture's.
struct Screen {
  std::string name;
  std::vector<std::string> presses;
  // Is said once the screen is whole.
  std::string says;
  Environment environment;
  std::vector<std::string> arguments;
  Over over = Over::kTwoWeeks;
  // What the owner does first, without this window, and takes back when it was seen.
  void (*before)(Stage&) = nullptr;
  void (*after)(Stage&) = nullptr;
  // What is typed into the search.
  std::string seeks = {};
};

void Pause(Stage& stage) {
  v1::PauseResponse response;
  EXPECT_TRUE(stage.Owner()->owner->Pause(behaviors::Patiently().get(), {}, &response).ok());
}

void Resume(Stage& stage) {
  v1::ResumeResponse response;
  EXPECT_TRUE(stage.Owner()->owner->Resume(behaviors::Patiently().get(), {}, &response).ok());
}

void Suspend(Stage& stage) {
  v1::SuspendGrantRequest request;
  request.set_request_id("suspend");
  request.set_grant_id(stage.GrantsOf("Customer notes").at(0).id());
  v1::SuspendGrantResponse response;
  EXPECT_TRUE(
      stage.Owner()->owner->SuspendGrant(behaviors::Patiently().get(), request, &response).ok());
}

void ResumeGrant(Stage& stage) {
  v1::ResumeGrantRequest request;
  request.set_request_id("resume");
  request.set_grant_id(stage.GrantsOf("Customer notes").at(0).id());
  v1::ResumeGrantResponse response;
  EXPECT_TRUE(
      stage.Owner()->owner->ResumeGrant(behaviors::Patiently().get(), request, &response).ok());
}

std::string BookClub(Stage& stage) {
  v1::ListOwnedChatsResponse chats;
  EXPECT_TRUE(stage.Owner()->owner->ListOwnedChats(behaviors::Patiently().get(), {}, &chats).ok());
  for (const v1::Chat& chat : chats.chats()) {
    if (chat.name() == "Book club") return chat.id();
  }
  ADD_FAILURE() << "there is no book club";
  return "";
}

void Seal(Stage& stage) {
  v1::SealRequest request;
  request.set_request_id("seal");
  request.set_chat_id(BookClub(stage));
  request.set_reach(v1::SEAL_REACH_ALL_APPS);
  v1::SealResponse response;
  EXPECT_TRUE(stage.Owner()->owner->Seal(behaviors::Patiently().get(), request, &response).ok());
}

void Unseal(Stage& stage) {
  v1::UnsealRequest request;
  request.set_request_id("unseal");
  request.set_chat_id(BookClub(stage));
  v1::UnsealResponse response;
  EXPECT_TRUE(stage.Owner()->owner->Unseal(behaviors::Patiently().get(), request, &response).ok());
}

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
      {"history", {}, "read", {}, {"--page", "history"}, Over::kLastMonth},
      {"apps-dark", {}, "Translator", dark, {}},
      {"activity-dark", {}, "In the last 7 days", dark, {"--page", "activity"}},
      {"apps-german", {}, "Alle Apps anhalten", german, {}},
      {"app-german", {"Translator"}, "Neue Nachrichten lesen", german, {}},
      {"apps-large", {}, "Translator", large, {}},
      {"apps-right-to-left", {}, "Translator", right_to_left, {}},
      {"apps-empty", {}, "No app has access", {}, {}, Over::kEmptyBroker},
      {"not-running", {}, "Postern is not running", {}, {}, Over::kNothing},
      {"chats-search",
       {},
       "No chat is called that",
       {},
       {"--page", "chats"},
       Over::kTwoWeeks,
       nullptr,
       nullptr,
       "zebra"},
      {"grant-revoke", {"Translator", "Take back"}, "Take this access back?", {}, {}},
      {"app-suspended",
       {"Customer notes"},
       "Resume",
       {},
       {},
       Over::kTwoWeeks,
       Suspend,
       ResumeGrant},
      {"apps-paused", {}, "All apps are paused", {}, {}, Over::kTwoWeeks, Pause, Resume},
      {"chat-sealed",
       {"Book club"},
       "Sealed to every app",
       {},
       {"--page", "chats"},
       Over::kTwoWeeks,
       Seal,
       Unseal},
  };
  return screens;
}

class SettingsScreens : public Settings, public testing::WithParamInterface<size_t> {
 protected:
  // A broker whose rows lie on three days, of which none is today.
  static std::unique_ptr<Stage> LastMonth() {
    const absl::CivilDay day = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone()) - 30;
    const absl::Time evening = absl::FromCivil(absl::CivilHour(day) + 18, absl::UTCTimeZone());
    auto stage = std::make_unique<Stage>(*session_, evening - absl::Hours(45));
    stage->Fill(evening, 1);
    return stage;
  }

  void Look(const Screen& screen, const daemon_test::Profile& profile) {
    Window window(*desktop_, profile, screen.environment, screen.arguments);
    ASSERT_TRUE(window.Press(screen.presses));
    if (!screen.seeks.empty()) {
      ASSERT_TRUE(window.Focus("Find a chat"));
      window.Type(screen.seeks);
    }
    ASSERT_TRUE(window.WaitForText(screen.says));
    EXPECT_EQ(Difference(screen.name, [&] { return window.Tree(); }), "");
    EXPECT_TRUE(window.Photograph(ScreensFolder() + "/" + screen.name + ".png"));
  }
};

TEST_P(SettingsScreens, IsSaidAndPhotographed) {
  const Screen& screen = Screens()[GetParam()];
  if (screen.over == Over::kNothing) {
    Look(screen, daemon_test::Profile(session_));
    return;
  }
  std::unique_ptr<Stage> other;
  if (screen.over == Over::kLastMonth) other = LastMonth();
  if (screen.over == Over::kEmptyBroker) other = std::make_unique<Stage>(*session_, absl::Now());
  Stage& shown = other != nullptr ? *other : stage();
  if (screen.before != nullptr) screen.before(shown);
  Look(screen, shown.profile());
  if (screen.after != nullptr) screen.after(shown);
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
}

}  // namespace
}  // namespace postern::settings_test
