// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/screen.h"

#include <cstdio>

namespace postern::translator {
namespace {

bool IsUnsafe(std::string_view two_or_three) {
  const auto byte = [&](size_t i) {
    return i < two_or_three.size() ? static_cast<unsigned char>(two_or_three[i]) : 0U;
  };
  // U+0080..U+009F, U+200E/F, U+202A..U+202E, U+2028/9, U+2066..U+2069.
  if (byte(0) == 0xC2 && byte(1) < 0xA0) return true;
  if (byte(0) != 0xE2) return false;
  if (byte(1) == 0x80)
    return (byte(2) >= 0xA8 && byte(2) <= 0xAE) || byte(2) == 0x8E || byte(2) == 0x8F;
  return byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7F) {
      out.push_back(' ');
    } else if (IsUnsafe(text.substr(at, 3))) {
      at += byte == 0xC2 ? 1 : 2;
    } else {
      out.push_back(text[at]);
    }
  }
  return out;
}

void Screen::Message(const std::string& line) {
  if (hidden_) return;
  std::lock_guard lock(mutex_);
  std::fprintf(stdout, "%s\n", line.c_str());
  std::fflush(stdout);
}

void Screen::Note(const std::string& line) {
  std::lock_guard lock(mutex_);
  std::fprintf(stderr, "postern-translator: %s\n", line.c_str());
}

}  // namespace postern::translator
