// SPDX-License-Identifier: Apache-2.0
// The bounds of the broker, each with its reason. Connection bounds are in door_limits.h, storage
// bounds in storage_limits.h.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>

namespace postern::broker {

// The contract's own numbers (proto/postern/v1, event_service.proto and gatekeeper_service.proto).
inline constexpr size_t kTextBytesMax = 64 * 1024;
inline constexpr int kFrameEventsMax = 64;
inline constexpr size_t kFrameBytesMax = 256 * 1024;
inline constexpr size_t kAdapterBatchBytesMax = 1024 * 1024;
inline constexpr size_t kIdBytesMax = 512;

// One event must fit into a frame with room for pseudonyms, which are longer than short remote ids.
inline constexpr size_t kEventBytesMax = 192 * 1024;
// Larger than any network's own bound for one message that people read.
inline constexpr int kMentionsMax = 256;
inline constexpr int kSpansMax = 1024;
inline constexpr int kAttachmentsMax = 64;
inline constexpr int kPollOptionsMax = 64;
inline constexpr int kParticipantsMax = 1024;
inline constexpr int kReceiptMessagesMax = 256;
// Names of people, chats and files.
inline constexpr size_t kNameBytesMax = 1024;
inline constexpr size_t kEmojiBytesMax = 64;
// Reactions that a chat can name as the only ones: more than any palette has.
inline constexpr int kAllowedReactionsMax = 512;
// Addresses of one person on one network: phones, mail and devices with one each.
inline constexpr int kAddressesMax = 32;
// Pinned messages of a chat; of more, the oldest are forgotten.
inline constexpr int kPinnedMessagesMax = 128;
// Contacts that the user may say are one person: more accounts than anybody has.
inline constexpr size_t kLinkedContactsMax = 50;
// Addresses an app may ask about in an hour: a person's worth of looking up. Numbers are guessable,
// and what is behind a guess must not be had by trying.
inline constexpr uint32_t kResolvesPerHour = 60;

// A network's time outside of these is replaced by the time of recording: no messenger is older,
// and clocks of honest servers are not a day ahead.
inline constexpr absl::Time kEarliestEventTime = absl::FromUnixSeconds(946684800);  // 2000-01-01
inline constexpr absl::Duration kEventTimeAheadMax = absl::Hours(24);

// Fingerprints of the latest events of an account, to drop what an adapter sends twice under new
// positions. 16 bytes each.
inline constexpr size_t kDuplicateWindow = 16384;

// Batches of one adapter that wait for the log while the next is read: enough to keep the writer
// busy, and no more than 4 MiB.
inline constexpr size_t kPendingBatchesMax = 4;
// Events that one commit of one adapter takes.
inline constexpr size_t kCommitEventsMax = 1024;
// A new adapter waits so long for a dead one of the same account to leave.
inline constexpr absl::Duration kAdapterTakeover = absl::Milliseconds(500);
// Commands and acknowledgements that wait for one adapter to read them.
inline constexpr size_t kAdapterOutboxMax = 1024;
// An adapter that has said its last word has so long to read what waits for it.
inline constexpr absl::Duration kAdapterFlushMax = absl::Seconds(2);
// An adapter must say hello this soon.
inline constexpr absl::Duration kHelloTimeout = absl::Seconds(10);
// How long a call waits for the gatekeeper's answer: longer than a mobile network's bad minute is
// no use to a caller.
inline constexpr absl::Duration kCommandTimeout = absl::Seconds(30);

// A gatekeeper's words on why it failed: what a status carries to an app beside its other details.
inline constexpr size_t kGatekeeperReasonMax = 256;
// How long an answer that a gatekeeper gave as pending may take: what a network has not sent in a
// day, nobody waits for any more. Answers awaited at once: a few hundred bytes each.
inline constexpr absl::Duration kLateResultMax = absl::Hours(24);
inline constexpr size_t kLateResultsMax = 10'000;
// Answers that came before it was known that somebody waits for them, of each account: they
// overtake by milliseconds.
inline constexpr size_t kEarlyResultsMax = 64;
// Messages that apps sent lately and that may not be back as events yet: an app may edit what it
// has just sent.
inline constexpr size_t kRecentSentMax = 4096;
// Typing notices of one app in a minute: they are renewed every few seconds in each chat it types
// in.
inline constexpr uint32_t kTypingPerMinute = 120;
// Records about a message that are looked through for the user's own reactions to it.
inline constexpr size_t kReactionRecordsMax = 4096;

// How many apps a message may come through: there and back again over a bridge, and one more. What
// went through them is stopped at the next.
inline constexpr uint32_t kHopsMax = 3;
// Networks that a trail of so many apps can name: each hop adds the one it came from, the one it
// goes to, and those the app holds leases for in the chat. What has been on more is not sent on.
inline constexpr size_t kTrailNetworksMax = 12;
// What an app sends is compared with what comes back within the first for a loop at a machine's
// pace, within the second for a slow one (loop_guard.cc).
inline constexpr absl::Duration kEchoSoon = absl::Seconds(5);
inline constexpr absl::Duration kEchoLate = absl::Minutes(1);
// How long a breaker shuts an app out of a chat: the first time, at most (it doubles), and how long
// it then stays watched. Long enough for a person to look, short enough to mend itself.
inline constexpr absl::Duration kBreakerOpen = absl::Minutes(1);
inline constexpr absl::Duration kBreakerOpenMax = absl::Hours(1);
inline constexpr absl::Duration kBreakerWatched = absl::Minutes(5);
// Sends of one app that are remembered for it: a loop faster than this many a minute shows in far
// fewer.
inline constexpr size_t kRecentSendsMax = 256;
// How much of a text is looked at, and one word in how many may differ between texts that resemble
// each other. A bridge's line of "Name via Network:" with another short text under it stays
// another.
inline constexpr size_t kSignatureBytesMax = 4096;
inline constexpr size_t kSignatureTolerance = 16;

// Chats of which it is remembered when somebody last wrote; of others the index is asked.
inline constexpr size_t kIncomingChatsMax = 16384;

// Forward leases: an app that passes on every chat of a person who has thousands; the apps that
// stand in line for one; the networks one app serves for one chat, which trails must be able to
// name.
inline constexpr size_t kLeasesPerAppMax = 4096;
inline constexpr size_t kLeaseLineMax = 8;
inline constexpr size_t kLeaseTargetsMax = 4;
// Request ids remembered of one app for its leases: longer than any client retries.
inline constexpr size_t kLeaseRequestsMax = 256;
// Lease calls of one app in a minute: all its leases at once, after a restart.
inline constexpr uint32_t kLeaseCallsPerMinute = kLeasesPerAppMax;
// A full disk cannot tell who holds a lease; it is tried again so soon.
inline constexpr absl::Duration kLeaseRetry = absl::Seconds(1);

// Changes of what the broker keeps that one app may make in a minute, where nothing else counts
// them: each costs a durable write.
inline constexpr uint32_t kWritesPerMinute = 60;
// Request ids that are remembered of one principal; beyond, the oldest go before kRequestMemory is
// over.
inline constexpr int64_t kRequestsPerAppMax = 50'000;

// Records one stream takes from the log at a time: four frames.
inline constexpr int kReadBatch = 4 * kFrameEventsMax;
// A stream that filters everything out still moves its app's cursor on so often.
inline constexpr uint64_t kSilentEventsMax = 4096;
// A waiting stream looks this often whether its call was cancelled while the connection stayed: the
// synchronous server cannot be told.
inline constexpr absl::Duration kCancelPoll = absl::Seconds(30);
// A new stream waits so long for a dead one of the same name to leave.
inline constexpr absl::Duration kSubscriptionTakeover = absl::Milliseconds(500);
// A write without progress for so long ends the stream; the app resumes from its cursor.
inline constexpr absl::Duration kReaderStallMax = absl::Seconds(30);
// Live event streams of one app. More than a bridge and its restart need.
inline constexpr int kStreamsPerAppMax = 8;
inline constexpr size_t kSubscriptionsPerAppMax = 32;
inline constexpr size_t kSubscriptionNameMax = 64;

// After a revocation: the reading client is told at once; a stream that is still there after the
// first is cancelled, the connections of an app that is out are shut after the second.
inline constexpr absl::Duration kRevokeCancelAfter = absl::Milliseconds(250);
inline constexpr absl::Duration kRevokeShutdownAfter = absl::Milliseconds(700);

// Pages (AIP-158).
inline constexpr int kPageSizeDefault = 50;
inline constexpr int kPageSizeMax = 500;

// Reading starts anew when access changes under it: so often, since a person changes it by hand.
inline constexpr int kReadAttemptsMax = 10;

// Older history on request: of one app, and in all, at once; in one request unless it says, and at
// most. A year of a busy chat takes several.
inline constexpr size_t kBackfillsPerAppMax = 4;
inline constexpr size_t kBackfillsMax = 16;
inline constexpr uint32_t kBackfillMessagesDefault = 500;
inline constexpr uint32_t kBackfillMessagesMax = 10'000;
// Progress is told in so many steps: each is an event in the log.
inline constexpr uint32_t kBackfillProgressSteps = 50;
// A command that an adapter does not know any more goes out so often.
inline constexpr int kBackfillAttemptsMax = 3;
// A gatekeeper that says nothing for so long has stopped; one that is away has so long to return.
inline constexpr absl::Duration kBackfillSilenceMax = absl::Minutes(10);

// Messages that one call looks at for what its app may see of them. Beyond, it answers with what it
// has found and a token: an app that sees little gets short pages rather than a long wait.
inline constexpr size_t kHistoryLooksMax = 1000;
// Of those that a search finds: rows it passes over for their time alone.
inline constexpr size_t kSearchRowsMax = 20'000;
// A query that people type; a pasted sentence fits.
inline constexpr size_t kSearchQueryBytesMax = 1024;
inline constexpr size_t kSearchWordsMax = 32;
// Chats that one query is restricted to by name; where more are open, each hit is still decided.
inline constexpr size_t kSearchChatsMax = 4096;
// A search waits so long for the newest messages to be indexed; then it says how far it looked.
inline constexpr absl::Duration kSearchIndexWait = absl::Milliseconds(500);
// Reactions shown of one message: as many as its changes that are read.
inline constexpr int kFoldedReactionsMax = 512;
// Messages on each side of one that GetMessageContext shows.
inline constexpr int kContextDefault = 10;
inline constexpr int kContextMax = 100;

// Request ids are remembered so long: longer than any client retries.
inline constexpr absl::Duration kRequestMemory = absl::Hours(24 * 7);
inline constexpr size_t kRequestIdMax = 128;

// Questions that wait for the person at once (permissions/consent_question.h has how long one
// waits).
inline constexpr size_t kPendingQuestionsMax = 8;
// Messages that wait for the person's word: of one app, and in all (64 KiB of text each).
inline constexpr size_t kPendingSendsPerAppMax = 4;
inline constexpr size_t kPendingSendsMax = 16;
// Questions of the owner's own tools that wait: a person has one or two of them open.
inline constexpr size_t kPendingOwnerQuestionsMax = 4;
// How long the person's yes lets one of those tools show text.
inline constexpr absl::Duration kOwnerSight = absl::Minutes(15);
// Chats that an app may name in one question: what a person can look at.
inline constexpr size_t kAskedChatsMax = 100;
// Ended questions that can still be asked about.
inline constexpr size_t kEndedQuestionsMax = 64;
// Questions turned away within the memory before the owner is told of a storm.
inline constexpr uint32_t kTurnedAwayBeforeNotice = 10;
inline constexpr absl::Duration kTurnedAwayMemory = absl::Hours(1);
// Grants one principal may have had; older ended ones are forgotten.
inline constexpr size_t kGrantsPerAppMax = 100;

// After everything was removed, the daemon stops so much later: the reply gets out first.
inline constexpr absl::Duration kPurgeGrace = absl::Seconds(1);

// Notices that the user has not marked as read.
inline constexpr size_t kOwnerNoticesMax = 100;
// At most one desktop notification in so long; what gathers becomes one.
inline constexpr absl::Duration kNotificationInterval = absl::Minutes(1);
// A notice that is still open is shown again when it repeats, but not sooner than this.
inline constexpr absl::Duration kNotificationRepeat = absl::Hours(1);
// Counts of repeated notices go to disk together, so often.
inline constexpr absl::Duration kNoticeWriteInterval = absl::Minutes(1);

// The access history keeps as much as a person may look back on. A row takes some 150 bytes.
inline constexpr uint64_t kAccessRowsMax = 1'000'000;
inline constexpr absl::Duration kAccessAgeMax = absl::Hours(24 * 365 * 2);
// Rows that one commit forgets, and that one read transaction looks at: a few milliseconds.
inline constexpr uint64_t kAccessTrimSlice = 2000;
inline constexpr uint64_t kAccessScanSlice = 10'000;
// Counts of one minute, and of those that a full disk keeps from becoming rows: a megabyte or two.
inline constexpr size_t kAccessCountsMax = 16'384;
// Points of a chart: more than a window is wide enough to show apart.
inline constexpr int kAccessStretchesMax = 500;
// The longest name of a reason in the contract has 29 letters.
inline constexpr size_t kAccessReasonBytesMax = 64;

// Stretches of the log that are told apart in what an app was handed: one for each change of its
// grants, and for each place where it began to read anew. The oldest are joined.
inline constexpr size_t kDeliveriesMax = 64;
// They are written so often: a crash forgets no more.
inline constexpr absl::Duration kDeliveryFlushInterval = absl::Minutes(1);
// Records that one page of "as the app sees it" looks at: an app with one quiet chat gets a short
// page rather than a long wait.
inline constexpr uint64_t kViewRecordsMax = 20'000;

// A change of who sees a chat is told there after this: grants are often given in several steps.
inline constexpr absl::Duration kNoticeDelay = absl::Seconds(10);
// Newcomers of a chat are told together, and at most so often: a crowd is one notice.
inline constexpr absl::Duration kNewcomerNoticeSpacing = absl::Minutes(10);
// Between two notices of an account: below what networks take for spam.
inline constexpr absl::Duration kNoticeSpacing = absl::Seconds(3);
// An adapter that failed for now is asked again after this; one that does not answer is not.
inline constexpr absl::Duration kNoticeRetry = absl::Minutes(1);
inline constexpr absl::Duration kNoticeAnswerMax = absl::Minutes(2);
// Objecting and taking back in turns is answered at most so often.
inline constexpr absl::Duration kAnswerSpacing = absl::Minutes(1);
// People of one chat who are remembered as told: those of the largest chat, and as many who left.
inline constexpr size_t kToldPeopleMax = 2 * size_t{kParticipantsMax};
// Who sees which chat is looked at again at most so often, and after an error; so many chats are
// told of at a time, so that events and commands find room in between.
inline constexpr absl::Duration kDisclosurePace = absl::Milliseconds(200);
inline constexpr absl::Duration kDisclosureRetry = absl::Seconds(5);
inline constexpr size_t kDisclosuresPerPass = 256;

// Asks to erase that are told apart of one app; of more, neighbours are joined and count until the
// last of them is confirmed.
inline constexpr int kEraseAsksMax = 256;
// Chats that one event asks to erase: the contract's own number.
inline constexpr size_t kEraseChatsMax = 500;
// Disappearing messages that one commit takes away, and how long what was appended is left to
// gather before it is looked at for timers: less than people notice.
inline constexpr int kExpiryBatch = 256;
inline constexpr absl::Duration kExpiryLinger = absl::Milliseconds(200);
// How far the log was looked at for timers is written after so many records without one.
inline constexpr uint64_t kExpiryKeepEvery = 4096;

// An app's unit is started at most once in the first; while it does not come, in twice as long each
// time, up to the second.
inline constexpr absl::Duration kStartInterval = absl::Minutes(1);
inline constexpr absl::Duration kStartIntervalMax = absl::Hours(1);
// Records that one look goes through for one app, and how long what arrives is left to gather.
inline constexpr uint64_t kStartScanMax = 4096;
inline constexpr absl::Duration kStartLinger = absl::Milliseconds(500);

// Chats and people that are sealed, or object: people in crowded groups can say the word too.
inline constexpr size_t kSealsMax = 10'000;

// What is done now and then is looked at so often.
inline constexpr absl::Duration kUpkeepInterval = absl::Minutes(1);
// Of that, what writes although nothing happened, or looks at a lot.
inline constexpr absl::Duration kUpkeepSlowInterval = absl::Hours(1);
// When an app was last here is written so often: lapsing counts in months.
inline constexpr absl::Duration kLastSeenInterval = absl::Hours(24);
// A reply that takes something back waits so long for the keyring to know. A keyring on a local
// disk takes some ten milliseconds; one that hangs must not hold up the user.
inline constexpr absl::Duration kAnchorWait = absl::Milliseconds(500);

// A machine's clock moves ahead by so much at once while it runs (somebody sets it right), and
// while it is off (a long holiday); beyond that it is in doubt (trusted_clock.h).
inline constexpr absl::Duration kClockStepMax = absl::Hours(1);
inline constexpr absl::Duration kClockAwayMax = absl::Hours(24 * 32);
// A clock that is in doubt is believed after running on for so long: the user was told, and had
// time to set it.
inline constexpr absl::Duration kClockProbation = absl::Hours(24 * 7);
// Nobody is told of less: clocks are set by a few seconds all the time.
inline constexpr absl::Duration kClockTolerance = absl::Minutes(10);

// History waits so long for the index to reach the end of the log.
inline constexpr absl::Duration kIndexWait = absl::Seconds(5);

// The time between SIGTERM and the end of calls that have not ended by themselves.
inline constexpr absl::Duration kShutdownGrace = absl::Milliseconds(500);

}  // namespace postern::broker
