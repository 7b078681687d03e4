// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace postern::platform {

// Key material: wiped when it goes. It moves and does not copy, has no operator<<, and should go
// from where it is read to where it is used in one function.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(size_t size);
  explicit SecretBytes(std::span<const uint8_t> bytes);
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  // Returns a copy, for a second owner that the caller names in a comment.
  SecretBytes Clone() const { return SecretBytes(span()); }
  std::span<const uint8_t> span() const { return {bytes_.data(), bytes_.size()}; }
  uint8_t* data() { return bytes_.data(); }
  const uint8_t* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

 private:
  void Wipe();
  std::vector<uint8_t> bytes_;
};

// Returns 'size' bytes from the system's generator.
SecretBytes RandomSecret(size_t size);
// Fills 'out' from the system's generator; aborts when there is none.
void FillRandom(std::span<uint8_t> out);

}  // namespace postern::platform
