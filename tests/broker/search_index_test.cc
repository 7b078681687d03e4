// SPDX-License-Identifier: Apache-2.0
#include "broker/search_index.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/event_intake.h"
#include "broker/event_kinds.h"
#include "broker/proto_time.h"
#include "broker/search_text.h"
#include "broker/storage_limits.h"
#include "broker/word_rows.h"
#include "postern/storage/v1/stored_event.pb.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

class SearchIndexTest : public testing::Test {
 protected:
  SearchIndexTest() { Reopen(); }
  void Reopen() {
    words_.reset();
    index_.reset();
    opened_ = {};
    opened_ = *OpenLog(folder_.path());
    index_ = *MessageIndex::Open(*opened_.store, *opened_.log);
    words_ = *SearchIndex::Open(*opened_.store, *opened_.log, *index_);
  }
  Sequence Append(LogRecord record, const v1::Event& event) {
    storage::v1::StoredEvent stored;
    *stored.mutable_event() = event;
    record.body = stored.SerializeAsString();
    auto sequence = opened_.log->Append(BatchOf({std::move(record)}));
    EXPECT_TRUE(sequence.ok());
    return *sequence;
  }
  Sequence Message(uint64_t number, const std::string& text, uint64_t chat = 1) {
    v1::Event event;
    v1::Message& message = *event.mutable_message_created()->mutable_message();
    message.set_text(text);
    message.set_sender_contact_id("bob");
    return Append(MessageRecord(number, "", chat), event);
  }
  Sequence Edit(uint64_t number, const std::string& text) {
    v1::Event event;
    event.mutable_message_edited()->set_text(text);
    event.mutable_message_edited()->set_sender_contact_id("bob");
    return Append(MessageRecord(number, "", 1, kMessageEdited), event);
  }
  std::vector<Sequence> Found(const std::string& query, const SearchScope& scope = {}) {
    EXPECT_TRUE(words_->CatchUp(opened_.log->last_sequence(), absl::InfiniteDuration()).ok());
    const auto hits = *words_->Find(MatchExpression(*QueryWords(query), scope), kPlaceEnd, 0, 1000);
    std::vector<Sequence> sequences;
    for (const SearchIndex::Hit& hit : hits) sequences.push_back(hit.sequence);
    return sequences;
  }
  // Whether the bytes stand anywhere in the index's own pages.
  bool IsKept(const std::string& word) {
    int64_t count = 0;
    EXPECT_TRUE(opened_.store
                    ->Read([&](Database& database) -> absl::Status {
                      for (const char* table : {"SELECT count(*) FROM message_words_data "
                                                "WHERE instr(block, CAST(?1 AS BLOB)) > 0",
                                                "SELECT count(*) FROM message_words_content "
                                                "WHERE instr(c2, ?1) > 0"}) {
                        auto rows = database.Prepare(table);
                        if (!rows.ok()) return rows.status();
                        rows->Bind(1, word);
                        if (auto row = rows->Step(); !row.ok()) return row.status();
                        count += rows->Integer(0);
                      }
                      return absl::OkStatus();
                    })
                    .ok());
    return count > 0;
  }

  ScratchFolder folder_;
  OpenedLog opened_;
  std::unique_ptr<MessageIndex> index_;
  std::unique_ptr<SearchIndex> words_;
};

TEST_F(SearchIndexTest, FindsByWordChatAndSender) {
  const Sequence first = Message(1, "the cat", 1);
  const Sequence second = Message(2, "the dog", 2);
  EXPECT_EQ(Found("the"), (std::vector<Sequence>{second, first}));
  const std::string chat = WordOf(IdOf<permissions::ChatId>(1));
  EXPECT_EQ(Found("the", {.chats = {chat}}), (std::vector<Sequence>{first}));
  EXPECT_EQ(Found("the", {.chats = {chat}, .all_but = true}), (std::vector<Sequence>{second}));
  EXPECT_EQ(Found("the", {.sender = WordOf(IdOf<permissions::ContactId>(7))}).size(), 2u);
  EXPECT_TRUE(Found("the", {.sender = WordOf(IdOf<permissions::ContactId>(8))}).empty());
  // What a row says of itself is no text that could be looked for.
  EXPECT_TRUE(Found(chat).empty());
}

TEST_F(SearchIndexTest, WordsGoForGoodInTheCommitThatErasesThem) {
  const Sequence canary = Message(1, "canary sings");
  const Sequence sparrow = Message(2, "sparrow sings");
  EXPECT_EQ(Found("sings").size(), 2u);
  EXPECT_TRUE(IsKept("canary"));
  for (const ErasedBy by : {ErasedBy::kDelete, ErasedBy::kRetention}) {
    ASSERT_TRUE(opened_.log->Erase({by == ErasedBy::kDelete ? canary : sparrow}, by).ok());
    EXPECT_FALSE(IsKept("canary"));
  }
  EXPECT_FALSE(IsKept("sparrow"));
  EXPECT_TRUE(Found("sings").empty());
}

TEST_F(SearchIndexTest, WhatWasErasedBeforeItWasIndexedNeverComesIn) {
  const Sequence canary = Message(1, "canary sings");
  ASSERT_TRUE(opened_.log->Erase({canary}, ErasedBy::kRetention).ok());
  EXPECT_TRUE(Found("sings").empty());
  EXPECT_FALSE(IsKept("canary"));
}

TEST_F(SearchIndexTest, AnEditsWordsGoWithTheEdit) {
  Message(1, "canary sings");
  EXPECT_EQ(Found("canary").size(), 1u);
  const Sequence first = Edit(1, "finch sings");
  EXPECT_EQ(Found("finch").size(), 1u);
  const Sequence second = Edit(1, "sparrow sings");
  EXPECT_EQ(Found("sparrow").size(), 1u);
  EXPECT_TRUE(Found("finch").empty());
  EXPECT_FALSE(IsKept("finch"));
  // An edit that is no longer the latest takes nothing along.
  ASSERT_TRUE(opened_.log->Erase({first}, ErasedBy::kRetention).ok());
  EXPECT_EQ(Found("sparrow").size(), 1u);
  ASSERT_TRUE(opened_.log->Erase({second}, ErasedBy::kRetention).ok());
  EXPECT_TRUE(Found("sparrow").empty());
  EXPECT_FALSE(IsKept("sparrow"));
}

TEST_F(SearchIndexTest, GoesOnAfterARestart) {
  for (uint64_t i = 1; i <= 3 * kWordsSlice; ++i) Message(i, "word " + std::to_string(i));
  EXPECT_EQ(Found("word").size(), 3 * kWordsSlice);
  Reopen();
  EXPECT_EQ(words_->indexed_through(), 3 * kWordsSlice);
  const Sequence next = Message(9999, "word again");
  EXPECT_EQ(Found("word").front(), next);
  EXPECT_EQ(Found("again").size(), 1u);
}

}  // namespace
}  // namespace postern::broker
