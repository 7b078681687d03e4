// SPDX-License-Identifier: Apache-2.0
// The user's answer: scopes x selection x time x limits, for one principal. Plain values.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "permissions/ids.h"
#include "permissions/scope.h"

namespace postern::permissions {

enum class ChatChoice : uint8_t { kListed = 1, kAllExisting = 2, kAllAndNew = 3 };
enum class ChatKinds : uint8_t { kBoth = 0, kDirect = 1, kGroup = 2 };
enum class People : uint8_t { kAll = 0, kContacts = 1, kStrangers = 2 };

// Which accounts and chats a grant covers.
struct Selection {
  absl::flat_hash_set<AccountId> accounts;
  absl::flat_hash_set<std::string> networks;
  ChatChoice chat_choice = ChatChoice::kListed;
  // For kListed what the user chose; for kAllExisting the chats that existed at that moment.
  absl::flat_hash_set<ChatId> included_chats;
  absl::flat_hash_set<ChatId> excluded_chats;
  ChatKinds chat_kinds = ChatKinds::kBoth;
  People people = People::kAll;

  bool operator==(const Selection&) const = default;
};

enum class ValidityKind : uint8_t { kOnce = 1, kWhileRunning = 2, kUntil = 3, kUntilRevoked = 4 };

struct Validity {
  ValidityKind kind = ValidityKind::kUntilRevoked;
  // For kUntil: the first moment at which the grant is no longer in force.
  absl::Time expire_time = absl::InfiniteFuture();

  bool operator==(const Validity&) const = default;
};

// Zero means the default in limits.h.
struct Limits {
  uint32_t sends_per_hour = 0;
  uint32_t new_chats_per_day = 0;
  uint64_t bytes_per_day = 0;

  bool operator==(const Limits&) const = default;
};

enum class GrantState : uint8_t { kActive = 1, kSuspended = 2, kRevoked = 3, kExpired = 4 };

struct Grant {
  GrantId id;
  Principal principal;
  ScopeSet scopes;
  Selection selection;
  Validity validity;
  Limits limits;
  GrantState state = GrantState::kActive;
  absl::Time create_time = absl::InfinitePast();
  // Under messages:history: messages older than this stay closed.
  absl::Time history_start_time = absl::InfinitePast();
  bool only_while_unlocked = false;
  // The app's systemd unit may be started when something arrives for it.
  bool may_start = false;
  // SHA-256 of the typed answer that was shown to the user (permissions/consent_question.h).
  std::array<uint8_t, 32> shown_sha256{};

  bool operator==(const Grant&) const = default;
};

// Whether the grant was neither taken back nor ended. Its time may be over all the same: that shows
// in its state a little later.
inline bool Stands(const Grant& grant) {
  return grant.state == GrantState::kActive || grant.state == GrantState::kSuspended;
}

}  // namespace postern::permissions
