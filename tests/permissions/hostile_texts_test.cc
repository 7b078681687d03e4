// SPDX-License-Identifier: Apache-2.0
// Three hundred hostile names and purposes, from the stranger's bytes to the grant. What the window
// makes of them is in tests/consent/window_test.py.
#include "tests/permissions/hostile_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unicode/brkiter.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <map>
#include <set>

#include "permissions/consent_question.h"
#include "permissions/display_text.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

using testing::PrintToString;

bool MayBeShown(UChar32 character) {
  switch (u_charType(character)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_SURROGATE:
    case U_PRIVATE_USE_CHAR:
    case U_UNASSIGNED:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return false;
    case U_SPACE_SEPARATOR:
      return character == ' ';
    default:
      return !u_hasBinaryProperty(character, UCHAR_BIDI_CONTROL) &&
             !u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) &&
             !u_hasBinaryProperty(character, UCHAR_VARIATION_SELECTOR) && character != 0x2800;
  }
}

size_t GraphemesOf(const std::string& text) {
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> breaks(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  const icu::UnicodeString wide = icu::UnicodeString::fromUTF8(text);
  breaks->setText(wide);
  size_t count = 0;
  while (breaks->next() != icu::BreakIterator::DONE) ++count;
  return count;
}

bool IsMark(UChar32 character) {
  return (U_MASK(u_charType(character)) & (U_GC_MN_MASK | U_GC_ME_MASK)) != 0;
}

// Returns which rule 'text' breaks, or nothing.
std::string BrokenRule(const std::string& text, size_t graphemes_max) {
  if (text.empty()) return "empty";
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  int marks = 0;
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t at = 0; at < size;) {
    UChar32 character = 0;
    U8_NEXT(bytes, at, size, character);
    if (character < 0) return "not UTF-8";
    if (!MayBeShown(character)) return "shows U+" + std::to_string(character);
    marks = IsMark(character) ? marks + 1 : 0;
    if (marks > kCombiningMarksMax) return "a pile of marks";
  }
  if (text.front() == ' ' || text.back() == ' ' || text.find("  ") != std::string::npos) {
    return "loose spaces";
  }
  if (GraphemesOf(text) > graphemes_max) return "too long";
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  if (!nfc->isNormalizedUTF8(text, error) || U_FAILURE(error)) return "not in NFC";
  return "";
}

ConsentQuestion QuestionOf(const std::string& hostile) {
  ConsentQuestion question;
  question.question_id = NewQuestionId();
  question.principal.sha256[0] = 1;
  question.claimed_name = CleanName(hostile);
  question.purpose = CleanPurpose(hostile);
  question.app_id = "org.example.hostile";
  question.optional_scopes = {Scope::kChatsRead, Scope::kMessagesRead};
  question.destination = {DestinationKind::kStaysOnDevice, ""};
  question.looks_like = LooksLike(question.claimed_name, AllowedNames());
  question.mixed_script = IsMixedScript(question.claimed_name);
  question.accounts = {{AccountNumber(1), CleanName(hostile), "xmpp"}};
  question.chats = {{ChatNumber(1), 0, CleanName(hostile), ChatType::kGroup},
                    {ChatNumber(2), 0, "Family", ChatType::kGroup}};
  return question;
}

TEST(HostileTexts, AreThreeHundredDifferentOnes) {
  std::map<std::string, std::set<std::string>> kinds;
  std::set<std::string> texts;
  for (const HostileText& hostile : HostileTexts()) {
    kinds[hostile.kind].insert(hostile.text);
    texts.insert(hostile.text);
  }
  EXPECT_EQ(kinds.size(), kHostileKinds);
  for (const auto& [kind, of_kind] : kinds) {
    EXPECT_EQ(of_kind.size(), kHostileTextsOfAKind) << kind;
  }
  EXPECT_EQ(texts.size(), kHostileKinds * kHostileTextsOfAKind);
}

// The rules are looked up in ICU here, not in the code that keeps them.
TEST(HostileTexts, AreFitToBeShownOnceCleaned) {
  size_t not_fit_before = 0;
  for (const auto& [kind, text] : HostileTexts()) {
    const std::string name = CleanName(text);
    const std::string purpose = CleanPurpose(text);
    EXPECT_EQ(BrokenRule(name, kNameGraphemesMax), "") << kind << " " << PrintToString(text);
    EXPECT_EQ(BrokenRule(purpose, kPurposeGraphemesMax), "") << kind << " " << PrintToString(text);
    EXPECT_EQ(CleanName(name), name) << kind;
    EXPECT_EQ(CleanPurpose(purpose), purpose) << kind;
    if (kind == "blank") EXPECT_EQ(name, kUnnamed) << PrintToString(text);
    if (!BrokenRule(text, kNameGraphemesMax).empty()) ++not_fit_before;
  }
  // Markup, format strings and look-alikes are plain text; all others had to be cleaned.
  EXPECT_GE(not_fit_before, 200u);
}

TEST(HostileTexts, ThatLookLikeAnAllowedAppAreFlaggedAndOthersAreNot) {
  for (const auto& [kind, text] : HostileTexts()) {
    const ConsentQuestion question = QuestionOf(text);
    if (kind == "look-alike") {
      EXPECT_THAT(question.looks_like, testing::SizeIs(1)) << PrintToString(text);
    } else {
      EXPECT_THAT(question.looks_like, testing::IsEmpty()) << kind << " " << PrintToString(text);
    }
  }
  EXPECT_TRUE(QuestionOf("S\u0456gnal").mixed_script);
}

TEST(HostileTexts, AreKeptAsTheyWereShown) {
  for (const auto& [kind, text] : HostileTexts()) {
    SCOPED_TRACE(kind + " " + PrintToString(text));
    const ConsentQuestion question = QuestionOf(text);
    // To the window, and back from it.
    const auto shown = QuestionFromJson(ToJson(question));
    ASSERT_TRUE(shown.ok()) << shown.status();
    ASSERT_EQ(*shown, question);
    ConsentAnswer ticked;
    ticked.question_id = shown->question_id;
    ticked.question_sha256 = Sha256Of(*shown);
    ticked.decision = ConsentDecision::kAllow;
    ticked.given_name = shown->claimed_name;
    ticked.scopes = {Scope::kMessagesRead};
    ticked.chats = {0};
    const auto answer = AnswerFromJson(ToJson(ticked));
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(*answer, ticked);
    const auto grant = GrantFrom(question, *answer, kNow);
    ASSERT_TRUE(grant.ok()) << grant.status();
    // It is bound to these very words, and opens what was ticked.
    EXPECT_EQ(grant->shown_sha256, Sha256Of(ticked));
    EXPECT_EQ(grant->scopes, ticked.scopes);
    EXPECT_THAT(grant->selection.included_chats, testing::UnorderedElementsAre(ChatNumber(1)));
    EXPECT_EQ(grant->principal, question.principal);
    // A window that would keep other words than it showed grants nothing.
    ConsentAnswer raw = ticked;
    raw.given_name = text;
    EXPECT_EQ(GrantFrom(question, raw, kNow).ok(), text == question.claimed_name);
    ConsentQuestion other = question;
    other.claimed_name += "x";
    EXPECT_FALSE(GrantFrom(other, *answer, kNow).ok());
  }
}

}  // namespace
}  // namespace postern::permissions
