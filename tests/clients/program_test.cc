// SPDX-License-Identifier: Apache-2.0
// `postern` as a shell runs it, in an empty profile where no broker runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Result {
  int exit_code = -1;
  std::string output;
};

class Postern : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/postern-cli-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    home_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(home_); }

  // Both streams together, unless 'redirect' says otherwise.
  Result Run(const std::string& arguments, const std::string& redirect = "2>&1") {
    const std::string command = "env -u DBUS_SESSION_BUS_ADDRESS -u DISPLAY HOME=" + home_ +
                                " XDG_RUNTIME_DIR=" + home_ + " XDG_DATA_HOME=" + home_ + "/data " +
                                std::getenv("POSTERN_BIN") + "/postern " + arguments + " " +
                                redirect;
    std::FILE* pipe = popen(command.c_str(), "r");
    Result result;
    if (pipe == nullptr) return result;
    char buffer[4096];
    while (size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) {
      result.output.append(buffer, count);
    }
    result.exit_code = WEXITSTATUS(pclose(pipe));
    return result;
  }

  std::string WriteFile(const std::string& text) {
    const std::string path = home_ + "/manifest.toml";
    std::ofstream(path) << text;
    return path;
  }

  std::string home_;
};

constexpr char kGoodManifest[] =
    "app_id = \"org.example.translator\"\n"
    "display_name = \"Translator\"\n"
    "purpose = \"Translates what others write.\"\n"
    "required_scopes = [\"chats:read\", \"messages:read\"]\n"
    "optional_scopes = [\"messages:send\"]\n"
    "[data_destination]\n"
    "kind = \"leaves_device\"\n"
    "service = \"translate.example\"\n";

const char* const kCommands[] = {
    "",
    "status",
    "doctor",
    "apps",
    "apps list",
    "apps remove",
    "grants",
    "grants list",
    "grants show",
    "grants narrow",
    "grants revoke",
    "grants suspend",
    "grants resume",
    "grants extend",
    "chats",
    "chats list",
    "chats backfill",
    "contacts",
    "contacts list",
    "contacts link",
    "contacts unlink",
    "messages",
    "messages list",
    "messages search",
    "messages context",
    "messages watch",
    "messages send",
    "messages edit",
    "messages delete",
    "messages react",
    "messages vote",
    "messages draft",
    "messages mark-read",
    "view",
    "audit",
    "audit list",
    "audit verify",
    "audit export",
    "seal",
    "seal list",
    "unseal",
    "disclosures",
    "disclosures policy",
    "erasures",
    "pause",
    "resume",
    "enroll",
    "manifest",
    "manifest check",
    "purge",
    "attachments",
    "attachments get",
    "export",
    "conformance",
    "consent",
    "completion",
};

bool IsGroup(const std::string& command) {
  return command.empty() || command == "apps" || command == "grants" || command == "chats" ||
         command == "contacts" || command == "messages" || command == "manifest" ||
         command == "attachments" || command == "audit";
}

// A command as the README writes it: `grants revoke --app APP`.
struct Written {
  std::string command;
  std::vector<std::string> options;
};

// What the first column of the README's table names, between its backticks. One that begins with an
// option goes on with the command before it.
std::vector<Written> CommandsOfTheReadme() {
  std::vector<Written> all;
  std::ifstream readme(POSTERN_README);
  for (std::string line; std::getline(readme, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    const std::string cell = line.substr(2, line.find(" | ", 2) - 2);
    for (size_t start = cell.find('`'); start != std::string::npos;) {
      const size_t end = cell.find('`', start + 1);
      std::istringstream words(cell.substr(start + 1, end - start - 1));
      bool named = false;
      for (std::string word; words >> word;) {
        if (word.front() == '[') word.erase(0, 1);
        if (word.front() == '-') {
          all.back().options.push_back(word);
        } else if (std::islower(static_cast<unsigned char>(word.front())) != 0) {
          if (!std::exchange(named, true)) all.emplace_back();
          std::string& command = all.back().command;
          command += (command.empty() ? "" : " ") + word;
        }
      }
      start = cell.find('`', end + 1);
    }
  }
  return all;
}

TEST_F(Postern, SaysWhichCommandWasMeant) {
  const Result typo = Run("statsu");
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_THAT(typo.output, HasSubstr("Did you mean “postern status”?"));
  EXPECT_THAT(Run("grants revok x").output, HasSubstr("Did you mean “postern grants revoke”?"));
  EXPECT_THAT(Run("frobnicate").output,
              AllOf(HasSubstr("There is no command “postern frobnicate”"), Not(HasSubstr("mean"))));
  EXPECT_THAT(Run("statsu --json").output, HasSubstr("\"exit_code\":2"));
}

TEST_F(Postern, SaysThatAManifestIsNotThere) {
  const Result result = Run("manifest check " + home_ + "/none.toml");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("none.toml cannot be read"));
}

TEST_F(Postern, SaysThatPurgingCannotBeUndone) {
  EXPECT_THAT(Run("purge --help").output, HasSubstr("cannot be undone"));
}

TEST_F(Postern, AnswersWrongUsageWithTwo) {
  for (const char* arguments : {"",
                                "frobnicate",
                                "grants",
                                "grants frobnicate",
                                "status --frobnicate",
                                "grants show",
                                "messages send",
                                "messages send Family",
                                "messages list Family --limit 0",
                                "messages list Family --limit many",
                                "completion tcsh",
                                "enroll --manifest x.toml",
                                "grants revoke",
                                "grants revoke abcd1234 --app x",
                                "grants narrow abcd1234",
                                "grants resume",
                                "grants resume abcd1234 --all",
                                "seal",
                                "seal Family --person Bob",
                                "unseal",
                                "disclosures policy xmpp sometimes",
                                "audit",
                                "audit list --verb stole",
                                "audit list --limit 501",
                                "audit verify --against /missing",
                                "audit export one -o two",
                                "contacts link one",
                                "chats backfill Family --messages 10001",
                                "messages search",
                                "messages search x --limit 501",
                                "messages context X --before 0",
                                "view",
                                "view --as x --limit 501",
                                "consent",
                                "conformance /missing",
                                "conformance demo --wait 0"}) {
    EXPECT_EQ(Run(arguments).exit_code, 2) << arguments;
  }
}

TEST_F(Postern, TakesValuesThatBeginWithADash) {
  EXPECT_EQ(Run("grants revoke -Xb3fKq2").exit_code, 3);
  EXPECT_EQ(Run("messages send -Xb3fKq2 -5° --reply-to -Yc4").exit_code, 3);
  EXPECT_EQ(Run("grants revoke -h").exit_code, 0);
}

TEST_F(Postern, SaysWhatToDoWhenNoBrokerRuns) {
  for (const char* arguments : {"status",
                                "apps list",
                                "grants list",
                                "chats list",
                                "contacts list",
                                "pause",
                                "audit list",
                                "audit verify",
                                "export",
                                "attachments get X -o none",
                                "audit export",
                                "audit export -o none",
                                "chats backfill Family",
                                "messages search x",
                                "messages context X",
                                "view --as x",
                                "seal Family",
                                "seal list",
                                "unseal Family",
                                "disclosures",
                                "erasures",
                                "disclosures policy xmpp off",
                                "resume",
                                "messages watch",
                                "messages send Family hi",
                                "messages edit X hi",
                                "messages vote X",
                                "messages draft Family hi",
                                "enroll"}) {
    const Result result = Run(arguments);
    EXPECT_EQ(result.exit_code, 3) << arguments;
    EXPECT_THAT(result.output, HasSubstr("posternd")) << arguments;
  }
}

TEST_F(Postern, LeavesNothingBehindWhereNoBrokerRuns) {
  Run("messages watch");
  Run("status");
  EXPECT_TRUE(std::filesystem::is_empty(home_));
}

TEST_F(Postern, PrintsErrorsAsJsonToo) {
  const Result result = Run("status --json");
  const auto error = nlohmann::json::parse(result.output, nullptr, false);
  ASSERT_TRUE(error.is_object()) << result.output;
  EXPECT_EQ(error["error"]["exit_code"], 3);
  EXPECT_EQ(error["error"]["reason"], "NOT_RUNNING");
  EXPECT_FALSE(error["error"]["advice"].get<std::string>().empty());
}

TEST_F(Postern, SaysWhatIsWrongWithTheUsageAndWhichHelpToRead) {
  const std::string output = Run("messages context --json").output;
  const auto error = nlohmann::json::parse(output, nullptr, false);
  ASSERT_TRUE(error.is_object()) << output;
  EXPECT_EQ(error["error"]["exit_code"], 2);
  EXPECT_EQ(error["error"]["message"], "MESSAGE is required.");
  EXPECT_THAT(error["error"]["advice"].get<std::string>(),
              HasSubstr("`postern messages context --help`"));
}

TEST_F(Postern, HelpsWithAnExampleOnEveryCommand) {
  for (const std::string command : kCommands) {
    const Result result = Run(command + " --help");
    EXPECT_EQ(result.exit_code, 0) << command;
    EXPECT_THAT(result.output, AllOf(HasSubstr("Examples:"), HasSubstr("postern "))) << command;
  }
}

TEST_F(Postern, HasWhatTheReadmeNamesAndNoMore) {
  std::set<std::string> written;
  for (const Written& one : CommandsOfTheReadme()) {
    written.insert(one.command);
    const Result result = Run(one.command + " --help");
    EXPECT_EQ(result.exit_code, 0) << one.command;
    for (const std::string& option : one.options) {
      EXPECT_THAT(result.output, HasSubstr(option)) << one.command;
    }
  }
  std::set<std::string> known;
  for (const std::string command : kCommands) {
    if (!IsGroup(command)) known.insert(command);
  }
  EXPECT_EQ(written, known);
}

// What a completion offers is made of the commands themselves.
TEST_F(Postern, KnowsAllCommandsInTheseTests) {
  std::set<std::string> offered;
  std::istringstream lines(Run("completion bash").output);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(") at=\"$next\"") == std::string::npos) continue;
    for (size_t start = line.find('\''); start != std::string::npos;) {
      const size_t end = line.find('\'', start + 1);
      offered.insert(line.substr(start + 1, end - start - 1));
      start = line.find('\'', end + 1);
    }
  }
  offered.insert("");
  EXPECT_EQ(offered, std::set<std::string>(std::begin(kCommands), std::end(kCommands)));
}

TEST_F(Postern, OffersJsonOnEveryCommandThatDoesSomething) {
  for (const std::string command : kCommands) {
    if (IsGroup(command)) continue;
    EXPECT_THAT(Run(command + " --help").output, HasSubstr("--json")) << command;
  }
}

TEST_F(Postern, UsesNoColoursAwayFromATerminal) {
  EXPECT_THAT(Run("status").output, Not(HasSubstr("\x1b")));
  EXPECT_THAT(Run("doctor").output, Not(HasSubstr("\x1b")));
}

TEST_F(Postern, RefusesAManifestThatTheBrokerWouldRefuse) {
  for (const char* text : {"", "not toml at all [", "app_id = \"x\"\n", "surprise = true\n"}) {
    EXPECT_EQ(Run("manifest check " + WriteFile(text)).exit_code, 1) << text;
  }
}

TEST_F(Postern, NamesTheFieldThatAManifestLacks) {
  const std::string good = kGoodManifest;
  for (const std::string field :
       {"app_id", "display_name", "purpose", "required_scopes", "kind", "service"}) {
    const size_t start = good.find(field + " = ");
    std::string text = good;
    text.erase(start, text.find('\n', start) + 1 - start);
    // With none left, the required ones are named.
    if (field == "required_scopes") text.erase(text.find("optional_scopes"), 36);
    const Result result = Run("manifest check " + WriteFile(text));
    EXPECT_EQ(result.exit_code, 1) << text;
    EXPECT_THAT(result.output, HasSubstr(field)) << text;
  }
  std::string unknown = good;
  unknown.replace(unknown.find("chats:read"), 10, "chats:rule");
  const Result result = Run("manifest check " + WriteFile(unknown));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("chats:rule"));
}

TEST_F(Postern, ShowsWhatAManifestWouldAsk) {
  const Result result = Run("manifest check " + WriteFile(kGoodManifest));
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("Translator"), HasSubstr("Read new messages"),
                                   HasSubstr("Send messages as you"),
                                   HasSubstr("translate.example will be able to read them")));
}

TEST_F(Postern, PrintsAManifestAsJson) {
  const Result result = Run("manifest check --json " + WriteFile(kGoodManifest));
  const auto manifest = nlohmann::json::parse(result.output, nullptr, false);
  ASSERT_TRUE(manifest.is_object()) << result.output;
  EXPECT_EQ(manifest["app_id"], "org.example.translator");
  EXPECT_EQ(manifest["required_scopes"][1], "SCOPE_MESSAGES_READ");
}

TEST_F(Postern, DoctorNamesEachCheckAndWhatToDo) {
  const Result result = Run("doctor --json", "2>/dev/null");
  EXPECT_EQ(result.exit_code, 1);
  const auto report = nlohmann::json::parse(result.output, nullptr, false);
  ASSERT_TRUE(report.is_object()) << result.output;
  for (const auto& check : report["checks"]) {
    EXPECT_FALSE(check["seen"].get<std::string>().empty());
    if (check["outcome"] != "ok") EXPECT_FALSE(check["advice"].get<std::string>().empty()) << check;
  }
}

}  // namespace
