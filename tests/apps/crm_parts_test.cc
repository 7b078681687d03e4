// SPDX-License-Identifier: Apache-2.0
// What of the CRM app needs no server: the ledger, what is written into it, the words of notes,
// numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "clients/crm/config.h"
#include "clients/crm/ledger.h"
#include "clients/crm/note_text.h"
#include "clients/crm/parties.h"
#include "clients/crm/people.h"
#include "clients/crm/program.h"
#include "clients/crm/recorder.h"
#include "clients/sdk/errors.h"
#include "platform/secret_bytes.h"
#include "platform/tls_identity.h"

namespace postern::crm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    char folder[] = "/tmp/crm-ledger-XXXXXX";
    folder_ = ::mkdtemp(folder);
    ledger_ = Open();
  }
  ~LedgerTest() override {
    ledger_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::unique_ptr<Ledger> Open() {
    auto ledger = Ledger::Open(folder_ + "/records.db", key_);
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    return *std::move(ledger);
  }
  static Entry Message(const std::string& id, const std::string& text, int64_t time_ms = 1000) {
    return {id, "chat", "alice", "2026-11-21", time_ms, false, text, false, time_ms};
  }
  // Writes all notes, as the publisher does.
  void WriteAll() {
    const std::vector<Note> notes = *ledger_->NotesBehind();
    for (const Note& note : notes) ASSERT_TRUE(ledger_->NoteWritten(note, 7).ok());
  }
  std::vector<std::string> Texts() {
    const std::vector<Entry> entries = *ledger_->EntriesOf({"chat", "alice", "2026-11-21", {}, 0});
    std::vector<std::string> texts;
    for (const Entry& entry : entries) {
      texts.push_back(entry.erased ? "(erased)" : entry.text.value_or("(none)"));
    }
    return texts;
  }

  std::string folder_;
  const platform::SecretBytes key_ = platform::RandomSecret(32);
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, ADayAndTheSumAreBehindAfterAMessageAndNothingAfterItsRepetition) {
  ASSERT_TRUE(ledger_->Add(Message("m", "one")).ok());
  EXPECT_EQ(ledger_->NotesBehind()->size(), 2u);
  WriteAll();
  EXPECT_TRUE(ledger_->NotesBehind()->empty());
  ASSERT_TRUE(ledger_->Add(Message("m", "one")).ok());
  EXPECT_TRUE(ledger_->NotesBehind()->empty());
}

TEST_F(LedgerTest, AllOrdersAndRepetitionsOfChangesEndAlike) {
  std::mt19937 random(7);
  const std::vector<std::function<absl::Status()>> changes = {
      [&] { return ledger_->Add(Message("a", "wrong", 1)); },
      [&] { return ledger_->Edit("a", "chat", "better", 10); },
      [&] { return ledger_->Edit("a", "chat", "best", 20); },
      [&] { return ledger_->Add(Message("b", "secret", 2)); },
      [&] { return ledger_->Edit("b", "chat", "more secret", 30); },
      [&] { return ledger_->EraseText("b"); }};
  for (int round = 0; round < 200; ++round) {
    std::vector<size_t> order = {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5};
    std::shuffle(order.begin(), order.end(), random);
    for (const size_t change : order) ASSERT_TRUE(changes[change]().ok());
    EXPECT_THAT(Texts(), ElementsAre("best", "(erased)"));
    WriteAll();
    // Everything once more, as after a crash.
    for (const auto& change : changes) ASSERT_TRUE(change().ok());
    EXPECT_TRUE(ledger_->NotesBehind()->empty());
    ASSERT_TRUE(ledger_->Clear().ok());
  }
}

TEST_F(LedgerTest, WhatWasDeletedBeforeItWasSeenIsKnownAsDeleted) {
  Entry entry = Message("a", "");
  entry.text.reset();
  entry.erased = true;
  ASSERT_TRUE(ledger_->Add(entry).ok());
  ASSERT_TRUE(ledger_->Edit("b", "chat", "too late", 10).ok());
  entry.id = "b";
  ASSERT_TRUE(ledger_->Add(entry).ok());
  EXPECT_THAT(Texts(), ElementsAre("(erased)", "(erased)"));
}

TEST_F(LedgerTest, WhatWasDeletedBeforeItWasSeenStandsWhereItWasWritten) {
  // Of such a message only the time is left at which Postern wrote it down.
  Entry deleted = Message("a", "", 5000);
  deleted.erased = true;
  deleted.recorded_us = 1;
  Entry next = Message("b", "later", 2000);
  next.recorded_us = 2;
  ASSERT_TRUE(ledger_->Add(next).ok());
  ASSERT_TRUE(ledger_->Add(deleted).ok());
  EXPECT_THAT(Texts(), ElementsAre("(erased)", "later"));
}

TEST_F(LedgerTest, WhatChangesWhileANoteIsWrittenStaysBehind) {
  ASSERT_TRUE(ledger_->Add(Message("a", "one")).ok());
  const std::vector<Note> notes = *ledger_->NotesBehind();
  ASSERT_TRUE(ledger_->Add(Message("b", "two")).ok());
  for (const Note& note : notes) ASSERT_TRUE(ledger_->NoteWritten(note, 7).ok());
  EXPECT_EQ(ledger_->NotesBehind()->size(), 2u);
}

TEST_F(LedgerTest, AForgottenChatLeavesEmptyNotesBehind) {
  ASSERT_TRUE(ledger_->Add(Message("a", "one")).ok());
  WriteAll();
  ASSERT_TRUE(ledger_->ForgetChat("chat").ok());
  EXPECT_EQ(ledger_->NotesBehind()->size(), 2u);
  EXPECT_THAT(Texts(), ElementsAre());
  EXPECT_EQ(ledger_->SumOf("alice")->days, 0);
}

TEST_F(LedgerTest, AForgottenChatTakesTheTextsOfMessagesThatWereNeverSeen) {
  ASSERT_TRUE(ledger_->Edit("a", "chat", "forgotten", 10).ok());
  ASSERT_TRUE(ledger_->Edit("b", "another chat", "kept", 10).ok());
  ASSERT_TRUE(ledger_->ForgetChat("chat").ok());
  ASSERT_TRUE(ledger_->Add(Message("a", "one", 1)).ok());
  ASSERT_TRUE(ledger_->Add(Message("b", "two", 2)).ok());
  EXPECT_THAT(Texts(), ElementsAre("one", "kept"));
}

TEST_F(LedgerTest, IsTheSameAfterARestartAndNothingToAnotherKey) {
  ASSERT_TRUE(ledger_->Add(Message("a", "kept words")).ok());
  ledger_.reset();
  EXPECT_TRUE(absl::IsFailedPrecondition(
      Ledger::Open(folder_ + "/records.db", platform::RandomSecret(32)).status()));
  ledger_ = Open();
  EXPECT_THAT(Texts(), ElementsAre("kept words"));
}

TEST_F(LedgerTest, AGapMarksItsDayOnce) {
  ASSERT_TRUE(ledger_->Add(Message("a", "one")).ok());
  WriteAll();
  ASSERT_TRUE(ledger_->AddGap("2026-11-21").ok());
  EXPECT_EQ(ledger_->NotesBehind()->size(), 1u);
  EXPECT_TRUE(*ledger_->HasGap("2026-11-21"));
  WriteAll();
  ASSERT_TRUE(ledger_->AddGap("2026-11-21").ok());
  EXPECT_TRUE(ledger_->NotesBehind()->empty());
}

// Alice and her chat are known, so that nobody is asked: no broker is at the client's other end.
class RecorderTest : public LedgerTest {
 protected:
  RecorderTest() {
    const auto broker =
        platform::MakeTlsIdentity({.common_name = "broker", .server = true}, absl::Now());
    const auto own = platform::MakeTlsIdentity({.common_name = "crm"}, absl::Now());
    sdk::ClientOptions options;
    options.socket_path = folder_ + "/nobody.sock";
    options.state_directory = folder_;
    options.broker_certificate_path = folder_ + "/broker.pem";
    std::ofstream(options.broker_certificate_path) << broker->certificate_pem;
    auto client = sdk::Client::ConnectWithKey(own->key_pem, own->certificate_pem, options);
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    people_ = std::make_unique<People>(*client_, *ledger_);
    Person alice;
    alice.id = "alice";
    EXPECT_TRUE(ledger_->PutPerson(alice).ok());
    EXPECT_TRUE(ledger_->PutChat({"chat", "alicechat", "Alice", "alice"}).ok());
  }
  // A message that the owner's own client shows as theirs.
  absl::Status RecordOwn(const std::string& id, const v1::Origin* origin) {
    v1::Event event;
    event.set_chat_id("chat");
    v1::Message& message = *event.mutable_message_created()->mutable_message();
    message.set_id(id);
    message.set_from_owner(true);
    if (origin != nullptr) *message.mutable_origin() = *origin;
    return Recorder(config_, *people_, *ledger_).Record(event);
  }

  const Config config_;
  std::unique_ptr<sdk::Client> client_;
  std::unique_ptr<People> people_;
};

TEST_F(RecorderTest, CountsWhatTheOwnerWroteAlsoThroughAnAppButNoNoticeOfPosterns) {
  v1::Origin notice;
  notice.set_app_display_name("Postern");
  ASSERT_TRUE(RecordOwn("told", &notice).ok());
  EXPECT_TRUE(ledger_->NotesBehind()->empty());
  v1::Origin bridge;
  bridge.set_app_display_name("Postern");  // what an app calls itself says nothing
  bridge.set_hops(1);
  ASSERT_TRUE(RecordOwn("bridged", &bridge).ok());
  ASSERT_TRUE(RecordOwn("typed", nullptr).ok());
  EXPECT_EQ(ledger_->SumOf("alice")->from_owner, 2);
}

TEST(Numbers, AreTheSameHoweverTheyAreWritten) {
  for (const char* number : {"+43 664 / 123-45 67", "0043 (664) 1234567", "0664 1234567"}) {
    EXPECT_EQ(PlainNumber(number, "+43"), "+436641234567") << number;
  }
  EXPECT_EQ(PlainNumber("0664 1234567", ""), "06641234567");
}

TEST(Manifest, AsksForWhatTheConfigurationWantsAndSaysWhereTheDataGoes) {
  Config config;
  config.url = "http://127.0.0.1:8000";
  EXPECT_THAT(ManifestFor(config, "")->optional_scopes(), ElementsAre(v1::SCOPE_CONTACTS_IDENTIFY));
  EXPECT_EQ(ManifestFor(config, "")->data_destination().kind(),
            v1::DataDestination::KIND_STAYS_ON_DEVICE);
  config.identify = false;
  config.text = true;
  config.url = "https://CRM.example:8000/";
  const auto manifest = ManifestFor(config, "");
  ASSERT_TRUE(manifest.ok());
  EXPECT_THAT(manifest->optional_scopes(), ElementsAre(v1::SCOPE_MESSAGES_READ));
  EXPECT_EQ(manifest->data_destination().kind(), v1::DataDestination::KIND_LEAVES_DEVICE);
  EXPECT_EQ(manifest->data_destination().service(), "crm.example");
  EXPECT_TRUE(IsThisDevice(HostOf("http://[::1]:8000")));
  EXPECT_FALSE(IsThisDevice(HostOf("http://127.0.0.1.evil.example")));
  EXPECT_FALSE(IsThisDevice(HostOf("https://localhost@evil.example")));
}

TEST(ExitCodes, LeadToARestartUnlessTheUserSaidNo) {
  const auto code = [](absl::StatusCode status, v1::ErrorReason reason) {
    return Fail(sdk::MakeError(status, reason, "said in a test"));
  };
  EXPECT_EQ(code(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_CONSENT_SILENCED),
            ExitCode::kFailed);
  EXPECT_EQ(code(absl::StatusCode::kUnavailable, v1::ERROR_REASON_CONSENT_UNAVAILABLE),
            ExitCode::kFailed);
  EXPECT_EQ(code(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED),
            ExitCode::kFailed);
  EXPECT_EQ(code(absl::StatusCode::kUnavailable, v1::ERROR_REASON_PAUSED), ExitCode::kFailed);
  EXPECT_EQ(code(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_CONSENT_REFUSED),
            ExitCode::kNotAllowed);
  EXPECT_EQ(code(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_GRANT_REVOKED),
            ExitCode::kNotAllowed);
  EXPECT_EQ(code(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_GRANT_EXPIRED),
            ExitCode::kNotAllowed);
  EXPECT_TRUE(CanConnectLater(absl::UnavailableError("away")));
  EXPECT_FALSE(CanConnectLater(
      sdk::MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_CONSENT_REFUSED, "")));
}

TEST(NoteText, CannotBeForgedByWhatPeopleWrite) {
  EXPECT_EQ(Indented("one\n[postern:0]\x1b\ttwo"), "one\n    [postern:0] two");
  const Note note{"chat", "alice", "2026-11-21", {}, 0};
  EXPECT_EQ(MarkOf(note), MarkOf(note));
  EXPECT_NE(MarkOf(note), MarkOf({"chat", "alice", "2026-11-22", {}, 0}));
  EXPECT_NE(MarkOf(note), MarkOf({"chat", "bob", "2026-11-21", {}, 0}));
}

TEST(NoteText, SaysHowManyMessagesItLeavesOut) {
  std::vector<Entry> entries;
  for (int i = 0; i < 100; ++i) {
    entries.push_back({"", "", "", "", i * 1000, false, std::string(1000, 'x'), false});
  }
  const std::string text =
      DayText({"Alice", "You", "xmpp", "", false}, "1970-01-01", entries, absl::UTCTimeZone());
  EXPECT_LT(text.size(), kNoteBytesMax + 1000);
  EXPECT_THAT(text, HasSubstr("Alice: 100 messages. You: 0 messages."));
  EXPECT_THAT(text, HasSubstr("more of this day)"));
}

TEST(NoteText, WithoutTextsHasCountsAndTimesOnly) {
  const std::string text =
      DayText({"Alice", "You", "xmpp", "", true}, "1970-01-01",
              {{"", "", "", "", 60'000, true, {}, true}, {"", "", "", "", 0, false, {}, false}},
              absl::UTCTimeZone());
  EXPECT_EQ(text,
            "1970-01-01, xmpp\nAlice: 1 message. You: 1 message.\nFirst 00:00, last 00:01.\n"
            "Something of this day was lost on its way.");
}

}  // namespace
}  // namespace postern::crm
