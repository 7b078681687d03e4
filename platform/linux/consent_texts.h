// SPDX-License-Identifier: Apache-2.0
// All that both faces of the consent question say, in one place: the same words in the window and
// in the terminal, and one place to translate.
#pragma once

#include <absl/time/time.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "permissions/consent_question.h"
#include "permissions/grant.h"
#include "platform/linux/peer_evidence.h"

namespace postern::platform::texts {

inline constexpr const char* kTitle = "Allow access to your messages?";
inline constexpr const char* kTitleGatekeeper = "Allow this program to feed your messages?";
inline constexpr const char* kTitleMore = "Allow more access to your messages?";

inline constexpr const char* kClaimedName = "It calls itself";
inline constexpr const char* kKnownName = "You know it as";
inline constexpr const char* kPurpose = "It says it is for";
inline constexpr const char* kYourName = "Your name for it";
inline constexpr const char* kUnknown = "unknown";
inline constexpr const char* kEvidence = "Who is asking, as far as this computer can tell";

inline constexpr const char* kReading = "It may read";
inline constexpr const char* kWriting = "It may act in your name";
inline constexpr const char* kRequired = "It says it cannot work without this";
inline constexpr const char* kOptional = "It can use this, and works without";
inline constexpr const char* kDestination = "Where your messages go";
inline constexpr const char* kChats = "In which chats";
inline constexpr const char* kAllExisting = "All chats you have today";
inline constexpr const char* kAllAndNew = "All chats, also those that begin later";
inline constexpr const char* kListed = "Only the chats chosen below";
inline constexpr const char* kSearchChats = "Search chats";
inline constexpr const char* kNoChats = "No chats are known yet";
inline constexpr const char* kGroup = "group";
inline constexpr const char* kDirect = "1:1";
inline constexpr const char* kDuration = "How long";
inline constexpr const char* kHistory = "Older messages";
inline constexpr const char* kNetworks = "Networks";
inline constexpr const char* kFeeds =
    "It will hand over the messages it receives there, already decrypted, and send in your name "
    "what "
    "apps that you allow write.";

inline constexpr const char* kRefuse = "Refuse";
inline constexpr const char* kAllow = "Allow";
inline constexpr const char* kChangeLater =
    "You can see and take back every grant at any time: postern grants list";

// How long a grant may last. Limited unless the person says otherwise.
struct DurationChoice {
  const char* text;
  permissions::ValidityKind kind;
  absl::Duration length;
};
inline constexpr size_t kDurationDefault = 4;
inline const std::array<DurationChoice, 6>& DurationChoices() {
  static const std::array<DurationChoice, 6> choices = {{
      {"Once, until its first connection ends", permissions::ValidityKind::kOnce, {}},
      {"While it runs", permissions::ValidityKind::kWhileRunning, {}},
      {"1 day", permissions::ValidityKind::kUntil, absl::Hours(24)},
      {"7 days", permissions::ValidityKind::kUntil, absl::Hours(7 * 24)},
      {"30 days", permissions::ValidityKind::kUntil, absl::Hours(30 * 24)},
      {"Until you take it back", permissions::ValidityKind::kUntilRevoked, {}},
  }};
  return choices;
}

// How far back messages:history reaches, from the moment of the answer.
struct HistoryChoice {
  const char* text;
  absl::Duration length;
};
inline constexpr size_t kHistoryDefault = 0;
inline const std::array<HistoryChoice, 4>& HistoryChoices() {
  static const std::array<HistoryChoice, 4> choices = {{
      {"The last 7 days", absl::Hours(7 * 24)},
      {"The last 30 days", absl::Hours(30 * 24)},
      {"The last year", absl::Hours(365 * 24)},
      {"Everything that is stored", absl::InfiniteDuration()},
  }};
  return choices;
}

// Returns the heading of this kind of question.
const char* TitleOf(const permissions::ConsentQuestion& question);
// Returns where the data goes, in full sentences.
std::string DestinationOf(const permissions::ConsentQuestion& question);
// Returns what there is to say against the claimed name, or "".
std::string NameWarningOf(const permissions::ConsentQuestion& question);
// Returns the evidence as (label, value) lines, "unknown" where nothing could be read. Values are
// not escaped.
std::vector<std::pair<std::string, std::string>> EvidenceLines(
    const PeerEvidence& evidence, const permissions::ConsentQuestion& question);
// Returns what a chat is called in a list: its name, network, account and whether it is a group.
std::string ChatLine(const permissions::ConsentQuestion& question, size_t index);
std::string AccountLine(const permissions::OfferedAccount& account);

}  // namespace postern::platform::texts
