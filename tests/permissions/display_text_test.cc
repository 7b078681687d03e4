// SPDX-License-Identifier: Apache-2.0
#include "permissions/display_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <cctype>
#include <map>
#include <memory>
#include <random>

namespace postern::permissions {
namespace {

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(CleanName, TakesOutWhatDeceives) {
  using namespace std::string_literals;
  const std::pair<std::string, std::string> cases[] = {
      {"", "(unnamed)"},
      {" ", "(unnamed)"},
      {"\n\t\r", "(unnamed)"},
      {"\0\0"s, "(unnamed)"},
      {"\u200b", "(unnamed)"},
      {"\u2800\u2800", "(unnamed)"},
      {"\u3164", "(unnamed)"},
      {"\uffa0\u115f\u1160", "(unnamed)"},
      {"\u0301\u0302", "(unnamed)"},
      {"\U000E0041\U000E007F", "(unnamed)"},
      {"\ue000\uf8ff", "(unnamed)"},
      {"\U000F0000\U0010FFFD", "(unnamed)"},
      // Directions (Trojan Source).
      {"ab\u202edc", "abdc"},
      {"\u202aa\u202bb\u202cc\u202dd", "abcd"},
      {"\u2066a\u2067b\u2068c\u2069", "abc"},
      {"\u200ea\u200fb\u061cc", "abc"},
      // Width and joiners.
      {"Sig\u200bnal", "Signal"},
      {"Sig\u200cnal\u200d", "Signal"},
      {"\ufeffSignal", "Signal"},
      {"Sig\u2060nal", "Signal"},
      {"Sig\u00adnal", "Signal"},
      {"Sig\u034fnal", "Signal"},
      {"Sig\u180enal", "Signal"},
      {"A\ufe0f", "A"},
      {"A\U000E0100", "A"},
      {"\u2061\u2062\u2063\u2064x", "x"},
      {"\U0001D173x\U0001D159", "x"},
      {"\ufff9a\ufffab\ufffb", "ab"},
      // Lines and spaces.
      {"a\nb", "a b"},
      {"a\r\n\r\nb", "a b"},
      {"a\u2028b\u2029c", "a b c"},
      {"a\u0085b\x0b\x0c"
       "c",
       "a b c"},
      {"  a   b  ", "a b"},
      {"a\u00a0\u2003\u3000b", "a b"},
      {"a\u200b \u200b b", "a b"},
      {"\u1680x", "x"},
      // Controls and terminals.
      {"a\0b"s, "ab"},
      {"\x1b[2Jx", "[2Jx"},
      {"\x1b]0;title\x07x", "]0;titlex"},
      {"a\x7f\x08"
       "b",
       "ab"},
      {"\u009b31mred", "31mred"},
      // Markup is text here.
      {"<b>bold</b>", "<b>bold</b>"},
      {"&amp;", "&amp;"},
      {"%s%n", "%s%n"},
      {"../../etc", "../../etc"},
      // Bad bytes are seen.
      {"a\xff"
       "b",
       "a\uFFFD"
       "b"},
      {"\xc0\x80x", "\uFFFD\uFFFDx"},
      {"\xed\xa0\x80x", "\uFFFD\uFFFD\uFFFDx"},
      {"x\xe2\x82", "x\uFFFD"},
      {"\xf8\x88\x80\x80\x80z", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDz"},
      // Unassigned.
      {"a\u0378"
       "b\uffff",
       "ab"},
      // NFC, also across what is taken out.
      {"e\u0301", "\u00e9"},
      {"e\u200b\u0301", "\u00e9"},
      {"\u212b", "\u00c5"},
      {"\u1112\u1161\u11ab", "\ud55c"},
      // Marks sit on letters only.
      {"\u0301abc", "abc"},
      {"a \u0301b", "a b"},
      // Good names stay.
      {"Translator", "Translator"},
      {"Übersetzer für Änne", "Übersetzer für Änne"},
      {"переводчик", "переводчик"},
      {"翻訳アプリ", "翻訳アプリ"},
      {"मेरा अनुवादक", "मेरा अनुवादक"},
      {"עברית", "עברית"},
      {"tiếng Việt", "tiếng Việt"},
      {"🦊 Fox", "🦊 Fox"},
  };
  for (const auto& [dirty, clean] : cases) {
    EXPECT_EQ(CleanName(dirty), clean) << testing::PrintToString(dirty);
  }
}

TEST(CleanName, CutsPilesOfMarks) {
  const std::string zalgo = "x" + Repeat("\u0335\u0489", 100) + "y";
  const std::string clean = CleanName(zalgo);
  EXPECT_LE(clean.size(), 2 + 2 * static_cast<size_t>(kCombiningMarksMax));
  EXPECT_EQ(clean.front(), 'x');
  EXPECT_EQ(clean.back(), 'y');
}

TEST(CleanName, CutsAtFortyGraphemesNotInsideOne) {
  EXPECT_EQ(CleanName(std::string(40, 'x')), std::string(40, 'x'));
  EXPECT_EQ(CleanName(std::string(41, 'x')), std::string(39, 'x') + "…");
  EXPECT_EQ(CleanName(std::string(10'000, 'x')), std::string(39, 'x') + "…");
  EXPECT_EQ(CleanName(Repeat("q\u0323", 50)), Repeat("q\u0323", 39) + "…");
  EXPECT_EQ(CleanName(Repeat("🇩🇪", 50)), Repeat("🇩🇪", 39) + "…");
  EXPECT_EQ(CleanPurpose(std::string(201, 'x')), std::string(199, 'x') + "…");
}

TEST(CleanName, BoundsAGraphemeThatNeverEnds) {
  EXPECT_LT(CleanName(Repeat("\u1100", 5000)).size(), 1000u);
  EXPECT_LT(CleanName(Repeat("\u0600", 5000)).size(), 1000u);
  EXPECT_LT(CleanName(Repeat("é", 1 << 20)).size(), 100u);
}

// 16 KiB are looked at, and no character is cut in two there.
TEST(CleanName, CutsLongInputBetweenCharacters) {
  EXPECT_EQ(CleanText("x" + Repeat("é", 1 << 14), 1 << 14).find("\uFFFD"), std::string::npos);
  EXPECT_EQ(CleanName(std::string(1 << 15, '\x80')), "(unnamed)");
}

TEST(CleanName, OfNoGraphemesIsUnnamed) { EXPECT_EQ(CleanText("x", 0), "(unnamed)"); }

TEST(CleanName, IsTheSameTwice) {
  std::mt19937 engine(5);
  const std::string parts[] = {"a",      " ",      "\u0301", "\u200b", "\n",     "\xff",
                               "\u1100", "\u1161", "\u0335", "🇩",      "\u05d0", "\u202e",
                               "\u0378", "…",      "\u0915", "\u094d", "\u093f"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (unsigned n = engine() % 60; n > 0; --n) text += parts[engine() % std::size(parts)];
    const std::string clean = CleanName(text);
    EXPECT_EQ(CleanName(clean), clean) << testing::PrintToString(text);
    EXPECT_FALSE(clean.empty());
    EXPECT_EQ(clean.find('\n'), std::string::npos);
  }
}

TEST(LooksLike, FindsNamesThatPeopleWouldTakeForAnother) {
  const std::vector<std::string> known = {"Signal", "PayPal", "Translator"};
  for (const char* name : {"Signal", "signal", "SIGNAL", "S\u0456gnal", "Sign\u0430l", "Ѕіgnаl",
                           "SlGNAL", "S1gnal", "Sig nal", "Sig-nal", "Sig\u200bnal", "𝐒ignal"}) {
    EXPECT_THAT(LooksLike(name, known), testing::ElementsAre("Signal")) << name;
  }
  for (const char* name : {"PayPaI", "РауРаl", "PAYPAL", "ΡayΡal", "Pay.Pal"}) {
    EXPECT_THAT(LooksLike(name, known), testing::ElementsAre("PayPal")) << name;
  }
  EXPECT_THAT(LooksLike("Trans\u217cator", known), testing::ElementsAre("Translator"));
}

// What people see in a character, and all other characters that look so, by Unicode's table.
class LookAlikes {
 public:
  LookAlikes() : checker_(uspoof_open(&error_), &uspoof_close) {
    for (UChar32 c = 0x21; c <= UCHAR_MAX_VALUE; ++c) {
      const int8_t type = u_charType(c);
      // CJK and Hangul, most of all characters, look like none of these.
      if (type == U_UNASSIGNED || type == U_PRIVATE_USE_CHAR || type == U_SURROGATE) continue;
      if (u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC) || (c >= 0xAC00 && c <= 0xD7A3)) continue;
      by_skeleton_[Skeleton(c)].push_back(Utf8(icu::UnicodeString(c)));
    }
  }

  bool ok() const { return U_SUCCESS(error_) != 0; }
  // In UTF-8, 'c' itself among them.
  const std::vector<std::string>& Of(char c) {
    return by_skeleton_[Skeleton(static_cast<UChar32>(c))];
  }

 private:
  static std::string Utf8(const icu::UnicodeString& text) {
    std::string utf8;
    return text.toUTF8String(utf8);
  }

  std::string Skeleton(UChar32 c) {
    icu::UnicodeString skeleton;
    uspoof_getSkeletonUnicodeString(checker_.get(), 0, icu::UnicodeString(c), skeleton, &error_);
    return Utf8(skeleton);
  }

  UErrorCode error_ = U_ZERO_ERROR;
  const std::unique_ptr<USpoofChecker, decltype(&uspoof_close)> checker_;
  std::map<std::string, std::vector<std::string>> by_skeleton_;
};

constexpr std::string_view kLettersAndDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

TEST(LooksLike, FindsEveryLookAlikeOfEveryLetterAndDigit) {
  LookAlikes look_alikes;
  ASSERT_TRUE(look_alikes.ok());
  int found = 0;
  for (const char c : kLettersAndDigits) {
    int of_this = 0;
    for (const std::string& other : look_alikes.Of(c)) {
      const std::string name = CleanName("Mo" + other + "zu");
      // What is not shown, or shown as another character, deceives nobody.
      if (name != "Mo" + other + "zu") continue;
      ++of_this;
      for (const int cased : {std::tolower(c), std::toupper(c)}) {
        const std::string known = std::string("Mo") + static_cast<char>(cased) + "zu";
        EXPECT_THAT(LooksLike(name, std::vector{known}), testing::ElementsAre(known)) << name;
        EXPECT_THAT(LooksLike(known, std::vector{name}), testing::ElementsAre(name)) << name;
      }
    }
    EXPECT_GE(of_this, 5) << c;
    found += of_this;
  }
  EXPECT_GE(found, 1000);
}

TEST(LooksLike, FindsANameOfNothingButLookAlikes) {
  LookAlikes look_alikes;
  std::mt19937 engine(7);
  const std::vector<std::string> known = {"Signal", "PayPal", "Translator 2", "Quick Box Vim"};
  for (int i = 0; i < 500; ++i) {
    for (const std::string& name : known) {
      std::string other;
      for (const char c : name) {
        const std::vector<std::string>& alike = look_alikes.Of(c);
        other += c == ' ' ? " " : alike[engine() % alike.size()];
      }
      EXPECT_THAT(LooksLike(CleanName(other), known), testing::ElementsAre(name)) << other;
    }
  }
}

TEST(LooksLike, LeavesOtherNamesAlone) {
  const std::vector<std::string> known = {"Signal", "PayPal", "Translator"};
  for (const char* name : {"Sigmal", "Calendar", "翻訳", "Pal", "...", ""}) {
    EXPECT_THAT(LooksLike(name, known), testing::IsEmpty()) << name;
  }
}

TEST(IsMixedScript, FlagsOneForeignLetter) {
  for (const char* name : {"S\u0456gnal", "Pаypal", "Τranslator", "Привeт"}) {
    EXPECT_TRUE(IsMixedScript(name)) << name;
  }
}

TEST(IsMixedScript, LeavesRealWritingAlone) {
  for (const char* name : {"Signal", "Сигнал", "日本語アプリ", "LINE アプリ", "한국어 앱",
                           "Übersetzer 2", "المترجم", "🦊 Fox"}) {
    EXPECT_FALSE(IsMixedScript(name)) << name;
  }
}

}  // namespace
}  // namespace postern::permissions
