// SPDX-License-Identifier: Apache-2.0
// What is kept of a text to know it again: keyed hashes of its words, in memory only. The text
// cannot be had back from it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace postern::broker {

// The distinct words of a text, whatever their order, case and punctuation. Words of digits alone
// are left out: clocks and counters make no difference. So what bridges put around a text they pass
// on changes it the first time round and no more.
class TextSignature {
 public:
  // 'key' is a random number of this process. Reads the first kSignatureBytesMax bytes of 'text'.
  TextSignature(uint64_t key, std::string_view text);

  // Whether both have the same words. Of long texts one word in kSignatureTolerance may differ.
  bool Resembles(const TextSignature& other) const;
  // Whether the other has all these words too: as what a bridge passes on has, beside its own.
  bool IsWithin(const TextSignature& other) const;

 private:
  // Sorted, without doubles.
  std::vector<uint64_t> words_;
};

}  // namespace postern::broker
