// SPDX-License-Identifier: Apache-2.0
// The owner's commands that look and take back, against the real daemon: the access history above
// all, whole and after somebody has put an older copy of the data folder back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
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
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kCommandLine[] = "postern (command line)";

class AuditCommand : public SessionTest {
 protected:
  // A messaging client has brought in two chats, and `postern` may read them, old messages too.
  void SetUp() override {
    daemon_ = Process::Start(profile_, {.person = &person_});
    ASSERT_TRUE(daemon_->AwaitReady()) << daemon_->errors();
    ASSERT_NO_FATAL_FAILURE(BringIn(profile_, person_, kEvesChats));
    const auto enroll = Process::Start(profile_, {.program = "postern", .arguments = {"enroll"}});
    ASSERT_TRUE(person_.Answer({.scopes = "1 2 3", .history = "4"})) << person_.screen();
    ASSERT_EQ(enroll->Wait(), Code(ExitCode::kOk)) << enroll->errors();
  }

  static int Code(ExitCode code) { return static_cast<int>(code); }

  Ending Postern(const std::vector<std::string>& arguments) {
    return RunToEnd(profile_, {.program = "postern", .arguments = arguments});
  }
  // Runs a command that must end well, and returns what it printed.
  std::string Says(const std::vector<std::string>& arguments) {
    const Ending ending = Postern(arguments);
    EXPECT_EQ(ending.code, Code(ExitCode::kOk)) << arguments.back() << ": " << ending.errors;
    return ending.output;
  }
  static json Parsed(const std::string& text) {
    json parsed = json::parse(text, nullptr, false);
    EXPECT_TRUE(parsed.is_object()) << text;
    return parsed;
  }

  std::string ExportPath(const std::string& name) const { return profile_.home() + "/" + name; }
  // Writes an export of that name and returns the number of its last row.
  uint64_t Export(const std::string& name) {
    EXPECT_THAT(Says({"audit", "export", ExportPath(name)}), HasSubstr(name));
    std::istringstream lines(ReadFile(ExportPath(name)));
    uint64_t last = 0;
    for (std::string line; std::getline(lines, line);) {
      last = std::max<uint64_t>(last, std::stoull(Parsed(line).value("sequence", "0")));
    }
    return last;
  }

  // What `grants list` has of the one app, with its "id", "state" and "scopes".
  json Grant() {
    const json list = Parsed(Says({"grants", "list", "--json"}));
    EXPECT_EQ(list["grants"].size(), 1u) << list;
    return list["grants"][0]["grant"];
  }

  Profile profile_{&session()};
  fakes::ScriptedPerson person_;
  std::unique_ptr<Process> daemon_;
};

TEST_F(AuditCommand, ListsExportsAndFindsAllAsWritten) {
  EXPECT_THAT(Says({"messages", "list", "Book Club"}), HasSubstr("hello all"));
  EXPECT_THAT(Says({"audit", "list"}),
              AllOf(ContainsRegex(std::string("postern \\(command line\\) +you allowed")),
                    ContainsRegex("postern \\(command line\\) +read .*Book Club"),
                    Not(HasSubstr("hello"))));
  EXPECT_THAT(Says({"audit", "list", "--app", kCommandLine, "--verb", "granted"}),
              AllOf(HasSubstr("you allowed"), Not(HasSubstr(" read "))));
  EXPECT_THAT(Says({"audit", "list", "--verb", "send"}), HasSubstr("Nothing of that kind"));
  const json page = Parsed(Says({"audit", "list", "--json"}));
  EXPECT_THAT(page["entries"], Not(IsEmpty()));

  const uint64_t last = Export("history.jsonl");
  EXPECT_GE(last, 2u) << "both of the person's answers have a row";
  EXPECT_EQ(Postern({"audit", "export", ExportPath("history.jsonl")}).code, Code(ExitCode::kUsage))
      << "a file that is there is left alone";
  EXPECT_THAT(Says({"audit", "verify", "--against", ExportPath("history.jsonl")}),
              AllOf(ContainsRegex("Log: [1-9][0-9]* records, all as written"),
                    ContainsRegex("Access history: [1-9][0-9]* rows, all as written"),
                    HasSubstr("Against the export: " + std::to_string(last) + " rows unchanged.")));
  EXPECT_EQ(Parsed(Says({"audit", "verify", "--json"}))["intact"], true);
  EXPECT_EQ(daemon_->Stop(), 0);
}

TEST_F(AuditCommand, NamesTheFirstRowThatAnOlderFolderLacks) {
  const uint64_t kept = Export("kept.jsonl");
  ASSERT_EQ(daemon_->Stop(), 0);
  const std::string copy = profile_.home() + "/yesterday";
  fs::copy(profile_.data_dir(), copy, fs::copy_options::recursive);

  daemon_ = Process::Start(profile_);
  ASSERT_TRUE(daemon_->AwaitReady()) << daemon_->errors();
  EXPECT_THAT(Says({"status"}), Not(HasSubstr("warning")));
  ASSERT_THAT(Says({"grants", "revoke", "--app", kCommandLine}), HasSubstr("Revoked"));
  const uint64_t lost = Export("lost.jsonl");
  ASSERT_GT(lost, kept);
  EXPECT_THAT(Says({"audit", "verify"}), Not(HasSubstr("is the first")));
  ASSERT_EQ(daemon_->Stop(), 0);

  fs::remove_all(profile_.data_dir());
  fs::copy(copy, profile_.data_dir(), fs::copy_options::recursive);
  daemon_ = Process::Start(profile_);
  FileWatch journal(daemon_->errors_path());
  ASSERT_TRUE(daemon_->AwaitReady()) << daemon_->errors();
  // Nothing here shows notifications: then the journal tells.
  EXPECT_TRUE(journal.Await([](const std::string& lines) {
    return lines.find("event=owner_notice kind=GRANTS_SUSPENDED count=1") != std::string::npos;
  })) << daemon_->errors();
  EXPECT_THAT(daemon_->errors(), HasSubstr("event=database_older"));

  // The first row that the export has and the history has not, found in two ways.
  const Ending json_ending =
      Postern({"audit", "verify", "--against", ExportPath("lost.jsonl"), "--json"});
  EXPECT_EQ(json_ending.code, Code(ExitCode::kWarnings)) << json_ending.errors;
  const json found = Parsed(json_ending.output);
  EXPECT_FALSE(found.value("intact", false)) << found;
  const std::string first_bad = found.value("first_bad_access_sequence", "0");
  EXPECT_EQ(found["against"]["first_changed"], std::stoull(first_bad));
  EXPECT_GT(std::stoull(first_bad), kept);
  EXPECT_LE(std::stoull(first_bad), lost);
  const Ending words = Postern({"audit", "verify"});
  EXPECT_EQ(words.code, Code(ExitCode::kWarnings));
  EXPECT_THAT(words.output, HasSubstr("Access history: rows " + first_bad + " is the first"));
  EXPECT_THAT(words.errors, HasSubstr("Something was changed"));
  // What was exported before the copy was made is all there.
  EXPECT_THAT(Postern({"audit", "verify", "--against", ExportPath("kept.jsonl")}).output,
              HasSubstr("Against the export: " + std::to_string(kept) + " rows unchanged."));

  // What was taken back is there again, and suspended; who looks it through ends the warning.
  const Ending alarm = Postern({"status"});
  EXPECT_EQ(alarm.code, Code(ExitCode::kWarnings));
  EXPECT_THAT(alarm.output, AllOf(HasSubstr("notice"), HasSubstr("somebody put a copy back")));
  EXPECT_THAT(Says({"status", "--dismiss"}), HasSubstr("marked as read"));
  const Ending warned = Postern({"status"});
  EXPECT_EQ(warned.code, Code(ExitCode::kWarnings)) << "until it is dealt with";
  EXPECT_THAT(warned.output, AllOf(HasSubstr("warning"), Not(HasSubstr("notice"))));
  EXPECT_EQ(Grant()["state"], "STATE_SUSPENDED");
  EXPECT_THAT(Says({"grants", "resume", "--all"}), HasSubstr("In force again"));
  EXPECT_THAT(Says({"status"}), Not(HasSubstr("warning")));
  EXPECT_EQ(Postern({"audit", "verify"}).code, Code(ExitCode::kWarnings)) << "for good";
  EXPECT_EQ(daemon_->Stop(), 0);
}

TEST_F(AuditCommand, OtherCommandsDoWhatTheySay) {
  EXPECT_THAT(Says({"doctor"}),
              AllOf(HasSubstr("data and keys are yours alone"), HasSubstr("answers, contract"),
                    Not(HasSubstr("warn")), Not(HasSubstr("fail"))));
  EXPECT_THAT(Says({"apps", "list"}), ContainsRegex("postern \\(command line\\) +app +yes"));

  const std::string id = Grant()["id"];
  EXPECT_THAT(Says({"grants", "show", id}),
              AllOf(HasSubstr("active"), HasSubstr(id), HasSubstr("messages:history")));
  EXPECT_THAT(Says({"messages", "list", "Book Club"}), HasSubstr("hello all"));
  const std::string narrowed =
      Says({"grants", "narrow", id, "--remove-scope", "messages:history", "--remove-chat", "Eve"});
  EXPECT_THAT(narrowed, AllOf(HasSubstr("Narrowed."), Not(HasSubstr("messages:history"))));
  EXPECT_THAT(Says({"grants", "show", id}),
              AllOf(Not(HasSubstr("messages:history")), ContainsRegex("not .*Eve")));
  EXPECT_EQ(Postern({"messages", "list", "Book Club"}).code, Code(ExitCode::kNotAllowed));

  EXPECT_THAT(Says({"grants", "suspend", id}), HasSubstr("Suspended: “postern (command line)”"));
  EXPECT_THAT(Says({"grants", "show", id}), HasSubstr("suspended"));
  EXPECT_THAT(Says({"apps", "list"}), ContainsRegex("postern \\(command line\\) +app +suspended"));
  EXPECT_THAT(Says({"grants", "resume", id}), HasSubstr("In force again"));
  EXPECT_EQ(Grant()["state"], "STATE_ACTIVE");

  EXPECT_THAT(Says({"disclosures", "policy"}), ContainsRegex("alicechat +leaving"));
  EXPECT_THAT(Says({"disclosures", "policy", "alicechat", "off"}),
              HasSubstr("The other people are not told of apps."));
  EXPECT_THAT(Says({"disclosures", "policy"}), ContainsRegex("alicechat +off +nothing"));
  EXPECT_THAT(Says({"audit", "list", "--app", kCommandLine}),
              AllOf(HasSubstr("grant narrowed"), HasSubstr("suspended"),
                    HasSubstr("in force again"), ContainsRegex("was refused")));
  EXPECT_EQ(daemon_->Stop(), 0);
}

}  // namespace
}  // namespace postern::daemon_test
