// SPDX-License-Identifier: Apache-2.0
// Taking messages out: only with the person's word each time, only what the caller may see, and the
// same bytes however often the connection breaks.
#include <absl/strings/escaping.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "broker/attachment_limits.h"
#include "clients/sdk/file_transfer.h"
#include "platform/digest.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using permissions::QuestionKind;

std::string HexSha256(const std::string& bytes) {
  return absl::BytesToHexString(platform::Sha256(bytes));
}

struct Exported {
  std::string bytes;
  grpc::Status status;
  // One for each message; the last line apart.
  std::vector<nlohmann::json> messages;
  nlohmann::json last;
};

Exported Parse(Exported exported) {
  std::vector<std::string> lines = absl::StrSplit(exported.bytes, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    exported.messages.push_back(nlohmann::json::parse(line, nullptr, false));
  }
  if (!exported.messages.empty()) {
    exported.last = exported.messages.back();
    exported.messages.pop_back();
  }
  return exported;
}

Exported Export(const Program& program, const v1::ExportRequest& request) {
  Exported exported;
  const auto context = Patiently();
  const auto reader = program->export_service->Export(context.get(), request);
  v1::ExportResponse response;
  while (reader->Read(&response)) {
    EXPECT_EQ(response.offset(), request.offset() + exported.bytes.size());
    EXPECT_LE(response.data().size(), size_t{64} * 1024);
    exported.bytes += response.data();
  }
  exported.status = reader->Finish();
  return Parse(std::move(exported));
}

class ExportTest : public testing::Test {
 protected:
  ExportTest() {
    adapter_ = std::make_unique<Adapter>(harness_.Gatekeeper());
    std::vector<v1::Event> events = {
        ChatEvent("garden", "garden"),          ChatEvent("kitchen", "kitchen"),
        MessageEvent("garden", "m1", "roses"),  MessageEvent("kitchen", "m2", "knives"),
        MessageEvent("garden", "m3", "tulips"), EditEvent("garden", "m3", "tulips, red")};
    events[2].mutable_message_created()->mutable_message()->set_end_to_end_encrypted(true);
    v1::Attachment& file =
        *events[2].mutable_message_created()->mutable_message()->add_attachments();
    file.set_id("photo");
    file.set_size_bytes(7);
    file.set_sha256(std::string(32, 'x'));
    EXPECT_TRUE(adapter_->PushDurably(events));
  }

  v1::ExportRequest Request(const std::string& id) {
    v1::ExportRequest request;
    request.set_request_id(id);
    return request;
  }
  size_t Questions() {
    size_t count = 0;
    for (const auto& question : harness_.asked()) count += question.kind == QuestionKind::kExport;
    return count;
  }
  // Exports that are kept to be gone on with.
  size_t StoredFiles() {
    std::error_code error;
    const std::filesystem::directory_iterator files(harness_.data_dir() + "/attachments", error);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  // As long as the person's own tools must wait between two questions.
  void Later() { harness_.clock().Advance(absl::Hours(2)); }
  // Both rooms may be exported; the kitchen for ten hours.
  Program WithAGrantThatEnds() {
    const std::vector<permissions::Scope> scopes = {kChatsRead, kMessagesRead, kMessagesHistory,
                                                    kExport};
    const Program app = harness_.App("Archive", scopes, {.chats = {"garden"}});
    harness_.Widen(app, scopes,
                   {.chats = {"kitchen"}, .until = harness_.clock().Now() + absl::Hours(10)});
    return app;
  }
  static std::vector<std::string> Texts(const Exported& exported) {
    std::vector<std::string> texts;
    for (const auto& line : exported.messages) texts.push_back(line["message"]["text"]);
    return texts;
  }

  BrokerHarness harness_{{}, absl::Milliseconds(20)};
  std::unique_ptr<Adapter> adapter_;
};

TEST_F(ExportTest, TheOwnerTakesAllOutWithWhereItComesFrom) {
  const Program owner = harness_.Owner();
  const Exported all = Export(owner, Request("r1"));
  ASSERT_TRUE(all.status.ok()) << Text(all.status);
  EXPECT_EQ(Questions(), 1u);
  EXPECT_THAT(Texts(all), testing::ElementsAre("roses", "knives", "tulips, red"));
  const nlohmann::json& first = all.messages.at(0);
  EXPECT_EQ(first["network"], "alicechat");
  EXPECT_EQ(first["chat_name"], "garden");
  EXPECT_EQ(first["end_to_end_encrypted"], true);
  EXPECT_EQ(first["exported_by"], "owner");
  for (const char* field : {"account_id", "chat_id", "message_id", "sender_contact_id",
                            "create_time", "record_time", "export_time"}) {
    EXPECT_FALSE(first[field].get<std::string>().empty()) << field;
  }
  EXPECT_EQ(first["attachments"][0]["size_bytes"], 7);
  EXPECT_EQ(first["attachments"][0]["sha256"], absl::BytesToHexString(std::string(32, 'x')));
  // The last line holds the hash of all before it.
  EXPECT_EQ(all.last["messages"], 3);
  const size_t end = all.bytes.rfind('\n', all.bytes.size() - 2) + 1;
  EXPECT_EQ(all.last["lines_sha256"], HexSha256(all.bytes.substr(0, end)));
}

TEST_F(ExportTest, ARefusalTakesNothingOut) {
  harness_.Decide("", [](const permissions::ConsentQuestion& question) {
    return question.kind == QuestionKind::kExport
               ? fakes::ScriptedConsentPrompt::Refusal(question)
               : fakes::ScriptedConsentPrompt::AllowAll(question);
  });
  const Exported refused = Export(harness_.Owner(), Request("r1"));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
      << Text(refused.status);
  EXPECT_TRUE(refused.bytes.empty());
}

TEST_F(ExportTest, AnAppTakesOutWhatItMaySeeAndIsAskedForEachTime) {
  const Program app = harness_.App(
      "Archive", {kChatsRead, kMessagesRead, kMessagesHistory, kExport}, {.chats = {"garden"}});
  const Program plain = harness_.App("Plain", {kChatsRead, kMessagesRead, kMessagesHistory});
  Later();
  const Exported garden = Export(app, Request("r1"));
  ASSERT_TRUE(garden.status.ok()) << Text(garden.status);
  EXPECT_THAT(Texts(garden), testing::ElementsAre("roses", "tulips, red"));
  EXPECT_EQ(garden.messages.at(0)["exported_by"], "Archive");
  EXPECT_EQ(Questions(), 1u);
  Later();
  EXPECT_TRUE(Export(app, Request("r2")).status.ok());
  EXPECT_EQ(Questions(), 2u);
  EXPECT_EQ(ReasonOf(Export(plain, Request("r1")).status), "SCOPE_REQUIRED");
  EXPECT_EQ(Questions(), 2u);
}

TEST_F(ExportTest, GoesOnFromAnyByteWithTheSameBytesWhateverHappensMeanwhile) {
  const Program owner = harness_.Owner();
  const Exported all = Export(owner, Request("r1"));
  ASSERT_TRUE(all.status.ok()) << Text(all.status);
  EXPECT_TRUE(
      adapter_->PushDurably({MessageEvent("garden", "m4", "later"), DeleteEvent("garden", "m1")}));
  for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, uint64_t{700}, all.bytes.size() - 1}) {
    v1::ExportRequest request = Request("r1");
    request.set_offset(offset);
    const Exported rest = Export(owner, request);
    EXPECT_TRUE(rest.status.ok()) << Text(rest.status);
    EXPECT_EQ(rest.bytes, all.bytes.substr(offset));
  }
  EXPECT_EQ(Questions(), 1u);
  // The same id for another export, and going on with none.
  v1::ExportRequest other = Request("r1");
  other.mutable_start_time()->set_seconds(5);
  EXPECT_EQ(ReasonOf(Export(owner, other).status), "REQUEST_ID_CONFLICT");
  v1::ExportRequest unknown = Request("r9");
  unknown.set_offset(5);
  EXPECT_EQ(Export(owner, unknown).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ExportTest, ARevokedAppGoesOnWithNothing) {
  const Program app =
      harness_.App("Archive", {kChatsRead, kMessagesRead, kMessagesHistory, kExport});
  Later();
  const Exported all = Export(app, Request("r1"));
  ASSERT_TRUE(all.status.ok()) << Text(all.status);
  OwnerCalls owner(harness_);
  owner.Revoke(owner.GrantOf(app).id());
  v1::ExportRequest request = Request("r1");
  request.set_offset(10);
  const Exported rest = Export(app, request);
  EXPECT_FALSE(rest.status.ok());
  EXPECT_TRUE(rest.bytes.empty());
}

TEST_F(ExportTest, WhatWasWrittenUnderAGrantIsNotReadPastItsEnd) {
  const Program app = WithAGrantThatEnds();
  Later();
  const Exported both = Export(app, Request("r1"));
  ASSERT_TRUE(both.status.ok()) << Text(both.status);
  EXPECT_THAT(Texts(both), testing::ElementsAre("roses", "knives", "tulips, red"));
  // The other grant still lets it export.
  harness_.clock().Advance(absl::Hours(12));
  const Exported again = Export(app, Request("r1"));
  EXPECT_EQ(ReasonOf(again.status), "REQUEST_ID_CONFLICT") << Text(again.status);
  EXPECT_TRUE(again.bytes.empty());
}

TEST_F(ExportTest, TheSdkSaysWhenAnExportCannotGoOn) {
  const Program app = WithAGrantThatEnds();
  Later();
  const auto go_on = [&](const std::string& id, uint64_t offset) {
    v1::ExportRequest request = Request(id);
    request.set_offset(offset);
    return sdk::TakeExport(*app.stubs, request, [](std::string_view) { return absl::OkStatus(); });
  };
  ASSERT_TRUE(go_on("r1", 0).ok());
  EXPECT_TRUE(go_on("r1", 10).ok());
  // One that posternd no longer has, and one that may now hold less.
  EXPECT_TRUE(absl::IsAborted(go_on("r9", 10)));
  harness_.clock().Advance(absl::Hours(12));
  const absl::Status changed = go_on("r1", 10);
  EXPECT_TRUE(absl::IsAborted(changed)) << changed;
  EXPECT_THAT(std::string(changed.message()), testing::HasSubstr("export anew"));
}

TEST_F(ExportTest, WhoTookMessagesOutIsAskedToEraseThem) {
  const Program app =
      harness_.App("Archive", {kChatsRead, kMessagesRead, kMessagesHistory, kExport});
  Later();
  ASSERT_TRUE(Export(app, Request("r1")).status.ok());
  OwnerCalls owner(harness_);
  owner.RevokeApp(app.principal);
  const Program tool = harness_.Owner();
  EXPECT_TRUE(OwnerCalls::Await([&] {
    v1::ListErasuresResponse response;
    EXPECT_TRUE(tool->owner->ListErasures(Patiently().get(), {}, &response).ok());
    return response.erasures_size() == 1 && response.erasures(0).principal() == app.principal &&
           response.erasures(0).everything_asked();
  }));
}

TEST_F(ExportTest, WhoMayNotSeeChatsGetsNoNamesOfThem) {
  const Program app = harness_.App("Archive", {kMessagesRead, kMessagesHistory, kExport});
  Later();
  const Exported all = Export(app, Request("r1"));
  ASSERT_TRUE(all.status.ok()) << Text(all.status);
  ASSERT_FALSE(all.messages.empty());
  EXPECT_EQ(all.messages.at(0)["chat_name"], "");
  EXPECT_EQ(all.messages.at(0)["account_name"], "");
}

TEST_F(ExportTest, OnlyTheLatestCanBeGoneOnWithAndNotPastTheirEnd) {
  const Program owner = harness_.Owner();
  const auto from = [&](size_t number, uint64_t offset) {
    v1::ExportRequest request = Request("r" + std::to_string(number));
    request.set_offset(offset);
    return Export(owner, request);
  };
  Exported all;
  for (size_t i = 0; i <= broker::kExportsPerCallerMax; ++i) {
    Later();
    all = from(i, 0);
    ASSERT_TRUE(all.status.ok()) << Text(all.status);
  }
  EXPECT_EQ(InfoOf(from(0, 5).status).metadata().at("field"), "offset");
  EXPECT_TRUE(from(1, 5).status.ok());
  EXPECT_EQ(InfoOf(from(1, all.bytes.size() + 1000).status).metadata().at("field"), "offset");
  EXPECT_EQ(Questions(), broker::kExportsPerCallerMax + 1);
}

TEST_F(ExportTest, OneThatNobodyGoesOnWithIsDroppedAfterADay) {
  const Program owner = harness_.Owner();
  const Exported all = Export(owner, Request("r1"));
  ASSERT_TRUE(all.status.ok()) << Text(all.status);
  v1::ExportRequest rest = Request("r1");
  rest.set_offset(5);
  // Going on with it begins its day anew.
  for (int i = 0; i < 2; ++i) {
    harness_.clock().Advance(broker::kExportAgeMax - absl::Hours(1));
    EXPECT_TRUE(Export(owner, rest).status.ok());
  }
  EXPECT_EQ(StoredFiles(), 1u);
  harness_.clock().Advance(broker::kExportAgeMax + absl::Hours(1));
  EXPECT_EQ(InfoOf(Export(owner, rest).status).metadata().at("field"), "offset");
  EXPECT_TRUE(OwnerCalls::Await([&] { return StoredFiles() == 0; }));
  EXPECT_EQ(Questions(), 1u);
  // Its id is as good as new; the person is asked again.
  EXPECT_TRUE(Export(owner, Request("r1")).status.ok());
  EXPECT_EQ(Questions(), 2u);
}

TEST_F(ExportTest, MalformedIsToldBeforeForbidden) {
  const Program plain = harness_.App("Plain", {kChatsRead});
  v1::ExportRequest request = Request("r1");
  request.add_chat_ids("no id");
  EXPECT_EQ(InfoOf(Export(plain, request).status).metadata().at("field"), "chat_ids");
}

TEST_F(ExportTest, TheAccessHistoryTells) {
  ASSERT_TRUE(Export(harness_.Owner(), Request("r1")).status.ok());
  const Program owner = harness_.Owner();
  v1::ListAccessHistoryRequest request;
  request.add_verbs(v1::ACCESS_VERB_EXPORTED);
  v1::ListAccessHistoryResponse response;
  ASSERT_TRUE(owner->owner->ListAccessHistory(Patiently().get(), request, &response).ok());
  ASSERT_EQ(response.entries_size(), 1);
  EXPECT_EQ(response.entries(0).reason(), "owner");
}

}  // namespace
}  // namespace postern::behaviors
