// SPDX-License-Identifier: Apache-2.0
// A grant opens something when three things hold together: it is in force now (IsInForce), it
// covers the object (Covers), and it has a scope that opens it. All else here is about saying why
// not.
#include "permissions/decide.h"

#include <algorithm>

#include "permissions/event_scopes.h"
#include "permissions/limits.h"

namespace postern::permissions {

bool CoversEveryChat(const Selection& selection) {
  return selection.chat_choice == ChatChoice::kAllAndNew && selection.excluded_chats.empty() &&
         selection.chat_kinds == ChatKinds::kBoth && selection.people == People::kAll;
}

namespace {

// Where a grant stands now, whatever was last written about it.
enum class Standing : uint8_t { kInForce, kSuspended, kExpired, kRevoked };

Standing StandingOf(const Grant& grant, const Access& access, absl::Time now) {
  switch (grant.state) {
    case GrantState::kRevoked:
      return Standing::kRevoked;
    case GrantState::kExpired:
      return Standing::kExpired;
    case GrantState::kSuspended:
      return now >= grant.validity.expire_time ? Standing::kExpired : Standing::kSuspended;
    case GrantState::kActive:
      // A finite time ends the grant whatever its kind says: narrowing sets one.
      if (now >= grant.validity.expire_time) return Standing::kExpired;
      if (grant.only_while_unlocked && !access.session_unlocked) return Standing::kSuspended;
      return Standing::kInForce;
  }
  // A state that nobody knows opens nothing.
  return Standing::kRevoked;
}

bool IsInForce(const Grant& grant, const Access& access, absl::Time now) {
  return StandingOf(grant, access, now) == Standing::kInForce;
}

bool CoversAccount(const Selection& selection, const ObjectFacts& object) {
  if (object.account.empty()) return false;
  return selection.accounts.contains(object.account) ||
         (!selection.networks.empty() && selection.networks.contains(absl::string_view(
                                             object.network.data(), object.network.size())));
}

bool CoversKind(const Selection& selection, const ObjectFacts& object) {
  switch (selection.chat_kinds) {
    case ChatKinds::kBoth:
      break;
    case ChatKinds::kDirect:
      if (object.chat_type != ChatType::kDirect) return false;
      break;
    case ChatKinds::kGroup:
      if (object.chat_type != ChatType::kGroup) return false;
      break;
    default:
      return false;
  }
  // Speaks of 1:1 chats only; of what kind an unknown chat is, nobody can say, so it stays shut.
  if (selection.people == People::kAll || object.chat_type == ChatType::kGroup) return true;
  if (object.chat_type != ChatType::kDirect) return false;
  if (selection.people == People::kContacts) return object.peer_in_address_book;
  return selection.people == People::kStrangers && !object.peer_in_address_book;
}

bool CoversChat(const Selection& selection, const ObjectFacts& object) {
  switch (selection.chat_choice) {
    case ChatChoice::kListed:
    case ChatChoice::kAllExisting:
      if (!selection.included_chats.contains(object.chat)) return false;
      break;
    case ChatChoice::kAllAndNew:
      break;
    default:
      return false;
  }
  if (!selection.excluded_chats.empty() && selection.excluded_chats.contains(object.chat)) {
    return false;
  }
  return CoversKind(selection, object);
}

// No object: the lists ask so, and look at each item again.
bool IsAnything(const ObjectFacts& object) { return object.account.empty() && object.chat.empty(); }

bool Covers(const Selection& selection, const ObjectFacts& object) {
  if (object.sealed || !CoversAccount(selection, object)) return false;
  return object.chat.empty() || CoversChat(selection, object);
}

// As Covers, for events: what happens to a person outside of any chat belongs to those who may see
// every chat.
bool CoversEvent(const Selection& selection, const EventScopes& row, const ObjectFacts& object) {
  if (!Covers(selection, object)) return false;
  return !object.chat.empty() || row.reach == EventReach::kAccount || CoversEveryChat(selection);
}

bool HasAny(ScopeSet held, ScopeSet wanted) { return !held.Intersection(wanted).empty(); }

// Whether 'grant' has live access to the event: it was recorded under the grant, as news.
bool IsLive(const Grant& grant, const EventFacts& event) {
  return !event.backfill && event.record_time >= grant.create_time;
}

// How old the event is for messages:history. The network's time is an adapter's word: it can make
// an event older here, never younger.
absl::Time AgeTime(const EventFacts& event) {
  return event.backfill ? std::min(event.event_time, event.record_time) : event.record_time;
}

// Whether who objects so keeps this app out.
bool ObjectsTo(const Access& access, Objection objection) {
  switch (objection) {
    case Objection::kNone:
      return false;
    case Objection::kOffDevice:
      return access.leaves_device;
    case Objection::kAllApps:
      return true;
  }
  // An objection that nobody knows is one.
  return true;
}

// What grants open of the event, whoever objects.
View OpenView(const Access& access, const EventScopes& row, const EventFacts& event,
              absl::Time now) {
  if (event.target_view == View::kNothing) return View::kNothing;
  constexpr ScopeSet kHistory{Scope::kMessagesHistory};
  constexpr ScopeSet kEphemeral{Scope::kEphemeralRead};
  const bool needs_ephemeral = event.ephemeral && row.ephemeral_applies;
  const ScopeSet whole = row.whole ? ScopesOpening(*row.whole) : ScopeSet();
  const ScopeSet reduced = row.reduced ? ScopesOpening(*row.reduced) : ScopeSet();
  const ScopeSet also = row.also ? ScopesOpening(*row.also) : ScopeSet();
  const ScopeSet relevant = whole.Union(reduced).Union(also).Union(kHistory).Union(kEphemeral);

  // The best that grants open by being live, and the best they would open given history.
  bool live_whole = false, live_reduced = false, any_whole = false, any_reduced = false;
  bool has_history = false, has_also = !row.also.has_value(), has_ephemeral = !needs_ephemeral;
  for (const Grant& grant : access.grants) {
    const ScopeSet held = grant.scopes;
    // Scopes first: a few bits, where the rest is hash look-ups.
    if (row.whole ? !HasAny(held, relevant) : held.empty()) continue;
    if (!IsInForce(grant, access, now) || !CoversEvent(grant.selection, row, event.object))
      continue;
    const bool opens_whole = row.whole ? HasAny(held, whole) : true;
    const bool opens_reduced = opens_whole || HasAny(held, reduced);
    const bool live = IsLive(grant, event);
    any_whole |= opens_whole;
    any_reduced |= opens_reduced;
    live_whole |= opens_whole && live;
    live_reduced |= opens_reduced && live;
    has_history |= HasAny(held, kHistory) && AgeTime(event) >= grant.history_start_time;
    has_also |= HasAny(held, also);
    has_ephemeral |= HasAny(held, kEphemeral);
    // Nothing more can be gained: with 50 grants this is most of the speed.
    if (live_whole && has_also && has_ephemeral) break;
  }
  if (!has_also || !has_ephemeral) return View::kNothing;
  if (live_whole || (any_whole && has_history)) {
    if (event.target_view == View::kWhole) return View::kWhole;
    if (row.reduced) return View::kMetadata;
    // Kinds with one form only: a reaction hangs on a message's being there, a file on its content.
    return row.also == Scope::kMessagesRead ? View::kNothing : View::kWhole;
  }
  if (row.reduced && (live_reduced || (any_reduced && has_history))) return View::kMetadata;
  return View::kNothing;
}

}  // namespace

Verdict Decide(const Access& access, Scope scope, const ObjectFacts& object, absl::Time now) {
  if (access.paused) return Verdict::kPaused;
  const ScopeSet wanted = ScopesOpening(scope);
  bool in_force = false, suspended = false, expired = false, revoked = false;
  for (const Grant& grant : access.grants) {
    if (!HasAny(grant.scopes, wanted)) continue;
    const Standing standing = StandingOf(grant, access, now);
    in_force |= standing == Standing::kInForce;
    suspended |= standing == Standing::kSuspended;
    expired |= standing == Standing::kExpired;
    revoked |= standing == Standing::kRevoked;
    if (standing != Standing::kInForce) continue;
    if (IsAnything(object) || Covers(grant.selection, object)) return Verdict::kAllowed;
  }
  if (in_force) return Verdict::kNotFound;
  if (suspended) return Verdict::kSuspended;
  if (expired) return Verdict::kExpired;
  if (revoked) return Verdict::kRevoked;
  return Verdict::kScopeMissing;
}

SendDecision DecideSend(const Access& access, const SendFacts& facts, absl::Time now) {
  const auto opens = [&](Scope scope) {
    return Decide(access, scope, facts.object, now) == Verdict::kAllowed;
  };
  constexpr Verdict kAllowed = Verdict::kAllowed;
  if (opens(Scope::kMessagesSend)) return {kAllowed, SendMode::kSend, Scope::kMessagesSend};
  const bool answers =
      facts.last_incoming_time <= now && now - facts.last_incoming_time < kReplyWindow;
  if (answers && opens(Scope::kMessagesReply)) {
    return {kAllowed, SendMode::kSend, Scope::kMessagesReply};
  }
  // The least scope that would have done: what an app without any is told to ask for.
  const Verdict ask = Decide(access, Scope::kMessagesSendAsk, facts.object, now);
  return {ask, ask == kAllowed ? SendMode::kAsk : SendMode::kRefused, Scope::kMessagesSendAsk};
}

Limits LimitsFor(const Access& access, Scope scope, const ObjectFacts& object, absl::Time now) {
  Limits most;
  if (access.paused) return most;
  const ScopeSet wanted = ScopesOpening(scope);
  for (const Grant& grant : access.grants) {
    if (!HasAny(grant.scopes, wanted) || !IsInForce(grant, access, now)) continue;
    if (!IsAnything(object) && !Covers(grant.selection, object)) continue;
    const Limits own = WithDefaults(grant.limits);
    most.sends_per_hour = std::max(most.sends_per_hour, own.sends_per_hour);
    most.new_chats_per_day = std::max(most.new_chats_per_day, own.new_chats_per_day);
    most.bytes_per_day = std::max(most.bytes_per_day, own.bytes_per_day);
  }
  return most;
}

View ViewOf(const Access& access, const EventFacts& event, absl::Time now) {
  const EventScopes* row = FindEventScopes(event.kind);
  if (row == nullptr || access.paused) return View::kNothing;
  if (row->reach == EventReach::kAddressed) return View::kWhole;
  const View open = OpenView(access, *row, event, now);
  if (open == View::kNothing) return View::kNothing;
  // Also for what changes a message that is withheld: an edit is a second copy of it.
  const bool withheld = event.target_view == View::kWithheld ||
                        (row->objection_applies && ObjectsTo(access, event.object.objection));
  return withheld ? View::kWithheld : open;
}

absl::Time NextExpiry(const Access& access, absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const Grant& grant : access.grants) {
    if (!Stands(grant)) continue;
    if (grant.validity.expire_time > now) next = std::min(next, grant.validity.expire_time);
  }
  return next;
}

absl::Time LapseTime(const Grant& grant, absl::Time last_use) {
  return std::max(grant.create_time, last_use) + kIdleLapse;
}

}  // namespace postern::permissions
