// SPDX-License-Identifier: Apache-2.0
// `postern status` once a month: it shows the reminder of what apps can read, and its exit code
// stays at "all is well", since the reminder wants nothing of the user.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "clients/postern/exit_code.h"
#include "tests/daemon/app_journal.h"
#include "tests/daemon/moved_time.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

using cli::ExitCode;
using std::chrono::hours;
using ::testing::HasSubstr;

// Of the agent's list: until it is taken back.
constexpr char kNoEnd[] = "6";
constexpr char kApp[] = "org.example.reader";
constexpr char kReminder[] = "can read your messages";

class ReminderStatus : public SessionTest {
 protected:
  Ending Postern(std::vector<std::string> arguments) {
    return RunToEnd(profile_, {.program = "postern", .arguments = std::move(arguments)});
  }
  nlohmann::json PosternJson(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const Ending ending = Postern(std::move(arguments));
    return nlohmann::json::parse(ending.output, nullptr, false);
  }
  // When the app was last here, as the daemon noted it.
  std::string LastSeen() {
    const nlohmann::json list = PosternJson({"apps", "list"});
    if (!list.is_object()) return "";
    for (const nlohmann::json& app : list["apps"]) {
      if (app.value("app_id", "") == kApp) return app.value("last_seen_time", "never");
    }
    return "";
  }

  Profile profile_{&session()};
  MovedTime time_{profile_.home() + "/time"};
  fakes::ScriptedPerson person_;
};

TEST_F(ReminderStatus, LeavesTheExitCodeAtAllIsWell) {
  const auto daemon =
      Process::Start(profile_, {.environment = time_.Environment(), .person = &person_});
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  ASSERT_NO_FATAL_FAILURE(BringIn(profile_, person_, kEvesChats));
  time_.Advance(hours(1));
  const char* const program = ::getenv("POSTERN_CRASH_APP");
  ASSERT_NE(program, nullptr) << "run by ctest, which names the program";
  const auto app = Process::Start(profile_, {.program = program,
                                             .arguments = {kApp, profile_.home() + "/journal"},
                                             .environment = time_.Environment()});
  ASSERT_TRUE(person_.Answer({.scopes = kAllItsScopes, .duration = kNoEnd}))
      << person_.screen() << app->errors();
  ASSERT_TRUE(app->AwaitReady()) << app->errors();

  // Each of the daemon's rounds begins by noting who is here: with the second the first is over,
  // and the month runs.
  for (int i = 0; i < 2; ++i) {
    const std::string before = LastSeen();
    ASSERT_NE(before, "");
    time_.Advance(hours(25));
    ASSERT_TRUE(Await([&] { return LastSeen() != before; })) << daemon->errors();
  }
  ASSERT_EQ(Postern({"status", "--dismiss"}).code, 0);
  const Ending quiet = Postern({"status"});
  EXPECT_EQ(quiet.code, static_cast<int>(ExitCode::kOk)) << quiet.output << quiet.errors;
  EXPECT_EQ(quiet.output.find(kReminder), std::string::npos) << quiet.output;

  time_.Advance(hours(31 * 24));
  Ending status;
  ASSERT_TRUE(Await([&] {
    status = Postern({"status"});
    return status.output.find(kReminder) != std::string::npos;
  })) << status.output
      << daemon->errors() << app->errors();
  EXPECT_EQ(status.code, static_cast<int>(ExitCode::kOk)) << status.output << status.errors;
  // It is there alone: nothing else could have decided.
  const nlohmann::json json = PosternJson({"status"});
  ASSERT_TRUE(json.is_object());
  ASSERT_EQ(json["notices"].size(), 1u) << json.dump();
  EXPECT_EQ(json["notices"][0]["kind"], "KIND_ACCESS_REMINDER");
}

}  // namespace
}  // namespace postern::daemon_test
