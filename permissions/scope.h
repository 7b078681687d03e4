// SPDX-License-Identifier: Apache-2.0
// The kinds of access, as values, names and sets. Numbers equal those of postern.v1.Scope.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace postern::permissions {

enum class Scope : uint8_t {
  kChatsRead = 1,
  kMessagesMetadata,
  kMessagesRead,
  kMessagesHistory,
  kMessagesSearch,
  kAttachmentsRead,
  kContactsRead,
  kContactsIdentify,
  kReactionsRead,
  kReceiptsRead,
  kTypingRead,
  kPresenceRead,
  kCallsRead,
  kEphemeralRead,
  kMessagesDraft,
  kMessagesSendAsk,
  kMessagesReply,
  kMessagesSend,
  kMessagesEditOwn,
  kMessagesDeleteOwn,
  kReactionsWrite,
  kAttachmentsWrite,
  kReceiptsWrite,
  kTypingWrite,
  kChatsCreate,
  kChatsWrite,
  kForward,
  kExport,
};
inline constexpr int kScopeCount = 28;

// A set of scopes. A value; copies cheaply.
class ScopeSet {
 public:
  constexpr ScopeSet() = default;
  constexpr ScopeSet(std::initializer_list<Scope> scopes) {
    for (Scope scope : scopes) Add(scope);
  }
  constexpr void Add(Scope scope) { bits_ |= Bit(scope); }
  constexpr void Remove(Scope scope) { bits_ &= ~Bit(scope); }
  constexpr bool Has(Scope scope) const { return (bits_ & Bit(scope)) != 0; }
  constexpr bool HasAll(ScopeSet other) const { return (bits_ & other.bits_) == other.bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const ScopeSet&) const = default;
  constexpr uint32_t bits() const { return bits_; }
  // Returns false, and leaves 'set' alone, when 'bits' names a scope that does not exist.
  static bool FromBits(uint32_t bits, ScopeSet& set);
  // In ascending order.
  std::vector<Scope> ToVector() const;
  ScopeSet Union(ScopeSet other) const { return FromRaw(bits_ | other.bits_); }
  ScopeSet Intersection(ScopeSet other) const { return FromRaw(bits_ & other.bits_); }

 private:
  static constexpr uint32_t Bit(Scope scope) { return 1u << static_cast<uint8_t>(scope); }
  static ScopeSet FromRaw(uint32_t bits) {
    ScopeSet set;
    set.bits_ = bits;
    return set;
  }
  uint32_t bits_ = 0;
};

// Returns e.g. "messages:send.ask".
std::string_view ScopeName(Scope scope);
// Returns the scope of that name. INVALID_ARGUMENT, naming it, when there is none.
absl::StatusOr<Scope> ParseScope(std::string_view name);
// Returns the scope with that number of the contract. INVALID_ARGUMENT when there is none.
absl::StatusOr<Scope> ScopeFromNumber(int number);
// Returns what the scope opens, in one plain sentence for the consent dialog, e.g. "Read new
// messages".
std::string_view ScopeSentence(Scope scope);
// Returns whether the scope lets an app act in the user's name. The dialog sets these apart.
bool IsWriteScope(Scope scope);

// Returns 'scopes' with all that they imply: messages:read implies messages:metadata; messages:send
// implies messages:reply, that messages:send.ask, that messages:draft. For showing; Decide knows
// it.
ScopeSet WithImplied(ScopeSet scopes);
// Returns the scopes each of which opens what 'scope' opens, itself among them.
ScopeSet ScopesOpening(Scope scope);

}  // namespace postern::permissions
