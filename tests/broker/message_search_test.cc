// SPDX-License-Identifier: Apache-2.0
// How much one page of a search looks at. What it finds is tests/behaviors/search_test.cc's.
#include "broker/message_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/proto_time.h"
#include "broker/search_text.h"
#include "postern/storage/v1/stored_event.pb.h"
#include "tests/broker/directory_fixture.h"

namespace postern::broker {
namespace {

using permissions::Grant;
using permissions::Principal;
using permissions::Scope;

class MessageSearchTest : public testing::Test {
 protected:
  void SetUp() override {
    opened_ = *OpenLog(folder_.path());
    index_ = *MessageIndex::Open(*opened_.store, *opened_.log);
    words_ = *SearchIndex::Open(*opened_.store, *opened_.log, *index_);
    history_ = std::make_unique<History>(*opened_.log, *index_);
    account_ = std::make_unique<OneAccount>(*opened_.store);
    chat_ = account_->Begin("club");
    for (const Scope scope : {Scope::kChatsRead, Scope::kMessagesRead, Scope::kMessagesHistory,
                              Scope::kMessagesSearch}) {
      grant_.scopes.Add(scope);
    }
    grant_.principal = app_.principal = principal_;
    grant_.selection.accounts = {account_->id()};
    grant_.selection.chat_choice = permissions::ChatChoice::kAllAndNew;
  }

  // Messages of the chat, all with the same word in them.
  void Append(int count, absl::Time written) {
    std::vector<LogRecord> records;
    for (int i = 0; i < count; ++i) {
      storage::v1::StoredEvent stored;
      v1::Message& message = *stored.mutable_event()->mutable_message_created()->mutable_message();
      message.set_text("word " + std::to_string(++messages_));
      message.set_chat_id(IdText(chat_));
      *message.mutable_create_time() = ToProto(written);
      records.push_back(MessageRecord(messages_, stored.SerializeAsString()));
      records.back().account = account_->id();
      records.back().chat = chat_;
    }
    ASSERT_TRUE(opened_.log->Append(BatchOf(std::move(records))).ok());
  }
  // Page by page, by a search that passes over 'rows_max' rows a page: how many each found.
  std::vector<size_t> Pages(const MessageSearch::Query& query, size_t rows_max) {
    MessageSearch search(*opened_.log, *words_, *history_, rows_max);
    EXPECT_TRUE(words_->CatchUp(opened_.log->last_sequence(), absl::InfiniteDuration()).ok());
    const Viewer viewer{
        app_, {.grants = {&grant_, 1}}, pseudonyms_, account_->directory(), *history_, now_};
    std::vector<size_t> found;
    Place before = kPlaceEnd;
    do {
      const auto page = search.Find(viewer, query, before, 100);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      found.push_back(page->messages.size());
      before = page->next_before;
    } while (before != 0 && found.size() < 100);
    return found;
  }

  const Principal principal_ = Principal::FromRaw(std::string(32, 'p'));
  const permissions::Pseudonyms pseudonyms_{TestKey().span(), principal_, 1};
  const absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  ScratchFolder folder_;
  OpenedLog opened_;
  std::unique_ptr<MessageIndex> index_;
  std::unique_ptr<SearchIndex> words_;
  std::unique_ptr<History> history_;
  std::unique_ptr<OneAccount> account_;
  AppSnapshot app_;
  Grant grant_;
  permissions::ChatId chat_;
  uint64_t messages_ = 0;
};

TEST_F(MessageSearchTest, WhatIsOfAnotherTimeIsPassedOverInBoundedStepsAndHidesNothing) {
  Append(5, now_ - absl::Hours(2));
  Append(300, now_);
  MessageSearch::Query query;
  query.words = {"word"};
  query.asked = now_;
  query.end = now_ - absl::Hours(1);
  // Rows are read by 64; after each page but the last one there is a place to go on from.
  EXPECT_THAT(Pages(query, 100), testing::ElementsAre(0u, 0u, 5u));
  EXPECT_THAT(Pages(query, 1), testing::ElementsAre(0u, 0u, 0u, 0u, 5u));
  EXPECT_THAT(Pages(query, kSearchRowsMax), testing::ElementsAre(5u));
}

}  // namespace
}  // namespace postern::broker
