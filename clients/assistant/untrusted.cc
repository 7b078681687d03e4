// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/untrusted.h"

#include <cstdint>

namespace postern::assistant {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

bool IsContinuation(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

// The length that a character's first byte promises; 0 for none that may begin one.
size_t LengthOf(char first) {
  const auto byte = static_cast<uint8_t>(first);
  if (byte < 0x80) return 1;
  if (byte >= 0xC2 && byte < 0xE0) return 2;
  if (byte >= 0xE0 && byte < 0xF0) return 3;
  return byte >= 0xF0 && byte < 0xF5 ? 4 : 0;
}

uint32_t Decode(const char* start, size_t length) {
  if (length == 1) return static_cast<uint8_t>(*start);
  uint32_t point = static_cast<uint8_t>(*start) & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) point = point << 6 | (static_cast<uint8_t>(start[i]) & 0x3Fu);
  return point;
}

// Overlong forms and halves of surrogates are no characters.
bool IsCharacter(uint32_t point, size_t length) {
  static constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  return point >= kSmallest[length] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

// Without U+200C and U+200D, which some writing and many emoji need.
bool IsHidden(uint32_t point) {
  if (point == '\n' || point == '\t') return false;
  return point < 0x20 || (point >= 0x7F && point < 0xA0) ||  // control
         (point >= 0x202A && point <= 0x202E) ||             // embedding and override
         (point >= 0x2060 && point <= 0x206F) ||             // isolates, joiners, operators
         (point >= 0xE0000 && point <= 0xE0FFF) ||           // tags, and what is set aside beside
         point == 0x061C || point == 0x200E || point == 0x200F ||  // marks of direction
         point == 0x00AD || point == 0x180E || point == 0x200B || point == 0xFEFF ||  // no width
         point == 0x115F || point == 0x1160 || point == 0x3164 || point == 0xFFA0;    // fillers
}

}  // namespace

std::string Visible(const std::string& text) {
  std::string visible;
  visible.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t length = LengthOf(text[at]);
    bool whole = length > 0 && at + length <= text.size();
    for (size_t i = 1; whole && i < length; ++i) whole = IsContinuation(text[at + i]);
    const uint32_t point = whole ? Decode(text.data() + at, length) : 0;
    if (!whole || !IsCharacter(point, length)) {
      visible += kReplacement;
      ++at;
      continue;
    }
    if (!IsHidden(point)) visible.append(text, at, length);
    at += length;
  }
  return visible;
}

std::string Shortened(const std::string& text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && IsContinuation(text[end])) --end;
  return text.substr(0, end);
}

}  // namespace postern::assistant
