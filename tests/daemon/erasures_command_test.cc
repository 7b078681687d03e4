// SPDX-License-Identifier: Apache-2.0
// `postern erasures` against the real daemon: an app that is thrown out and does not answer is
// shown to the user until it says that it has erased what it got.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/daemon/file_watch.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kApp[] = "org.example.keeper";

class ErasuresCommand : public SessionTest {
 protected:
  Ending Postern(std::vector<std::string> arguments) {
    return RunToEnd(profile_, {.program = "postern", .arguments = std::move(arguments)});
  }
  std::unique_ptr<Process> Adapter(const char* seed) {
    return Process::Start(profile_, {.program = "postern-demo-gatekeeper",
                                     .arguments = {"--generate", "20", "--chats", "2", "--seed",
                                                   seed, "--quiet", "--exit-at-end"}});
  }

  Profile profile_{&session()};
  fakes::ScriptedPerson person_;
};

TEST_F(ErasuresCommand, ShowsWhoHasNotConfirmed) {
  const char* const program = ::getenv("POSTERN_CRASH_APP");
  ASSERT_NE(program, nullptr) << "run by ctest, which names the program";
  const auto daemon = Process::Start(profile_, {.person = &person_});
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  const auto first = Adapter("1");
  ASSERT_TRUE(person_.Answer({})) << person_.screen() << first->errors();
  ASSERT_EQ(first->Wait(), 0) << first->errors();
  const std::string journal = profile_.home() + "/journal";
  const auto app = Process::Start(profile_, {.program = program, .arguments = {kApp, journal}});
  ASSERT_TRUE(person_.Answer({})) << person_.screen() << app->errors();
  ASSERT_TRUE(app->AwaitReady()) << app->errors();
  EXPECT_THAT(Postern({"erasures"}).output, HasSubstr("Every app has confirmed"));
  EXPECT_THAT(Postern({"status"}).output, Not(HasSubstr("postern erasures")));

  FileWatch watch(journal);
  const auto second = Adapter("2");
  ASSERT_TRUE(watch.Await([](const std::string& bytes) {
    return bytes.find("event ") != std::string::npos;
  })) << app->errors()
      << second->errors();
  ASSERT_EQ(Postern({"grants", "revoke", "--app", kApp}).code, 0);
  ASSERT_EQ(app->Wait(), 1) << app->errors();

  // What is asked of whom is looked at a moment after the change.
  Ending list;
  ASSERT_TRUE(Await([&] {
    list = Postern({"erasures"});
    return list.output.find(kApp) != std::string::npos;
  }));
  EXPECT_EQ(list.code, 0) << list.errors;
  EXPECT_THAT(list.output, HasSubstr("everything"));
  EXPECT_THAT(list.output, HasSubstr("not confirmed since"));
  EXPECT_THAT(Postern({"status"}).output, HasSubstr("postern erasures"));
  const auto json = nlohmann::json::parse(Postern({"erasures", "--json"}).output, nullptr, false);
  ASSERT_TRUE(json.is_object());
  ASSERT_EQ(json["erasures"].size(), 1u);
  EXPECT_EQ(json["erasures"][0]["everything_asked"], true);
  EXPECT_EQ(json["erasures"][0]["everything_confirmed"], false);
}

}  // namespace
}  // namespace postern::daemon_test
