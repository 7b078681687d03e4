// SPDX-License-Identifier: Apache-2.0
// All that both faces of the consent question say, in one place: the same words in the window and
// in the terminal.
#pragma once

#include <absl/time/time.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "permissions/consent_preview.h"
#include "permissions/consent_question.h"
#include "permissions/grant.h"
#include "permissions/limits.h"
#include "platform/linux/peer_evidence.h"
#include "platform/linux/translation.h"

namespace postern::platform::texts {

// --- who asks
inline constexpr Text kClaimedName = Text("It calls itself");
inline constexpr Text kKnownName = Text("You know it as");
inline constexpr Text kItsName = Text("Its name");
inline constexpr Text kPurpose = Text("It says it is for");
inline constexpr Text kYourName = Text("Your name for it");
inline constexpr Text kAppId = Text("App id");
inline constexpr Text kUnknown = Text("unknown");
inline constexpr Text kEvidence = Text("Who is asking, as far as this computer can tell");

// --- what it may do
inline constexpr Text kHolds = Text("It may already");
inline constexpr Text kReading = Text("It may read");
inline constexpr Text kWriting = Text("It may act in your name");
inline constexpr Text kRequired = Text("It says it cannot work without this");
inline constexpr Text kOptional = Text("It can use this, and works without");
inline constexpr Text kDestination = Text("Where your messages go");

// --- in which chats
inline constexpr Text kChats = Text("In which chats");
inline constexpr Text kAllExisting = Text("All chats you have today");
inline constexpr Text kAllAndNew = Text("All chats, also those that begin later");
inline constexpr Text kChosenChats = Text("Only the chats chosen below");
inline constexpr Text kSearchChats = Text("Search chats");
inline constexpr Text kNoChats = Text("No chats are known yet");
inline constexpr Text kNoChatsLater = Text("No chats are known yet. You can open some later.");
inline constexpr Text kNoChatFound = Text("No chat has this in its name.");
inline constexpr Text kAskedFor = Text("asked for");
inline constexpr Text kGroup = Text("group");
inline constexpr Text kDirect = Text("1:1");
inline constexpr CountText kChatsChosen = CountText("$0 chat chosen", "$0 chats chosen");
inline constexpr Text kWhichAccounts = Text("Of these accounts");
inline constexpr Text kChatKinds = Text("Which kinds");
inline constexpr Text kPeople = Text("With whom, in 1:1 chats");
inline constexpr Text kLeaveOut = Text("Leave out the chats chosen below");
inline constexpr CountText kChatsLeftOut = CountText("$0 chat left out", "$0 chats left out");

// --- for how long, and how much
inline constexpr Text kDuration = Text("How long");
inline constexpr Text kHistory = Text("Older messages");
inline constexpr Text kOnlyUnlocked = Text("Only while your session is unlocked");
inline constexpr Text kMayStart = Text("Start it when something arrives for it");
// The systemd unit.
inline constexpr Text kMayStartUnit = Text("Postern then starts $0, when it is not running.");
inline constexpr Text kSendsPerHour = Text("Messages it may send");
inline constexpr Text kChangeLater =
    Text("You can see and take back every grant at any time: postern grants list");

// --- where it is asked
inline constexpr Text kOnX11 = Text(
    "On this desktop (X11), other programs can see this window and press its buttons. Wayland "
    "guards it better.");

// --- what it would see
inline constexpr Text kPreview = Text("What it would see");
inline constexpr Text kPreviewWaits = Text(
    "Once you have chosen what it may read, and in which chats, your latest messages are shown "
    "here as it would see them.");
inline constexpr Text kPreviewUnknown = Text("Your latest messages cannot be shown right now.");
inline constexpr Text kPreviewNothing = Text("None of your latest messages.");
inline constexpr CountText kPreviewChats = CountText("It opens $0 chat.", "It opens $0 chats.");
inline constexpr CountText kPreviewCame =
    CountText("Of the latest messages there, it would have seen $0 as it came.",
              "Of the latest messages there, it would have seen $0 as they came.");
inline constexpr CountText kPreviewNow =
    CountText("It could read $0 of them at once.", "It could read $0 of them at once.");
inline constexpr Text kPreviewLater =
    Text("It could read none of them now, only what comes from now on.");
inline constexpr Text kYou = Text("You");
// Sender, chat, time.
inline constexpr Text kPreviewLine = Text("$0, in $1, $2");
inline constexpr Text kTextHidden = Text("(the text stays hidden)");
inline constexpr Text kTextWithheld =
    Text("(withheld: who wrote it does not want such apps to read it)");
inline constexpr Text kNoText = Text("(no text)");

// --- gatekeepers
inline constexpr Text kNetworks = Text("Networks");
inline constexpr Text kFeeds = Text(
    "It will hand over the messages it receives there, already decrypted, and send in your "
    "name what apps that you allow write.");

// --- the other questions
inline constexpr Text kHeldUntil = Text("It ends");
inline constexpr Text kInChats = Text("In");
inline constexpr Text kTo = Text("To");
inline constexpr Text kMessage = Text("The message");
inline constexpr Text kSealed = Text("Sealed");
inline constexpr Text kUnsealOwn =
    Text("Apps that you allowed will see it again, as far as you allowed them.");
inline constexpr Text kUnsealObjected = Text(
    "This person asked that apps do not read what they write. If you open this, they are told "
    "so.");
inline constexpr Text kExportWhat = Text("What is exported");
inline constexpr Text kExportNote =
    Text("It is written to a file outside of Postern, which anybody who gets the file can read.");
inline constexpr Text kPurgeWhat = Text("What is deleted");
inline constexpr Text kPurgeNote = Text(
    "It is deleted from Postern's storage on this computer and cannot be brought back. Your "
    "messenger keeps what it has.");
inline constexpr Text kViewWhat = Text("As this app sees them");
inline constexpr Text kViewNote = Text(
    "The program above can then read what apps see in your chats, and the addresses of the people "
    "you know. This ends with that program, when your screen is locked, and after 15 minutes.");

// --- the answer
inline constexpr Text kRefuse = Text("Refuse");
inline constexpr Text kAllow = Text("Allow");
inline constexpr Text kNeedsName = Text("To allow, give it a name.");
inline constexpr Text kNeedsScope = Text("To allow, choose what it may do.");
inline constexpr Text kNeedsChat = Text("To allow, choose in which chats.");
inline constexpr Text kNeedsAccount = Text("To allow, choose of which accounts.");
inline constexpr Text kAsleep = Text("Allow can be pressed in a moment.");
inline constexpr Text kReady = Text("Nothing is allowed until you press Allow.");

// How long a grant may last. Limited unless the person says otherwise.
struct DurationChoice {
  Text text;
  permissions::ValidityKind kind;
  absl::Duration length;
};
inline constexpr size_t kDurationDefault = 4;
inline const std::array<DurationChoice, 6>& DurationChoices() {
  using permissions::ValidityKind;
  static const std::array<DurationChoice, 6> choices = {{
      {Text("Once, until its first connection ends"), ValidityKind::kOnce, {}},
      {Text("While it runs"), ValidityKind::kWhileRunning, {}},
      {Text("1 day"), ValidityKind::kUntil, absl::Hours(24)},
      {Text("7 days"), ValidityKind::kUntil, absl::Hours(7 * 24)},
      {Text("30 days"), ValidityKind::kUntil, absl::Hours(30 * 24)},
      {Text("Until you take it back"), ValidityKind::kUntilRevoked, {}},
  }};
  return choices;
}

// How much longer a grant may last, from when it would have ended.
inline constexpr size_t kExtensionDefault = 1;
inline const std::array<DurationChoice, 4>& ExtensionChoices() {
  using permissions::ValidityKind;
  static const std::array<DurationChoice, 4> choices = {{
      {Text("1 more day"), ValidityKind::kUntil, absl::Hours(24)},
      {Text("7 more days"), ValidityKind::kUntil, absl::Hours(7 * 24)},
      {Text("30 more days"), ValidityKind::kUntil, absl::Hours(30 * 24)},
      {Text("Until you take it back"), ValidityKind::kUntilRevoked, {}},
  }};
  return choices;
}

// How far back messages:history reaches, from the moment of the answer.
struct HistoryChoice {
  Text text;
  absl::Duration length;
};
inline constexpr size_t kHistoryDefault = 0;
inline const std::array<HistoryChoice, 4>& HistoryChoices() {
  static const std::array<HistoryChoice, 4> choices = {{
      {Text("The last 7 days"), absl::Hours(7 * 24)},
      {Text("The last 30 days"), absl::Hours(30 * 24)},
      {Text("The last year"), absl::Hours(365 * 24)},
      {Text("Everything that is stored"), absl::InfiniteDuration()},
  }};
  return choices;
}

struct KindChoice {
  Text text;
  permissions::ChatKinds kind;
};
inline const std::array<KindChoice, 3>& KindChoices() {
  static const std::array<KindChoice, 3> choices = {{
      {Text("1:1 chats and groups"), permissions::ChatKinds::kBoth},
      {Text("Only 1:1 chats"), permissions::ChatKinds::kDirect},
      {Text("Only groups"), permissions::ChatKinds::kGroup},
  }};
  return choices;
}

struct PeopleChoice {
  Text text;
  permissions::People people;
};
inline const std::array<PeopleChoice, 3>& PeopleChoices() {
  static const std::array<PeopleChoice, 3> choices = {{
      {Text("Everybody"), permissions::People::kAll},
      {Text("Only people in your address book"), permissions::People::kContacts},
      {Text("Only people who are not in it"), permissions::People::kStrangers},
  }};
  return choices;
}

struct SendsChoice {
  Text text;
  uint32_t sends_per_hour;
};
inline constexpr size_t kSendsDefault = 2;
inline const std::array<SendsChoice, 5>& SendsChoices() {
  static const std::array<SendsChoice, 5> choices = {{
      {Text("At most 5 an hour"), 5},
      {Text("At most 20 an hour"), 20},
      {Text("At most 60 an hour"), permissions::kSendsPerHourDefault},
      {Text("At most 200 an hour"), 200},
      {Text("At most 600 an hour"), permissions::kSendsPerHourMax},
  }};
  return choices;
}
static_assert(permissions::kSendsPerHourDefault == 60 && permissions::kSendsPerHourMax == 600,
              "the texts above name these numbers");

// Everything below returns texts in the person's language.

// The heading of this kind of question.
const char* TitleOf(const permissions::ConsentQuestion& question);
// What the scope opens, in one sentence.
std::string SentenceOf(permissions::Scope scope);
// Where the data goes, in full sentences.
std::string DestinationOf(const permissions::ConsentQuestion& question);
// What kUnseal, kExport, kPurge and kView are about: a label for the question's subject, and what
// follows from a yes.
struct Thing {
  Text title;
  Text note;
};
Thing ThingOf(const permissions::ConsentQuestion& question);
// What there is to say against the claimed name, or "".
std::string NameWarningOf(const permissions::ConsentQuestion& question);
// The evidence as (label, value) lines, "unknown" where nothing could be read. Values are not
// escaped.
std::vector<std::pair<std::string, std::string>> EvidenceLines(
    const PeerEvidence& evidence, const permissions::ConsentQuestion& question);
// What is said of a chat beside its name: whether it is a group, network and account.
std::string ChatCaption(const permissions::ConsentQuestion& question, size_t index);
// Name and caption in one line, for a terminal and for a screen reader.
std::string ChatLine(const permissions::ConsentQuestion& question, size_t index);
std::string AccountLine(const permissions::OfferedAccount& account);
// Day and time on this machine, or "until you take it back".
std::string TimeText(absl::Time time);
// What a preview says as a whole, one sentence each.
std::vector<std::string> PreviewSummary(const permissions::ConsentPreview& preview);
// Who wrote where and when; and what, or why not.
std::string PreviewHeading(const permissions::PreviewLine& line);
std::string PreviewText(const permissions::PreviewLine& line);

}  // namespace postern::platform::texts
