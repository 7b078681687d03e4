// SPDX-License-Identifier: Apache-2.0
#include "tests/permissions/model_check.h"

#include <absl/strings/str_cat.h>

#include <vector>

#include "tests/permissions/account_model.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

constexpr std::array<std::string_view, 3> kNetworkNames = {"", "xmpp", "whatsapp"};

View ViewFromModel(model::View view) {
  switch (view) {
    case model::View::kNothing:
      return View::kNothing;
    case model::View::kWithheld:
      return View::kWithheld;
    case model::View::kMetadata:
      return View::kMetadata;
    case model::View::kWhole:
      return View::kWhole;
  }
  std::abort();
}

Verdict VerdictFromModel(model::Verdict verdict) {
  switch (verdict) {
    case model::Verdict::kAllowed:
      return Verdict::kAllowed;
    case model::Verdict::kPaused:
      return Verdict::kPaused;
    case model::Verdict::kScopeMissing:
      return Verdict::kScopeMissing;
    case model::Verdict::kRevoked:
      return Verdict::kRevoked;
    case model::Verdict::kSuspended:
      return Verdict::kSuspended;
    case model::Verdict::kExpired:
      return Verdict::kExpired;
    case model::Verdict::kNotFound:
      return Verdict::kNotFound;
  }
  std::abort();
}

// One call, send or event, and what the model says of it: one number, larger than zero when it is
// allowed or seen.
struct Asked {
  enum class What { kCall, kSend, kEvent } what = What::kCall;
  int scope = 0;
  model::Thing thing;
  model::Time last_incoming = 0;
  model::Event event;
  model::Time now = 0;
};

Asked RandomAsked(model::Dice& dice) {
  Asked asked;
  asked.now = dice.Around(model::kModelNow);
  asked.what = dice.OneIn(4)   ? Asked::What::kCall
               : dice.OneIn(8) ? Asked::What::kSend
                               : Asked::What::kEvent;
  // The least of the forms of sending seldom decides: the greater ones imply it.
  asked.scope = dice.OneIn(8) ? model::kDraft : 1 + dice.Upto(model::kScopes - 1);
  asked.thing = RandomThing(dice);
  asked.last_incoming = RandomLastIncoming(dice, asked.now);
  asked.event = RandomEvent(dice);
  return asked;
}

int Answer(const model::App& app, const Asked& asked) {
  switch (asked.what) {
    case Asked::What::kCall:
      return Decide(app, asked.scope, asked.thing, asked.now) == model::Verdict::kAllowed;
    case Asked::What::kSend:
      return SendsBy(app, asked.thing, asked.last_incoming, asked.now);
    case Asked::What::kEvent:
      return static_cast<int>(ViewOf(app, asked.event, asked.now));
  }
  std::abort();
}

void Count(const model::App& app, const Asked& asked, Tally& tally) {
  const int answer = Answer(app, asked);
  ++tally.cases;
  if (answer == 0) return;
  ++tally.allowed;
  tally.reduced +=
      asked.what == Asked::What::kEvent && (answer == static_cast<int>(model::View::kMetadata) ||
                                            answer == static_cast<int>(model::View::kWithheld));
  for (int scope = 1; scope <= model::kScopes; ++scope) {
    model::App without = app;
    bool held = false;
    for (model::Grant& grant : without.grants) {
      held = held || (grant.scopes >> scope & 1) == 1;
      grant.scopes &= ~(1u << scope);
    }
    if (held && Answer(without, asked) != answer) ++tally.decisive[static_cast<size_t>(scope)];
  }
}

std::string Differs(std::string_view function, int got, int expected) {
  return absl::StrCat(std::string(function), " answered ", got, ", the model ", expected);
}

// Returns the difference in words, or "".
std::string Compare(const Deciders& deciders, const model::App& app, const Access& access,
                    const Asked& asked) {
  const absl::Time now = TimeFromModel(asked.now);
  if (asked.what == Asked::What::kEvent) {
    const View view = deciders.view_of(access, EventFromModel(asked.event), now);
    const View expected = ViewFromModel(ViewOf(app, asked.event, asked.now));
    if (view != expected) {
      return Differs(absl::StrCat("ViewOf, kind ", asked.event.kind, ","), static_cast<int>(view),
                     static_cast<int>(expected));
    }
    const bool brokers = model::KindOf(asked.event.kind).brokers;
    if (deciders.is_broker_only(static_cast<EventKind>(asked.event.kind)) != brokers) {
      return Differs("IsBrokerOnly", !brokers, brokers);
    }
    return "";
  }
  const ObjectFacts object = ObjectFromModel(asked.thing);
  if (asked.what == Asked::What::kSend) {
    const SendDecision sent =
        deciders.decide_send(access, {object, TimeFromModel(asked.last_incoming)}, now);
    const int by = SendsBy(app, asked.thing, asked.last_incoming, asked.now);
    const Verdict verdict = VerdictFromModel(Decide(app, model::kAsk, asked.thing, asked.now));
    const SendMode mode = by == 0             ? SendMode::kRefused
                          : by == model::kAsk ? SendMode::kAsk
                                              : SendMode::kSend;
    if (sent.mode != mode) {
      return Differs("DecideSend's mode", static_cast<int>(sent.mode), static_cast<int>(mode));
    }
    if (sent.verdict != verdict) {
      return Differs("DecideSend", static_cast<int>(sent.verdict), static_cast<int>(verdict));
    }
    const int scope = by == 0 ? model::kAsk : by;
    if (static_cast<int>(sent.scope) != scope) {
      return Differs("DecideSend's scope", static_cast<int>(sent.scope), scope);
    }
    return "";
  }
  const Scope scope = static_cast<Scope>(asked.scope);
  const Verdict verdict = deciders.decide(access, scope, object, now);
  const Verdict expected = VerdictFromModel(Decide(app, asked.scope, asked.thing, asked.now));
  if (verdict != expected) {
    return Differs("Decide", static_cast<int>(verdict), static_cast<int>(expected));
  }
  const Limits limits = deciders.limits_for(access, scope, object, now);
  const auto limit = [&](int which) {
    return model::LimitFor(app, asked.scope, asked.thing, asked.now, which);
  };
  if (limits.sends_per_hour != limit(0) || limits.new_chats_per_day != limit(1) ||
      limits.bytes_per_day != limit(2)) {
    return "LimitsFor differs";
  }
  absl::Time next = absl::InfiniteFuture();
  for (const model::Grant& grant : app.grants) {
    if (grant.expires <= asked.now || grant.state < 1 || grant.state > 2) continue;
    next = std::min(next, TimeFromModel(grant.expires));
  }
  if (deciders.next_expiry(access, now) != next) return "NextExpiry differs";
  const model::Grant& first = app.grants.front();
  const model::Time last_use = asked.last_incoming % 50;
  if (deciders.lapse_time(access.grants.front(), TimeFromModel(first.created + last_use)) !=
      TimeFromModel(first.created + std::max(0l, last_use)) + absl::Hours(90 * 24)) {
    return "LapseTime differs";
  }
  return "";
}

// A person outside of any chat, with the scope under which they are asked for, and a new chat.
struct AskedOfAccount {
  int scope = 0;
  model::Thing thing;
  model::Time now = 0;
};

AskedOfAccount RandomAskedOfAccount(model::Dice& dice) {
  AskedOfAccount asked;
  asked.scope = 1 + dice.Upto(model::kScopes - 1);
  asked.thing = RandomThing(dice);
  asked.thing.chat = 0;
  asked.now = dice.Around(model::kModelNow);
  return asked;
}

void Count(const model::App& app, const AskedOfAccount& asked, Tally& tally) {
  const auto& [scope, thing, now] = asked;
  const bool shown = DecidePerson(app, scope, thing, now) == model::Verdict::kAllowed;
  tally.people += shown;
  tally.people_kept_out += !shown && Decide(app, scope, thing, now) == model::Verdict::kAllowed;
  tally.new_chats += DecideNewChat(app, thing, now) == model::Verdict::kAllowed;
}

std::string Compare(const Deciders& deciders, const model::App& app, const Access& access,
                    const AskedOfAccount& asked) {
  const ObjectFacts object = ObjectFromModel(asked.thing);
  const absl::Time now = TimeFromModel(asked.now);
  const Verdict person =
      deciders.decide_person(access, static_cast<Scope>(asked.scope), object, now);
  Verdict expected = VerdictFromModel(DecidePerson(app, asked.scope, asked.thing, asked.now));
  if (person != expected) {
    return Differs("DecidePerson", static_cast<int>(person), static_cast<int>(expected));
  }
  const Verdict new_chat = deciders.decide_new_chat(access, object, now);
  expected = VerdictFromModel(DecideNewChat(app, asked.thing, asked.now));
  if (new_chat != expected) {
    return Differs("DecideNewChat", static_cast<int>(new_chat), static_cast<int>(expected));
  }
  const Limits limits = deciders.limits_for_new_chat(access, object, now);
  const auto limit = [&](int which) { return LimitForNewChat(app, asked.thing, asked.now, which); };
  if (limits.sends_per_hour != limit(0) || limits.new_chats_per_day != limit(1) ||
      limits.bytes_per_day != limit(2)) {
    return "LimitsForNewChat differs";
  }
  return "";
}

}  // namespace

absl::Time TimeFromModel(model::Time time) {
  if (time == model::kNever) return absl::InfiniteFuture();
  if (time == model::kLongAgo) return absl::InfinitePast();
  return absl::FromUnixSeconds(time);
}

Grant GrantFromModel(const model::Grant& grant) {
  Grant made;
  const auto has = [](unsigned set, int number) { return (set >> number & 1) == 1; };
  for (int scope = 1; scope <= model::kScopes; ++scope) {
    if (has(grant.scopes, scope)) made.scopes.Add(static_cast<Scope>(scope));
  }
  for (int n = 1; n <= model::kAccounts; ++n) {
    if (has(grant.accounts, n)) made.selection.accounts.insert(AccountNumber(n));
  }
  for (int n = 1; n <= model::kNetworks; ++n) {
    if (has(grant.networks, n)) made.selection.networks.emplace(kNetworkNames[n]);
  }
  for (int n = 1; n <= model::kChatCount; ++n) {
    if (has(grant.chats, n)) made.selection.included_chats.insert(ChatNumber(n));
    if (has(grant.not_chats, n)) made.selection.excluded_chats.insert(ChatNumber(n));
  }
  made.selection.chat_choice = static_cast<ChatChoice>(grant.choice);
  made.selection.chat_kinds = static_cast<ChatKinds>(grant.kinds);
  made.selection.people = static_cast<People>(grant.people);
  made.state = static_cast<GrantState>(grant.state);
  made.create_time = TimeFromModel(grant.created);
  made.validity.expire_time = TimeFromModel(grant.expires);
  made.history_start_time = TimeFromModel(grant.history_from);
  made.only_while_unlocked = grant.unlocked_only;
  made.limits = {static_cast<uint32_t>(grant.limits[0]), static_cast<uint32_t>(grant.limits[1]),
                 grant.limits[2]};
  return made;
}

ObjectFacts ObjectFromModel(const model::Thing& thing) {
  ObjectFacts object;
  if (thing.account != 0) object.account = AccountNumber(thing.account);
  object.network = kNetworkNames[static_cast<size_t>(thing.network)];
  if (thing.chat != 0) object.chat = ChatNumber(thing.chat);
  object.chat_type = static_cast<ChatType>(thing.type);
  object.peer_in_address_book = thing.contact;
  object.sealed = thing.sealed;
  object.objection = static_cast<Objection>(thing.objection);
  return object;
}

EventFacts EventFromModel(const model::Event& event) {
  EventFacts facts;
  facts.object = ObjectFromModel(event.thing);
  facts.kind = static_cast<EventKind>(event.kind);
  facts.record_time = TimeFromModel(event.recorded);
  facts.event_time = TimeFromModel(event.happened);
  facts.backfill = event.backfill;
  facts.ephemeral = event.ephemeral;
  facts.target_view = ViewFromModel(event.target);
  return facts;
}

int RankOf(View view) {
  switch (view) {
    case View::kNothing:
      return 0;
    case View::kWithheld:
      return 1;
    case View::kMetadata:
      return 2;
    case View::kWhole:
      return 3;
  }
  std::abort();
}

std::string FindDifference(const Deciders& deciders, uint64_t seed, int cases, Tally* tally) {
  model::Dice dice(seed), account_dice(~seed);
  std::vector<Grant> grants;
  for (int i = 0; i < cases; ++i) {
    const model::App app = RandomApp(dice);
    const Asked asked = RandomAsked(dice);
    const AskedOfAccount of_account = RandomAskedOfAccount(account_dice);
    grants.clear();
    for (const model::Grant& grant : app.grants) grants.push_back(GrantFromModel(grant));
    const Access access = {.grants = grants,
                           .paused = app.paused,
                           .session_unlocked = app.unlocked,
                           .leaves_device = app.leaves_device};
    std::string difference = Compare(deciders, app, access, asked);
    if (difference.empty()) difference = Compare(deciders, app, access, of_account);
    if (!difference.empty()) return absl::StrCat("case ", i, ": ", difference);
    if (tally == nullptr) continue;
    Count(app, asked, *tally);
    Count(app, of_account, *tally);
  }
  return "";
}

}  // namespace postern::permissions
