// SPDX-License-Identifier: Apache-2.0
// Somebody puts yesterday's database back, all of it: what was taken back since is not alive again.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"
#include "tests/behaviors/stopped_store.h"
#include "tests/broker/storage_fixture.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::HasSubstr;

class OlderDatabaseTest : public testing::Test {
 protected:
  OlderDatabaseTest() {
    EXPECT_TRUE(adapter_->PushDurably({ChatEvent("club"), MessageEvent("club", "m1", "before")}));
  }

  void Save() {
    adapter_.reset();
    harness_.Save();
    adapter_ = Adapter::Again(harness_.Reconnect(gatekeeper_));
    owner_.Reconnect();
  }
  void PutBack() {
    adapter_.reset();
    harness_.RestartFromSaved();
    adapter_ = Adapter::Again(harness_.AllowAgain(gatekeeper_));
    owner_.Reconnect();
  }
  void Restart() {
    adapter_.reset();
    harness_.Restart();
    adapter_ = Adapter::Again(harness_.Reconnect(gatekeeper_));
    owner_.Reconnect();
  }
  // Restarts on what 'change' made of the database while the daemon was down.
  void RestartAfter(const char* change) {
    adapter_.reset();
    harness_.Stop();
    ASSERT_NO_FATAL_FAILURE(ChangeStored(
        harness_, [&](broker::Database& database) { return database.Execute(change); }));
    harness_.Restart();
    adapter_ = Adapter::Again(harness_.Reconnect(gatekeeper_));
    owner_.Reconnect();
  }
  v1::Grant::State StateOf(const Program& app) { return owner_.GrantOf(app).state(); }
  // The reason why a stream does not begin; empty when it does.
  std::string Subscribe(const Program& app) {
    EventReader reader(harness_.Reconnect(app));
    return reader.WaitLive() ? "" : ReasonOf(reader.WaitEnd());
  }
  bool Warned() {
    const v1::GetStatusResponse status = owner_.Status();
    for (const std::string& warning : status.warnings()) {
      if (warning.find("database") != std::string::npos) return true;
    }
    return false;
  }
  // Until the secret store knows the state of now.
  void AwaitAnchor() {
    const int before = harness_.secrets().stores();
    // Any act of the owner anchors before it is answered.
    v1::ResumeResponse response;
    v1::PauseResponse paused;
    ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
    ASSERT_TRUE(owner_->owner->Resume(Patiently().get(), {}, &response).ok());
    ASSERT_TRUE(OwnerCalls::Await([&] { return harness_.secrets().stores() > before; }));
  }

  // An adapter that comes back late is no client that has gone: what is counted is what was said.
  BrokerHarness harness_{{}, absl::Milliseconds(10), absl::Hours(1)};
  Program gatekeeper_ = harness_.Gatekeeper();
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(gatekeeper_);
  OwnerCalls owner_{harness_};
};

TEST_F(OlderDatabaseTest, SuspendsEveryGrantTellsTheOwnerAndLosesNothingElse) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead, kMessagesHistory});
  const Program other = harness_.App("Other", {kChatsRead, kMessagesRead});
  Save();
  const uint64_t events = owner_.Status().event_count();
  const uint64_t rows = owner_.Verify().access_record_count();
  owner_.Revoke(owner_.GrantOf(app).id());
  EXPECT_EQ(Subscribe(app), "GRANT_REVOKED");
  PutBack();

  EXPECT_EQ(StateOf(app), v1::Grant::STATE_SUSPENDED);
  EXPECT_EQ(StateOf(other), v1::Grant::STATE_SUSPENDED);
  EXPECT_EQ(Subscribe(app), "GRANT_SUSPENDED");
  EXPECT_EQ(Subscribe(other), "GRANT_SUSPENDED");
  EXPECT_TRUE(Warned());
  EXPECT_TRUE(
      OwnerCalls::Await([&] { return owner_.HasNotice(v1::OwnerNotice::KIND_GRANTS_SUSPENDED); }));
  EXPECT_EQ(owner_.Status().event_count(), events);
  EXPECT_EQ(owner_.HistoryOf(app, {v1::ACCESS_VERB_SUSPENDED}).at(0).reason(), "older_database");
  // The rows that went with the newer database are named.
  const v1::VerifyResponse verified = owner_.Verify();
  EXPECT_FALSE(verified.intact());
  EXPECT_EQ(verified.first_bad_sequence(), 0u);
  EXPECT_EQ(verified.first_bad_access_sequence(), rows + 1);

  // Still so after another start; resuming is the owner's act, and ends it.
  Restart();
  EXPECT_EQ(StateOf(other), v1::Grant::STATE_SUSPENDED);
  owner_.Resume(owner_.GrantOf(other).id());
  EventReader reader(harness_.Reconnect(other), FromOldest());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m2", "after")}));
  EXPECT_TRUE(reader.WaitForText("after"));
  EXPECT_EQ(Subscribe(app), "GRANT_SUSPENDED");
  owner_.Revoke(owner_.GrantOf(app).id());
  Restart();
  EXPECT_EQ(Subscribe(other), "");
  EXPECT_EQ(Subscribe(app), "GRANT_REVOKED");
  EXPECT_FALSE(Warned());
}

// The old database, put back once, must not pass for new because the daemon ran on it.
TEST_F(OlderDatabaseTest, IsNoticedAgainAndAgain) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  Save();
  owner_.Revoke(owner_.GrantOf(app).id());
  for (int i = 0; i < 3; ++i) {
    PutBack();
    EXPECT_EQ(StateOf(app), v1::Grant::STATE_SUSPENDED);
    owner_.Resume(owner_.GrantOf(app).id());
    EXPECT_EQ(Subscribe(app), "");
  }
}

// One that is newer than the copy that was put back, and older than what was remembered before.
TEST_F(OlderDatabaseTest, OneFromInBetweenIsNoticedToo) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  Save();
  const std::string older = harness_.data_dir() + ".older";
  std::filesystem::copy(harness_.saved_dir(), older, std::filesystem::copy_options::recursive);
  for (int i = 0; i < 20; ++i) AwaitAnchor();
  Save();  // in between
  owner_.Revoke(owner_.GrantOf(app).id());
  const std::string between = harness_.data_dir() + ".between";
  std::filesystem::rename(harness_.saved_dir(), between);
  std::filesystem::rename(older, harness_.saved_dir());
  PutBack();
  EXPECT_EQ(StateOf(app), v1::Grant::STATE_SUSPENDED);
  std::filesystem::remove_all(harness_.saved_dir());
  std::filesystem::rename(between, harness_.saved_dir());
  PutBack();
  EXPECT_EQ(StateOf(app), v1::Grant::STATE_SUSPENDED);
}

// Gatekeepers hold no grants that could be suspended: each is asked about anew.
TEST_F(OlderDatabaseTest, AnAdapterThatWasThrownOutComesBackOnlyByThePersonsWord) {
  Save();
  owner_.RevokeApp(gatekeeper_.principal);
  adapter_.reset();
  harness_.RestartFromSaved();
  owner_.Reconnect();
  Adapter back(harness_.Reconnect(gatekeeper_));
  EXPECT_FALSE(back.welcome());
  EXPECT_EQ(ReasonOf(back.WaitEnd()), "ENROLLMENT_REQUIRED");
  EXPECT_EQ(owner_.HistoryOf(gatekeeper_, {v1::ACCESS_VERB_SUSPENDED}).at(0).reason(),
            "older_database");
  const size_t asked = harness_.asked().size();
  adapter_ = Adapter::Again(harness_.AllowAgain(gatekeeper_));
  EXPECT_TRUE(adapter_->welcome());
  EXPECT_EQ(harness_.asked().size(), asked + 1);
}

TEST_F(OlderDatabaseTest, OrdinaryRestartsSuspendNothing) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "r" + std::to_string(i), "x")}));
    Restart();
    EXPECT_EQ(StateOf(app), v1::Grant::STATE_ACTIVE);
  }
  EXPECT_FALSE(Warned());
  EXPECT_TRUE(owner_.Verify().intact());
}

// Not older, but changed: a grant that somebody wrote into it opens nothing, and neither do the
// others, until the person has allowed them again.
TEST_F(OlderDatabaseTest, GrantsThatWereChangedWhileTheDaemonWasDownOpenNothing) {
  Program app = harness_.App("Reader", {kMessagesRead});
  Program other = harness_.App("Other", {kMessagesRead});
  for (const char* change :
       {"UPDATE grants SET record = CAST(substr(record, 2) AS BLOB)",
        "UPDATE grants SET mac = (SELECT MIN(mac) FROM grants)",
        "INSERT INTO grants(id, principal, record, mac) SELECT x'01', principal, record, "
        "zeroblob(32) FROM grants LIMIT 1"}) {
    SCOPED_TRACE(change);
    v1::DismissNoticesResponse dismissed;
    ASSERT_TRUE(owner_->owner->DismissNotices(Patiently().get(), {}, &dismissed).ok());
    RestartAfter(change);
    app = harness_.Reconnect(app);
    other = harness_.Reconnect(other);
    EXPECT_EQ(Subscribe(app), "SCOPE_REQUIRED");
    EXPECT_EQ(Subscribe(other), "SCOPE_REQUIRED");
    EXPECT_TRUE(owner_.Grants(app.principal).empty());
    EXPECT_TRUE(owner_.HasNotice(v1::OwnerNotice::KIND_GRANTS_SUSPENDED));
    const v1::GetStatusResponse status = owner_.Status();
    EXPECT_THAT(status.warnings(), testing::Contains(HasSubstr("changed from outside")));
    // What was allowed again is not taken by the next start.
    harness_.Widen(app, {kMessagesRead}, {});
    harness_.Widen(other, {kMessagesRead}, {});
    EXPECT_EQ(Subscribe(app), "");
    Restart();
    EXPECT_EQ(Subscribe(app), "");
    EXPECT_EQ(Subscribe(other), "");
    EXPECT_TRUE(owner_.Status().warnings().empty());
    // The owner has not read it yet.
    EXPECT_TRUE(owner_.HasNotice(v1::OwnerNotice::KIND_GRANTS_SUSPENDED));
  }
}

TEST_F(OlderDatabaseTest, ACopyOfTheVeryStateSuspendsNothing) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  adapter_.reset();
  harness_.Stop();
  const auto anchor = harness_.secrets().Lookup("database-anchor");
  ASSERT_TRUE(anchor.ok());
  harness_.Restart();
  EXPECT_EQ(StateOf(app), v1::Grant::STATE_ACTIVE);
}

// Whoever takes the memory away would else put back what they like.
TEST_F(OlderDatabaseTest, AnAnchorThatIsGoneSuspends) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  AwaitAnchor();
  adapter_.reset();
  harness_.Stop();
  ASSERT_TRUE(harness_.secrets().Erase("database-anchor").ok());
  harness_.Restart();
  owner_.Reconnect();
  EXPECT_EQ(StateOf(app), v1::Grant::STATE_SUSPENDED);
  EXPECT_TRUE(Warned());
  owner_.Resume(owner_.GrantOf(app).id());
  AwaitAnchor();
  harness_.Restart();
  owner_.Reconnect();
  EXPECT_EQ(StateOf(app), v1::Grant::STATE_ACTIVE);
}

TEST_F(OlderDatabaseTest, AnAnchorThatWasChangedSuspends) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  AwaitAnchor();
  adapter_.reset();
  harness_.Stop();
  platform::SecretBytes anchor = *harness_.secrets().Lookup("database-anchor");
  anchor.data()[9] ^= 1;
  ASSERT_TRUE(harness_.secrets().Store("database-anchor", anchor.span()).ok());
  harness_.Restart();
  owner_.Reconnect();
  EXPECT_EQ(StateOf(app), v1::Grant::STATE_SUSPENDED);
}

TEST_F(OlderDatabaseTest, ALockedKeyringIsLeftAloneAndCaughtUpWithLater) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  AwaitAnchor();
  harness_.secrets().SetState(platform::SecretStoreState::kLocked);
  const int before = harness_.secrets().stores();
  const auto start = Steady::now();
  owner_.Suspend(owner_.GrantOf(app).id());
  // A keyring that cannot be written does not hold up the user.
  EXPECT_LT(Steady::now() - start, std::chrono::seconds(5 * kSlowdown));
  EXPECT_EQ(harness_.secrets().stores(), before);
  EXPECT_EQ(Subscribe(app), "GRANT_SUSPENDED");
  harness_.secrets().SetState(platform::SecretStoreState::kReady);
  EXPECT_TRUE(OwnerCalls::Await([&] { return harness_.secrets().stores() > before; }));
}

TEST_F(OlderDatabaseTest, WhatIsTakenBackIsAnchoredBeforeTheReply) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead, kReactionsRead});
  const std::string grant = owner_.GrantOf(app).id();
  const auto anchored = [&](auto act) {
    const int before = harness_.secrets().stores();
    act();
    return harness_.secrets().stores() > before;
  };
  v1::NarrowGrantRequest narrow;
  narrow.set_grant_id(grant);
  narrow.add_remove_scopes(v1::SCOPE_REACTIONS_READ);
  EXPECT_TRUE(anchored([&] { owner_.Narrow(narrow); }));
  EXPECT_TRUE(anchored([&] { owner_.Suspend(grant); }));
  EXPECT_TRUE(anchored([&] { owner_.Revoke(grant); }));
  EXPECT_TRUE(anchored([&] { owner_.RevokeApp(app.principal); }));
  EXPECT_TRUE(anchored([&] {
    v1::PauseResponse response;
    EXPECT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &response).ok());
  }));
}

}  // namespace
}  // namespace postern::behaviors
