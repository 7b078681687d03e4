// SPDX-License-Identifier: Apache-2.0
// Search finds what an app sees, by the words it sees, and nothing else; nor can it count the rest.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/proto_time.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using Texts = std::vector<std::string>;

class SearchTest : public testing::Test {
 protected:
  static v1::SearchMessagesRequest For(const std::string& query) {
    v1::SearchMessagesRequest request;
    request.set_query(query);
    return request;
  }
  v1::SearchMessagesResponse Search(const Program& app, const v1::SearchMessagesRequest& request) {
    v1::SearchMessagesResponse response;
    const grpc::Status status = app->message->SearchMessages(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return response;
  }
  Texts Found(const Program& app, const v1::SearchMessagesRequest& request) {
    Texts texts;
    const v1::SearchMessagesResponse response = Search(app, request);
    for (const v1::Message& message : response.messages()) texts.push_back(message.text());
    return texts;
  }
  Texts Found(const std::string& query) { return Found(app_, For(query)); }
  grpc::Status Refused(const v1::SearchMessagesRequest& request) {
    v1::SearchMessagesResponse response;
    return app_->message->SearchMessages(Patiently().get(), request, &response);
  }

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
  bool chats_ = adapter_.PushDurably({ChatEvent("club", "club"), ChatEvent("work", "work")});
  Program app_ = harness_.App(
      "Finder", {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesSearch, kContactsRead});
};

TEST_F(SearchTest, FindsAllWordsNewestFirstInAnyScript) {
  ASSERT_TRUE(adapter_.PushDurably({
      MessageEvent("club", "1", "Shall we meet at the Café on Friday?"),
      MessageEvent("work", "2", "The café is closed"),
      MessageEvent("club", "3", "今天我们去北京吃饭"),
      MessageEvent("club", "4", "東京でラーメンを食べました"),
      MessageEvent("club", "5", "สวัสดีครับ ไปกินข้าวกัน"),
      MessageEvent("club", "6", "내일 학교에서 만나요"),
      MessageEvent("club", "7", "Встретимся завтра"),
      MessageEvent("club", "8", "well done 👍🏽"),
      MessageEvent("club", "9", "Cafe\xCC\x81 again"),
  }));
  EXPECT_EQ(Found("cafe"), (Texts{"Cafe\xCC\x81 again", "The café is closed",
                                  "Shall we meet at the Café on Friday?"}));
  EXPECT_EQ(Found("CAFÉ friday").size(), 1u);
  EXPECT_EQ(Found("caf").size(), 0u);
  // Words of one, two and three characters, where nobody writes spaces.
  EXPECT_EQ(Found("北京").size(), 1u);
  EXPECT_EQ(Found("饭").size(), 1u);
  EXPECT_EQ(Found("京北").size(), 0u);
  EXPECT_EQ(Found("東京").size(), 1u);
  EXPECT_EQ(Found("ラーメン").size(), 1u);
  EXPECT_EQ(Found("ข้าว").size(), 1u);
  EXPECT_EQ(Found("학교").size(), 1u);
  EXPECT_EQ(Found("завтра").size(), 1u);
  EXPECT_EQ(Found("👍").size(), 1u);
}

TEST_F(SearchTest, WhatSearchLanguagesMeanBySignsIsDataHere) {
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "alpha beta"),
                                    MessageEvent("club", "2", "gamma NOT delta"),
                                    MessageEvent("club", "3", "chat text sender")}));
  EXPECT_EQ(Found("gamma NOT delta").size(), 1u);
  for (const char* query :
       {"alpha OR gamma", "alp*", "\"", "alpha\"", "^alpha NEAR(beta, 2)", "chat:alpha",
        "{text}: alpha", "alpha' OR '1'='1", "alpha) OR (gamma", "text : (\"alpha\")",
        "alpha -beta; DROP TABLE events", "rank MATCH 'bm25'", "%s%n\\"}) {
    v1::SearchMessagesResponse response;
    const grpc::Status status =
        app_->message->SearchMessages(Patiently().get(), For(query), &response);
    // Where there is a word in it, all words must occur; of these none has that.
    if (status.ok()) {
      for (const v1::Message& message : response.messages()) {
        EXPECT_EQ(message.text(), "alpha beta") << query;
      }
    } else {
      EXPECT_EQ(InfoOf(status).metadata().at("field"), "query") << query;
    }
  }
  EXPECT_EQ(Found("alpha OR gamma").size(), 0u);
  EXPECT_EQ(Found("alp*").size(), 0u);
  EXPECT_EQ(Found("\"alpha").size(), 1u);
}

TEST_F(SearchTest, MalformedIsRefusedByItsField) {
  const auto field_of = [&](const v1::SearchMessagesRequest& request) {
    const grpc::Status status = Refused(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << Text(status);
    return InfoOf(status).metadata().count("field") == 0 ? std::string()
                                                         : InfoOf(status).metadata().at("field");
  };
  EXPECT_EQ(field_of(For("")), "query");
  EXPECT_EQ(field_of(For(" \t\n")), "query");
  EXPECT_EQ(field_of(For("!!! ?")), "query");
  EXPECT_EQ(field_of(For(std::string(broker::kSearchQueryBytesMax + 1, 'a'))), "query");
  std::string many;
  for (size_t i = 0; i <= broker::kSearchWordsMax; ++i) many += "a ";
  EXPECT_EQ(field_of(For(many)), "query");
  v1::SearchMessagesRequest request = For("word");
  request.set_chat_id("club");
  EXPECT_EQ(field_of(request), "chat_id");
  request = For("word");
  request.set_sender_contact_id("%");
  EXPECT_EQ(field_of(request), "sender_contact_id");
  request = For("word");
  request.set_page_size(-1);
  EXPECT_EQ(field_of(request), "page_size");
  request = For("word");
  request.set_page_token("x");
  EXPECT_EQ(field_of(request), "page_token");
}

TEST_F(SearchTest, PagesByTokensThatBelongToTheirQuery) {
  std::vector<v1::Event> events;
  for (int i = 0; i < 25; ++i) {
    events.push_back(MessageEvent("club", std::to_string(i), "word " + std::to_string(i)));
  }
  ASSERT_TRUE(adapter_.PushDurably(events));
  v1::SearchMessagesRequest request = For("word");
  request.set_page_size(10);
  Texts found;
  for (int page = 0; page < 5; ++page) {
    const v1::SearchMessagesResponse response = Search(app_, request);
    // Of when it was asked, not of when something came last, maybe elsewhere.
    EXPECT_EQ(broker::FromProto(response.indexed_through_time()), harness_.clock().Now());
    for (const v1::Message& message : response.messages()) found.push_back(message.text());
    // News in between is on no later page.
    ASSERT_TRUE(
        adapter_.PushDurably({MessageEvent("club", "n" + std::to_string(page), "word of news")}));
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  ASSERT_EQ(found.size(), 25u);
  EXPECT_EQ(found.front(), "word 24");
  EXPECT_EQ(found.back(), "word 0");
  v1::SearchMessagesRequest other = request;
  other.set_query("news");
  EXPECT_EQ(InfoOf(Refused(other)).metadata().at("field"), "page_token");
}

TEST_F(SearchTest, FiltersByChatSenderAndTime) {
  const absl::Time start = harness_.clock().Now();
  v1::Event carols = MessageEvent("club", "2", "word of carol");
  carols.mutable_message_created()->mutable_message()->set_sender_contact_id("carol");
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("work", "1", "word at work"), carols}));
  harness_.clock().Advance(absl::Hours(1));
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "3", "word later")}));
  v1::SearchMessagesRequest request = For("word");
  request.set_chat_id(ChatIdOf(app_, "club"));
  EXPECT_EQ(Found(app_, request), (Texts{"word later", "word of carol"}));
  request = For("word");
  request.set_sender_contact_id(Search(app_, For("carol")).messages(0).sender_contact_id());
  EXPECT_EQ(Found(app_, request), (Texts{"word of carol"}));
  request = For("word");
  *request.mutable_start_time() = broker::ToProto(start + absl::Minutes(30));
  EXPECT_EQ(Found(app_, request), (Texts{"word later"}));
  request = For("word");
  *request.mutable_end_time() = broker::ToProto(start + absl::Minutes(30));
  EXPECT_EQ(Found(app_, request), (Texts{"word of carol", "word at work"}));
}

TEST_F(SearchTest, FollowsEditsAndForgetsWhatIsDeletedOrExpires) {
  v1::Event expired;
  expired.set_chat_id("club");
  expired.mutable_message_expired()->set_message_id("3");
  ASSERT_TRUE(adapter_.PushDurably(
      {EditEvent("club", "4", "early second thoughts"), MessageEvent("club", "1", "canary one"),
       MessageEvent("club", "2", "canary two"), MessageEvent("club", "3", "canary three"),
       MessageEvent("club", "4", "canary four")}));
  EXPECT_EQ(Found("canary").size(), 3u);
  EXPECT_EQ(Found("thoughts"), (Texts{"early second thoughts"}));
  ASSERT_TRUE(adapter_.PushDurably(
      {EditEvent("club", "1", "sparrow one"), DeleteEvent("club", "2"), expired}));
  EXPECT_EQ(Found("canary").size(), 0u);
  EXPECT_EQ(Found("sparrow"), (Texts{"sparrow one"}));
  ASSERT_TRUE(adapter_.PushDurably({EditEvent("club", "1", "finch one")}));
  EXPECT_EQ(Found("sparrow").size(), 0u);
  EXPECT_EQ(Found("finch").size(), 1u);
  adapter_.End();
  harness_.Restart();
  app_ = harness_.Reconnect(app_);
  EXPECT_EQ(Found("canary").size(), 0u);
  EXPECT_EQ(Found("finch").size(), 1u);
}

TEST_F(SearchTest, AQuotationDoesNotGiveAwayWhatItQuotes) {
  v1::Event reply = MessageEvent("club", "2", "> the canary sings\nhow lovely");
  v1::ReplyTo& quote = *reply.mutable_message_created()->mutable_message()->mutable_reply_to();
  quote.set_message_id("1");
  quote.set_sender_contact_id("carol");
  quote.set_excerpt("the canary sings");
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "the canary sings")}));
  harness_.clock().Advance(absl::Hours(1));
  const Program newcomer = harness_.App("Newcomer", {kChatsRead, kMessagesRead, kMessagesSearch});
  ASSERT_TRUE(adapter_.PushDurably({reply}));
  EXPECT_EQ(Found("canary"), (Texts{"the canary sings"}));
  EXPECT_EQ(Found("lovely").size(), 1u);
  // Without history: only from the grant on, and nothing by the words of before.
  EXPECT_EQ(Found(newcomer, For("canary")).size(), 0u);
  EXPECT_EQ(Found(newcomer, For("lovely")), (Texts{"how lovely"}));
}

TEST_F(SearchTest, ShowsNoMoreThanTheOtherScopesShow) {
  const Program who =
      harness_.App("Who", {kChatsRead, kMessagesMetadata, kMessagesHistory, kMessagesSearch});
  const Program here = harness_.App(
      "Here", {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesSearch}, {.chats = {"work"}});
  const Program blind = harness_.App("Blind", {kChatsRead, kMessagesRead, kMessagesHistory});
  v1::Event vanishing = MessageEvent("work", "3", "canary that vanishes");
  vanishing.mutable_message_created()->mutable_message()->set_view_once(true);
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "1", "canary in the club"),
                                    MessageEvent("work", "2", "canary at work"), vanishing}));
  EXPECT_EQ(Found("canary"), (Texts{"canary at work", "canary in the club"}));
  EXPECT_EQ(Found(who, For("canary")).size(), 0u);
  EXPECT_EQ(Found(here, For("canary")), (Texts{"canary at work"}));
  v1::SearchMessagesRequest request = For("canary");
  request.set_chat_id(ChatIdOf(app_, "club"));
  v1::SearchMessagesResponse response;
  // Another's id, and the id of a chat that is not open: both are of nothing.
  const grpc::Status foreign = here->message->SearchMessages(Patiently().get(), request, &response);
  EXPECT_EQ(foreign.error_code(), grpc::StatusCode::NOT_FOUND) << Text(foreign);
  const grpc::Status unscoped =
      blind->message->SearchMessages(Patiently().get(), For("canary"), &response);
  EXPECT_EQ(ReasonOf(unscoped), "SCOPE_REQUIRED") << Text(unscoped);
}

TEST_F(SearchTest, WhatIsSealedIsNotFoundNorCounted) {
  std::vector<v1::Event> events;
  for (int i = 0; i < 300; ++i) {
    v1::Event event = MessageEvent("club", std::to_string(i), "word " + std::to_string(i));
    // Of the newest hundred none is Bob's.
    if (i >= 200 || i % 2 == 0) {
      event.mutable_message_created()->mutable_message()->set_sender_contact_id("mallory");
    }
    events.push_back(event);
  }
  v1::Event chat = ChatEvent("club", "club");
  chat.mutable_chat_created()->mutable_chat()->set_kind(v1::CHAT_KIND_GROUP);
  for (const char* person : {"self", "bob", "mallory"}) {
    v1::Participant& one = *chat.mutable_chat_created()->mutable_chat()->add_participants();
    one.set_contact_id(person);
    one.set_display_name(person);
  }
  events.insert(events.begin(), chat);
  ASSERT_TRUE(adapter_.PushDurably(events));
  ASSERT_EQ(Search(app_, For("word")).messages(0).text(), "word 299");
  const Program owner = harness_.Owner();
  v1::ListOwnedChatsResponse owned;
  ASSERT_TRUE(owner->owner->ListOwnedChats(Patiently().get(), {}, &owned).ok());
  v1::SealRequest seal;
  seal.set_request_id(harness_.NewRequestId());
  for (const v1::Chat& one : owned.chats()) {
    for (const v1::Participant& person : one.participants()) {
      if (person.display_name() == "mallory") seal.set_contact_id(person.contact_id());
    }
  }
  v1::SealResponse sealed;
  const grpc::Status status = owner->owner->Seal(Patiently().get(), seal, &sealed);
  ASSERT_TRUE(status.ok()) << Text(status);
  const v1::SearchMessagesResponse response = Search(app_, For("word"));
  // The page is full all the same: nothing tells that hits were passed over.
  EXPECT_EQ(response.messages_size(), 50);
  EXPECT_EQ(response.messages(0).text(), "word 199");
}

}  // namespace
}  // namespace postern::behaviors
