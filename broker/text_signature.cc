// SPDX-License-Identifier: Apache-2.0
#include "broker/text_signature.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <string>

#include "broker/limits.h"

namespace postern::broker {
namespace {

// What is not ASCII counts as a letter: scripts without spaces make one long word of a sentence.
bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<uint8_t>(c) >= 0x80;
}

}  // namespace

TextSignature::TextSignature(uint64_t key, std::string_view text) {
  text = text.substr(0, kSignatureBytesMax);
  const auto add = [&](const std::string& word) { words_.push_back(absl::HashOf(key, word)); };
  std::string word;
  bool digits_only = true;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && IsWordByte(text[i])) {
      const char c = text[i];
      digits_only = digits_only && c >= '0' && c <= '9';
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      continue;
    }
    if (!word.empty() && !digits_only) add(word);
    word.clear();
    digits_only = true;
  }
  // Figures or marks alone are what they are.
  if (words_.empty()) add(std::string(text));
  std::sort(words_.begin(), words_.end());
  words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
}

bool TextSignature::IsWithin(const TextSignature& other) const {
  return std::includes(other.words_.begin(), other.words_.end(), words_.begin(), words_.end());
}

bool TextSignature::Resembles(const TextSignature& other) const {
  const size_t larger = std::max(words_.size(), other.words_.size());
  if (larger < kSignatureTolerance) return words_ == other.words_;
  size_t shared = 0;
  auto a = words_.begin();
  auto b = other.words_.begin();
  while (a != words_.end() && b != other.words_.end()) {
    if (*a == *b) {
      ++shared;
      ++a;
      ++b;
    } else if (*a < *b) {
      ++a;
    } else {
      ++b;
    }
  }
  return (larger - shared) * kSignatureTolerance <= larger;
}

}  // namespace postern::broker
