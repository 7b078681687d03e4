// SPDX-License-Identifier: Apache-2.0
#include "broker/app_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/status_macros.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

using permissions::Grant;
using permissions::Scope;
using testing::HasSubstr;
using testing::IsEmpty;

class AppRegistryTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  // Opens the same data anew, after 'change' was made to it behind the registry's back. 'told' is
  // what comes of telling the owner of it.
  absl::Status TryReopen(const Store::Job& change, const absl::Status& told) {
    apps_.reset();
    store_.reset();
    ASSIGN_OR_RETURN(store_, OpenStore(folder_.path()));
    if (change) RETURN_IF_ERROR(store_->Write(change));
    warning_.clear();
    ASSIGN_OR_RETURN(apps_, AppRegistry::Open(*store_, [&](const std::string& warning) {
                       warning_ = warning;
                       return told;
                     }));
    return absl::OkStatus();
  }
  void Reopen(const Store::Job& change = nullptr) {
    const absl::Status opened = TryReopen(change, absl::OkStatus());
    ASSERT_TRUE(opened.ok()) << opened;
  }
  static Grant GrantOf(uint8_t app) {
    Grant grant;
    grant.id = IdOf<permissions::GrantId>(++next_grant_);
    grant.principal = AppOf(app);
    grant.scopes = {Scope::kMessagesRead};
    grant.selection.accounts = {IdOf<permissions::AccountId>(1)};
    grant.selection.chat_choice = permissions::ChatChoice::kAllAndNew;
    grant.create_time = absl::FromUnixSeconds(1'700'000'000);
    return grant;
  }
  void Enroll(uint8_t app) {
    v1::App record;
    record.set_principal(AppOf(app).ToHex());
    const absl::Status status = apps_->Enroll(std::move(record), Standing::kApp, {GrantOf(app)});
    ASSERT_TRUE(status.ok()) << status;
  }
  size_t GrantsOf(uint8_t app) { return apps_->Find(AppOf(app))->grants.size(); }

  static inline uint64_t next_grant_ = 0;
  ScratchFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AppRegistry> apps_;
  std::string warning_;
};

TEST_F(AppRegistryTest, WhatWasAllowedOutlivesTheProgram) {
  Enroll(1);
  Reopen();
  EXPECT_THAT(warning_, IsEmpty());
  EXPECT_EQ(GrantsOf(1), 1u);
  EXPECT_EQ(apps_->StandingOf(AppOf(1)), Standing::kApp);
  EXPECT_EQ(apps_->StandingOf(AppOf(2)), Standing::kUnknown);
}

// One wrong row and nobody keeps a grant; what is allowed from then on stays.
TEST_F(AppRegistryTest, AGrantThatWasChangedOutsideOpensNothingAndIsForgotten) {
  const std::string first = " WHERE hex(principal) LIKE '01%'";
  const std::string of_second = " FROM grants WHERE hex(principal) LIKE '02%')";
  const std::string changes[] = {
      // Flipped: a byte of the record, all of the MAC.
      "UPDATE grants SET record = CAST('x' || substr(record, 2) AS BLOB)" + first,
      "UPDATE grants SET mac = zeroblob(32)" + first,
      // Shorter, and gone.
      "UPDATE grants SET mac = substr(mac, 1, 31)" + first, "UPDATE grants SET mac = x''" + first,
      // Another grant's MAC, all of another grant under this app's name, and the other way round.
      "UPDATE grants SET mac = (SELECT mac" + of_second + first,
      "UPDATE grants SET record = (SELECT record" + of_second + ", mac = (SELECT mac" + of_second +
          first,
      "UPDATE grants SET principal = (SELECT principal" + of_second + first,
      // Put there, for an app that is known and for one that is not.
      "INSERT INTO grants(id, principal, record, mac) SELECT x'01', principal, x'', zeroblob(32) "
      "FROM grants" +
          first,
      "INSERT INTO grants(id, principal, record, mac) SELECT x'01', zeroblob(32), record, mac FROM "
      "grants" +
          first,
      // Programs that nobody can be.
      "INSERT INTO principals(principal, record) VALUES(x'01', x'')",
      "INSERT INTO principals(principal, record) VALUES(randomblob(32), x'ff')"};
  for (const std::string& change : changes) {
    SCOPED_TRACE(change);
    Reopen([](Database& database) -> absl::Status {
      return database.Execute("DELETE FROM grants; DELETE FROM principals");
    });
    Enroll(1);
    Enroll(2);
    ASSERT_EQ(GrantsOf(1) + GrantsOf(2), 2u);
    Reopen([&](Database& database) { return database.Execute(change.c_str()); });
    EXPECT_THAT(warning_, HasSubstr("changed from outside"));
    EXPECT_EQ(GrantsOf(1) + GrantsOf(2), 0u);
    EXPECT_EQ(apps_->StandingOf(AppOf(1)), Standing::kApp);
    ASSERT_TRUE(apps_->AddGrant(GrantOf(2)).ok());
    Reopen();
    EXPECT_THAT(warning_, IsEmpty());
    EXPECT_EQ(GrantsOf(1), 0u);
    EXPECT_EQ(GrantsOf(2), 1u);
  }
}

// The rows go after the owner was told: a crash between the two leaves what tells it anew.
TEST_F(AppRegistryTest, AChangeFromOutsideThatTheOwnerCouldNotBeToldOfIsToldAtTheNextStart) {
  Enroll(1);
  const absl::Status unsaid =
      TryReopen([](Database& database) { return database.Execute("UPDATE grants SET mac = x''"); },
                absl::UnavailableError("died before it was on disk"));
  EXPECT_EQ(unsaid.code(), absl::StatusCode::kUnavailable) << unsaid;
  EXPECT_THAT(warning_, HasSubstr("changed from outside"));
  Reopen();
  EXPECT_THAT(warning_, HasSubstr("changed from outside"));
  EXPECT_EQ(GrantsOf(1), 0u);
  Reopen();
  EXPECT_THAT(warning_, IsEmpty());
}

}  // namespace
}  // namespace postern::broker
