// SPDX-License-Identifier: Apache-2.0
// The configuration and the command line: what is wrong is said with its line, before anything is
// done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr int kUsage = 2;
constexpr int kConfig = 3;

struct BadConfiguration {
  const char* name;
  const char* text;
  const char* line;
  const char* option;
};

class BadConfigurationTest : public ::testing::TestWithParam<BadConfiguration> {};

TEST_P(BadConfigurationTest, IsRefusedNamingLineAndOption) {
  const Profile profile(nullptr);
  WriteFile(profile.config_file(), GetParam().text);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, std::vector<std::string>{"--check-config"}}) {
    const Ending ending = RunToEnd(profile, {.arguments = arguments});
    EXPECT_EQ(ending.code, kConfig);
    EXPECT_THAT(ending.errors, IsOneLine(GetParam().line));
    EXPECT_THAT(ending.errors, AllOf(HasSubstr(GetParam().option), HasSubstr("posternd.toml")));
    EXPECT_THAT(ending.output, IsEmpty());
  }
  EXPECT_FALSE(std::filesystem::exists(profile.data_dir())) << "nothing is made before it is read";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BadConfigurationTest,
    ::testing::Values(
        BadConfiguration{"UnknownSection", "[log]\nlevel = \"info\"\n[grants]\nallow = \"all\"\n",
                         "line 3", "[grants]"},
        BadConfiguration{"UnknownOption", "\n[consent]\nface = \"auto\"\nanswer = \"allow\"\n",
                         "line 4", "[consent] answer"},
        BadConfiguration{"OptionOutsideOfASection", "level = \"info\"\n", "line 1", "level"},
        BadConfiguration{"TextForANumber", "[door]\nconnections = \"many\"\n", "line 2",
                         "[door] connections"},
        BadConfiguration{"NumberForAText", "[log]\nlevel = 3\n", "line 2", "[log] level"},
        BadConfiguration{"FractionForAWholeNumber", "[retention]\ndays = 1.5\n", "line 2",
                         "[retention] days"},
        BadConfiguration{"NumberForASwitch", "[door]\nreflection = 1\n", "line 2",
                         "[door] reflection"},
        BadConfiguration{"TooSmall", "[door]\nconnections = 3\n", "line 2", "[door] connections"},
        BadConfiguration{"TooLarge", "[door]\nconnections = 257\n", "line 2", "[door] connections"},
        BadConfiguration{"Negative", "[retention]\nmegabytes = -1\n", "line 2",
                         "[retention] megabytes"},
        BadConfiguration{"UnknownChoice", "[log]\nlevel = \"loud\"\n", "line 2", "[log] level"},
        BadConfiguration{"EmptyChoice", "[consent]\nface = \"\"\n", "line 2", "[consent] face"},
        BadConfiguration{"PassphraseFileWithoutAName", "[secrets]\nstore = \"passphrase-file\"\n",
                         "line 2", "[secrets] passphrase_file"},
        BadConfiguration{"NotToml", "[log]\nlevel = \n", "line 2", ""}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Configuration, ThatIsNamedMustExist) {
  const Profile profile(nullptr);
  const Ending ending = RunToEnd(
      profile, {.arguments = {"--config", profile.home() + "/missing.toml", "--check-config"}});
  EXPECT_EQ(ending.code, kConfig);
  EXPECT_THAT(ending.errors, IsOneLine("missing.toml"));
}

TEST(Configuration, ThatIsAFolderOrTooLargeIsRefused) {
  const Profile profile(nullptr);
  EXPECT_EQ(RunToEnd(profile, {.arguments = {"--config", profile.home(), "--check-config"}}).code,
            kConfig);
  WriteFile(profile.config_file(), std::string(64 * 1024 + 1, '#'));
  EXPECT_EQ(RunToEnd(profile, {.arguments = {"--check-config"}}).code, kConfig);
}

TEST(Configuration, IsNotNeeded) {
  const Profile profile(nullptr);
  const Ending ending = RunToEnd(profile, {.arguments = {"--check-config"}});
  EXPECT_EQ(ending.code, 0) << ending.errors;
}

TEST(Configuration, PrintedIsAccepted) {
  const Profile profile(nullptr);
  const Ending printed = RunToEnd(profile, {.arguments = {"--print-config"}});
  EXPECT_EQ(printed.code, 0);
  WriteFile(profile.config_file(), printed.output);
  const Ending checked = RunToEnd(profile, {.arguments = {"--check-config"}});
  EXPECT_EQ(checked.code, 0) << checked.errors;
  EXPECT_THAT(checked.errors, IsEmpty());
}

TEST(CommandLine, WithAnUnknownOptionIsRefusedBeforeAnythingIsMade) {
  const Profile profile(nullptr);
  for (const char* option : {"--verbose", "-x", "serve"}) {
    const Ending ending = RunToEnd(profile, {.arguments = {option}});
    EXPECT_EQ(ending.code, kUsage) << option;
    EXPECT_THAT(ending.errors, HasSubstr(option));
  }
  EXPECT_FALSE(std::filesystem::exists(profile.data_dir()));
}

TEST(CommandLine, TellsVersionAndHelp) {
  const Profile profile(nullptr);
  const Ending version = RunToEnd(profile, {.arguments = {"--version"}});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.output, StartsWith("posternd "));
  const Ending help = RunToEnd(profile, {.arguments = {"--help"}});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("Exit codes:"), HasSubstr("Examples:")));
}

}  // namespace
}  // namespace postern::daemon_test
