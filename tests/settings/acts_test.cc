// SPDX-License-Identifier: Apache-2.0
// What the owner does in the window, and what the person says to it in Postern's own question, is
// what the broker then holds.
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "broker/proto_time.h"
#include "tests/settings/fixture.h"
#include "tests/settings/said.h"

namespace postern::settings_test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Acts : public Settings {
 protected:
  void TearDown() override { stage().AnswerWith(Allowance()); }

  absl::Time EndOf(const std::string& app) {
    return broker::FromProto(stage().GrantsOf(app).at(0).validity().expire_time());
  }
  v1::GetStatusResponse Status() {
    v1::GetStatusResponse status;
    EXPECT_TRUE(stage().Owner()->owner->GetStatus(behaviors::Patiently().get(), {}, &status).ok());
    return status;
  }
  // When the other people are told.
  v1::NoticePolicy Policy() {
    v1::ListOwnedAccountsResponse accounts;
    EXPECT_TRUE(stage()
                    .Owner()
                    ->owner->ListOwnedAccounts(behaviors::Patiently().get(), {}, &accounts)
                    .ok());
    return accounts.notice_policies().at(accounts.accounts(0).id());
  }
  bool SealsNothing() {
    v1::ListSealsResponse seals;
    EXPECT_TRUE(stage().Owner()->owner->ListSeals(behaviors::Patiently().get(), {}, &seals).ok());
    return seals.seals().empty();
  }
};

TEST_F(Acts, ExtendsAsThePersonSays) {
  stage().App("Short of time", "Ends soon", "", {Scope::kMessagesRead},
              {.until = absl::Now() + absl::Hours(48)});
  const absl::Time before = EndOf("Short of time");
  const auto window = Open();
  stage().AnswerWith(std::nullopt);
  ASSERT_TRUE(window->Press({"Short of time", "Extend"}));
  ASSERT_TRUE(window->WaitForText("You said no"));
  EXPECT_EQ(EndOf("Short of time"), before);
  const absl::Time later = absl::FromUnixSeconds(absl::ToUnixSeconds(before)) + absl::Hours(24 * 9);
  stage().AnswerWith(Allowance{.until = later});
  ASSERT_TRUE(window->Press({"Extend"}));
  EXPECT_TRUE(Eventually([&] { return EndOf("Short of time") == later; }));
}

// A press takes time, and news fills the page anew. Here it comes in between for sure: the window
// looks at the broker as soon as the person has answered the question of an extension.
class Presses : public Acts {
 protected:
  // An app's page, or another one, while Postern asks how long its access is to last.
  std::unique_ptr<Window> OpenAsking(const std::string& app) {
    stage().App(app, "Is pressed on", "", {Scope::kMessagesRead},
                {.until = absl::Now() + absl::Hours(48)});
    auto window = Open();
    const size_t asked = stage().asked();
    stage().Think();
    if (!window->Press({app, "Extend"})) return nullptr;
    return Eventually([&] { return stage().asked() > asked; }) ? std::move(window) : nullptr;
  }
  // The person answers, and the broker has news.
  void Answer(const std::string& app) {
    const absl::Time later =
        absl::FromUnixSeconds(absl::ToUnixSeconds(EndOf(app))) + absl::Hours(24 * 9);
    stage().AnswerWith(Allowance{.until = later});
    EXPECT_TRUE(Eventually([&] { return EndOf(app) == later; }));
  }
  // The window has time to look, too, before what comes next.
  void AnswerAndLook(const std::string& app, Window& window) {
    Answer(app);
    for (int look = 0; look < kLooks; ++look) window.Tree();
  }

 private:
  static constexpr int kLooks = 2;
};

TEST_F(Presses, OfAScreenReaderAreNotLostToNews) {
  const auto window = OpenAsking("Spoken to");
  ASSERT_NE(window, nullptr);
  ASSERT_TRUE(window->Press({"Take everything back"}));
  Answer("Spoken to");
  EXPECT_TRUE(window->Wait("Yes, take it back"));
}

TEST_F(Presses, OfAPointerAreNotLostToNews) {
  const auto window = OpenAsking("Pointed at");
  ASSERT_NE(window, nullptr);
  ASSERT_TRUE(window->Hold("Take everything back"));
  AnswerAndLook("Pointed at", *window);
  window->LetGo();
  EXPECT_TRUE(window->Wait("Yes, take it back"));
}

// It is turned some time after the pointer's button is up, which is when the news gets in.
TEST_F(Presses, OfASwitchAreNotLostToNews) {
  const auto window = OpenAsking("Paused");
  ASSERT_NE(window, nullptr);
  ASSERT_TRUE(window->Press({"Back"}));
  ASSERT_TRUE(window->Hold("Pause all apps"));
  AnswerAndLook("Paused", *window);
  window->LetGo();
  EXPECT_TRUE(Eventually([&] { return stage().paused(); }));
  ASSERT_TRUE(window->Press({"Resume all apps"}));
  EXPECT_TRUE(Eventually([&] { return !stage().paused(); }));
}

// The list of choices belongs to a row that news takes away.
TEST_F(Presses, OfAListOfChoicesAreNotLostToNews) {
  const auto window = OpenAsking("Chosen from");
  ASSERT_NE(window, nullptr);
  ASSERT_TRUE(window->Press({"Back"}));
  ASSERT_TRUE(window->Turn("Chats"));
  ASSERT_TRUE(
      window->Choose("Alice's AliceChat", 2, [&] { AnswerAndLook("Chosen from", *window); }));
  EXPECT_TRUE(Eventually([&] { return Policy() == v1::NOTICE_POLICY_ALWAYS; }));
  ASSERT_TRUE(window->Choose("Alice's AliceChat", 1));
  EXPECT_TRUE(Eventually([&] { return Policy() == v1::NOTICE_POLICY_WHEN_LEAVING; }));
}

TEST_F(Acts, OpensASealAsThePersonSays) {
  const auto window = Open({}, {"--page", "chats"});
  ASSERT_TRUE(window->Press({"House", "Sealed to every app"}));
  ASSERT_TRUE(Eventually([&] { return !SealsNothing(); }));
  stage().AnswerWith(std::nullopt);
  ASSERT_TRUE(window->Press({"Open, as allowed"}));
  ASSERT_TRUE(window->WaitForText("You said no"));
  EXPECT_FALSE(SealsNothing());
  stage().AnswerWith(Allowance());
  ASSERT_TRUE(window->Press({"Open, as allowed"}));
  EXPECT_TRUE(Eventually([&] { return SealsNothing(); }));
}

TEST_F(Acts, ShowsTextOnlyAsThePersonSays) {
  const auto window = Open();
  stage().AnswerWith(std::nullopt);
  ASSERT_TRUE(window->Press({"Customer notes", "See it as the app sees it"}));
  ASSERT_TRUE(window->WaitForText("Nothing is shown"));
  EXPECT_TRUE(window->Photograph(ScreensFolder() + "/view-refused.png"));
  EXPECT_EQ(Difference("view-refused", [&] { return window->Tree(); }), "");
  stage().AnswerWith(Allowance());
  ASSERT_TRUE(window->Press({"Try again"}));
  EXPECT_TRUE(window->WaitForText("The meeting moved"));
}

TEST_F(Acts, ExportsTheHistory) {
  const auto window = Open({}, {"--page", "history"});
  const std::string path = stage().profile().home() + "/postern-history.jsonl";
  ASSERT_TRUE(window->Press({"Export…"}));
  ASSERT_TRUE(window->SaveAs("Export the history", path));
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(path); }));
  const std::string rows = daemon_test::ReadFile(path);
  EXPECT_THAT(rows, HasSubstr("ACCESS_VERB_READ"));
  EXPECT_THAT(rows, Not(HasSubstr("The meeting moved")));
  EXPECT_TRUE(window->WaitForText(std::to_string(std::count(rows.begin(), rows.end(), '\n')) +
                                  " rows were written."));
}

// The rows that the history page shows: they begin with the time of day.
std::vector<std::string> Rows(const std::vector<std::string>& tree) {
  static const std::regex row(R"re(list item "(.*)" described "\d\d:\d\d.*)re");
  std::vector<std::string> rows;
  for (const std::string& line : tree) {
    if (std::smatch match; std::regex_match(line, match, row)) rows.push_back(match[1]);
  }
  return rows;
}

// A test of the history page, and of its filters.
class Filters : public Acts {
 protected:
  // How many rows the broker has of what 'request' asks for.
  size_t CountOf(const v1::ListAccessHistoryRequest& request) {
    v1::ListAccessHistoryResponse rows;
    EXPECT_TRUE(stage()
                    .Owner()
                    ->owner->ListAccessHistory(behaviors::Patiently().get(), request, &rows)
                    .ok());
    return static_cast<size_t>(rows.entries_size());
  }
  // Waits until the page shows so many rows, each of which begins with 'begin' and ends with 'end'.
  void ExpectRows(Window& window, size_t count, const std::string& begin, const std::string& end) {
    std::vector<std::string> rows;
    EXPECT_TRUE(Eventually([&] {
      rows = Rows(window.Tree());
      return rows.size() == count &&
             testing::Value(rows, testing::Each(testing::AllOf(testing::StartsWith(begin),
                                                               testing::EndsWith(end))));
    })) << "not "
        << count << " of: " << testing::PrintToString(rows);
  }
  // Where something is offered: after "all", in the order in which the broker names it.
  int PlaceOf(const std::string& app) {
    v1::ListGrantsRequest all;
    all.set_include_ended(true);
    v1::ListGrantsResponse grants;
    EXPECT_TRUE(
        stage().Owner()->owner->ListGrants(behaviors::Patiently().get(), all, &grants).ok());
    std::vector<std::string> apps = {"All apps"};
    for (const v1::OwnedGrant& owned : grants.grants()) {
      if (std::find(apps.begin(), apps.end(), owned.app_display_name()) == apps.end()) {
        apps.push_back(owned.app_display_name());
      }
    }
    return static_cast<int>(std::find(apps.begin(), apps.end(), app) - apps.begin());
  }
  // The same of a chat; sets its 'id'.
  int PlaceOfChat(const std::string& name, std::string& id) {
    v1::ListOwnedChatsResponse chats;
    EXPECT_TRUE(
        stage().Owner()->owner->ListOwnedChats(behaviors::Patiently().get(), {}, &chats).ok());
    for (int place = 0; place < chats.chats_size(); ++place) {
      if (chats.chats(place).name() != name) continue;
      id = chats.chats(place).id();
      return place + 1;
    }
    ADD_FAILURE() << "there is no chat " << name;
    return 0;
  }
};

TEST_F(Filters, ShowOnlyTheHistoryThatIsAskedFor) {
  v1::ListAccessHistoryRequest request;
  request.set_page_size(100);
  request.set_principal(stage().app("Translator").principal);
  request.add_verbs(v1::ACCESS_VERB_SEND);
  request.add_verbs(v1::ACCESS_VERB_WRITE);
  const size_t sends = CountOf(request);
  ASSERT_GT(sends, 1u);
  const auto window = Open({}, {"--page", "history"});
  ASSERT_TRUE(window->Choose("What", 2));
  ASSERT_TRUE(window->Choose("App", PlaceOf("Translator")));
  ExpectRows(*window, sends, "Translator sent", "in Family");

  *request.mutable_start_time() = broker::ToProto(absl::Now() - absl::Hours(24));
  const size_t of_a_day = CountOf(request);
  ASSERT_GT(of_a_day, 0u);
  ASSERT_LT(of_a_day, sends);
  ASSERT_TRUE(window->Choose("When", 1));
  ExpectRows(*window, of_a_day, "Translator sent", "in Family");

  request.clear_verbs();
  request.add_verbs(v1::ACCESS_VERB_READ);
  request.add_verbs(v1::ACCESS_VERB_WITHHELD);
  const size_t everywhere = CountOf(request);
  std::string id;
  const int place = PlaceOfChat("House 12", id);
  request.set_chat_id(id);
  const size_t there = CountOf(request);
  ASSERT_GT(there, 0u);
  ASSERT_LT(there, everywhere);
  ASSERT_TRUE(window->Choose("What", 1));
  ASSERT_TRUE(window->Choose("Chat", place));
  ExpectRows(*window, there, "Translator read", "in House 12");
}

// Looks are under way then: the first ones, and that for what the page shows.
TEST_F(Acts, EndsWellWhenTheWindowIsClosed) {
  EXPECT_EQ(Open({}, {"--page", "activity"})->Close(), 0);
}

TEST_F(Acts, SetsWhenTheOtherPeopleAreTold) {
  ASSERT_EQ(Policy(), v1::NOTICE_POLICY_WHEN_LEAVING);
  const auto window = Open({}, {"--page", "chats"});
  ASSERT_TRUE(window->Choose("Alice's AliceChat", 2));
  EXPECT_TRUE(Eventually([&] { return Policy() == v1::NOTICE_POLICY_ALWAYS; }));
  ASSERT_TRUE(window->Choose("Alice's AliceChat", 0));
  EXPECT_TRUE(Eventually([&] { return Policy() == v1::NOTICE_POLICY_OFF; }));
  ASSERT_TRUE(window->Choose("Alice's AliceChat", 1));
  EXPECT_TRUE(Eventually([&] { return Policy() == v1::NOTICE_POLICY_WHEN_LEAVING; }));
}

TEST_F(Acts, DismissesWhatWasRead) {
  const size_t before = static_cast<size_t>(Status().notices_size());
  ASSERT_GT(before, 0u);
  const auto window = Open();
  ASSERT_TRUE(window->Press({"Dismiss"}));
  EXPECT_TRUE(Eventually([&] { return static_cast<size_t>(Status().notices_size()) < before; }));
}

// From the list to the access taken back, and to another page, without a pointer.
TEST_F(Acts, AreAllReachedByKeys) {
  stage().App("By keys", "Is taken back by keys", "", {Scope::kMessagesRead}, {});
  const auto window = Open();
  ASSERT_TRUE(window->Wait("By keys"));
  ASSERT_TRUE(window->WalkTo("By keys"));
  window->Key("Return");
  ASSERT_TRUE(window->Wait("Take everything back"));
  ASSERT_TRUE(window->WalkTo("Take everything back"));
  window->Key("space");
  ASSERT_TRUE(window->Wait("Yes, take it back"));
  window->FocusTop();
  ASSERT_TRUE(window->WalkTo("Yes, take it back"));
  window->Key("space");
  EXPECT_TRUE(Eventually(
      [&] { return stage().GrantsOf("By keys").at(0).state() == v1::Grant::STATE_REVOKED; }));
  window->FocusTop();
  window->Key("Escape");
  ASSERT_TRUE(window->WalkTo("History"));
  window->Key("space");
  EXPECT_TRUE(window->Wait("Export"));
}

}  // namespace
}  // namespace postern::settings_test
