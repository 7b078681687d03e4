// SPDX-License-Identifier: Apache-2.0
#include "broker/seal_book.h"

#include <gtest/gtest.h>

#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::ContactId;
using permissions::Objection;

class SealBookTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  // Opens the same data anew, after 'change' was made to it behind the book's back.
  void Reopen(const Store::Job& change = nullptr) {
    book_.reset();
    store_.reset();
    auto store = OpenStore(folder_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    if (change) ASSERT_TRUE(store_->Write(change).ok());
    auto book = SealBook::Open(
        *store_, [this] { ++changes_; }, damaged_, seals_max_);
    ASSERT_TRUE(book.ok()) << book.status();
    book_ = *std::move(book);
  }

  ScratchFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SealBook> book_;
  size_t seals_max_ = kSealsMax;
  bool damaged_ = false;
  int changes_ = 0;
  const ChatId chat_ = IdOf<ChatId>(1);
  const ContactId person_ = IdOf<ContactId>(2);
  const absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(SealBookTest, WhatIsClosedOutlivesTheProgram) {
  EXPECT_FALSE(damaged_);
  ASSERT_TRUE(book_->Close({chat_, {}}, SealReach::kAllApps, now_).ok());
  ASSERT_TRUE(book_->Object(person_, chat_, true, now_).value());
  EXPECT_EQ(changes_, 2);
  Reopen();
  EXPECT_FALSE(damaged_);
  EXPECT_TRUE(book_->OfChat(chat_).sealed);
  EXPECT_FALSE(book_->OfPerson(person_).sealed);
  EXPECT_EQ(book_->OfPerson(person_).objection, Objection::kOffDevice);
  EXPECT_TRUE(book_->concerns_people());
  EXPECT_EQ(book_->Find({{}, person_})->objection_chat, chat_);
  ASSERT_TRUE(book_->Open(*book_->Find({chat_, {}})).ok());
  ASSERT_TRUE(book_->TakeBack(person_, true).value());
  Reopen();
  EXPECT_FALSE(damaged_);
  EXPECT_TRUE(book_->All().empty());
  EXPECT_FALSE(book_->concerns_people());
}

TEST_F(SealBookTest, NoticesARowThatIsGoneChangedOrPutThere) {
  ASSERT_TRUE(book_->Close({chat_, {}}, SealReach::kAllApps, now_).ok());
  ASSERT_TRUE(book_->Close({{}, person_}, SealReach::kAllApps, now_).ok());
  for (const char* change : {"DELETE FROM seals WHERE substr(target, 1, 1) = CAST('c' AS BLOB)",
                             "UPDATE seals SET record = CAST('x' AS BLOB)", "DELETE FROM seals",
                             "INSERT INTO seals(target, record, mac) VALUES('z', 'z', 'z')"}) {
    Reopen([&](Database& database) { return database.Execute(change); });
    EXPECT_TRUE(damaged_) << change;
    // Once the user is told, what is left is the whole.
    ASSERT_TRUE(book_->Mend().ok());
    Reopen();
    EXPECT_FALSE(damaged_) << change;
    ASSERT_TRUE(book_->Close({chat_, {}}, SealReach::kAllApps, now_).ok());
    ASSERT_TRUE(book_->Close({{}, person_}, SealReach::kAllApps, now_).ok());
  }
}

TEST_F(SealBookTest, AYesOpensNoMoreThanWhatWasShown) {
  ASSERT_TRUE(book_->Close({{}, person_}, SealReach::kOffDevice, now_).ok());
  const Seal shown = *book_->Find({{}, person_});
  // The person objects while the question stands.
  ASSERT_TRUE(book_->Object(person_, chat_, true, now_).value());
  EXPECT_EQ(book_->Open(shown).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(book_->OfPerson(person_).objection, Objection::kOffDevice);
  Reopen();
  EXPECT_EQ(book_->Find({{}, person_})->objection, SealReach::kOffDevice);
  ASSERT_TRUE(book_->Open(*book_->Find({{}, person_})).ok());
  EXPECT_TRUE(book_->All().empty());
}

// An objection that cannot be written down must neither stop what comes in nor be passed over.
TEST_F(SealBookTest, WhoFindsTheBookFullIsClosedWithEverybodyUntilThereIsRoom) {
  seals_max_ = 2;
  Reopen();
  const ContactId late = IdOf<ContactId>(3);
  const ContactId silent = IdOf<ContactId>(4);
  ASSERT_TRUE(book_->Close({chat_, {}}, SealReach::kAllApps, now_).ok());
  ASSERT_TRUE(book_->Object(person_, chat_, true, now_).value());
  EXPECT_EQ(book_->OfPerson(silent).objection, Objection::kNone);
  EXPECT_FALSE(book_->overfull());
  EXPECT_EQ(book_->Close({{}, late}, SealReach::kAllApps, now_).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(book_->overfull());

  ASSERT_TRUE(book_->Object(late, chat_, true, now_).value());
  for (const bool anew : {false, true}) {
    if (anew) Reopen();
    EXPECT_FALSE(damaged_);
    EXPECT_TRUE(book_->overfull());
    EXPECT_TRUE(book_->concerns_people());
    EXPECT_EQ(book_->All().size(), 2u);
    EXPECT_EQ(book_->OfPerson(late).objection, Objection::kOffDevice);
    EXPECT_EQ(book_->OfPerson(silent).objection, Objection::kOffDevice);
    EXPECT_FALSE(book_->OfPerson(silent).sealed);
  }
  // A change that makes no room changes nothing of it.
  ASSERT_TRUE(book_->Close({{}, person_}, SealReach::kAllApps, now_).ok());
  EXPECT_TRUE(book_->overfull());

  ASSERT_TRUE(book_->Open(*book_->Find({chat_, {}})).ok());
  for (const bool anew : {false, true}) {
    if (anew) Reopen();
    EXPECT_FALSE(damaged_);
    EXPECT_FALSE(book_->overfull());
    EXPECT_EQ(book_->OfPerson(silent).objection, Objection::kNone);
  }
}

TEST_F(SealBookTest, NothingButOpenMakesItLess) {
  ASSERT_TRUE(book_->Close({{}, person_}, SealReach::kAllApps, now_).ok());
  ASSERT_TRUE(book_->Close({{}, person_}, SealReach::kOffDevice, now_).ok());
  EXPECT_TRUE(book_->OfPerson(person_).sealed);
  // Who objects to what is sealed stays as if not there.
  ASSERT_TRUE(book_->Object(person_, {}, false, now_).value());
  EXPECT_FALSE(book_->Object(person_, {}, false, now_).value());
  EXPECT_TRUE(book_->OfPerson(person_).sealed);
  // A word in clear takes nothing back that was said encrypted.
  ASSERT_TRUE(book_->Object(person_, {}, true, now_).value());
  EXPECT_FALSE(book_->TakeBack(person_, false).value());
  EXPECT_TRUE(book_->TakeBack(person_, true).value());
  EXPECT_TRUE(book_->OfPerson(person_).sealed);
  EXPECT_FALSE(book_->TakeBack(person_, true).value());
}

}  // namespace
}  // namespace postern::broker
