// SPDX-License-Identifier: Apache-2.0
// Formatting there and back, and the XML that the bridge makes of texts that people wrote.
#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "clients/xmpp_bridge/stanzas.h"
#include "clients/xmpp_bridge/store.h"
#include "clients/xmpp_bridge/styling.h"
#include "clients/xmpp_bridge/wire.h"

namespace postern::xmpp_bridge {
namespace {

using Style = v1::FormattingSpan;
using Marked = std::tuple<uint32_t, uint32_t, Style::Style>;

Spans Of(const std::vector<Marked>& marked) {
  Spans spans;
  for (const auto& [start, length, style] : marked) {
    auto* span = spans.Add();
    span->set_start(start);
    span->set_length(length);
    span->set_style(style);
  }
  return spans;
}

std::vector<Marked> In(const Unstyled& text) {
  std::vector<Marked> marked;
  for (const auto& span : text.spans) {
    marked.emplace_back(span.start(), span.length(), span.style());
  }
  return marked;
}

struct Row {
  std::string text;
  std::vector<Marked> spans;
  std::string styled;
};

TEST(Styling, GoesThereAndComesBack) {
  const std::vector<Row> rows = {
      {"plain", {}, "plain"},
      {"all bold", {{0, 8, Style::STYLE_BOLD}}, "*all bold*"},
      {"über alles", {{0, 5, Style::STYLE_ITALIC}}, "_über_ alles"},
      {"a b c", {{2, 1, Style::STYLE_CODE}}, "a `b` c"},
      {"gone", {{0, 4, Style::STYLE_STRIKETHROUGH}}, "~gone~"},
      {"both here", {{0, 9, Style::STYLE_BOLD}, {5, 4, Style::STYLE_ITALIC}}, "*both _here_*"},
      {"said\nI agree", {{0, 4, Style::STYLE_QUOTE}}, "> said\nI agree"},
      {"x = 1\ny = 2", {{0, 11, Style::STYLE_CODE_BLOCK}}, "```\nx = 1\ny = 2\n```"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(ToStyled(row.text, Of(row.spans)), row.styled);
    const Unstyled back = FromStyled(row.styled);
    EXPECT_EQ(back.text, row.text);
    EXPECT_EQ(In(back), row.spans) << row.styled;
  }
}

TEST(Styling, LeavesAloneWhatIsNotStyling) {
  for (const char* text : {"2 * 3 * 4", "snake_case_name", "a*b", "**", "* item", "5~6",
                           "unclosed *bold", "```never closed", ""}) {
    const Unstyled back = FromStyled(text);
    EXPECT_EQ(back.text, text);
    EXPECT_TRUE(back.spans.empty()) << text;
  }
}

TEST(Styling, SaysWhereALinkLeads) {
  Spans spans = Of({{4, 4, Style::STYLE_LINK}});
  spans[0].set_argument("https://example.org/");
  EXPECT_EQ(ToStyled("see this", spans), "see this (https://example.org/)");
}

TEST(Styling, SpansBeyondTheTextAreIgnored) {
  EXPECT_EQ(ToStyled("short", Of({{3, 90, Style::STYLE_BOLD}, {90, 1, Style::STYLE_BOLD}})),
            "short");
}

TEST(Styling, BearsWhateverComes) {
  std::mt19937 random(5);
  const std::string letters = "*_~`> \na\xC3\xA4";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (int i = 0; i < 24; ++i) text.push_back(letters[random() % letters.size()]);
    const Unstyled back = FromStyled(text);
    for (const auto& span : back.spans) {
      ASSERT_LE(span.start() + span.length(), back.text.size()) << text;
      ASSERT_GT(span.length(), 0u) << text;
    }
  }
}

TEST(Stanzas, CarryHostileTextsAsText) {
  const Route route{"a@bridge.example", "b@example.org", false, "<nick>\"&"};
  for (const std::string text :
       {"</body><evil xmlns='x'/>", "a & b < c > d \" '", "nul\x01\x02 here", "\xEF\xBF\xBF!"}) {
    const TagPtr read = ParseTag(TextStanza(route, "id'\"<", text, {}, absl::InfiniteFuture()));
    ASSERT_NE(read, nullptr) << text;
    EXPECT_EQ(ChildText(*read, "body"), Clean(text));
    EXPECT_EQ(read->findChild("evil"), nullptr);
    EXPECT_EQ(read->findAttribute("id"), "id'\"<");
  }
}

TEST(Stanzas, AReplysFallbackIsExactlyTheQuotation) {
  const TagPtr read = ParseTag(TextStanza({"a@b", "c@d", false, ""}, "1", "ja",
                                          {"0", "c@d", "Größe\n😀"}, absl::InfiniteFuture()));
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(ChildText(*read, "body"), "> Größe\n> 😀\nja");
  const gloox::Tag* fallback = Child(*read, "fallback", kFallback);
  ASSERT_NE(fallback, nullptr);
  const gloox::Tag* part = Child(*fallback, "body", kFallback);
  ASSERT_NE(part, nullptr);
  EXPECT_EQ(part->findAttribute("end"), "12");  // characters, not bytes
}

TEST(Nodes, AreReadableStableAndDifferent) {
  EXPECT_EQ(MakeNode("Alice Novak", "1"), MakeNode("Alice Novak", "1"));
  EXPECT_NE(MakeNode("Alice Novak", "1"), MakeNode("Alice Novak", "2"));
  EXPECT_EQ(MakeNode("Alice Novak", "1").substr(0, 12), "alice-novak-");
  for (const char character : MakeNode("ゆき @/<>& -", "1")) {
    EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(character)) || character == '-');
  }
}

}  // namespace
}  // namespace postern::xmpp_bridge
