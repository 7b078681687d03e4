// SPDX-License-Identifier: Apache-2.0
// Access that changes faster than anybody looks: here nobody looks but after each change of grants.
#include "broker/erasure_book.h"

#include <gtest/gtest.h>

#include "postern/storage/v1/stored_event.pb.h"
#include "tests/broker/directory_fixture.h"

namespace postern::broker {
namespace {

using permissions::ChatChoice;
using permissions::ChatId;
using permissions::Grant;
using permissions::GrantId;
using permissions::GrantState;
using permissions::Principal;
using permissions::Scope;

class ErasureBookTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = OpenLog(folder_.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
    account_ = std::make_unique<OneAccount>(*opened_.store);
    apps_ = *AppRegistry::Open(
        *opened_.store, [](const std::string& warning) { return absl::InternalError(warning); });
    deliveries_ = *Deliveries::Open(*opened_.store);
    book_ = *ErasureBook::Open({.store = *opened_.store,
                                .log = *opened_.log,
                                .apps = *apps_,
                                .directory = account_->directory(),
                                .deliveries = *deliveries_,
                                .clock = clock_,
                                .dates = clock_});
    apps_->SetGrantsHook([this](const Principal& app) { ASSERT_TRUE(book_->Look(app).ok()); });
  }

  ChatId Begin(const std::string& remote_id) { return account_->Begin(remote_id); }
  void Enroll(Grant grant) {
    v1::App app;
    app.set_principal(principal_.ToHex());
    ASSERT_TRUE(apps_->Enroll(app, Standing::kApp, {std::move(grant)}).ok());
  }
  Grant GrantOf(uint64_t number, ChatChoice choice) {
    Grant grant;
    grant.id = IdOf<GrantId>(number);
    grant.principal = principal_;
    grant.scopes.Add(Scope::kMessagesRead);
    grant.selection.accounts = {account_->id()};
    grant.selection.chat_choice = choice;
    if (choice == ChatChoice::kListed) grant.selection.included_chats = {work_};
    return grant;
  }
  void Deliver() { deliveries_->Note(*apps_->Find(principal_), {}, 1, 1); }
  void Revoke(const Grant& grant) {
    ASSERT_TRUE(apps_
                    ->ChangeGrant(grant.id,
                                  [](Grant& changed) {
                                    changed.state = GrantState::kRevoked;
                                    return absl::OkStatus();
                                  })
                    .ok());
  }
  // How many chats the app was asked to erase, by event.
  size_t ChatsAsked() {
    size_t asked = 0;
    for (Sequence sequence = 1; sequence <= opened_.log->last_sequence(); ++sequence) {
      const auto records = opened_.log->Read({sequence});
      EXPECT_TRUE(records.ok()) << records.status();
      storage::v1::StoredEvent stored;
      EXPECT_TRUE(stored.ParseFromString(std::string(records->front()->body)));
      asked += stored.event().erase_asked().chat_ids_size();
    }
    return asked;
  }
  bool EverythingAsked() {
    const std::vector<ErasureBook::Erasure> all = book_->All();
    return all.size() == 1 && all.front().app == principal_ && all.front().everything_asked;
  }

  ScratchFolder folder_;
  const platform::SystemClock clock_{};
  const Principal principal_ = Principal::FromRaw(std::string(32, 'p'));
  OpenedLog opened_;
  std::unique_ptr<OneAccount> account_;
  std::unique_ptr<AppRegistry> apps_;
  std::unique_ptr<Deliveries> deliveries_;
  std::unique_ptr<ErasureBook> book_;
  ChatId work_;
};

TEST_F(ErasureBookTest, WhatWasGivenAndTakenBackIsAskedBack) {
  work_ = Begin("work");
  Begin("club");
  Enroll(GrantOf(1, ChatChoice::kListed));
  const Grant wide = GrantOf(2, ChatChoice::kAllAndNew);
  ASSERT_TRUE(apps_->AddGrant(wide).ok());
  Begin("late");
  Deliver();
  Revoke(wide);
  EXPECT_EQ(ChatsAsked(), 2u);  // the club and the late one: work stays open
  EXPECT_FALSE(EverythingAsked());
  ASSERT_TRUE(book_->Look().ok());
  EXPECT_EQ(ChatsAsked(), 2u);
}

TEST_F(ErasureBookTest, TheLastAccessIsAskedBackAsAWhole) {
  Begin("work");
  Enroll(GrantOf(1, ChatChoice::kAllAndNew));
  Deliver();
  ASSERT_TRUE(apps_->Revoke(principal_).ok());
  EXPECT_TRUE(EverythingAsked());
  EXPECT_EQ(ChatsAsked(), 0u);
}

TEST_F(ErasureBookTest, AnAppThatSawOnlyAChatThatBeganSinceIsAskedToo) {
  Enroll(GrantOf(1, ChatChoice::kAllAndNew));
  Begin("late");
  Deliver();
  ASSERT_TRUE(apps_->Revoke(principal_).ok());
  EXPECT_TRUE(EverythingAsked());
}

TEST_F(ErasureBookTest, WhatIsHandedOverAtTheLastMomentIsFoundByTheNextLook) {
  Begin("work");
  Enroll(GrantOf(1, ChatChoice::kAllAndNew));
  ASSERT_TRUE(apps_->Revoke(principal_).ok());
  EXPECT_FALSE(EverythingAsked());
  Deliver();
  ASSERT_TRUE(book_->Look().ok());
  EXPECT_TRUE(EverythingAsked());
}

}  // namespace
}  // namespace postern::broker
