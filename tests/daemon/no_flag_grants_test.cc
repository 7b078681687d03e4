// SPDX-License-Identifier: Apache-2.0
// posternd has no flag, variable, configuration or build option that grants: only a person's answer
// in the consent agent does.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kUsage = 2;
constexpr int kConfig = 3;

class NoGrant : public SessionTest {
 protected:
  static std::unique_ptr<Process> StartApp(const Profile& profile) {
    const char* const program = ::getenv("POSTERN_CRASH_APP");
    if (program == nullptr) std::abort();  // run by ctest, which names the program
    return Process::Start(
        profile,
        {.program = program, .arguments = {"org.example.hopeful", profile.home() + "/seen"}});
  }
};

TEST_F(NoGrant, ByAnyVariableInputOrProgramInThePath) {
  Profile profile(&session());
  // An agent that would say yes, first in the path and in the working folder.
  const std::string agent = profile.home() + "/bin/postern-consent";
  WriteFile(agent, "#!/bin/sh\ntouch " + profile.home() + "/agent-ran\n", 0700);
  Environment tries = {
      {"PATH", profile.home() + "/bin:/usr/bin:/bin"},
      {"CI", "true"},
      {"DEBIAN_FRONTEND", "noninteractive"},
      {"NONINTERACTIVE", "1"},
  };
  for (const char* name :
       {"POSTERN_YES",      "POSTERN_ASSUME_YES",     "POSTERN_ALLOW",        "POSTERN_ALLOW_ALL",
        "POSTERN_GRANT",    "POSTERN_GRANT_ALL",      "POSTERN_AUTO_APPROVE", "POSTERN_AUTO_GRANT",
        "POSTERN_CONSENT",  "POSTERN_CONSENT_ANSWER", "POSTERN_SKIP_CONSENT", "POSTERN_NO_CONSENT",
        "POSTERN_TEST",     "POSTERN_TESTING",        "POSTERN_TEST_MODE",    "POSTERN_DEMO",
        "POSTERN_DEV",      "POSTERN_DEBUG",          "POSTERN_UNSAFE",       "POSTERN_INSECURE",
        "POSTERN_TRUST_ALL"}) {
    tries[name] = "1";
  }
  for (const char* name : {"POSTERN_CONSENT_AGENT", "POSTERN_AGENT", "POSTERN_LIBEXEC_DIR",
                           "POSTERN_CONSENT_PROGRAM"}) {
    tries[name] = agent;
  }
  int input[2];
  ASSERT_EQ(::pipe2(input, O_CLOEXEC), 0);
  const platform::UniqueFd read_end(input[0]);
  const platform::UniqueFd write_end(input[1]);
  const std::string answers = "y\nyes\n1\nall\nallow\n";
  ASSERT_EQ(::write(write_end.get(), answers.data(), answers.size()),
            static_cast<ssize_t>(answers.size()));

  fakes::ScriptedPerson person;
  const auto daemon =
      Process::Start(profile, {.environment = tries, .person = &person, .input = read_end.get()});
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  const auto app = StartApp(profile);
  // The question is asked all the same, by the real agent, and the person's no is what counts.
  ASSERT_TRUE(person.RefuseWithEnter()) << person.screen();
  EXPECT_EQ(app->Wait(), 1);
  EXPECT_THAT(app->errors(), HasSubstr("PERMISSION_DENIED"));
  EXPECT_FALSE(fs::exists(profile.home() + "/seen"));
  EXPECT_FALSE(fs::exists(profile.home() + "/agent-ran"));
  EXPECT_EQ(daemon->Stop(), 0);
}

TEST_F(NoGrant, WhenNobodyCanBeAsked) {
  const Profile profile(&session());
  const auto daemon = Process::Start(profile);
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  const auto app = StartApp(profile);
  EXPECT_EQ(app->Wait(), 1);
  EXPECT_THAT(app->errors(), HasSubstr("UNAVAILABLE"));
  EXPECT_FALSE(fs::exists(profile.home() + "/seen"));
  EXPECT_EQ(daemon->Stop(), 0);
}

TEST_F(NoGrant, ByAnyFlag) {
  const Profile profile(&session());
  for (const char* flag : {"--yes",
                           "-y",
                           "--assume-yes",
                           "--allow",
                           "--allow-all",
                           "--grant",
                           "--grant-all",
                           "--auto-approve",
                           "--auto-grant",
                           "--consent=allow",
                           "--consent-agent=/bin/true",
                           "--agent=/bin/true",
                           "--no-consent",
                           "--skip-consent",
                           "--trust-all",
                           "--test",
                           "--test-mode",
                           "--demo",
                           "--dev",
                           "--debug",
                           "--unsafe",
                           "--insecure",
                           "--owner-key=x",
                           "--force"}) {
    EXPECT_EQ(RunToEnd(profile, {.arguments = {flag}}).code, kUsage) << flag;
  }
}

TEST_F(NoGrant, ByAnyConfiguration) {
  const Profile profile(&session());
  for (const char* text : {"[consent]\nagent = \"/bin/true\"\n", "[consent]\nanswer = \"allow\"\n",
                           "[consent]\nface = \"none\"\n", "[consent]\nface = \"allow\"\n",
                           "[consent]\nenabled = false\n", "[grants]\nall = true\n",
                           "[apps]\ntrusted = [\"org.example.hopeful\"]\n",
                           "[door]\nauthentication = false\n", "[test]\nallow = true\n"}) {
    WriteFile(profile.config_file(), text);
    EXPECT_EQ(RunToEnd(profile).code, kConfig) << text;
  }
}

std::set<std::string> AllMatches(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end;
       ++match) {
    found.insert((*match)[1].str());
  }
  return found;
}

// What is in the sources of posternd and its agent, a line each: "FILE WHAT", WHAT being the
// pattern's group. Only lines that hold 'word' are looked at.
std::set<std::string> InTheSources(const std::string& word, const std::string& pattern) {
  std::set<std::string> found;
  const std::string root = SOURCE_FOLDER;
  for (const char* folder : {"/broker", "/permissions", "/platform"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root + folder)) {
      const std::string name = entry.path().filename();
      const std::string kind = entry.path().extension();
      if (kind != ".cc" && kind != ".h" && name != "CMakeLists.txt") continue;
      std::istringstream lines(ReadFile(entry.path()));
      for (std::string line; std::getline(lines, line);) {
        if (line.find(word) == std::string::npos) continue;
        for (const std::string& match : AllMatches(line, pattern)) {
          found.insert(entry.path().string().substr(root.size() + 1) + " " + match);
        }
      }
    }
  }
  return found;
}

// Whoever adds a variable or a switch of the build changes these lists, and answers for it.
TEST_F(NoGrant, IsAmongTheVariablesThatAreRead) {
  // Each place that can read one. Of sd_listen_fds and the libraries it is not ours to say.
  EXPECT_EQ(InTheSources("env", "(\\w*getenv\\(\\w*\\)?|\\benviron\\b)"),
            (std::set<std::string>{
                "broker/agent_process.cc environ",              // passes kPassedVariables on
                "broker/consent_process.cc getenv(name)",       // is there a display
                "platform/linux/consent_main.cc getenv(name)",  // the same
                "platform/runtime_dir.cc getenv(name)",         // where the folders are
            }));
  const std::string root = SOURCE_FOLDER;
  const auto named = [&](const std::string& file) {
    return AllMatches(ReadFile(root + file), "\"([A-Z][A-Z_]+)\"");
  };
  EXPECT_EQ(named("/broker/consent_process.cc"),
            (std::set<std::string>{"DISPLAY", "WAYLAND_DISPLAY"}));
  EXPECT_EQ(named("/platform/linux/consent_main.cc"),
            (std::set<std::string>{"DISPLAY", "WAYLAND_DISPLAY"}));
  EXPECT_EQ(named("/platform/runtime_dir.cc"),
            (std::set<std::string>{"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"}));
}

TEST_F(NoGrant, IsAmongTheSwitchesOfTheBuild) {
  // The first says where an installed agent lies: who builds posternd could as well change it.
  EXPECT_EQ(InTheSources("POSTERN_", "#\\s*(?:if|elif).*\\b(POSTERN_\\w+)"),
            (std::set<std::string>{"broker/agent_process.cc POSTERN_LIBEXEC_DIR",
                                   "broker/broker.cc POSTERN_VERSION",
                                   "platform/linux/translation.cc POSTERN_LOCALE_DIR"}));
  EXPECT_EQ(InTheSources("POSTERN_", "\\b(POSTERN_\\w+)="),
            (std::set<std::string>{"broker/CMakeLists.txt POSTERN_REFLECTION_LIBRARY",
                                   "broker/CMakeLists.txt POSTERN_VERSION"}));
}

TEST_F(NoGrant, IsAmongTheOptionsThatThereAre) {
  const Profile profile(&session());
  // Whoever adds an option changes this list, and answers for it.
  EXPECT_EQ(AllMatches(RunToEnd(profile, {.arguments = {"--help"}}).output, "(--[a-z][a-z-]*)"),
            (std::set<std::string>{"--help", "--version", "--config", "--check-config",
                                   "--print-config"}));
  EXPECT_EQ(AllMatches(RunToEnd(profile, {.arguments = {"--print-config"}}).output,
                       "(?:^|\n)([a-z_]+) ="),
            (std::set<std::string>{"level", "store", "passphrase_file", "face", "connections",
                                   "reflection", "days", "megabytes"}));
  std::set<std::string> built_with;
  for (const auto& entry : fs::recursive_directory_iterator(
           SOURCE_FOLDER, fs::directory_options::skip_permission_denied)) {
    const std::string path = entry.path().string();
    const std::string below = path.substr(std::string(SOURCE_FOLDER).size());
    if (below.rfind("/build", 0) == 0 || below.rfind("/.", 0) == 0) continue;
    if (entry.path().filename() != "CMakeLists.txt") continue;
    built_with.merge(AllMatches(ReadFile(path), "option\\((POSTERN_[A-Z_]+)"));
    built_with.merge(AllMatches(ReadFile(path), "set\\((POSTERN_[A-Z_]+)[^)]*CACHE"));
  }
  for (const std::string& option :
       {"POSTERN_GUI", "POSTERN_PURPLE", "POSTERN_SANITIZER", "POSTERN_TESTS"}) {
    built_with.erase(option);
  }
  EXPECT_THAT(built_with, IsEmpty());
}

}  // namespace
}  // namespace postern::daemon_test
