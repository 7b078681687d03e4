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
#include <utility>

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
  std::vector<std::string> presses = {};
  // Is said once the screen is whole.
  std::string says;
  std::vector<std::string> arguments = {};
  Over over = Over::kTwoWeeks;
  // What the owner does first, without this window, and takes back when it was seen.
  void (*before)(Stage&) = nullptr;
  void (*after)(Stage&) = nullptr;
  // What is typed into the search.
  std::string seeks = {};
  // What the owner does in the window then.
  void (*then)(Window&, Stage&) = nullptr;
};

// A step of a walk through the pages.
struct Step {
  std::vector<std::string> presses = {};
  // The tab that is turned to.
  std::string tab = {};
  std::string says;
  // The screen that is seen then.
  std::string screen;
};

// Another look, which every page is seen in.
struct Variant {
  std::string name;
  Environment environment;
  // Other than English; where it is not, what is said is what the plain page says.
  std::string language = {};
};

// Has the owner do one of the service's acts.
template <typename Request, typename Response>
void Act(Stage& stage,
         grpc::Status (v1::OwnerService::Stub::*act)(grpc::ClientContext*, const Request&,
                                                     Response*),
         const Request& request) {
  const Program owner = stage.Owner();
  Response response;
  const grpc::Status status =
      ((*owner->owner).*act)(behaviors::Patiently().get(), request, &response);
  EXPECT_TRUE(status.ok()) << behaviors::Text(status);
}

void Pause(Stage& stage) { Act(stage, &v1::OwnerService::Stub::Pause, v1::PauseRequest()); }
void Resume(Stage& stage) { Act(stage, &v1::OwnerService::Stub::Resume, v1::ResumeRequest()); }

template <typename Request>
Request AboutNotes(Stage& stage, const std::string& request_id) {
  Request request;
  request.set_request_id(request_id);
  request.set_grant_id(stage.GrantsOf("Customer notes").at(0).id());
  return request;
}

void Suspend(Stage& stage) {
  Act(stage, &v1::OwnerService::Stub::SuspendGrant,
      AboutNotes<v1::SuspendGrantRequest>(stage, "suspend"));
}

void ResumeGrant(Stage& stage) {
  Act(stage, &v1::OwnerService::Stub::ResumeGrant,
      AboutNotes<v1::ResumeGrantRequest>(stage, "resume"));
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
  Act(stage, &v1::OwnerService::Stub::Seal, request);
}

void Unseal(Stage& stage) {
  v1::UnsealRequest request;
  request.set_request_id("unseal");
  request.set_chat_id(BookClub(stage));
  Act(stage, &v1::OwnerService::Stub::Unseal, request);
}

void Export(Window& window, Stage& stage) {
  EXPECT_TRUE(window.SaveAs("Export the history", stage.profile().home() + "/history.jsonl"));
}

const std::vector<Screen>& Screens() {
  static const std::vector<std::string> chats = {"--page", "chats"};
  static const std::vector<std::string> activity = {"--page", "activity"};
  static const std::vector<std::string> history = {"--page", "history"};
  static const std::vector<Screen> screens = {
      {.name = "app-revoke", .presses = {"Translator", "Take everything back"}, .says = "Cancel"},
      {.name = "app-narrow", .presses = {"Translator", "Narrow"}, .says = "How long"},
      {.name = "view-seen", .presses = {"Old backup"}, .says = "What it already saw"},
      {.name = "view-metadata",
       .presses = {"Statistics", "See it as the app sees it"},
       .says = "hidden from this app"},
      {.name = "activity-month",
       .presses = {"30 days"},
       .says = "In the last 30 days",
       .arguments = activity},
      {.name = "history-exported",
       .presses = {"Export…"},
       .says = "rows were written.",
       .arguments = history,
       .over = Over::kLastMonth,
       .then = Export},
      {.name = "apps-empty", .says = "No app has access", .over = Over::kEmptyBroker},
      {.name = "not-running", .says = "Postern is not running", .over = Over::kNothing},
      {.name = "chats-search",
       .says = "No chat is called that",
       .arguments = chats,
       .seeks = "zebra"},
      {.name = "grant-revoke",
       .presses = {"Translator", "Take back"},
       .says = "Take this access back?"},
      {.name = "app-suspended",
       .presses = {"Customer notes"},
       .says = "Resume",
       .before = Suspend,
       .after = ResumeGrant},
      {.name = "apps-paused", .says = "All apps are paused", .before = Pause, .after = Resume},
      {.name = "chat-sealed",
       .presses = {"Book club"},
       .says = "Sealed to every app",
       .arguments = chats,
       .before = Seal,
       .after = Unseal},
  };
  return screens;
}

// Every page but the history, which is another broker's. No step leads back: what a page said once
// is said until the window is gone.
const std::vector<Step>& Walk() {
  static const std::vector<Step> walk = {
      {.says = "Translator", .screen = "apps"},
      {.tab = "Activity", .says = "In the last 7 days", .screen = "activity"},
      {.tab = "Chats", .says = "Book club", .screen = "chats"},
      {.presses = {"Family"}, .says = "Sealed to every app", .screen = "chat"},
      {.presses = {"Translator"}, .says = "The program", .screen = "app"},
      {.presses = {"See it as the app _sees it"}, .says = "The water is off", .screen = "view-now"},
  };
  return walk;
}

const std::vector<Variant>& Variants() {
  static const std::vector<Variant> variants = {
      {.name = "plain", .environment = {}},
      {.name = "dark", .environment = {{"ADW_DEBUG_COLOR_SCHEME", "prefer-dark"}}},
      {.name = "german", .environment = {{"LANGUAGE", "de"}}, .language = "de"},
      {.name = "large", .environment = {{"GDK_SCALE", "2"}}},
      {.name = "right-to-left", .environment = {{"LANGUAGE", "ar_XB"}}, .language = "ar_XB"},
  };
  return variants;
}

class SettingsScreens : public Settings, public testing::WithParamInterface<size_t> {
 protected:
  static void TearDownTestSuite() {
    delete std::exchange(last_month_, nullptr);
    Settings::TearDownTestSuite();
  }

  // A broker whose rows lie on three days, of which none is today.
  static Stage& LastMonth() {
    if (last_month_ != nullptr) return *last_month_;
    const absl::CivilDay day = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone()) - 30;
    const absl::Time evening = absl::FromCivil(absl::CivilHour(day) + 18, absl::UTCTimeZone());
    last_month_ = new Stage(*session_, evening - absl::Hours(45));
    last_month_->Fill(evening, 1);
    return *last_month_;
  }

  // Holds what is said against trees/TREE.txt, and leaves a picture.
  static void Look(Window& window, const std::string& tree, const std::string& picture) {
    EXPECT_EQ(Difference(tree, [&] { return window.Tree(); }), "");
    EXPECT_TRUE(window.Photograph(ScreensFolder() + "/" + picture + ".png"));
  }

  static void Show(const Screen& screen, const daemon_test::Profile& profile, Stage* stage) {
    Window window(*desktop_, profile, {}, screen.arguments);
    // The page is filled anew when the chats are known: what is clicked may have moved just then.
    if (screen.over == Over::kTwoWeeks) ASSERT_TRUE(window.WaitForText("Seen by"));
    ASSERT_TRUE(window.Press(screen.presses));
    if (!screen.seeks.empty()) {
      ASSERT_TRUE(window.Focus("Find a chat"));
      window.Type(screen.seeks);
    }
    if (screen.then != nullptr) screen.then(window, *stage);
    ASSERT_TRUE(window.WaitForText(screen.says));
    Look(window, screen.name, screen.name);
  }

  static void Go(const Variant& variant, const std::vector<Step>& walk, Window& window) {
    for (const Step& step : walk) {
      const auto said = [&](const std::string& text) { return InLanguage(variant.language, text); };
      if (!step.tab.empty()) ASSERT_TRUE(window.Turn(said(step.tab)));
      for (const std::string& name : step.presses) ASSERT_TRUE(window.Press({said(name)}));
      ASSERT_TRUE(window.WaitForText(said(step.says)));
      const std::string name = step.screen + "-" + variant.name;
      Look(window, variant.language.empty() ? step.screen : name, name);
    }
  }

  inline static Stage* last_month_ = nullptr;
};

TEST_P(SettingsScreens, IsSaidAndPhotographed) {
  const Screen& screen = Screens()[GetParam()];
  if (screen.over == Over::kNothing) {
    Show(screen, daemon_test::Profile(session_), nullptr);
    return;
  }
  std::unique_ptr<Stage> empty;
  if (screen.over == Over::kEmptyBroker) empty = std::make_unique<Stage>(*session_, absl::Now());
  Stage& shown = empty != nullptr                  ? *empty
                 : screen.over == Over::kLastMonth ? LastMonth()
                                                   : stage();
  if (screen.before != nullptr) screen.before(shown);
  Show(screen, shown.profile(), &shown);
  if (screen.after != nullptr) screen.after(shown);
}

INSTANTIATE_TEST_SUITE_P(All, SettingsScreens, testing::Range(size_t{0}, Screens().size()),
                         [](const auto& info) {
                           std::string name = Screens()[info.param].name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class SettingsVariants : public SettingsScreens {};

TEST_P(SettingsVariants, ShowsEveryPage) {
  const Variant& variant = Variants()[GetParam()];
  {
    Window window(*desktop_, stage().profile(), variant.environment);
    ASSERT_NO_FATAL_FAILURE(Go(variant, Walk(), window));
  }
  Window window(*desktop_, LastMonth().profile(), variant.environment, {"--page", "history"});
  Go(variant, {{.says = "E_xport…", .screen = "history"}}, window);
}

INSTANTIATE_TEST_SUITE_P(All, SettingsVariants, testing::Range(size_t{0}, Variants().size()),
                         [](const auto& info) {
                           std::string name = Variants()[info.param].name;
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
