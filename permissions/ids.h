// SPDX-License-Identifier: Apache-2.0
// The broker's own ids, one type for each kind of thing, so that no two can be mixed up.
//
// An Id is 128 bits: a keyed hash of what the network calls the thing (permissions/id_cipher.h has
// the form that apps see). Equal remote ids give equal Ids for ever, so that an edit that comes
// before its message, or a reply to a message that was never seen, already carries the right id.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace postern::permissions {

template <typename Tag>
struct Id {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Id&) const = default;
  // The all-zero Id stands for "none".
  bool empty() const { return *this == Id{}; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // Returns the Id in 'raw', or the empty Id when it does not have 16 bytes.
  static Id FromRaw(std::string_view raw) {
    Id id;
    if (raw.size() == id.bytes.size()) std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
  }

  template <typename H>
  friend H AbslHashValue(H state, const Id& id) {
    return H::combine(std::move(state), id.bytes);
  }
};

using AccountId = Id<struct AccountTag>;
using ChatId = Id<struct ChatTag>;
using ContactId = Id<struct ContactTag>;
using MessageId = Id<struct MessageTag>;
using AttachmentId = Id<struct AttachmentTag>;
using GrantId = Id<struct GrantTag>;

// Who a program is: the SHA-256 of its public key (SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7).
struct Principal {
  std::array<uint8_t, 32> sha256{};

  auto operator<=>(const Principal&) const = default;
  bool empty() const { return *this == Principal{}; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(sha256.data()), sha256.size()};
  }
  static Principal FromRaw(std::string_view raw) {
    Principal principal;
    if (raw.size() == principal.sha256.size()) {
      std::memcpy(principal.sha256.data(), raw.data(), raw.size());
    }
    return principal;
  }
  // Lower-case hex, 64 characters: the form of contract, command line and logs.
  std::string ToHex() const;
  // Returns the empty Principal when 'hex' is not 64 hex digits.
  static Principal FromHex(std::string_view hex);

  template <typename H>
  friend H AbslHashValue(H state, const Principal& principal) {
    return H::combine(std::move(state), principal.sha256);
  }
};

}  // namespace postern::permissions
