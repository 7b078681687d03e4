// SPDX-License-Identifier: Apache-2.0
// The person's language. Texts are written in English where they are used; catalogues are made of
// platform/linux/po at build time (gettext).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::platform {

// A text in English, to be said in the person's language. $0, $1, ... stand for what is put in.
// xgettext looks for this word.
struct Text {
  explicit constexpr Text(const char* text) : english(text) {}
  const char* english;
};

// A text about a number, $0.
struct CountText {
  constexpr CountText(const char* text_of_one, const char* text_of_many)
      : one(text_of_one), many(text_of_many) {}
  const char* one;
  const char* many;
};

// Takes the language of the environment. Call once, before anything is said.
void UseTranslations();

// Returns the text in the person's language, or in English where there is no translation.
const char* Say(Text text);
std::string Say(Text text, std::string_view value);
std::string Say(Text text, std::string_view first, std::string_view second);
std::string Say(Text text, std::string_view first, std::string_view second, std::string_view third);
std::string Say(CountText text, uint64_t count);
// For texts that are kept elsewhere (permissions/scope.cc).
std::string SayEnglish(std::string_view english);

// Whether the language in use is written from right to left.
bool IsRightToLeft();

// Returns 'name' so that its letters, whatever way they are written, leave the order of the
// sentence around it alone. For cleaned names in windows; terminals show the marks as text.
std::string Isolated(std::string_view name);
// Takes these marks out again.
std::string WithoutIsolates(std::string_view text);

}  // namespace postern::platform
