// SPDX-License-Identifier: Apache-2.0
#include "clients/owner/visible_text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <absl/strings/str_format.h>

namespace postern::owner {
namespace {

// Reads one code point at 'offset' and moves on. Returns -1, one byte on, where it is not UTF-8.
UChar32 NextCodePoint(std::string_view text, size_t& offset) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto length = static_cast<int32_t>(text.size());
  const auto start = static_cast<int32_t>(offset);
  int32_t position = start;
  UChar32 code_point = 0;
  U8_NEXT(bytes, position, length, code_point);
  offset = static_cast<size_t>(code_point < 0 ? start + 1 : position);
  return code_point;
}

bool IsLineEnd(UChar32 code_point) {
  return code_point == '\n' || code_point == 0x85 || code_point == 0x2028 || code_point == 0x2029;
}

// Joiners are left alone: Persian and emoji need them, and they cannot reorder a line.
bool IsJoiner(UChar32 code_point) { return code_point == 0x200C || code_point == 0x200D; }

bool MustBeWrittenOut(UChar32 code_point) {
  if (IsJoiner(code_point)) return false;
  const int8_t category = u_charType(code_point);
  return category == U_CONTROL_CHAR || category == U_FORMAT_CHAR || category == U_SURROGATE;
}

int WidthOf(UChar32 code_point) {
  switch (u_charType(code_point)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  switch (u_getIntPropertyValue(code_point, UCHAR_EAST_ASIAN_WIDTH)) {
    case U_EA_WIDE:
    case U_EA_FULLWIDTH:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

std::string VisibleText(std::string_view text) {
  std::string visible;
  visible.reserve(text.size());
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t start = offset;
    const UChar32 code_point = NextCodePoint(text, offset);
    if (code_point < 0) {
      absl::StrAppendFormat(&visible, "\\x%02x", static_cast<uint8_t>(text[start]));
    } else if (code_point == '\t') {
      visible += ' ';
    } else if (code_point == '\r' && offset < text.size() && text[offset] == '\n') {
      continue;
    } else if (IsLineEnd(code_point)) {
      visible += " ⏎ ";
    } else if (code_point < 0x80 && MustBeWrittenOut(code_point)) {
      absl::StrAppendFormat(&visible, "\\x%02x", code_point);
    } else if (MustBeWrittenOut(code_point)) {
      absl::StrAppendFormat(&visible, "\\u{%x}", code_point);
    } else {
      visible.append(text.substr(start, offset - start));
    }
  }
  return visible;
}

int DisplayWidth(std::string_view text) {
  int width = 0;
  size_t offset = 0;
  while (offset < text.size()) {
    const UChar32 code_point = NextCodePoint(text, offset);
    width += code_point < 0 ? 1 : WidthOf(code_point);
  }
  return width;
}

std::string Shortened(std::string_view text, int columns) {
  std::string visible = VisibleText(text);
  if (DisplayWidth(visible) <= columns) return visible;
  int width = 0;
  size_t offset = 0;
  while (offset < visible.size()) {
    size_t next = offset;
    const UChar32 code_point = NextCodePoint(visible, next);
    width += code_point < 0 ? 1 : WidthOf(code_point);
    if (width > columns - 1) break;
    offset = next;
  }
  visible.resize(offset);
  return visible + "…";
}

}  // namespace postern::owner
