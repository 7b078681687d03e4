// SPDX-License-Identifier: Apache-2.0
#include "permissions/display_text.h"

#include <unicode/brkiter.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <memory>

namespace postern::permissions {
namespace {

// Longer input is cut before any work is done on it.
constexpr size_t kInputBytesMax = 16 * 1024;
// Some scripts build one grapheme of many letters; without this bound one grapheme could fill a
// page.
constexpr size_t kCodePointsPerGrapheme = 6;
constexpr UChar32 kBrailleBlank = 0x2800;
constexpr UChar32 kNullNotehead = 0x1D159;
constexpr UChar32 kEllipsis = 0x2026;

icu::UnicodeString FromUtf8(std::string_view text) {
  if (text.size() > kInputBytesMax) {
    size_t end = kInputBytesMax;
    while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  // Bad bytes become U+FFFD, which is visible: that something was wrong may be seen.
  return icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string ToUtf8(const icu::UnicodeString& text) {
  std::string utf8;
  text.toUTF8String(utf8);
  return utf8;
}

icu::UnicodeString ToNfc(const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) return {};
  icu::UnicodeString normal = nfc->normalize(text, error);
  return U_SUCCESS(error) ? normal : icu::UnicodeString();
}

// Takes up no space, or none that can be seen, or steers what is around it.
bool IsHidden(UChar32 c) {
  switch (u_charType(c)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_PRIVATE_USE_CHAR:
    case U_UNASSIGNED:
      return true;
    default:
      // U+034F, variation selectors, Hangul fillers and their like.
      return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || c == kNullNotehead;
  }
}

bool IsSpace(UChar32 c) { return u_isUWhiteSpace(c) || c == kBrailleBlank; }

bool IsMark(UChar32 c) {
  const int8_t type = u_charType(c);
  return type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_COMBINING_SPACING_MARK;
}

// Drops what is hidden, makes every run of spaces one, cuts piles of marks and marks without a
// base.
icu::UnicodeString Visible(const icu::UnicodeString& text) {
  icu::UnicodeString visible;
  bool space_due = false;
  int marks = 0;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (IsSpace(c)) {
      space_due = !visible.isEmpty();
      continue;
    }
    if (IsHidden(c)) continue;
    if (IsMark(c)) {
      // On a space or at the start it would sit on what is shown before the name.
      if (visible.isEmpty() || space_due || ++marks > kCombiningMarksMax) continue;
    } else {
      marks = 0;
    }
    if (space_due) visible.append(static_cast<UChar32>(' '));
    space_due = false;
    visible.append(c);
  }
  return visible;
}

icu::UnicodeString Cut(icu::UnicodeString text, size_t graphemes_max) {
  if (graphemes_max == 0) return {};
  bool cut = false;
  const auto points_max = static_cast<int32_t>(graphemes_max * kCodePointsPerGrapheme);
  if (text.countChar32() > points_max) {
    text.truncate(text.moveIndex32(0, points_max));
    cut = true;
  }
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> graphemes(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  if (U_FAILURE(error)) return {};
  graphemes->setText(text);
  int32_t last_but_one = 0;
  size_t count = 0;
  for (int32_t end = graphemes->next(); end != icu::BreakIterator::DONE; end = graphemes->next()) {
    ++count;
    if (count == graphemes_max - 1) last_but_one = end;
    if (count > graphemes_max) cut = true;
  }
  if (!cut) return text;
  if (count >= graphemes_max) text.truncate(last_but_one);
  text.trim();
  return text.append(kEllipsis);
}

struct CloseChecker {
  void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
};
using Checker = std::unique_ptr<USpoofChecker, CloseChecker>;

Checker OpenChecker() {
  UErrorCode error = U_ZERO_ERROR;
  Checker checker(uspoof_open(&error));
  return U_SUCCESS(error) ? std::move(checker) : nullptr;
}

icu::UnicodeString Skeleton(const USpoofChecker& checker, const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeString skeleton;
  uspoof_getSkeletonUnicodeString(&checker, 0, text, skeleton, &error);
  return U_SUCCESS(error) ? skeleton : text;
}

// Whether what is punctuation looks like a letter or digit: U+05C0 like an l, U+166E like an x.
bool ReadsAsLetter(const USpoofChecker& checker, UChar32 c) {
  const UChar32 first = Skeleton(checker, icu::UnicodeString(c)).char32At(0);
  return first < 0x80 && u_isalnum(first);
}

// Spaces and punctuation do not tell names apart: "Trans-lator" is "Translator".
icu::UnicodeString Letters(const USpoofChecker& checker, const icu::UnicodeString& text) {
  icu::UnicodeString letters;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (IsSpace(c) || IsHidden(c)) continue;
    if (!u_ispunct(c) || ReadsAsLetter(checker, c)) letters.append(c);
  }
  return letters.isEmpty() ? text : letters;
}

// Two names look alike when one of their forms is equal. Two forms, because case folding and
// look-alikes do not commute: "SIGNAL" meets "signal" folded first, "PayPaI" meets "PayPal" folded
// last. In both, i and l are one letter: "SlGNAL" is "SIGNAL" to the eye, and that is "signal" to
// the reader.
struct Forms {
  icu::UnicodeString folded_first;
  icu::UnicodeString folded_last;
};

Forms FormsOf(const USpoofChecker& checker, std::string_view name) {
  const icu::UnicodeString letters = Letters(checker, ToNfc(FromUtf8(name)));
  icu::UnicodeString folded = letters;
  folded.foldCase();
  icu::UnicodeString last = Skeleton(checker, letters);
  last.foldCase();
  icu::UnicodeString first = Skeleton(checker, folded);
  first.findAndReplace("i", "l");
  last = Skeleton(checker, last);
  last.findAndReplace("i", "l");
  return {std::move(first), std::move(last)};
}

}  // namespace

std::string CleanText(std::string_view text, size_t graphemes_max) {
  // Visible before and after: taking a character out can join what then composes, and composing can
  // leave a pile shorter, never longer.
  const icu::UnicodeString clean = Cut(Visible(ToNfc(Visible(FromUtf8(text)))), graphemes_max);
  return clean.isEmpty() ? std::string(kUnnamed) : ToUtf8(clean);
}

std::vector<std::string> LooksLike(std::string_view name, std::span<const std::string> others) {
  const Checker checker = OpenChecker();
  // Without the tables nothing can be told apart: better a warning too many.
  if (checker == nullptr) return {others.begin(), others.end()};
  const Forms forms = FormsOf(*checker, name);
  std::vector<std::string> alike;
  for (const std::string& other : others) {
    const Forms other_forms = FormsOf(*checker, other);
    if (forms.folded_first == other_forms.folded_first ||
        forms.folded_last == other_forms.folded_last) {
      alike.push_back(other);
    }
  }
  return alike;
}

bool IsMixedScript(std::string_view name) {
  const Checker checker = OpenChecker();
  if (checker == nullptr) return true;
  UErrorCode error = U_ZERO_ERROR;
  uspoof_setRestrictionLevel(checker.get(), USPOOF_HIGHLY_RESTRICTIVE);
  uspoof_setChecks(checker.get(), USPOOF_RESTRICTION_LEVEL, &error);
  // Every letter is allowed here; only their mixture is in question.
  const int32_t found =
      uspoof_check2UnicodeString(checker.get(), ToNfc(FromUtf8(name)), nullptr, &error);
  return U_FAILURE(error) || found != 0;
}

}  // namespace postern::permissions
