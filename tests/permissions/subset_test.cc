// SPDX-License-Identifier: Apache-2.0
// The subset law: nobody makes more out of a grant than the user put in.
#include "permissions/subset.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/permissions/make_grant.h"
#include "tests/permissions/model_check.h"

namespace postern::permissions {
namespace {

// A grant that has something of everything, so that each part can be changed both ways.
Grant Wide() {
  Grant grant = GrantOf({Scope::kMessagesRead, Scope::kMessagesHistory, Scope::kMessagesReply});
  grant.selection.accounts = {AccountNumber(1), AccountNumber(2)};
  grant.selection.networks = {"xmpp"};
  grant.selection.chat_choice = ChatChoice::kListed;
  grant.selection.included_chats = {ChatNumber(1), ChatNumber(2), ChatNumber(3)};
  grant.selection.excluded_chats = {ChatNumber(3)};
  grant.validity = {ValidityKind::kUntil, kNow + absl::Hours(24)};
  grant.limits = {20, 5, 1000};
  grant.may_start = true;
  grant.history_start_time = kNow - absl::Hours(240);
  return grant;
}

struct Step {
  const char* name;
  std::function<void(Grant&)> take;
};

// Each takes something away from Wide().
const std::vector<Step>& Narrowings() {
  static const std::vector<Step> kSteps = {
      {"nothing", [](Grant&) {}},
      {"no scope", [](Grant& g) { g.scopes = {}; }},
      {"one scope less", [](Grant& g) { g.scopes.Remove(Scope::kMessagesHistory); }},
      {"what a scope implies", [](Grant& g) { g.scopes = {Scope::kMessagesMetadata}; }},
      {"a lesser form", [](Grant& g) { g.scopes = {Scope::kMessagesSendAsk}; }},
      {"one account less", [](Grant& g) { g.selection.accounts.erase(AccountNumber(2)); }},
      {"one network less", [](Grant& g) { g.selection.networks.clear(); }},
      {"one chat less", [](Grant& g) { g.selection.included_chats.erase(ChatNumber(2)); }},
      {"one chat excluded", [](Grant& g) { g.selection.excluded_chats.insert(ChatNumber(2)); }},
      {"an excluded chat included",
       [](Grant& g) {
         g.selection.included_chats.insert(ChatNumber(9));
         g.selection.excluded_chats.insert(ChatNumber(9));
       }},
      {"listed in other words",
       [](Grant& g) { g.selection.chat_choice = ChatChoice::kAllExisting; }},
      {"direct only", [](Grant& g) { g.selection.chat_kinds = ChatKinds::kDirect; }},
      {"contacts only", [](Grant& g) { g.selection.people = People::kContacts; }},
      {"an earlier end", [](Grant& g) { g.validity.expire_time -= absl::Seconds(1); }},
      {"while it runs", [](Grant& g) { g.validity.kind = ValidityKind::kWhileRunning; }},
      {"once", [](Grant& g) { g.validity.kind = ValidityKind::kOnce; }},
      {"a later start", [](Grant& g) { g.create_time += absl::Seconds(1); }},
      {"less history", [](Grant& g) { g.history_start_time += absl::Seconds(1); }},
      {"while unlocked", [](Grant& g) { g.only_while_unlocked = true; }},
      {"not to be started", [](Grant& g) { g.may_start = false; }},
      {"fewer sends", [](Grant& g) { g.limits.sends_per_hour = 19; }},
      {"fewer new chats", [](Grant& g) { g.limits.new_chats_per_day = 4; }},
      {"fewer bytes", [](Grant& g) { g.limits.bytes_per_day = 999; }},
      {"suspended", [](Grant& g) { g.state = GrantState::kSuspended; }},
      {"revoked", [](Grant& g) { g.state = GrantState::kRevoked; }},
      {"expired", [](Grant& g) { g.state = GrantState::kExpired; }},
      {"a state that nobody knows", [](Grant& g) { g.state = static_cast<GrantState>(9); }},
      {"another holder", [](Grant& g) { g.principal.sha256[0] = 1; }},
  };
  return kSteps;
}

// Each adds one thing to Wide(): the one extra scope, chat or hour of a child grant that asks for
// more than its parent.
const std::vector<Step>& Widenings() {
  static const std::vector<Step> kSteps = {
      {"one scope more", [](Grant& g) { g.scopes.Add(Scope::kChatsRead); }},
      {"a greater form", [](Grant& g) { g.scopes.Add(Scope::kMessagesSend); }},
      {"one account more", [](Grant& g) { g.selection.accounts.insert(AccountNumber(3)); }},
      {"one network more", [](Grant& g) { g.selection.networks.insert("whatsapp"); }},
      {"one chat more", [](Grant& g) { g.selection.included_chats.insert(ChatNumber(4)); }},
      {"an excluded chat", [](Grant& g) { g.selection.excluded_chats.clear(); }},
      {"new chats too", [](Grant& g) { g.selection.chat_choice = ChatChoice::kAllAndNew; }},
      {"a later end", [](Grant& g) { g.validity.expire_time += absl::Seconds(1); }},
      {"no end",
       [](Grant& g) {
         g.validity = {ValidityKind::kUntilRevoked, absl::InfiniteFuture()};
       }},
      {"an earlier start", [](Grant& g) { g.create_time -= absl::Seconds(1); }},
      {"more history", [](Grant& g) { g.history_start_time -= absl::Seconds(1); }},
      {"more sends", [](Grant& g) { g.limits.sends_per_hour = 21; }},
      {"the usual sends, which are more", [](Grant& g) { g.limits.sends_per_hour = 0; }},
      {"more new chats", [](Grant& g) { g.limits.new_chats_per_day = 6; }},
      {"more bytes", [](Grant& g) { g.limits.bytes_per_day = 1001; }},
  };
  return kSteps;
}

TEST(Subset, RefusesOneExtraOfAnything) {
  for (const Step& step : Widenings()) {
    Grant child = Wide();
    step.take(child);
    EXPECT_FALSE(IsWithin(child, Wide())) << step.name;
    EXPECT_TRUE(IsWithin(Wide(), child)) << step.name;
  }
}

TEST(Subset, WhatMayNotBeStartedStaysSo) {
  Grant held = Wide();
  held.may_start = false;
  EXPECT_FALSE(IsWithin(Wide(), held));
  EXPECT_TRUE(IsWithin(held, Wide()));
  EXPECT_TRUE(IsWithin(held, held));
}

TEST(Subset, RefusesOneExtraHoweverMuchElseIsTakenAway) {
  for (const Step& extra : Widenings()) {
    Grant child = Wide();
    child.only_while_unlocked = true;
    child.selection.people = People::kContacts;
    extra.take(child);
    EXPECT_FALSE(IsWithin(child, Wide())) << extra.name;
  }
}

TEST(Subset, HoldsForWhatOnlyTakesAway) {
  for (const Step& step : Narrowings()) {
    Grant child = Wide();
    step.take(child);
    EXPECT_TRUE(IsWithin(child, Wide())) << step.name;
  }
}

TEST(Subset, DoesNotLetBackWhatWasTaken) {
  for (const char* name : {"while it runs", "once", "while unlocked", "suspended", "revoked",
                           "expired", "direct only", "contacts only"}) {
    for (const Step& step : Narrowings()) {
      if (step.name != std::string(name)) continue;
      Grant narrowed = Wide();
      step.take(narrowed);
      EXPECT_FALSE(IsWithin(Wide(), narrowed)) << name;
    }
  }
}

TEST(Subset, OfAllChatsIsEveryChatThatIsNotTakenOut) {
  Grant all = Wide();
  all.selection.chat_choice = ChatChoice::kAllAndNew;
  Grant listed = Wide();
  EXPECT_TRUE(IsWithin(listed, all));
  listed.selection.excluded_chats.clear();
  EXPECT_FALSE(IsWithin(listed, all));
  Grant fewer = all;
  fewer.selection.excluded_chats.insert(ChatNumber(7));
  EXPECT_TRUE(IsWithin(fewer, all));
  EXPECT_FALSE(IsWithin(all, fewer));
}

TEST(Subset, OfGroupsDoesNotDependOnPeople) {
  Grant contacts = Wide(), groups = Wide();
  contacts.selection.people = People::kContacts;
  groups.selection.chat_kinds = ChatKinds::kGroup;
  EXPECT_TRUE(IsWithin(groups, contacts));
  groups.selection.people = People::kStrangers;
  EXPECT_TRUE(IsWithin(groups, contacts));
  groups.selection.chat_kinds = ChatKinds::kBoth;
  EXPECT_FALSE(IsWithin(groups, contacts));
}

TEST(Subset, OfAGrantThatMakesNoSenseIsNothing) {
  Grant senseless = Wide();
  senseless.selection.chat_choice = static_cast<ChatChoice>(0);
  EXPECT_FALSE(IsWithin(Wide(), senseless));
  senseless = Wide();
  senseless.validity.kind = static_cast<ValidityKind>(9);
  EXPECT_FALSE(IsWithin(senseless, [] {
    Grant once = Wide();
    once.validity.kind = ValidityKind::kOnce;
    return once;
  }()));
}

// What is within opens no call, shows no event and allows no number more, whatever else the app
// holds: 100,000 random pairs.
TEST(Subset, OpensNothingMoreInRandomCases) {
  constexpr int kCases = 100'000;
  model::Dice dice(22);
  int within = 0, less = 0;
  for (int i = 0; i < kCases; ++i) {
    const model::Grant wide = RandomGrant(dice), other = RandomGrant(dice);
    model::Grant child = wide;
    // Some parts change, in either direction.
    for (int n = dice.Upto(3); n > 0; --n) {
      const model::Grant from = RandomGrant(dice);
      switch (dice.Upto(9)) {
        case 0:
          child.scopes = dice.OneIn(3) ? from.scopes : wide.scopes & from.scopes;
          break;
        case 1:
          child.accounts = dice.OneIn(3) ? from.accounts : wide.accounts & from.accounts;
          break;
        case 2:
          child.chats = dice.OneIn(3) ? from.chats : wide.chats & from.chats;
          break;
        case 3:
          child.not_chats = dice.OneIn(3) ? from.not_chats : wide.not_chats | from.not_chats;
          break;
        case 4:
          child.choice = from.choice;
          break;
        case 5:
          child.kinds = from.kinds;
          break;
        case 6:
          child.people = from.people;
          break;
        case 7:
          child.expires = from.expires;
          child.unlocked_only = from.unlocked_only;
          break;
        case 8:
          child.created = from.created;
          child.history_from = from.history_from;
          break;
        default:
          child.state = from.state;
          child.limits[dice.Upto(2)] = from.limits[dice.Upto(1)];
          break;
      }
    }
    const Grant narrower = GrantFromModel(child), wider = GrantFromModel(wide);
    if (!IsWithin(narrower, wider)) continue;
    ++within;
    const std::vector<Grant> few = {narrower, GrantFromModel(other)};
    const std::vector<Grant> many = {wider, GrantFromModel(other)};
    const bool unlocked = !dice.OneIn(4);
    const Access small = {.grants = few, .session_unlocked = unlocked};
    const Access large = {.grants = many, .session_unlocked = unlocked};
    for (int n = 0; n < 4; ++n) {
      const absl::Time now = TimeFromModel(dice.Around(model::kModelNow));
      const ObjectFacts object = ObjectFromModel(RandomThing(dice));
      const Scope scope = static_cast<Scope>(1 + dice.Upto(kScopeCount - 1));
      const bool small_opens = Decide(small, scope, object, now) == Verdict::kAllowed;
      const bool large_opens = Decide(large, scope, object, now) == Verdict::kAllowed;
      ASSERT_LE(small_opens, large_opens) << "case " << i;
      const EventFacts event = EventFromModel(RandomEvent(dice));
      const int small_view = RankOf(ViewOf(small, event, now));
      const int large_view = RankOf(ViewOf(large, event, now));
      ASSERT_LE(small_view, large_view) << "case " << i;
      const SendFacts send = {object, now - absl::Hours(dice.Upto(30))};
      ASSERT_LE(DecideSend(small, send, now).mode, DecideSend(large, send, now).mode);
      const Limits at_most = LimitsFor(large, scope, object, now);
      const Limits limits = LimitsFor(small, scope, object, now);
      ASSERT_LE(limits.sends_per_hour, at_most.sends_per_hour) << "case " << i;
      ASSERT_LE(limits.new_chats_per_day, at_most.new_chats_per_day) << "case " << i;
      ASSERT_LE(limits.bytes_per_day, at_most.bytes_per_day) << "case " << i;
      less += small_opens != large_opens || small_view != large_view;
    }
  }
  // Neither always nor never, and with a difference that shows.
  EXPECT_GT(within, kCases / 5);
  EXPECT_LT(within, kCases * 4 / 5);
  EXPECT_GT(less, kCases / 50);
}

}  // namespace
}  // namespace postern::permissions
