// SPDX-License-Identifier: Apache-2.0
#include "broker/search_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/limits.h"
#include "broker/rpc_status.h"

namespace postern::broker {
namespace {

TEST(SearchText, LeavesWordsWithSpacesAlone) {
  EXPECT_EQ(SeparateWords("Hello, World"), "Hello, World");
  EXPECT_EQ(SeparateWords("line\none\0two"), "line one");
  EXPECT_EQ(SeparateWords("Привет"), "Привет");
}

TEST(SearchText, MakesCharactersOfScriptsWithoutSpacesWordsOfTheirOwn) {
  EXPECT_EQ(SeparateWords("北京a"), " 北  京 a");
  EXPECT_EQ(SeparateWords("กข"), " ก  ข ");
}

TEST(SearchText, DropsWhatPeopleLeaveOut) {
  EXPECT_EQ(SeparateWords("e\xCC\x81"), "e");
  EXPECT_EQ(SeparateWords("👍🏽"), SeparateWords("👍"));
  EXPECT_EQ(SeparateWords("كِتَاب"), "كتاب");
}

TEST(SearchText, SurvivesBytesThatAreNoText) {
  for (int first = 0; first < 256; ++first) {
    const std::string bytes(1, static_cast<char>(first));
    EXPECT_LE(SeparateWords(bytes).size(), 16u);
    EXPECT_LE(SeparateWords("a" + bytes).size(), 16u);
  }
}

TEST(SearchText, LeavesOutWhatAnAnswerQuotes) {
  v1::Message message;
  message.set_text("> quoted words\n> more\nown words");
  EXPECT_NE(SearchText(message).find("quoted"), std::string::npos);
  message.mutable_reply_to()->set_message_id("1");
  message.mutable_reply_to()->set_excerpt("quoted words");
  EXPECT_EQ(SearchText(message), "own words");
}

TEST(SearchText, FindsPollsByQuestionAndAnswers) {
  v1::Message message;
  message.mutable_poll()->set_question("Where?");
  message.mutable_poll()->add_options()->set_text("Sea");
  EXPECT_EQ(SearchText(message), "\nWhere?\nSea");
}

TEST(QueryWords, QuotesEachWordSoThatNothingIsSyntax) {
  EXPECT_EQ(*QueryWords("two words"), (std::vector<std::string>{"\"two\"", "\"words\""}));
  EXPECT_EQ(*QueryWords("say \"hi\""), (std::vector<std::string>{"\"say\"", "\"\"\"hi\"\"\""}));
  EXPECT_EQ(*QueryWords("a* OR b"), (std::vector<std::string>{"\"a*\"", "\"OR\"", "\"b\""}));
  EXPECT_EQ(*QueryWords("yes ... no"), (std::vector<std::string>{"\"yes\"", "\"no\""}));
}

TEST(QueryWords, RefusesWhatHasNoWordOrTooMany) {
  std::string many;
  for (size_t i = 0; i <= kSearchWordsMax; ++i) many += "a ";
  for (const std::string& query :
       {std::string(), std::string(" \n"), std::string("?!"), std::string("\u3002\u2026"), many,
        std::string(kSearchQueryBytesMax + 1, 'a')}) {
    const absl::Status status = QueryWords(query).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << query.size();
    EXPECT_EQ(FieldOf(status), "query");
  }
}

TEST(MatchExpression, NamesChatsThatAreMeantOrThoseThatAreNot) {
  const std::vector<std::string> words = {"\"a\"", "\"b\""};
  EXPECT_EQ(MatchExpression(words, {}), "text : (\"a\" \"b\")");
  EXPECT_EQ(MatchExpression(words, {.chats = {"c1", "c2"}, .sender = "s"}),
            "(text : (\"a\" \"b\") AND sender : \"s\") AND chat : (\"c1\" OR \"c2\")");
  EXPECT_EQ(MatchExpression(words, {.chats = {"c1"}, .all_but = true}),
            "(text : (\"a\" \"b\")) NOT chat : (\"c1\")");
}

}  // namespace
}  // namespace postern::broker
