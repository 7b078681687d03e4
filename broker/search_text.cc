// SPDX-License-Identifier: Apache-2.0
#include "broker/search_text.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <iterator>

#include "broker/absl_text.h"
#include "broker/limits.h"
#include "broker/request_check.h"
#include "broker/seal_view.h"

namespace postern::broker {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Characters that are words of their own, by Unicode's blocks.
constexpr Range kLoneCharacters[] = {
    {0x0E00, 0x0EFF},    // Thai, Lao
    {0x0F00, 0x0FFF},    // Tibetan
    {0x1000, 0x109F},    // Myanmar
    {0x1780, 0x17FF},    // Khmer
    {0x1980, 0x19DF},    // New Tai Lue
    {0x1A20, 0x1B7F},    // Tai Tham, Balinese
    {0x3005, 0x3007},    // marks that repeat a character
    {0x3040, 0x31FF},    // Hiragana, Katakana, Bopomofo
    {0x3400, 0x4DBF},    // Han
    {0x4E00, 0x9FFF},    // Han
    {0xA980, 0xA9DF},    // Javanese
    {0xAA60, 0xAA7F},    // Myanmar
    {0xAC00, 0xD7A3},    // Hangul
    {0xF900, 0xFAFF},    // Han
    {0xFF66, 0xFF9F},    // Katakana
    {0x1B000, 0x1B16F},  // Kana
    {0x20000, 0x323AF},  // Han
};
// Emoji and symbols, which the tokenizer takes for spaces.
constexpr Range kEmoji[] = {{0x2600, 0x27BF}, {0x2B00, 0x2BFF}, {0x1F000, 0x1FAFF}};
// What is written or left out at will: accents that stand apart from their letter, points and
// strokes of Hebrew and Arabic, how an emoji is drawn.
constexpr Range kDropped[] = {{0x0300, 0x036F}, {0x0591, 0x05BD},  {0x05BF, 0x05BF},
                              {0x05C1, 0x05C2}, {0x05C4, 0x05C5},  {0x05C7, 0x05C7},
                              {0x0640, 0x0640}, {0x064B, 0x065F},  {0x0670, 0x0670},
                              {0xFE00, 0xFE0F}, {0x1F3FB, 0x1F3FF}};
// What stands between words and is no ASCII.
constexpr Range kBetween[] = {
    {0x80, 0xBF}, {0x2000, 0x206F}, {0x3000, 0x3004}, {0x3008, 0x303F}, {0xFF00, 0xFF0F}};

template <size_t N>
bool IsIn(const Range (&ranges)[N], char32_t character) {
  return std::any_of(std::begin(ranges), std::end(ranges), [character](const Range& range) {
    return character >= range.first && character <= range.last;
  });
}

bool IsSpace(char32_t character) {
  return character <= 0x20 || character == 0x7F || character == 0xA0 || character == 0x3000;
}

bool MayBeWord(char32_t character) {
  if (character < 0x80) {
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
           (character >= 'A' && character <= 'Z');
  }
  return !IsIn(kBetween, character) && !IsIn(kDropped, character);
}

// Takes the first character off 'text', which is not empty. Of bytes that are no UTF-8 it makes
// some character, and stays within the text.
char32_t TakeCharacter(std::string_view& text, std::string_view& bytes) {
  const auto first = static_cast<uint8_t>(text.front());
  size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  size = std::min(size, text.size());
  char32_t character = first < 0x80 ? first : first & (0xFF >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    character = (character << 6) | (static_cast<uint8_t>(text[i]) & 0x3F);
  }
  bytes = text.substr(0, size);
  text.remove_prefix(size);
  return character;
}

// As a string of the query language: in quotes, and quotes in it doubled.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

}  // namespace

std::string SeparateWords(std::string_view text) {
  std::string separated;
  separated.reserve(text.size() + text.size() / 4);
  while (!text.empty()) {
    std::string_view bytes;
    const char32_t character = TakeCharacter(text, bytes);
    if (character < 0x20) {
      separated += ' ';
    } else if (character < 0x80) {
      separated += static_cast<char>(character);
    } else if (IsIn(kDropped, character)) {
      continue;
    } else if (IsIn(kLoneCharacters, character)) {
      absl::StrAppend(&separated, " ", AbslText(bytes), " ");
    } else if (IsIn(kEmoji, character)) {
      // A word that nobody types: U+E000 is for private use, and no space to the tokenizer.
      absl::StrAppend(&separated, " \xEE\x80\x80", absl::Hex(static_cast<uint32_t>(character)),
                      " ");
    } else {
      separated.append(bytes);
    }
  }
  return separated;
}

std::string SearchText(const v1::Message& message) {
  std::string text;
  if (message.has_reply_to()) {
    v1::Message answer;
    answer.set_text(message.text());
    HideQuotation(answer);
    text = SeparateWords(answer.text());
  } else {
    text = SeparateWords(message.text());
  }
  if (message.has_poll()) {
    absl::StrAppend(&text, "\n", SeparateWords(message.poll().question()));
    for (const v1::PollOption& option : message.poll().options()) {
      absl::StrAppend(&text, "\n", SeparateWords(option.text()));
    }
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> QueryWords(std::string_view query) {
  if (query.size() > kSearchQueryBytesMax) {
    return InvalidField("query",
                        absl::StrCat("must have at most ", kSearchQueryBytesMax, " bytes"));
  }
  std::vector<std::string> words;
  std::string word;
  bool is_word = false;
  const auto end = [&] {
    // A word of punctuation alone would be found nowhere.
    if (is_word) words.push_back(Quoted(SeparateWords(word)));
    word.clear();
    is_word = false;
  };
  while (!query.empty()) {
    std::string_view bytes;
    const char32_t character = TakeCharacter(query, bytes);
    if (IsSpace(character)) {
      end();
      continue;
    }
    word.append(bytes);
    is_word = is_word || MayBeWord(character);
  }
  end();
  if (words.empty()) return InvalidField("query", "has no word to look for");
  if (words.size() > kSearchWordsMax) {
    return InvalidField("query", absl::StrCat("must have at most ", kSearchWordsMax, " words"));
  }
  return words;
}

std::string MatchExpression(std::span<const std::string> words, const SearchScope& scope) {
  std::string expression = absl::StrCat("text : (", absl::StrJoin(words, " "), ")");
  if (!scope.sender.empty()) {
    absl::StrAppend(&expression, " AND sender : ", Quoted(scope.sender));
  }
  if (scope.chats.empty()) return expression;
  const std::string chats = absl::StrCat(
      "chat : (",
      absl::StrJoin(scope.chats, " OR ",
                    [](std::string* out, const std::string& chat) { out->append(Quoted(chat)); }),
      ")");
  return absl::StrCat("(", expression, scope.all_but ? ") NOT " : ") AND ", chats);
}

}  // namespace postern::broker
