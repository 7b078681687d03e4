// SPDX-License-Identifier: Apache-2.0
// The owner's own questions, as people meet them: a command of `postern`, the real daemon, the real
// consent agent, and a person at its terminal. What he allows happens, what he refuses does not.
#include <absl/strings/match.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "clients/postern/exit_code.h"
#include "tests/daemon/file_watch.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;
using cli::ExitCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNo[] = "no";
constexpr char kAllow[] = "allow";
// Of the agent's list: "1 day" when the app asked, "30 more days" when it is extended.
constexpr char kOneDay[] = "3";
constexpr char kThirtyMoreDays[] = "3";
constexpr int64_t kDaySeconds = 24 * 60 * 60;

class OwnerQuestions : public SessionTest {
 protected:
  void SetUp() override {
    daemon_ = Process::Start(profile_, {.person = &person_});
    ASSERT_TRUE(daemon_->AwaitReady()) << daemon_->errors();
    ASSERT_NO_FATAL_FAILURE(BringIn(profile_, person_, kEvesChats));
  }

  Ending Postern(const std::vector<std::string>& arguments) {
    return RunToEnd(profile_, {.program = "postern", .arguments = arguments});
  }
  // Runs a command that asks the person: he must be shown 'title' and 'about', and answers.
  Ending PosternThatAsks(const std::vector<std::string>& arguments, const std::string& title,
                         const std::string& about, const fakes::TypedAnswers& answers) {
    const auto command = Process::Start(profile_, {.program = "postern", .arguments = arguments});
    EXPECT_TRUE(person_.Expect(title)) << person_.screen() << command->errors();
    EXPECT_TRUE(person_.Expect(about)) << person_.screen();
    EXPECT_TRUE(person_.Answer(answers)) << person_.screen();
    Ending ending;
    ending.code = command->Wait();
    ending.output = command->output();
    ending.errors = command->errors();
    return ending;
  }

  static int Code(ExitCode code) { return static_cast<int>(code); }

  Profile profile_{&session()};
  fakes::ScriptedPerson person_;
  std::unique_ptr<Process> daemon_;
};

TEST_F(OwnerQuestions, UnsealOpensWhatThePersonAllowsAndNothingElse) {
  ASSERT_EQ(Postern({"seal", "Book Club"}).code, Code(ExitCode::kOk));
  const auto unseal = [&](const char* word) {
    return PosternThatAsks({"unseal", "Book Club"}, "Open what is sealed?", "Book Club",
                           {.word = word});
  };
  const Ending refused = unseal(kNo);
  EXPECT_EQ(refused.code, Code(ExitCode::kNotAllowed)) << refused.errors;
  EXPECT_THAT(refused.errors, HasSubstr("Waiting"));
  EXPECT_THAT(Postern({"seal", "list"}).output, HasSubstr("Book Club"));

  const Ending allowed = unseal(kAllow);
  EXPECT_EQ(allowed.code, Code(ExitCode::kOk)) << allowed.errors;
  EXPECT_THAT(Postern({"seal", "list"}).output, Not(HasSubstr("Book Club")));
  EXPECT_EQ(daemon_->Stop(), 0);
}

TEST_F(OwnerQuestions, ExtendGivesTheTimeThatThePersonChose) {
  const char* const program = ::getenv("POSTERN_CRASH_APP");
  ASSERT_NE(program, nullptr);
  const auto app = Process::Start(
      profile_,
      {.program = program, .arguments = {"org.example.reader", profile_.home() + "/seen"}});
  ASSERT_TRUE(person_.Answer({.duration = kOneDay})) << person_.screen();
  ASSERT_TRUE(app->AwaitReady()) << app->errors();
  const auto held = [&] {
    const Ending list = Postern({"grants", "list", "--json"});
    const nlohmann::json grants = nlohmann::json::parse(list.output, nullptr, false);
    EXPECT_TRUE(grants.is_object() && grants["grants"].size() == 1u) << list.output << list.errors;
    return grants["grants"][0]["grant"];
  };
  const nlohmann::json before = held();
  const std::string id = before["id"];
  const auto extend = [&](const char* word) {
    return PosternThatAsks({"grants", "extend", id}, "Let this access last longer?",
                           "org.example.reader", {.duration = kThirtyMoreDays, .word = word});
  };
  const Ending refused = extend(kNo);
  EXPECT_EQ(refused.code, Code(ExitCode::kNotAllowed)) << refused.errors;
  EXPECT_EQ(held(), before);

  const Ending allowed = extend(kAllow);
  EXPECT_EQ(allowed.code, Code(ExitCode::kOk)) << allowed.errors;
  const nlohmann::json after = held();
  const auto end_of = [](const nlohmann::json& grant) {
    absl::Time end;
    std::string error;
    EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full,
                                grant["validity"]["expire_time"].get<std::string>(), &end, &error))
        << error << grant;
    return absl::ToUnixSeconds(end);
  };
  // From when it would have ended, so not a second is lost.
  EXPECT_EQ(end_of(after) - end_of(before), 30 * kDaySeconds);
  EXPECT_EQ(after["scopes"], before["scopes"]);
  EXPECT_EQ(after["selection"], before["selection"]);
  EXPECT_EQ(daemon_->Stop(), 0);
}

TEST_F(OwnerQuestions, WhoIsOutIsNotMistakenForWhoIsHere) {
  const auto allow = [&](const std::vector<std::string>& arguments) {
    const auto command = Process::Start(profile_, {.program = "postern", .arguments = arguments});
    EXPECT_TRUE(person_.Answer({})) << person_.screen() << command->errors();
    Ending ending;
    ending.code = command->Wait();
    ending.errors = command->errors();
    return ending;
  };
  // What the broker refuses is not said to be watched.
  const Ending refused = allow({"messages", "watch", "--subscription", "no good"});
  EXPECT_EQ(refused.code, Code(ExitCode::kUsage)) << refused.errors;
  EXPECT_THAT(refused.errors, AllOf(HasSubstr("subscription"), Not(HasSubstr("Watching"))));

  ASSERT_EQ(Postern({"apps", "remove", "org.postern.cli"}).code, Code(ExitCode::kOk));
  EXPECT_THAT(Postern({"grants", "list", "--all"}).output,
              AllOf(HasSubstr("revoked  -"), Not(HasSubstr("until"))));
  ASSERT_EQ(allow({"enroll", "--new-key"}).code, Code(ExitCode::kOk));
  const Ending view = PosternThatAsks({"view", "--as", "postern (command line)"},
                                      "Show your messages?", "The program above", {.word = kAllow});
  EXPECT_EQ(view.code, Code(ExitCode::kOk)) << view.errors;

  const std::string chats = Postern({"chats", "list"}).output;
  ASSERT_THAT(chats, AllOf(HasSubstr("Eve"), HasSubstr("Book Club")));
  EXPECT_LT(chats.find("Book Club"), chats.find("Eve"));
  EXPECT_EQ(daemon_->Stop(), 0);
}

TEST_F(OwnerQuestions, WatchTellsWhyNothingComesWhileAllIsPaused) {
  const auto enroll = Process::Start(profile_, {.program = "postern", .arguments = {"enroll"}});
  ASSERT_TRUE(person_.Answer({})) << person_.screen() << enroll->errors();
  ASSERT_EQ(enroll->Wait(), Code(ExitCode::kOk)) << enroll->errors();
  ASSERT_EQ(Postern({"pause"}).code, Code(ExitCode::kOk));

  const auto watch =
      Process::Start(profile_, {.program = "postern", .arguments = {"messages", "watch"}});
  FileWatch told(watch->errors_path());
  EXPECT_TRUE(told.Await([](const std::string& errors) {
    return absl::StrContains(errors, "all apps are paused (`postern resume`)");
  })) << watch->errors();
  EXPECT_THAT(watch->errors(), Not(HasSubstr("Watching")));
  ASSERT_EQ(Postern({"resume"}).code, Code(ExitCode::kOk));
  EXPECT_TRUE(told.Await([](const std::string& errors) {
    return absl::StrContains(errors, "Watching");
  })) << watch->errors();
  EXPECT_EQ(daemon_->Stop(), 0);
}

TEST_F(OwnerQuestions, PurgeLeavesAllOrNothingAsThePersonSays) {
  const auto purge = [&](const char* word) {
    return PosternThatAsks({"purge"}, "Delete messages for good?", "It is deleted", {.word = word});
  };
  const Ending refused = purge(kNo);
  EXPECT_EQ(refused.code, Code(ExitCode::kNotAllowed)) << refused.errors;
  EXPECT_THAT(Postern({"chats", "list"}).output, HasSubstr("Book Club"));
  EXPECT_TRUE(fs::exists(profile_.data_dir() + "/events.db"));

  // As the daemon names the bytes of files, and something that it did not put there.
  const std::string files = profile_.data_dir() + "/attachments";
  fs::create_directory(files);
  WriteFile(files + "/" + std::string(32, 'a'), "bytes");
  WriteFile(files + "/notes.txt", "mine");
  const Ending allowed = purge(kAllow);
  // The adapter's own files are named and left: they are not ours.
  EXPECT_EQ(allowed.code, Code(ExitCode::kWarnings)) << allowed.errors;
  EXPECT_THAT(allowed.output, HasSubstr("Everything Postern kept is removed"));
  EXPECT_EQ(daemon_->Wait(), 0) << daemon_->errors();
  EXPECT_FALSE(fs::exists(profile_.data_dir() + "/events.db"));
  EXPECT_FALSE(fs::exists(files + "/" + std::string(32, 'a')));
  EXPECT_TRUE(fs::exists(files + "/notes.txt"));
  EXPECT_THAT(allowed.output, HasSubstr("/notes.txt: not made by posternd"));
  EXPECT_FALSE(fs::exists(profile_.socket()));
  // A new start is a first start: it knows of nothing that was.
  const auto again = Process::Start(profile_);
  ASSERT_TRUE(again->AwaitReady()) << again->errors();
  const Ending chats = Postern({"chats", "list"});
  EXPECT_EQ(chats.code, Code(ExitCode::kOk)) << chats.errors;
  EXPECT_THAT(chats.output, Not(HasSubstr("Book Club")));
  EXPECT_EQ(again->Stop(), 0);
}

}  // namespace
}  // namespace postern::daemon_test
