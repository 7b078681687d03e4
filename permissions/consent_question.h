// SPDX-License-Identifier: Apache-2.0
// The one typed object that is shown to the user, answered, and kept: what is stored is what was
// shown.
//
// Both go between posternd and postern-consent as canonical JSON: sorted keys, no spaces, all
// fields always there. A text that is not exactly the canonical form of what was read from it is
// refused, so that no two readers can see different things in it.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "permissions/decide.h"
#include "permissions/grant.h"
#include "permissions/ids.h"
#include "permissions/manifest.h"
#include "permissions/scope.h"

namespace postern::permissions {

using Sha256 = std::array<uint8_t, 32>;

enum class QuestionKind : uint8_t { kEnrollApp = 1, kEnrollGatekeeper = 2, kWidenGrant = 3 };

// Answers name accounts and chats by their place in the question's lists, from 0.
struct OfferedAccount {
  AccountId id;
  std::string name;  // cleaned
  std::string network;

  bool operator==(const OfferedAccount&) const = default;
};

struct OfferedChat {
  ChatId id;
  // Place in ConsentQuestion::accounts.
  uint32_t account = 0;
  std::string name;  // cleaned
  ChatType type = ChatType::kUnknown;

  bool operator==(const OfferedChat&) const = default;
};

// A person's list is some hundreds; the window's picker stays quick with these.
inline constexpr size_t kOfferedChatsMax = 5000;
inline constexpr size_t kOfferedAccountsMax = 100;
// A larger text is refused before it is parsed.
inline constexpr size_t kConsentJsonBytesMax = 4 << 20;
// How long a question waits for its answer.
inline constexpr absl::Duration kQuestionTimeout = absl::Seconds(120);

struct ConsentQuestion {
  // 16 random bytes in lower-case hex; single use (NewQuestionId).
  std::string question_id;
  QuestionKind kind = QuestionKind::kEnrollApp;
  Principal principal;
  // What the program claims, cleaned (display_text.h). Plain text, not markup.
  std::string claimed_name;
  std::string purpose;
  std::string app_id;
  std::string software_version;
  Role role = Role::kApp;
  ScopeSet required_scopes;
  ScopeSet optional_scopes;
  DataDestination destination;
  // For a gatekeeper: the networks it says it serves.
  std::vector<std::string> networks;
  // The name the user gave this principal earlier; empty when it is new.
  std::string known_name;
  // Names of allowed apps that this one's name could be taken for.
  std::vector<std::string> looks_like;
  bool mixed_script = false;
  std::vector<OfferedAccount> accounts;
  std::vector<OfferedChat> chats;
  // Whole seconds.
  absl::Duration timeout = kQuestionTimeout;

  bool operator==(const ConsentQuestion&) const = default;
};

enum class ConsentDecision : uint8_t { kAllow = 1, kRefuse = 2, kExpired = 3 };

struct ConsentAnswer {
  std::string question_id;
  // Of the question as the agent read it (Sha256Of).
  Sha256 question_sha256{};
  ConsentDecision decision = ConsentDecision::kRefuse;

  // What the consent agent found out about who asks; "unknown" where it could not. Always filled
  // in. 'origin' is what refusals are remembered by: Flatpak or Snap id, else unit, else
  // executable.
  std::string executable = "unknown";
  std::string origin = "unknown";

  // The rest counts for kAllow only, and stays at its defaults otherwise.
  // The name the user gave it (cleaned by CleanName).
  std::string given_name;
  ScopeSet scopes;
  ChatChoice chat_choice = ChatChoice::kListed;
  // For kListed: places in ConsentQuestion::chats, ascending, without doubles.
  std::vector<uint32_t> chats;
  // For kAllExisting and kAllAndNew: places in ConsentQuestion::accounts, ascending, without
  // doubles. Empty for kListed: the accounts of the listed chats.
  std::vector<uint32_t> accounts;
  // expire_time in whole seconds; InfiniteFuture unless kUntil.
  Validity validity;
  // In whole seconds; InfinitePast: all history. Only with messages:history.
  absl::Time history_start_time = absl::InfinitePast();
  bool only_while_unlocked = false;

  bool operator==(const ConsentAnswer&) const = default;
};

// Returns 32 hex digits from the system's generator.
std::string NewQuestionId();

// Canonical form. Names must be valid UTF-8, as cleaned ones are.
std::string ToJson(const ConsentQuestion& question);
std::string ToJson(const ConsentAnswer& answer);
// INVALID_ARGUMENT, naming the field where it can, for all that is not canonical: unknown or
// missing fields, unknown scopes or values, wrong types, out-of-range numbers, doubles, other
// spacing.
absl::StatusOr<ConsentQuestion> QuestionFromJson(std::string_view json);
absl::StatusOr<ConsentAnswer> AnswerFromJson(std::string_view json);

// SHA-256 of the canonical form.
Sha256 Sha256Of(const ConsentQuestion& question);
Sha256 Sha256Of(const ConsentAnswer& answer);

// OK when 'answer' answers exactly 'question' and allows nothing that was not asked.
// INVALID_ARGUMENT otherwise; then nothing is granted. An answer that allows an app must give a
// name, tick a scope and, where any account was offered, choose a chat or an account; a gatekeeper
// gets a name and nothing else.
absl::Status CheckAnswer(const ConsentQuestion& question, const ConsentAnswer& answer,
                         absl::Time now);

// Returns the grant that a checked answer makes, with a new id. INVALID_ARGUMENT as CheckAnswer;
// FAILED_PRECONDITION when the answer does not allow, or the question was a gatekeeper's (which
// gets a role and no grant).
absl::StatusOr<Grant> GrantFrom(const ConsentQuestion& question, const ConsentAnswer& answer,
                                absl::Time now);

}  // namespace postern::permissions
