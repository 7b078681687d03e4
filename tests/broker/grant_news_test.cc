// SPDX-License-Identifier: Apache-2.0
// What an app is told of its grants, where an account or the disk is missing.
#include "broker/grant_news.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <memory>

#include "postern/storage/v1/stored_event.pb.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::Grant;
using permissions::GrantId;
using permissions::Scope;

class GrantNewsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = OpenLog(folder_.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
    apps_ = *AppRegistry::Open(
        *opened_.store, [](const std::string& warning) { return absl::InternalError(warning); });
    news_ = std::make_unique<GrantNews>(
        GrantNews::World{.log = *opened_.log, .apps = *apps_, .clock = clock_});
    news_->Begin();
  }

  Grant GrantOf(uint64_t number, std::vector<AccountId> accounts) {
    Grant grant;
    grant.id = IdOf<GrantId>(number);
    grant.principal = app_;
    grant.scopes.Add(Scope::kMessagesRead);
    grant.selection.accounts.insert(accounts.begin(), accounts.end());
    return grant;
  }
  void Enroll(Grant grant) {
    v1::App app;
    app.set_principal(app_.ToHex());
    ASSERT_TRUE(apps_->Enroll(app, Standing::kApp, {std::move(grant)}).ok());
    ASSERT_TRUE(news_->Look(app_).ok());
    ASSERT_EQ(opened_.log->last_sequence(), 0u) << "the first grant is waited for, not told";
  }
  // The accounts in whose name something was told, in order.
  std::vector<AccountId> Told() {
    std::vector<AccountId> accounts;
    for (Sequence sequence = 1; sequence <= opened_.log->last_sequence(); ++sequence) {
      const auto records = opened_.log->Read({sequence});
      EXPECT_TRUE(records.ok()) << records.status();
      storage::v1::StoredEvent stored;
      EXPECT_TRUE(stored.ParseFromString(std::string(records->front()->body)));
      EXPECT_TRUE(stored.event().has_grant_changed());
      accounts.push_back(records->front()->account);
    }
    return accounts;
  }

  ScratchFolder folder_;
  const platform::SystemClock clock_{};
  const permissions::Principal app_ = AppOf('p');
  const AccountId first_ = IdOf<AccountId>(1);
  const AccountId second_ = IdOf<AccountId>(2);
  OpenedLog opened_;
  std::unique_ptr<AppRegistry> apps_;
  std::unique_ptr<GrantNews> news_;
};

TEST_F(GrantNewsTest, NothingIsToldInTheNameOfAnAccountThatNoGrantNames) {
  Enroll(GrantOf(1, {}));
  ASSERT_TRUE(apps_->AddGrant(GrantOf(2, {})).ok());
  EXPECT_TRUE(news_->Look(app_).ok());
  EXPECT_EQ(opened_.log->last_sequence(), 0u);
}

TEST_F(GrantNewsTest, OneAccountTellsOfAllGrants) {
  Enroll(GrantOf(1, {second_}));
  ASSERT_TRUE(apps_->AddGrant(GrantOf(2, {})).ok());
  ASSERT_TRUE(apps_->AddGrant(GrantOf(3, {first_, second_})).ok());
  EXPECT_TRUE(news_->Look(app_).ok());
  EXPECT_EQ(Told(), std::vector<AccountId>(2, first_));
}

TEST_F(GrantNewsTest, WhatCouldNotBeKeptIsToldOnceByTheNextLookAtAll) {
  Enroll(GrantOf(1, {first_}));
  ASSERT_TRUE(apps_->AddGrant(GrantOf(2, {first_})).ok());
  // A full disk: no file can grow.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit full = before;
  full.rlim_cur = 1;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const absl::Status told = news_->Look(app_);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(absl::IsUnavailable(told)) << told;
  EXPECT_TRUE(news_->Look().ok());
  EXPECT_TRUE(news_->Look().ok());
  EXPECT_EQ(Told(), std::vector<AccountId>{first_});
}

}  // namespace
}  // namespace postern::broker
