// SPDX-License-Identifier: Apache-2.0
#include "clients/owner/visible_text.h"

#include <gtest/gtest.h>

namespace postern::cli {
namespace {

using owner::DisplayWidth;
using owner::Shortened;
using owner::VisibleText;

TEST(VisibleText, NeverPassesAnEscapeSequenceOn) {
  EXPECT_EQ(VisibleText("\x1b[2J\x1b]0;title\x07"), "\\x1b[2J\\x1b]0;title\\x07");
  // The eight-bit form of the same: U+009B is CSI.
  EXPECT_EQ(VisibleText("\xc2\x9b"
                        "31m"),
            "\\u{9b}31m");
}

TEST(VisibleText, WritesOutControlsThatReorderOrHide) {
  EXPECT_EQ(VisibleText("a\u202eb"), "a\\u{202e}b");
  EXPECT_EQ(VisibleText("a\u2066b\u2069"), "a\\u{2066}b\\u{2069}");
  EXPECT_EQ(VisibleText("a\u200bb\ufeff"), "a\\u{200b}b\\u{feff}");
  EXPECT_EQ(VisibleText("\U000e0041"), "\\u{e0041}");
}

TEST(VisibleText, KeepsOneLine) {
  EXPECT_EQ(VisibleText("one\ntwo\r\nthree\u2028four"), "one ⏎ two ⏎ three ⏎ four");
  EXPECT_EQ(VisibleText("one\rtwo"), "one\\x0dtwo");
}

TEST(VisibleText, WritesOutBytesThatAreNotUtf8) {
  EXPECT_EQ(VisibleText("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(VisibleText("\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(VisibleText(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(VisibleText, LeavesWhatPeopleWriteAlone) {
  for (const char* text :
       {"Grüße, żółć", "שלום", "こんにちは", "👩‍👩‍👧 👍🏽", "می‌خواهم"}) {
    EXPECT_EQ(VisibleText(text), text);
  }
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("日本"), 4);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
}

TEST(Shortened, NeverExceedsItsColumns) {
  EXPECT_EQ(Shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(Shortened("abcdefg", 6), "abcde…");
  EXPECT_LE(DisplayWidth(Shortened("日本語日本語", 6)), 6);
}

}  // namespace
}  // namespace postern::cli
