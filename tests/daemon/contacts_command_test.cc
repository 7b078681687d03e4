// SPDX-License-Identifier: Apache-2.0
// `postern contacts` against the real daemon and the demo gatekeeper.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "clients/postern/exit_code.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

using cli::ExitCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kScript[] =
    "person eve \"Eve\"\n"
    "person evelyn \"Evelyn from work\"\n"
    "direct eve\n"
    "direct evelyn\n"
    "+0 eve eve says m1 \"hello\"\n"
    "+0 evelyn evelyn says m2 \"good morning\"\n";

class ContactsCommand : public SessionTest {
 protected:
  void SetUp() override {
    daemon_ = Process::Start(profile_, {.person = &person_});
    ASSERT_TRUE(daemon_->AwaitReady()) << daemon_->errors();
    ASSERT_NO_FATAL_FAILURE(BringIn(profile_, person_, kScript));
  }

  // Each opens the address book, which the person allows.
  Ending Contacts(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "contacts");
    const auto command =
        Process::Start(profile_, {.program = "postern", .arguments = std::move(arguments)});
    EXPECT_TRUE(person_.Answer({})) << person_.screen() << command->errors();
    Ending ending;
    ending.code = command->Wait();
    ending.output = command->output();
    ending.errors = command->errors();
    return ending;
  }
  // Who has anybody linked, by name.
  std::set<std::string> Linked() {
    const Ending list = Contacts({"list", "--json"});
    const nlohmann::json json = nlohmann::json::parse(list.output, nullptr, false);
    EXPECT_TRUE(json.is_object()) << list.output << list.errors;
    std::set<std::string> names;
    for (const nlohmann::json& contact : json["contacts"]) {
      if (!contact["linked_contact_ids"].empty()) names.insert(contact["display_name"]);
    }
    return names;
  }

  Profile profile_{&session()};
  fakes::ScriptedPerson person_;
  std::unique_ptr<Process> daemon_;
};

TEST_F(ContactsCommand, ListsLinksAndUnlinks) {
  const Ending list = Contacts({"list"});
  EXPECT_EQ(list.code, static_cast<int>(ExitCode::kOk)) << list.errors;
  EXPECT_THAT(list.output,
              AllOf(HasSubstr("Evelyn from work"), HasSubstr("alicechat:eve"), HasSubstr("(you)")));
  EXPECT_THAT(Linked(), SizeIs(0));

  // By address and by name.
  const Ending link = Contacts({"link", "alicechat:eve", "Evelyn from work"});
  EXPECT_EQ(link.code, static_cast<int>(ExitCode::kOk)) << link.errors;
  EXPECT_THAT(link.output, AllOf(HasSubstr("One person now"), HasSubstr("Evelyn from work")));
  EXPECT_EQ(Linked(), (std::set<std::string>{"Eve", "Evelyn from work"}));

  const Ending unlink = Contacts({"unlink", "Eve"});
  EXPECT_EQ(unlink.code, static_cast<int>(ExitCode::kOk)) << unlink.errors;
  EXPECT_THAT(Linked(), SizeIs(0));

  EXPECT_EQ(Contacts({"link", "Eve", "Nobody"}).code, static_cast<int>(ExitCode::kUsage));
  EXPECT_EQ(
      RunToEnd(profile_, {.program = "postern", .arguments = {"contacts", "link", "Eve"}}).code,
      static_cast<int>(ExitCode::kUsage));
  EXPECT_EQ(Contacts({"link", "Eve", "alicechat:eve"}).code, static_cast<int>(ExitCode::kUsage));
  EXPECT_EQ(daemon_->Stop(), 0);
}

}  // namespace
}  // namespace postern::daemon_test
