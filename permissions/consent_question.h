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

enum class QuestionKind : uint8_t {
  kEnrollApp = 1,
  kEnrollGatekeeper = 2,
  kWidenGrant = 3,
  // To let a grant last longer; asked by the owner.
  kExtendGrant = 4,
  // To send this very message, for messages:send.ask.
  kSendMessage = 5,
  // What the owner's tools may not do by themselves.
  kUnseal = 6,
  kExport = 7,
  kPurge = 8,
  // To show in them what apps see, with what people wrote.
  kView = 9,
};

// Whether an answer to such a question can make a grant: these ask for scopes and chats.
bool AsksForAccess(QuestionKind kind);

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
// How long a question waits for its answer.
inline constexpr absl::Duration kQuestionTimeout = absl::Seconds(120);
// How long a message waits for the person who is to allow it.
inline constexpr absl::Duration kSendQuestionTimeout = absl::Minutes(10);
// What a message may hold, as everywhere in the contract.
inline constexpr size_t kQuestionTextBytesMax = 64 * 1024;
// More than any person or network's own abuse rules stand.
inline constexpr uint32_t kSendsPerHourMax = 600;

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
  // For kWidenGrant: places in 'chats' the app named, ascending, without doubles. They are shown
  // first, and not ticked.
  std::vector<uint32_t> asked_chats;
  // Cleaned name of the chat or person that kSendMessage or kUnseal is about, of the app whose view
  // kView would show, or of what would be exported or purged; for kExtendGrant the chats of the
  // grant. Otherwise empty.
  std::string subject;
  // For kUnseal: the person asked for the seal themselves; opening it tells them so.
  bool subject_objected = false;
  // For kSendMessage: the text as it would be sent. Valid UTF-8, not cleaned.
  std::string message_text;
  // Where access is asked for: the systemd unit that the app's manifest names (IsUnitName), or
  // empty.
  std::string systemd_unit;
  // For kExtendGrant what the grant holds and until when (InfiniteFuture: until it is taken back);
  // for kWidenGrant what the app holds already.
  ScopeSet held_scopes;
  absl::Time held_until = absl::InfiniteFuture();
  // Whole seconds.
  absl::Duration timeout = kQuestionTimeout;

  bool operator==(const ConsentQuestion&) const = default;
};

enum class ConsentDecision : uint8_t {
  kAllow = 1,
  kRefuse = 2,
  kExpired = 3,
  // Not an answer: what is ticked so far, to be previewed (consent_preview.h). CheckAnswer refuses
  // it.
  kDraft = 4,
};

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

  // The rest counts for kAllow only, and stays at its defaults otherwise. kExtendGrant sets
  // 'validity' alone, a gatekeeper's 'given_name' alone, the kinds after them nothing.
  // The name the user gave it (cleaned by CleanName).
  std::string given_name;
  ScopeSet scopes;
  ChatChoice chat_choice = ChatChoice::kListed;
  // For kListed: places in ConsentQuestion::chats, ascending, without doubles.
  std::vector<uint32_t> chats;
  // For kAllExisting and kAllAndNew: places in ConsentQuestion::accounts, ascending, without
  // doubles. Empty for kListed: the accounts of the listed chats.
  std::vector<uint32_t> accounts;
  // The next three narrow a choice of all chats, and only that. Places of chats of the chosen
  // accounts that stay closed, ascending, without doubles.
  std::vector<uint32_t> excluded_chats;
  ChatKinds chat_kinds = ChatKinds::kBoth;
  // Speaks of 1:1 chats: kAll with kGroup.
  People people = People::kAll;
  // expire_time in whole seconds; InfiniteFuture unless kUntil.
  Validity validity;
  // In whole seconds; InfinitePast: all history. Only with messages:history.
  absl::Time history_start_time = absl::InfinitePast();
  bool only_while_unlocked = false;
  // The unit may be started when something arrives for the app. Only where the question names one.
  bool may_start = false;
  // At most kSendsPerHourMax; 0: the default of limits.h. Only with a scope that sends.
  uint32_t sends_per_hour = 0;

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
// gets a name and nothing else; an extension ends later than what is held.
absl::Status CheckAnswer(const ConsentQuestion& question, const ConsentAnswer& answer,
                         absl::Time now);

// Returns the grant that a checked answer makes, with a new id. INVALID_ARGUMENT as CheckAnswer;
// FAILED_PRECONDITION when the answer does not allow, or the question was not for access
// (AsksForAccess).
absl::StatusOr<Grant> GrantFrom(const ConsentQuestion& question, const ConsentAnswer& answer,
                                absl::Time now);

// Returns 'held' with the time that a checked answer to kExtendGrant gives it. INVALID_ARGUMENT as
// CheckAnswer; FAILED_PRECONDITION when the answer does not allow, the question was another, or
// 'held' is of another principal or has ended: what has ended does not come alive.
absl::StatusOr<Grant> ExtendedGrant(const Grant& held, const ConsentQuestion& question,
                                    const ConsentAnswer& answer, absl::Time now);

}  // namespace postern::permissions
