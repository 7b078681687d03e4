// SPDX-License-Identifier: Apache-2.0
// `postern conformance` against AliceChat: everything both ways, compared field by field at the far
// end; and against an AliceChat that does not do what it claims.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "clients/conformance/compare.h"
#include "clients/conformance/rows.h"
#include "permissions/event_scopes.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

using conformance::Direction;
using conformance::Row;
using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The row's words made into some value, so that its shape can be read.
template <typename Message>
Message Shape(const std::string& text) {
  std::string filled =
      std::regex_replace(text, std::regex("\\$(size|oldtime|dayago|hourago|inaday)"), "1");
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(filled, &message)) << text;
  return message;
}

TEST(ConformanceRows, SayEveryKindOfEventAndEveryCommand) {
  std::set<int> events, commands, message_kinds;
  std::set<std::string> names, capabilities;
  for (const Row& row : conformance::Rows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
    capabilities.insert(row.capability);
    if (row.direction == Direction::kIn) {
      const auto event = Shape<v1::Event>(row.what);
      events.insert(event.kind_case());
      message_kinds.insert(event.message_created().message().kind());
    } else {
      commands.insert(Shape<v1::Command>(row.what).kind_case());
    }
    if (!row.echo.empty()) Shape<v1::Event>(row.echo);
    if (!row.seen.empty())
      EXPECT_TRUE(Json::parse(row.seen, nullptr, false).is_object()) << row.seen;
  }
  const auto* kinds = v1::Event::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    const int number = kinds->field(i)->number();
    if (permissions::IsBrokerOnly(static_cast<permissions::EventKind>(number))) continue;
    EXPECT_TRUE(events.contains(number)) << "no row says " << kinds->field(i)->name();
  }
  kinds = v1::Command::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    EXPECT_TRUE(commands.contains(kinds->field(i)->number()))
        << "no row does " << kinds->field(i)->name();
  }
  for (int kind = v1::MESSAGE_KIND_TEXT; kind <= v1::MESSAGE_KIND_UNSUPPORTED; ++kind) {
    EXPECT_TRUE(message_kinds.contains(kind)) << v1::MessageKind_Name(kind);
  }
  const auto* const can = v1::ChatCapabilities::descriptor();
  for (int i = 0; i < can->field_count(); ++i) {
    if (can->field(i)->enum_type() == nullptr) continue;
    EXPECT_TRUE(capabilities.contains(can->field(i)->name())) << can->field(i)->name();
  }
}

TEST(ConformanceComparison, NamesTheFieldsThatDiffer) {
  v1::Event expected, got;
  v1::Message& message = *expected.mutable_message_created()->mutable_message();
  message.set_text("a");
  message.add_spans()->set_style(v1::FormattingSpan::STYLE_BOLD);
  message.mutable_location()->set_name("here");
  got = expected;
  got.mutable_message_created()->mutable_message()->set_id("more is no difference");
  EXPECT_THAT(conformance::Differences(expected, got), IsEmpty());
  v1::Message& other = *got.mutable_message_created()->mutable_message();
  other.set_text("b");
  other.mutable_spans(0)->set_style(v1::FormattingSpan::STYLE_ITALIC);
  other.clear_location();
  EXPECT_THAT(conformance::Differences(expected, got),
              ElementsAre("message_created.message.text", "message_created.message.spans[0].style",
                          "message_created.message.location"));
}

// What says "off" by its absence is not met by "on".
TEST(ConformanceComparison, NothingIsNotMetBySomething) {
  const auto differs = [](const char* expected, const char* got,
                          const std::set<std::string>& also = {}) {
    return conformance::Differences(Shape<v1::Event>(expected), Shape<v1::Event>(got), also);
  };
  EXPECT_THAT(differs("typing { contact_id: 'a' }", "typing { contact_id: 'a' active: true }"),
              ElementsAre("typing.active"));
  EXPECT_THAT(differs("pin_changed { }", "pin_changed { pinned: true }"),
              ElementsAre("pin_changed.pinned"));
  EXPECT_THAT(differs("unread_mark { }", "unread_mark { unread: true }"),
              ElementsAre("unread_mark.unread"));
  EXPECT_THAT(differs("message_deleted { }", "message_deleted { for_everyone: true }"),
              ElementsAre("message_deleted.for_everyone"));
  EXPECT_THAT(differs("timer_changed { }", "timer_changed { disappearing_timer { seconds: 1 } }"),
              ElementsAre("timer_changed.disappearing_timer"));
  EXPECT_THAT(differs("poll_voted { }", "poll_voted { option_ids: '1' }"),
              ElementsAre("poll_voted.option_ids"));
  EXPECT_THAT(differs("backfill_progress { }", "backfill_progress { complete: true }"),
              ElementsAre("backfill_progress.complete"));
  EXPECT_THAT(
      differs("chat_changed { chat { name: 'x' } }",
              "chat_changed { chat { name: 'x' muted: true archived: true blocked: true } }"),
      ElementsAre("chat_changed.chat.muted", "chat_changed.chat.archived",
                  "chat_changed.chat.blocked"));
  const char* const picture = "chat_changed { chat { avatar_attachment_id: 'p' } }";
  EXPECT_THAT(differs("chat_changed { chat { } }", picture), IsEmpty());
  EXPECT_THAT(
      differs("chat_changed { chat { } }", picture, {"postern.v1.Chat.avatar_attachment_id"}),
      ElementsAre("chat_changed.chat.avatar_attachment_id"));
  EXPECT_THAT(differs("typing { }", "typing { contact_id: 'a' }"), IsEmpty());
}

TEST(ConformanceComparison, ReadsWhatTheFarEndShows) {
  const auto differs = [](const char* expected, const char* got) {
    return conformance::Differences(Json::parse(expected), Json::parse(got));
  };
  EXPECT_THAT(differs(R"({"a": false, "b": []})", "{}"), IsEmpty());
  EXPECT_THAT(differs(R"({"a": {}})", R"({"a": {"b": 1}})"), ElementsAre("a"));
  EXPECT_THAT(differs(R"({"a": {}})", R"({"a": {}})"), IsEmpty());
  EXPECT_THAT(differs(R"({"a": {}})", "{}"), IsEmpty());
  EXPECT_THAT(differs(R"({"a": {"b": "1"}})", R"({"a": {"b": 1, "c": 2}})"), IsEmpty());
  EXPECT_THAT(differs(R"({"a": {"b": 1}})", "{}"), ElementsAre("a.b"));
  EXPECT_THAT(differs(R"({"l": {"$contains": {"x": 1}}})", R"({"l": [{"x": 2}, {"x": 1}]})"),
              IsEmpty());
  EXPECT_THAT(differs(R"({"l": {"$contains": {"x": 1}}})", R"({"l": [{"x": 2}]})"),
              ElementsAre("l"));
  EXPECT_THAT(differs(R"({"l": {"$lacks": "x"}})", R"({"l": ["x"]})"), ElementsAre("l"));
  EXPECT_THAT(differs(R"({"l": ["x"]})", R"({"l": ["x", "y"]})"), ElementsAre("l"));
}

class Conformance : public SessionTest {
 protected:
  // Rows by name, and the rest under "".
  std::map<std::string, Json> Run(std::vector<std::string> arguments, int expected_code) {
    arguments.insert(arguments.begin(), {"conformance", "--json"});
    const Ending ending = RunToEnd(profile_, {.program = "postern", .arguments = arguments});
    EXPECT_EQ(ending.code, expected_code) << ending.errors << ending.output;
    std::map<std::string, Json> rows;
    const Json report = Json::parse(ending.output, nullptr, false);
    if (!report.is_object()) return rows;
    for (const Json& row : report["rows"]) rows[row["name"]] = row;
    rows[""] = report;
    return rows;
  }

  Profile profile_{&session()};
};

TEST_F(Conformance, AliceChatCarriesEverythingWhole) {
  const auto rows = Run({"demo"}, 0);
  ASSERT_GT(rows.size(), 100u);
  for (const auto& [name, row] : rows) {
    if (!name.empty()) EXPECT_EQ(row["result"], "carried whole") << row.dump();
  }
  EXPECT_EQ(rows.at("")["score"]["percent"], 100);
}

TEST_F(Conformance, AnAdapterThatNamesWhatItLacksIsNotALiar) {
  const std::string script = profile_.home() + "/script";
  WriteFile(script,
            "person a \"A\"\nperson b \"B\"\nperson c \"C\"\ndirect a\ngroup g \"G\" a b\n"
            "can poll rejected\ncan edit rejected\n");
  const auto rows = Run({"demo", "--only", "poll", "--", "--script", script}, 0);
  ASSERT_TRUE(rows.contains("send a poll"));
  EXPECT_EQ(rows.at("send a poll")["result"], "says so");
  EXPECT_EQ(rows.at("send a poll")["detail"], "missing: poll");
  EXPECT_LT(rows.at("")["score"]["percent"], 100);
}

TEST_F(Conformance, AnAdapterThatClaimsMoreThanItDoesIsFoundOut) {
  const auto rows = Run({"demo", "--only", "react", "--", "--fault", "refuse=1"}, 1);
  ASSERT_TRUE(rows.contains("react"));
  EXPECT_EQ(rows.at("react")["result"], "lies");
  EXPECT_GT(rows.at("")["score"]["lies"], 0);
}

TEST_F(Conformance, AFarEndThatDoesNotStartIsAProblemInWords) {
  const std::string far_end = profile_.home() + "/far_end";
  WriteFile(far_end, "#!/bin/sh\nenv > \"$0.environment\"\nexit 1\n", 0700);
  // Handed down to all that the run starts, a keyring too; other runs have it not.
  const std::string mark = "POSTERN_TEST_RUN=" + far_end;
  const Ending ending = RunToEnd(profile_, {.program = "postern",
                                            .arguments = {"conformance", far_end},
                                            .environment = {{"POSTERN_TEST_RUN", far_end}}});
  EXPECT_EQ(ending.code, 1);
  EXPECT_THAT(ending.errors, ::testing::HasSubstr("far end"));
  EXPECT_THAT(ReadFile(far_end + ".environment"), ::testing::HasSubstr(mark));
  // Nor does it leave anything behind.
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string environment = ReadFile(entry.path().string() + "/environ");
    EXPECT_EQ(environment.find(mark), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace postern::daemon_test
