// SPDX-License-Identifier: Apache-2.0
// What the assistant makes of other people's texts, and what it takes as arguments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "clients/assistant/arguments.h"
#include "clients/assistant/problem.h"
#include "clients/assistant/untrusted.h"
#include "clients/sdk/errors.h"

namespace postern::assistant {
namespace {

TEST(OtherPeoplesWords, AreKeptAsTheyAreSeen) {
  for (const std::string text : {"", "plain", "two\nlines\tand a tab", "¿qué?", "日本語",
                                 "👩‍👩‍👧 family", "e\u0301"}) {
    EXPECT_EQ(Visible(text), text);
  }
}

TEST(OtherPeoplesWords, LoseWhatNobodySees) {
  EXPECT_EQ(Visible(std::string("a\0b\x1b[2Jc\x7f", 9)), "ab[2Jc");
  EXPECT_EQ(Visible("a\u202Eb\u2066c\uFEFFd\u2060e"), "abcde");
  EXPECT_EQ(Visible("x\U000E0041\U000E007F\U000E0FFFy"), "xy");
  EXPECT_EQ(Visible("a\u0085b"), "ab");
  EXPECT_EQ(Visible("a\u00ADb\u061Cc\u180Ed\u200Be\u200Ef\u200Fg\u115Fh\u1160i\u3164j\uFFA0k"),
            "abcdefghijk");
  EXPECT_EQ(Visible("a\u200Cb\u200Dc"), "a\u200Cb\u200Dc");  // some writing needs them
}

TEST(OtherPeoplesWords, AreValidWhateverTheBytesWere) {
  const std::string mark = "\uFFFD";
  EXPECT_EQ(Visible("\xC3"), mark);  // cut
  EXPECT_EQ(Visible("a\xFF"
                    "b"),
            "a" + mark + "b");                                        // never a first byte
  EXPECT_EQ(Visible("\xE0\x80\xAF"), mark + mark + mark);             // overlong
  EXPECT_EQ(Visible("\xED\xA0\x80"), mark + mark + mark);             // half a surrogate
  EXPECT_EQ(Visible("\xF4\x90\x80\x80"), mark + mark + mark + mark);  // beyond the last
  EXPECT_EQ(Visible("\xC0\xAF"), mark + mark);
}

TEST(OtherPeoplesWords, AreCutBetweenCharacters) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "abc");
  EXPECT_EQ(Shortened("aé", 2), "a");
  EXPECT_EQ(Shortened("日本", 5), "日");
  EXPECT_EQ(Shortened("👍", 3), "");
}

Json Schema() {
  return ObjectSchema({Id("id", ""), Number("count", 1, 5, 3, ""), Time("after", "")});
}

TEST(Problems, BlameNobodyForTheUsersRest) {
  const absl::Status silenced = sdk::MakeError(absl::StatusCode::kResourceExhausted,
                                               v1::ERROR_REASON_CONSENT_SILENCED, "raw words");
  EXPECT_EQ(Problem(silenced),
            "The user cannot be asked just now: Postern asks its user at most a few questions an "
            "hour, for all programs together, and for one program not again at once; it can ask "
            "again later.");
  EXPECT_FALSE(IsNo(silenced));
  EXPECT_FALSE(IsNo(absl::UnavailableError("no posternd")));
  EXPECT_TRUE(IsNo(sdk::MakeError(absl::StatusCode::kPermissionDenied,
                                  v1::ERROR_REASON_CONSENT_REFUSED, "the user said no")));
}

TEST(ArgumentsOfACall, AreReadAsTheSchemaSays) {
  const auto given =
      Arguments::Check({{"id", "x"}, {"count", 5}, {"after", "2026-11-21T18:00:00Z"}}, Schema());
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(given->Text("id"), "x");
  EXPECT_EQ(given->Number("count"), 5);
  EXPECT_EQ(absl::ToUnixSeconds(*given->Time("after")), 1795284000);
  const auto less = Arguments::Check({{"id", "x"}}, Schema());
  ASSERT_TRUE(less.ok()) << less.status();
  EXPECT_EQ(less->Number("count"), 3);
  EXPECT_FALSE(less->Time("after").has_value());
}

TEST(ArgumentsOfACall, AreRefusedByTheNameOfTheField) {
  const auto refused = [](const Json& arguments) {
    return std::string(Arguments::Check(arguments, Schema()).status().message());
  };
  EXPECT_THAT(refused(Json::array()), testing::HasSubstr("must be an object"));
  EXPECT_THAT(refused(Json::object()), testing::HasSubstr("id: is missing"));
  EXPECT_THAT(refused({{"id", nullptr}}), testing::HasSubstr("id: must be a text"));
  for (const Json& count : {Json(0), Json(6), Json(-1), Json(2.5), Json("3"), Json(UINT64_MAX),
                            Json(INT64_MIN), Json(true)}) {
    EXPECT_THAT(refused({{"id", "x"}, {"count", count}}),
                testing::StartsWith("count: must be a whole number from 1 to 5"));
  }
  EXPECT_THAT(refused({{"id", "x"}, {"after", "tomorrow"}}),
              testing::StartsWith("after: must be a time"));
  EXPECT_THAT(refused({{"id", "x"}, {"a\u202Eb\n", 1}}), testing::StartsWith("ab"));
}

}  // namespace
}  // namespace postern::assistant
