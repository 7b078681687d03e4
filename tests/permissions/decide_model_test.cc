// SPDX-License-Identifier: Apache-2.0
// 100,000 random (grants, object or event, now) against a model that shares no code with decide.cc
// and reads like the rules in README.md.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "permissions/decide.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

// ---- the model
// -------------------------------------------------------------------------------------
bool ModelHas(const Grant& g, Scope s) {
  if (g.scopes.Has(s)) return true;
  if (s == Scope::kMessagesMetadata) return g.scopes.Has(Scope::kMessagesRead);
  if (s >= Scope::kMessagesDraft && s < Scope::kMessagesSend) {
    return ModelHas(g, static_cast<Scope>(static_cast<int>(s) + 1));
  }
  return false;
}
bool ModelInForce(const Grant& g, bool unlocked, absl::Time now) {
  return g.state == GrantState::kActive && now < g.validity.expire_time &&
         (unlocked || !g.only_while_unlocked);
}
bool ModelCovers(const Grant& g, const ObjectFacts& o) {
  const Selection& s = g.selection;
  if (o.sealed) return false;
  if (s.accounts.count(o.account) + s.networks.count(std::string(o.network)) == 0) return false;
  if (o.chat.empty()) return true;
  const bool direct = o.chat_type == ChatType::kDirect, group = o.chat_type == ChatType::kGroup;
  return (s.chat_choice == ChatChoice::kAllAndNew || s.included_chats.count(o.chat) == 1) &&
         s.excluded_chats.count(o.chat) == 0 && (s.chat_kinds != ChatKinds::kDirect || direct) &&
         (s.chat_kinds != ChatKinds::kGroup || group) &&
         (s.people != People::kContacts || group || (direct && o.peer_in_address_book)) &&
         (s.people != People::kStrangers || group || (direct && !o.peer_in_address_book));
}
bool ModelAllowed(const Access& a, Scope scope, const ObjectFacts& o, absl::Time now) {
  for (const Grant& g : a.grants) {
    if (!a.paused && ModelHas(g, scope) && ModelInForce(g, a.session_unlocked, now) &&
        ModelCovers(g, o)) {
      return true;
    }
  }
  return false;
}
// Whether 'scope' opens the event: by a grant that was there first, or with history.
bool ModelOpens(const Access& a, Scope scope, const EventFacts& e, absl::Time now) {
  bool any = false, live = false, history = false;
  const absl::Time age = e.backfill ? std::min(e.event_time, e.record_time) : e.record_time;
  for (const Grant& g : a.grants) {
    if (a.paused || !ModelInForce(g, a.session_unlocked, now) || !ModelCovers(g, e.object))
      continue;
    any |= ModelHas(g, scope);
    live |= ModelHas(g, scope) && !e.backfill && e.record_time >= g.create_time;
    history |= g.scopes.Has(Scope::kMessagesHistory) && age >= g.history_start_time;
  }
  return live || (any && history);
}
View ModelView(const Access& a, const EventFacts& e, absl::Time now) {
  const bool message = e.kind == 20 || e.kind == 21, reaction = e.kind == 24;
  if (e.ephemeral && (message || reaction) &&
      !ModelAllowed(a, Scope::kEphemeralRead, e.object, now)) {
    return View::kNothing;
  }
  if (message && ModelOpens(a, Scope::kMessagesRead, e, now)) return View::kWhole;
  if (message && ModelOpens(a, Scope::kMessagesMetadata, e, now)) return View::kMetadata;
  if (reaction && ModelAllowed(a, Scope::kMessagesMetadata, e.object, now) &&
      ModelOpens(a, Scope::kReactionsRead, e, now)) {
    return View::kWhole;
  }
  if (e.kind == 31 && ModelOpens(a, Scope::kChatsRead, e, now)) return View::kWhole;
  return View::kNothing;
}
// ----------------------------------------------------------------------------------------------------

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  int Upto(int n) { return static_cast<int>(engine_() % static_cast<uint64_t>(n + 1)); }
  bool OneIn(int n) { return Upto(n - 1) == 0; }
  absl::Time Around(absl::Time t) { return t + absl::Seconds(Upto(20) - 10); }

 private:
  std::mt19937_64 engine_;
};

Grant RandomGrant(Dice& dice) {
  Grant g;
  for (Scope s : {Scope::kChatsRead, Scope::kMessagesMetadata, Scope::kMessagesRead,
                  Scope::kMessagesHistory, Scope::kReactionsRead, Scope::kEphemeralRead,
                  Scope::kMessagesSend, Scope::kMessagesSendAsk}) {
    if (dice.OneIn(2)) g.scopes.Add(s);
  }
  for (uint8_t n = 1; n <= 2; ++n) {
    if (dice.OneIn(2)) g.selection.accounts.insert(AccountNumber(n));
  }
  if (dice.OneIn(4)) g.selection.networks.insert(dice.OneIn(2) ? "xmpp" : "whatsapp");
  g.selection.chat_choice = static_cast<ChatChoice>(1 + dice.Upto(2));
  for (uint8_t n = 1; n <= 4; ++n) {
    if (dice.OneIn(2)) g.selection.included_chats.insert(ChatNumber(n));
    if (dice.OneIn(8)) g.selection.excluded_chats.insert(ChatNumber(n));
  }
  if (dice.OneIn(3)) g.selection.chat_kinds = static_cast<ChatKinds>(dice.Upto(2));
  if (dice.OneIn(3)) g.selection.people = static_cast<People>(dice.Upto(2));
  if (dice.OneIn(2)) g.validity = {ValidityKind::kUntil, dice.Around(kNow)};
  if (dice.OneIn(5)) g.state = static_cast<GrantState>(1 + dice.Upto(3));
  g.create_time = dice.Around(kNow - absl::Seconds(20));
  if (dice.OneIn(2)) g.history_start_time = dice.Around(kNow - absl::Seconds(20));
  g.only_while_unlocked = dice.OneIn(5);
  return g;
}

EventFacts RandomEvent(Dice& dice) {
  EventFacts e;
  e.object.account = AccountNumber(static_cast<uint8_t>(1 + dice.Upto(1)));
  e.object.network = dice.OneIn(2) ? "xmpp" : "whatsapp";
  e.object.chat = ChatNumber(static_cast<uint8_t>(1 + dice.Upto(3)));
  e.object.chat_type = static_cast<ChatType>(dice.Upto(2));
  e.object.peer_in_address_book = dice.OneIn(2);
  e.object.sealed = dice.OneIn(10);
  constexpr EventKind kKinds[] = {20, 21, 24, 31};
  e.kind = kKinds[dice.Upto(3)];
  e.record_time = dice.Around(kNow - absl::Seconds(20));
  e.event_time = dice.OneIn(3) ? absl::InfinitePast() : dice.Around(kNow - absl::Seconds(20));
  e.backfill = dice.OneIn(4);
  e.ephemeral = dice.OneIn(6);
  return e;
}

TEST(DecideModel, AgreesOnAHundredThousandRandomCases) {
  constexpr int kCases = 100'000;
  Dice dice(20'261'121);
  int seen = 0, hidden = 0, allowed = 0, refused = 0;
  for (int i = 0; i < kCases; ++i) {
    std::vector<Grant> grants;
    for (int n = 1 + dice.Upto(3); n > 0; --n) grants.push_back(RandomGrant(dice));
    const Access access = {
        .grants = grants, .paused = dice.OneIn(20), .session_unlocked = !dice.OneIn(5)};
    const EventFacts event = RandomEvent(dice);
    const absl::Time now = dice.Around(kNow);

    const View view = ViewOf(access, event, now);
    ASSERT_EQ(view, ModelView(access, event, now)) << "case " << i;
    const Scope scope = static_cast<Scope>(1 + dice.Upto(kScopeCount - 1));
    const bool allows = Decide(access, scope, event.object, now) == Verdict::kAllowed;
    ASSERT_EQ(allows, ModelAllowed(access, scope, event.object, now)) << "case " << i;
    ++(view == View::kNothing ? hidden : seen);
    ++(allows ? allowed : refused);
  }
  // A model that is always asked the same teaches nothing.
  EXPECT_GT(seen, kCases / 10);
  EXPECT_GT(hidden, kCases / 10);
  EXPECT_GT(allowed, kCases / 20);
  EXPECT_GT(refused, kCases / 10);
}

}  // namespace
}  // namespace postern::permissions
