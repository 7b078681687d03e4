// SPDX-License-Identifier: Apache-2.0
#include "permissions/decide.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "permissions/event_scopes.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

constexpr EventKind kMessageCreated = 20;
constexpr EventKind kMessageEdited = 21;
constexpr EventKind kReactionSet = 24;
constexpr EventKind kPresence = 28;
constexpr EventKind kAttachmentReady = 40;
constexpr EventKind kAccountState = 44;

Access AccessOf(const std::vector<Grant>& grants) { return {.grants = grants}; }

Verdict Read(const std::vector<Grant>& grants, const ObjectFacts& object) {
  return Decide(AccessOf(grants), Scope::kMessagesRead, object, kNow);
}
View See(const std::vector<Grant>& grants, const EventFacts& event) {
  return ViewOf(AccessOf(grants), event, kNow);
}
Grant Reader() { return GrantOf({Scope::kMessagesRead}); }

TEST(Decide, RefusesWithoutAGrant) {
  EXPECT_EQ(Read({}, ChatFacts(1)), Verdict::kScopeMissing);
  EXPECT_EQ(See({}, EventIn(1, kMessageCreated)), View::kNothing);
}

TEST(Decide, RefusesTheScopeThatWasNotGiven) {
  for (int held = 1; held <= kScopeCount; ++held) {
    for (int wanted = 1; wanted <= kScopeCount; ++wanted) {
      const bool opens = WithImplied({static_cast<Scope>(held)}).Has(static_cast<Scope>(wanted));
      const std::vector<Grant> grants = {GrantOf({static_cast<Scope>(held)})};
      EXPECT_EQ(Decide(AccessOf(grants), static_cast<Scope>(wanted), ChatFacts(1), kNow),
                opens ? Verdict::kAllowed : Verdict::kScopeMissing);
    }
  }
}

TEST(Decide, RefusesAllWhilePaused) {
  const std::vector<Grant> grants = {Reader()};
  const Access access = {.grants = grants, .paused = true};
  EXPECT_EQ(Decide(access, Scope::kMessagesRead, ChatFacts(1), kNow), Verdict::kPaused);
  for (int kind = 0; kind < 256; ++kind) {
    EXPECT_EQ(ViewOf(access, EventIn(1, static_cast<EventKind>(kind)), kNow), View::kNothing);
  }
}

TEST(Decide, RefusesFromTheVeryMomentOfExpiry) {
  Grant grant = Reader();
  grant.validity = {ValidityKind::kUntil, kNow};
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kExpired);
  grant.state = GrantState::kSuspended;
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kExpired);
  grant.state = GrantState::kActive;
  grant.validity.expire_time = kNow + absl::Nanoseconds(1);
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kAllowed);
}

TEST(Decide, SaysHowAGrantEnded) {
  Grant grant = Reader();
  grant.state = GrantState::kRevoked;
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kRevoked);
  grant.state = GrantState::kExpired;
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kExpired);
  grant.state = GrantState::kSuspended;
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kSuspended);
  grant.state = static_cast<GrantState>(0);
  EXPECT_NE(Read({grant}, ChatFacts(1)), Verdict::kAllowed);
}

TEST(Decide, SaysTheSameOfAnEndedGrantWhateverTheObject) {
  Grant grant = Reader();
  grant.state = GrantState::kRevoked;
  ObjectFacts elsewhere = ChatFacts(9);
  elsewhere.account = AccountNumber(2);
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Read({grant}, elsewhere));
}

TEST(Decide, RefusesWhileTheSessionIsLocked) {
  std::vector<Grant> grants = {Reader()};
  grants[0].only_while_unlocked = true;
  Access access = {.grants = grants, .session_unlocked = false};
  EXPECT_EQ(Decide(access, Scope::kMessagesRead, ChatFacts(1), kNow), Verdict::kSuspended);
  EXPECT_EQ(ViewOf(access, EventIn(1, kMessageCreated), kNow), View::kNothing);
  access.session_unlocked = true;
  EXPECT_EQ(Decide(access, Scope::kMessagesRead, ChatFacts(1), kNow), Verdict::kAllowed);
}

TEST(Decide, SealedOutranksEveryGrant) {
  ObjectFacts object = ChatFacts(1);
  object.sealed = true;
  EXPECT_EQ(Read({Reader()}, object), Verdict::kNotFound);
  EventFacts event = EventIn(1, kMessageCreated);
  event.object.sealed = true;
  EXPECT_EQ(See({Reader()}, event), View::kNothing);
}

TEST(Selection, RefusesOtherAccountsAndNetworks) {
  ObjectFacts object = ChatFacts(1);
  object.account = AccountNumber(2);
  EXPECT_EQ(Read({Reader()}, object), Verdict::kNotFound);
  Grant grant = Reader();
  grant.selection.accounts.clear();
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kNotFound);
  grant.selection.networks = {"whatsapp"};
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kNotFound);
  grant.selection.networks = {"xmpp"};
  EXPECT_EQ(Read({grant}, object), Verdict::kAllowed);
}

TEST(Selection, RefusesChatsThatWereNotChosen) {
  for (ChatChoice choice :
       {ChatChoice::kListed, ChatChoice::kAllExisting, static_cast<ChatChoice>(0)}) {
    Grant grant = Reader();
    grant.selection.chat_choice = choice;
    grant.selection.included_chats = {ChatNumber(1)};
    EXPECT_EQ(Read({grant}, ChatFacts(2)), Verdict::kNotFound);
    EXPECT_EQ(Read({grant}, ChatFacts(1)),
              choice == static_cast<ChatChoice>(0) ? Verdict::kNotFound : Verdict::kAllowed);
  }
}

TEST(Selection, ExcludedOutranksIncluded) {
  Grant grant = Reader();
  grant.selection.excluded_chats = {ChatNumber(1)};
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kNotFound);
  EXPECT_EQ(Read({grant}, ChatFacts(2)), Verdict::kAllowed);
  grant.selection.chat_choice = ChatChoice::kListed;
  grant.selection.included_chats = {ChatNumber(1)};
  EXPECT_EQ(Read({grant}, ChatFacts(1)), Verdict::kNotFound);
}

TEST(Selection, RefusesOtherKindsOfChatAndUnknownOnes) {
  ObjectFacts direct = ChatFacts(1), group = ChatFacts(1), unknown = ChatFacts(1);
  group.chat_type = ChatType::kGroup;
  unknown.chat_type = ChatType::kUnknown;
  Grant grant = Reader();
  grant.selection.chat_kinds = ChatKinds::kDirect;
  EXPECT_EQ(Read({grant}, group), Verdict::kNotFound);
  EXPECT_EQ(Read({grant}, unknown), Verdict::kNotFound);
  EXPECT_EQ(Read({grant}, direct), Verdict::kAllowed);
  grant.selection.chat_kinds = ChatKinds::kGroup;
  EXPECT_EQ(Read({grant}, direct), Verdict::kNotFound);
  EXPECT_EQ(Read({grant}, unknown), Verdict::kNotFound);
  EXPECT_EQ(Read({grant}, group), Verdict::kAllowed);
  grant.selection.chat_kinds = ChatKinds::kBoth;
  EXPECT_EQ(Read({grant}, unknown), Verdict::kAllowed);
}

TEST(Selection, TellsContactsFromStrangersInDirectChats) {
  ObjectFacts stranger = ChatFacts(1), contact = ChatFacts(1), group = ChatFacts(1);
  contact.peer_in_address_book = true;
  group.chat_type = ChatType::kGroup;
  Grant grant = Reader();
  grant.selection.people = People::kContacts;
  EXPECT_EQ(Read({grant}, stranger), Verdict::kNotFound);
  EXPECT_EQ(Read({grant}, contact), Verdict::kAllowed);
  EXPECT_EQ(Read({grant}, group), Verdict::kAllowed);
  grant.selection.people = People::kStrangers;
  EXPECT_EQ(Read({grant}, contact), Verdict::kNotFound);
  EXPECT_EQ(Read({grant}, stranger), Verdict::kAllowed);
}

TEST(Decide, ScopesOfOneGrantDoNotReachTheChatsOfAnother) {
  Grant sends_in_one = GrantOf({Scope::kMessagesSend});
  sends_in_one.selection.chat_choice = ChatChoice::kListed;
  sends_in_one.selection.included_chats = {ChatNumber(1)};
  const std::vector<Grant> grants = {Reader(), sends_in_one};
  EXPECT_EQ(Decide(AccessOf(grants), Scope::kMessagesSend, ChatFacts(2), kNow), Verdict::kNotFound);
  EXPECT_EQ(Decide(AccessOf(grants), Scope::kMessagesSend, ChatFacts(1), kNow), Verdict::kAllowed);
  EXPECT_EQ(Decide(AccessOf(grants), Scope::kMessagesRead, ChatFacts(2), kNow), Verdict::kAllowed);
}

TEST(Decide, PicksTheMostUsefulReasonAmongSeveralGrants) {
  Grant revoked = Reader(), expired = Reader(), suspended = Reader(), elsewhere = Reader();
  revoked.state = GrantState::kRevoked;
  expired.state = GrantState::kExpired;
  suspended.state = GrantState::kSuspended;
  elsewhere.selection.excluded_chats = {ChatNumber(1)};
  EXPECT_EQ(Read({revoked, expired}, ChatFacts(1)), Verdict::kExpired);
  EXPECT_EQ(Read({revoked, expired, suspended}, ChatFacts(1)), Verdict::kSuspended);
  EXPECT_EQ(Read({revoked, elsewhere, suspended, expired}, ChatFacts(1)), Verdict::kNotFound);
  EXPECT_EQ(Read({revoked, elsewhere, suspended, expired, Reader()}, ChatFacts(1)),
            Verdict::kAllowed);
}

TEST(Decide, AnswersListsWithoutAnObject) {
  Grant listed = Reader();
  listed.selection.chat_choice = ChatChoice::kListed;
  EXPECT_EQ(Read({listed}, {}), Verdict::kAllowed);
  EXPECT_EQ(Read({}, {}), Verdict::kScopeMissing);
}

TEST(View, ShowsNothingOfUnknownKinds) {
  ScopeSet all;
  for (int scope = 1; scope <= kScopeCount; ++scope) all.Add(static_cast<Scope>(scope));
  for (int kind = 0; kind < 256; ++kind) {
    const bool known = kind >= kFirstEventKind && kind <= kLastEventKind;
    EXPECT_EQ(See({GrantOf(all)}, EventIn(1, static_cast<EventKind>(kind))) == View::kWhole, known);
  }
}

TEST(View, ClosesWhatIsOlderThanTheGrant) {
  EventFacts event = EventIn(1, kMessageCreated);
  Grant grant = Reader();
  grant.create_time = event.record_time + absl::Nanoseconds(1);
  EXPECT_EQ(See({grant}, event), View::kNothing);
  grant.create_time = event.record_time;
  EXPECT_EQ(See({grant}, event), View::kWhole);
  event.backfill = true;
  EXPECT_EQ(See({grant}, event), View::kNothing);
}

TEST(View, HistoryOpensTheOldFromItsStartOnly) {
  EventFacts event = EventIn(1, kMessageCreated);
  event.record_time = event.event_time = kNow - absl::Hours(100);
  Grant grant = GrantOf({Scope::kMessagesRead, Scope::kMessagesHistory});
  grant.history_start_time = event.record_time + absl::Nanoseconds(1);
  EXPECT_EQ(See({grant}, event), View::kNothing);
  grant.history_start_time = event.record_time;
  EXPECT_EQ(See({grant}, event), View::kWhole);
}

TEST(View, HistoryAloneShowsNothing) {
  EventFacts event = EventIn(1, kMessageCreated);
  event.record_time = kNow - absl::Hours(100);
  EXPECT_EQ(See({GrantOf({Scope::kMessagesHistory})}, event), View::kNothing);
}

TEST(View, BackfillIsAsOldAsItsMessagesNotAsItsArrival) {
  EventFacts event = EventIn(1, kMessageCreated);
  event.backfill = true;
  event.event_time = kNow - absl::Hours(24 * 365);
  Grant grant = GrantOf({Scope::kMessagesRead, Scope::kMessagesHistory});
  grant.history_start_time = kNow - absl::Hours(24 * 30);
  EXPECT_EQ(See({grant}, event), View::kNothing);
  event.event_time = absl::InfinitePast();
  EXPECT_EQ(See({grant}, event), View::kNothing);
  event.event_time = kNow - absl::Hours(24 * 29);
  EXPECT_EQ(See({grant}, event), View::kWhole);
}

TEST(View, HistoryOfOtherChatsDoesNotHelp) {
  EventFacts event = EventIn(1, kMessageCreated);
  event.record_time = kNow - absl::Hours(100);
  Grant history = GrantOf({Scope::kMessagesHistory});
  history.selection.excluded_chats = {ChatNumber(1)};
  EXPECT_EQ(See({Reader(), history}, event), View::kNothing);
  history.selection.excluded_chats.clear();
  EXPECT_EQ(See({Reader(), history}, event), View::kWhole);
}

TEST(View, MetadataNeverShowsTheWhole) {
  EXPECT_EQ(See({GrantOf({Scope::kMessagesMetadata})}, EventIn(1, kMessageCreated)),
            View::kMetadata);
  EXPECT_EQ(See({GrantOf({Scope::kChatsRead})}, EventIn(1, kMessageCreated)), View::kNothing);
}

TEST(View, EphemeralNeedsItsOwnScope) {
  EventFacts event = EventIn(1, kMessageCreated);
  event.ephemeral = true;
  EXPECT_EQ(See({Reader()}, event), View::kNothing);
  EXPECT_EQ(See({GrantOf({Scope::kEphemeralRead})}, event), View::kNothing);
  EXPECT_EQ(See({GrantOf({Scope::kMessagesRead, Scope::kEphemeralRead})}, event), View::kWhole);
}

TEST(View, ReactionsNeedTheirScopeAndTheMessage) {
  const EventFacts event = EventIn(1, kReactionSet);
  EXPECT_EQ(See({Reader()}, event), View::kNothing);
  EXPECT_EQ(See({GrantOf({Scope::kReactionsRead})}, event), View::kNothing);
  EXPECT_EQ(See({GrantOf({Scope::kReactionsRead, Scope::kMessagesRead})}, event), View::kWhole);
}

TEST(View, ChangesAreSeenNoBetterThanWhatTheyChange) {
  EventFacts edit = EventIn(1, kMessageEdited);
  edit.target_view = View::kNothing;
  EXPECT_EQ(See({Reader()}, edit), View::kNothing);
  edit.target_view = View::kMetadata;
  EXPECT_EQ(See({Reader()}, edit), View::kMetadata);
  EventFacts file = EventIn(1, kAttachmentReady);
  file.target_view = View::kMetadata;
  EXPECT_EQ(See({GrantOf({Scope::kMessagesRead, Scope::kAttachmentsRead})}, file), View::kNothing);
}

TEST(View, PresenceOutsideAChatIsForThoseWhoMaySeeEveryChat) {
  EventFacts event = EventIn(1, kPresence);
  event.object.chat = {};
  event.object.chat_type = ChatType::kUnknown;
  Grant grant = GrantOf({Scope::kPresenceRead});
  grant.selection.chat_choice = ChatChoice::kListed;
  grant.selection.included_chats = {ChatNumber(1)};
  EXPECT_EQ(See({grant}, event), View::kNothing);
  grant.selection.chat_choice = ChatChoice::kAllAndNew;
  EXPECT_EQ(See({grant}, event), View::kWhole);
  grant.selection.people = People::kContacts;
  EXPECT_EQ(See({grant}, event), View::kNothing);
}

TEST(View, AccountStateIsForEveryGrantOfTheAccount) {
  EventFacts event = EventIn(1, kAccountState);
  event.object.chat = {};
  Grant grant = GrantOf({Scope::kChatsRead});
  grant.selection.chat_choice = ChatChoice::kListed;
  EXPECT_EQ(See({grant}, event), View::kWhole);
  event.object.account = AccountNumber(2);
  EXPECT_EQ(See({grant}, event), View::kNothing);
}

ScopeSet AllScopes() {
  ScopeSet all;
  for (int scope = 1; scope <= kScopeCount; ++scope) all.Add(static_cast<Scope>(scope));
  return all;
}
View SeeAway(const std::vector<Grant>& grants, const EventFacts& event) {
  return ViewOf({.grants = grants, .leaves_device = true}, event, kNow);
}
EventFacts ObjectedTo(EventFacts event, Objection objection = Objection::kOffDevice) {
  event.object.objection = objection;
  return event;
}

TEST(Objection, WithholdsFromAppsThatTakeTextOffTheDevice) {
  const EventFacts event = ObjectedTo(EventIn(1, kMessageCreated));
  EXPECT_EQ(SeeAway({Reader()}, event), View::kWithheld);
  EXPECT_EQ(See({Reader()}, event), View::kWhole);
}

TEST(Objection, ToAllAppsWithholdsFromAllApps) {
  const EventFacts event = ObjectedTo(EventIn(1, kMessageCreated), Objection::kAllApps);
  EXPECT_EQ(See({Reader()}, event), View::kWithheld);
  EXPECT_EQ(SeeAway({Reader()}, event), View::kWithheld);
}

TEST(Objection, ThatNobodyKnowsIsOne) {
  const EventFacts event = ObjectedTo(EventIn(1, kMessageCreated), static_cast<Objection>(9));
  EXPECT_EQ(See({Reader()}, event), View::kWithheld);
}

TEST(Objection, LeavesAMarkInPlaceOfAnyView) {
  const EventFacts event = ObjectedTo(EventIn(1, kMessageCreated));
  EXPECT_EQ(SeeAway({GrantOf({Scope::kMessagesMetadata})}, event), View::kWithheld);
  EXPECT_EQ(SeeAway({GrantOf(AllScopes())}, event), View::kWithheld);
}

TEST(Objection, ShowsNoMarkToWhoWouldHaveSeenNothing) {
  EventFacts event = ObjectedTo(EventIn(1, kMessageCreated), Objection::kAllApps);
  EXPECT_EQ(SeeAway({}, event), View::kNothing);
  EXPECT_EQ(SeeAway({GrantOf({Scope::kChatsRead})}, event), View::kNothing);
  event.ephemeral = true;
  EXPECT_EQ(SeeAway({Reader()}, event), View::kNothing);
  event.ephemeral = false;
  event.backfill = true;
  EXPECT_EQ(SeeAway({Reader()}, event), View::kNothing);
  event.backfill = false;
  event.object.sealed = true;
  EXPECT_EQ(SeeAway({Reader()}, event), View::kNothing);
}

TEST(Objection, WithholdsWhatChangesAWithheldMessage) {
  EventFacts edit = EventIn(1, kMessageEdited);
  edit.target_view = View::kWithheld;
  EXPECT_EQ(See({GrantOf(AllScopes())}, edit), View::kWithheld);
  EXPECT_EQ(See({GrantOf({Scope::kMessagesMetadata})}, edit), View::kWithheld);
  EXPECT_EQ(See({GrantOf({Scope::kChatsRead})}, edit), View::kNothing);
  EventFacts reaction = EventIn(1, kReactionSet);
  reaction.target_view = View::kWithheld;
  EXPECT_EQ(See({GrantOf(AllScopes())}, reaction), View::kWithheld);
}

// A file shows nothing where of its message only metadata is seen; a mark is less than that.
TEST(Objection, ShowsNothingOfTheFilesOfAWithheldMessage) {
  EventFacts file = EventIn(1, kAttachmentReady);
  file.target_view = View::kWithheld;
  EXPECT_EQ(See({GrantOf(AllScopes())}, file), View::kNothing);
  file.target_view = View::kWhole;
  EXPECT_EQ(SeeAway({GrantOf(AllScopes())}, ObjectedTo(file)), View::kWithheld);
}

// README.md, "Seals and objections", says why these.
TEST(Objection, IsToWhatAPersonWroteAndWhatHangsOnAMessage) {
  const std::set<std::string_view> words = {
      "message_created", "message_edited",   "message_deleted",  "message_expired", "reaction_set",
      "poll_voted",      "reaction_removed", "attachment_ready", "pin_changed",     "unsupported"};
  for (int kind = kFirstEventKind; kind <= kLastEventKind; ++kind) {
    const EventScopes& row = *FindEventScopes(static_cast<EventKind>(kind));
    const EventFacts event = ObjectedTo(EventIn(1, row.kind), Objection::kAllApps);
    EXPECT_EQ(See({GrantOf(AllScopes())}, event) == View::kWithheld, words.contains(row.name))
        << std::string(row.name);
    EXPECT_EQ(row.objection_applies, words.contains(row.name)) << std::string(row.name);
  }
}

TEST(Objection, DoesNotKeepAnAppFromCalling) {
  ObjectFacts object = ChatFacts(1);
  object.objection = Objection::kAllApps;
  EXPECT_EQ(Read({Reader()}, object), Verdict::kAllowed);
}

SendDecision Send(ScopeSet scopes, absl::Duration since_last, const ObjectFacts& object) {
  const std::vector<Grant> grants = {GrantOf(scopes)};
  return DecideSend(AccessOf(grants), {object, kNow - since_last}, kNow);
}
SendDecision Send(ScopeSet scopes, absl::Duration since_last = absl::InfiniteDuration()) {
  return Send(scopes, since_last, ChatFacts(1));
}

TEST(Send, IsRefusedWithoutAScopeAndNamesTheLeast) {
  const SendDecision decision = Send({Scope::kMessagesRead});
  EXPECT_EQ(decision.verdict, Verdict::kScopeMissing);
  EXPECT_EQ(decision.mode, SendMode::kRefused);
  EXPECT_EQ(decision.scope, Scope::kMessagesSendAsk);
  EXPECT_EQ(Send({Scope::kMessagesDraft}).mode, SendMode::kRefused);
}

TEST(Send, IsRefusedWhereNoGrantReaches) {
  ObjectFacts sealed = ChatFacts(1);
  sealed.sealed = true;
  const SendDecision decision = Send({Scope::kMessagesSend}, absl::Seconds(1), sealed);
  EXPECT_EQ(decision.verdict, Verdict::kNotFound);
  EXPECT_EQ(decision.mode, SendMode::kRefused);
  const std::vector<Grant> grants = {GrantOf({Scope::kMessagesSend})};
  EXPECT_EQ(DecideSend({.grants = grants, .paused = true}, {ChatFacts(1)}, kNow).verdict,
            Verdict::kPaused);
}

TEST(Send, AsksUnderTheScopeThatAsks) {
  const SendDecision decision = Send({Scope::kMessagesSendAsk}, absl::Seconds(1));
  EXPECT_EQ(decision.verdict, Verdict::kAllowed);
  EXPECT_EQ(decision.mode, SendMode::kAsk);
  EXPECT_EQ(decision.scope, Scope::kMessagesSendAsk);
}

TEST(Send, OfAReplyGoesOnlyWhereSomeoneWroteWithinTheWindow) {
  const ScopeSet reply{Scope::kMessagesReply};
  EXPECT_EQ(Send(reply).mode, SendMode::kAsk);
  EXPECT_EQ(Send(reply, kReplyWindow).mode, SendMode::kAsk);
  const SendDecision decision = Send(reply, kReplyWindow - absl::Nanoseconds(1));
  EXPECT_EQ(decision.mode, SendMode::kSend);
  EXPECT_EQ(decision.scope, Scope::kMessagesReply);
  EXPECT_EQ(Send(reply, absl::ZeroDuration()).mode, SendMode::kSend);
}

TEST(Send, GoesByItsOwnScopeAtAnyTime) {
  const SendDecision decision = Send({Scope::kMessagesSend});
  EXPECT_EQ(decision.verdict, Verdict::kAllowed);
  EXPECT_EQ(decision.mode, SendMode::kSend);
  EXPECT_EQ(decision.scope, Scope::kMessagesSend);
}

TEST(Decide, AChatWithoutAnAccountIsNotAnything) {
  ObjectFacts object = ChatFacts(1);
  object.account = {};
  Grant grant = Reader();
  grant.selection.networks = {"xmpp"};
  EXPECT_EQ(Read({grant}, object), Verdict::kNotFound);
}

TEST(NextExpiry, IsTheNearestThatIsStillAhead) {
  Grant past = Reader(), near = Reader(), far = Reader(), gone = Reader();
  near.state = GrantState::kSuspended;
  past.validity.expire_time = kNow;
  near.validity.expire_time = kNow + absl::Seconds(5);
  far.validity.expire_time = kNow + absl::Seconds(50);
  gone.validity.expire_time = kNow + absl::Seconds(1);
  gone.state = GrantState::kRevoked;
  const std::vector<Grant> grants = {far, past, near, gone};
  EXPECT_EQ(NextExpiry(AccessOf(grants), kNow), kNow + absl::Seconds(5));
  EXPECT_EQ(NextExpiry(AccessOf({}), kNow), absl::InfiniteFuture());
}

TEST(LapseTime, CountsFromTheLaterOfUseAndGrant) {
  Grant grant = Reader();
  EXPECT_EQ(LapseTime(grant, absl::InfinitePast()), grant.create_time + kIdleLapse);
  EXPECT_EQ(LapseTime(grant, grant.create_time - absl::Hours(1)), grant.create_time + kIdleLapse);
  EXPECT_EQ(LapseTime(grant, kNow), kNow + absl::Hours(24 * 90));
}

}  // namespace
}  // namespace postern::permissions
