// SPDX-License-Identifier: Apache-2.0
// The rules of access a second time, in types of their own: the contract's numbers, bits, seconds.
#pragma once
#include <algorithm>
#include <vector>

namespace postern::model {

using Time = long;
constexpr Time kNever = 1L << 60, kLongAgo = -kNever;
constexpr int kChats = 1, kMeta = 2, kRead = 3, kHistory = 4, kFiles = 6, kContacts = 7;
constexpr int kReactions = 9, kReceipts = 10, kTyping = 11, kPresence = 12, kCalls = 13;
constexpr int kEphemeral = 14, kDraft = 15, kAsk = 16, kReply = 17, kSend = 18;

// From the least to the most, so that the best answer is the largest.
enum class View { kNothing, kWithheld, kMetadata, kWhole };
enum class Verdict { kScopeMissing, kRevoked, kExpired, kSuspended, kNotFound, kAllowed, kPaused };
struct Grant {
  unsigned scopes = 0;  // bit n stands for scope n; so with accounts, networks and chats
  unsigned accounts = 0, networks = 0, chats = 0, not_chats = 0;
  int choice = 1, kinds = 0;  // 1 listed, 2 all that exist, 3 new ones too; 1 direct, 2 group
  int people = 0, state = 1;  // 1 contacts, 2 strangers; 1 active, 2 suspended, 3 revoked, 4 over
  Time created = 0, expires = kNever, history_from = kLongAgo;
  bool unlocked_only = false;
  unsigned long limits[3] = {0, 0, 0};  // sends an hour, new chats and bytes a day; 0: as usual
};
struct App {
  std::vector<Grant> grants;
  bool paused = false, unlocked = true, leaves_device = false;
};
struct Thing {
  int account = 0, network = 0, chat = 0, type = 0;  // 0: none; 1 direct, 2 group
  int objection = 0;  // 0 none, 1 to apps that take text away, else to all
  bool contact = false, sealed = false;
};
struct Event {
  Thing thing;
  int kind = 0;
  Time recorded = 0, happened = kLongAgo;
  bool backfill = false, ephemeral = false;
  View target = View::kWhole;
};
struct Kind {
  int whole = kChats, reduced = 0, also = 0;  // the scopes that show it; 0: none needed
  bool known = false, to_one_app = false, of_account = false, brokers = false;
  bool hangs_on_message = false, may_disappear = false;
};

inline Kind KindOf(int n) {
  Kind kind;
  const bool message = (n >= 20 && n <= 23) || n == 41 || n == 42 || n == 53;
  if (message || n == 33) kind.whole = kRead, kind.reduced = kMeta;
  if (n == 24 || n == 25) kind.whole = kReactions, kind.also = kMeta;
  if (n == 40) kind.whole = kFiles, kind.also = kRead;
  if (n == 26 || n == 29) kind.whole = kReceipts;
  if (n == 27 || n == 28) kind.whole = n == 27 ? kTyping : kPresence;
  if (n == 38 || n == 39) kind.whole = kContacts;
  if (n == 43 || n == 46) kind.whole = n == 43 ? kCalls : kHistory;
  if (n == 51) kind.whole = 0;
  kind.known = n >= 20 && n <= 53;
  kind.to_one_app = n == 47 || n == 48 || n == 52;
  kind.of_account = n == 44 || n == 51;
  kind.brokers = kind.to_one_app || n == 49 || n == 50;
  kind.hangs_on_message = message || kind.also != 0;
  kind.may_disappear = kind.hangs_on_message || n == 26;
  return kind;
}
inline bool In(unsigned set, int n) { return n > 0 && (set >> n & 1) == 1; }
inline bool Has(const Grant& g, int scope) {
  if (In(g.scopes, scope) || (scope == kMeta && In(g.scopes, kRead))) return true;
  return scope >= kDraft && scope < kSend && Has(g, scope + 1);  // each form implies the one below
}
inline Verdict StandingOf(const App& app, const Grant& g, Time now) {
  if (g.state < 1 || g.state == 3 || g.state > 4) return Verdict::kRevoked;
  if (g.state == 4 || now >= g.expires) return Verdict::kExpired;
  if (g.state == 2 || (g.unlocked_only && !app.unlocked)) return Verdict::kSuspended;
  return Verdict::kAllowed;
}
inline bool Covers(const Grant& g, const Thing& t) {
  if (t.account == 0 && t.chat == 0) return true;  // anything at all, as lists ask
  if (t.account == 0 || t.sealed) return false;
  if (!In(g.accounts, t.account) && !In(g.networks, t.network)) return false;
  const bool named = In(g.chats, t.chat) && (g.choice == 1 || g.choice == 2);
  const bool kind_fits = g.kinds == 0 || (g.kinds == t.type && g.kinds <= 2);
  const bool person_fits =
      g.people == 0 || t.type == 2 || (t.type == 1 && g.people == (t.contact ? 1 : 2));
  return t.chat == 0 ||
         ((named || g.choice == 3) && !In(g.not_chats, t.chat) && kind_fits && person_fits);
}
inline bool InForceFor(const App& app, const Grant& g, const Thing& t, Time now) {
  return !app.paused && StandingOf(app, g, now) == Verdict::kAllowed && Covers(g, t);
}
inline Verdict Decide(const App& app, int scope, const Thing& t, Time now) {
  Verdict best = app.paused ? Verdict::kPaused : Verdict::kScopeMissing;
  for (const Grant& g : app.grants) {
    const Verdict standing = StandingOf(app, g, now);
    const bool elsewhere = standing == Verdict::kAllowed && !Covers(g, t);
    if (Has(g, scope)) best = std::max(best, elsewhere ? Verdict::kNotFound : standing);
  }
  return best;
}
// Returns the scope by which a message may be sent, or 0; kAsk asks the user.
inline int SendsBy(const App& app, const Thing& t, Time last_incoming, Time now) {
  if (Decide(app, kSend, t, now) == Verdict::kAllowed) return kSend;
  const bool fresh = last_incoming <= now && last_incoming > now - 24 * 60 * 60;
  if (fresh && Decide(app, kReply, t, now) == Verdict::kAllowed) return kReply;
  return Decide(app, kAsk, t, now) == Verdict::kAllowed ? kAsk : 0;
}
inline unsigned long LimitFor(const App& app, int scope, const Thing& t, Time now, int which) {
  constexpr unsigned long kUsual[] = {60, 10, 1UL << 30};
  unsigned long most = 0;
  for (const Grant& g : app.grants) {
    if (!Has(g, scope) || !InForceFor(app, g, t, now)) continue;
    most = std::max(most, g.limits[which] == 0 ? kUsual[which] : g.limits[which]);
  }
  return most;
}
// Whether grants with 'scope' (0: any) show the event, as news or with history.
inline bool Opens(const App& app, int scope, const Event& e, Time now, bool at_any_age = false) {
  const Time age = e.backfill ? std::min(e.recorded, e.happened) : e.recorded;
  bool as_news = false, at_all = false, history = at_any_age;
  for (const Grant& g : app.grants) {
    const bool every_chat = g.choice == 3 && g.not_chats == 0 && g.kinds == 0 && g.people == 0;
    if (e.thing.chat == 0 && !KindOf(e.kind).of_account && !every_chat) continue;
    if (e.thing.account == 0 || !InForceFor(app, g, e.thing, now)) continue;
    const bool has = scope == 0 ? g.scopes != 0 : Has(g, scope);
    at_all = at_all || has;
    as_news = as_news || (has && !e.backfill && e.recorded >= g.created);
    history = history || (Has(g, kHistory) && age >= g.history_from);
  }
  return as_news || (at_all && history);
}
inline View ViewOf(const App& app, const Event& e, Time now) {
  const Kind kind = KindOf(e.kind);
  if (!kind.known || app.paused) return View::kNothing;
  if (kind.to_one_app) return View::kWhole;
  const bool target_short = e.target != View::kWhole;
  if (e.target == View::kNothing || (target_short && kind.also == kRead)) return View::kNothing;
  const auto lacks = [&](int scope) { return !Opens(app, scope, e, now, true); };
  if (kind.also != 0 && lacks(kind.also)) return View::kNothing;
  if (e.ephemeral && kind.may_disappear && lacks(kEphemeral)) return View::kNothing;
  View view = Opens(app, kind.whole, e, now) ? View::kWhole : View::kNothing;
  const bool reduced = kind.reduced != 0 && Opens(app, kind.reduced, e, now);
  if (reduced && (target_short || view == View::kNothing)) view = View::kMetadata;
  const bool objects = e.thing.objection > 1 || (e.thing.objection == 1 && app.leaves_device);
  const bool withheld = e.target == View::kWithheld || (objects && kind.hangs_on_message);
  return withheld ? std::min(view, View::kWithheld) : view;
}

}  // namespace postern::model
