// SPDX-License-Identifier: Apache-2.0
// The one place where access is decided: pure functions of (grants, what is asked, now).
//
// Called for every call and, at the time of writing, for every event; never cached across a change
// of grants. Fails closed: what no rule opens stays shut.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "permissions/grant.h"
#include "permissions/ids.h"
#include "permissions/scope.h"

namespace postern::permissions {

enum class ChatType : uint8_t { kUnknown = 0, kDirect = 1, kGroup = 2 };

// Which apps a person who objects keeps from what they write. The user may make it wider, not
// narrower.
enum class Objection : uint8_t {
  kNone = 0,
  // Apps that take text off this device.
  kOffDevice = 1,
  kAllApps = 2,
};

// What a decision needs to know about a chat or an account. Cheap to fill and to copy.
struct ObjectFacts {
  AccountId account;
  std::string_view network;
  // Empty for things of the account as a whole.
  ChatId chat;
  ChatType chat_type = ChatType::kUnknown;
  // In a 1:1 chat: whether the other person is in the user's address book.
  bool peer_in_address_book = false;
  // The user sealed the chat, or the person concerned, to every app: it is as if not there.
  bool sealed = false;
  // What the person whose words these are asked for, or what was asked for the chat: the stronger.
  // Withholds words (ViewOf); what may be done in the chat does not depend on it.
  Objection objection = Objection::kNone;
};

// What kind of thing happened, as far as permissions care. Numbers equal the fields of
// postern.v1.Event.kind, so that one table (permissions/event_scopes.cc) has a row for each.
using EventKind = uint8_t;

// How much of an event an app may see. Numbers equal those of postern.v1.EventView; from least to
// most: kNothing, kWithheld, kMetadata, kWhole.
enum class View : uint8_t {
  // As if it had not happened.
  kNothing = 0,
  kWhole = 1,
  // Who, when, where, kind and size.
  kMetadata = 2,
  // A mark that something was there: its writer objects to this app's reading it.
  kWithheld = 3,
};

struct EventFacts {
  ObjectFacts object;
  EventKind kind = 0;
  // When the broker recorded it.
  absl::Time record_time;
  // When the network says it happened. Only looked at for 'backfill', whose record_time says
  // nothing of its age; left unset it counts as older than any limit.
  absl::Time event_time = absl::InfinitePast();
  // It belongs to older history that an adapter brought in.
  bool backfill = false;
  // Disappearing or view-once content.
  bool ephemeral = false;
  // For what is about another message (edit, delete, reaction, ...): how much of that message the
  // app may see. Nobody sees more of a change than of what was changed. kWhole when that message is
  // not known.
  View target_view = View::kWhole;
};

// Everything that applies to one principal: its grants and the owner's switches. A snapshot; a
// change makes a new one under a higher revocation epoch.
struct Access {
  std::span<const Grant> grants;
  // The owner paused all apps.
  bool paused = false;
  // The user's session is unlocked.
  bool session_unlocked = true;
  // The app takes text off this device, as its manifest says.
  bool leaves_device = false;
};

// Why a call is refused; kAllowed when it is not.
enum class Verdict : uint8_t {
  kAllowed = 0,
  kPaused,
  // No grant has the scope at all: say so, and which.
  kScopeMissing,
  // The principal had such a grant and it ended so. Does not depend on the object, so that it tells
  // nothing about objects.
  kRevoked,
  // Also: the grant holds only while the session is unlocked, and it is locked.
  kSuspended,
  kExpired,
  // A grant has the scope but does not cover this object: answer as if it did not exist.
  kNotFound,
};

// Whether the selection leaves no chat of its accounts out, now and later.
bool CoversEveryChat(const Selection& selection);

// Returns whether 'scope' is open for 'object' now. With neither account nor chat in 'object':
// whether any grant in force has the scope (for lists and streams, which filter each item again).
Verdict Decide(const Access& access, Scope scope, const ObjectFacts& object, absl::Time now);

// How a message would be sent, and what the broker knows of the chat.
struct SendFacts {
  ObjectFacts object;
  // When another person last wrote there, by the broker's clock; InfinitePast when nobody has.
  absl::Time last_incoming_time = absl::InfinitePast();
};

// messages:reply sends only where someone wrote within this time; not on what is yet to come, which
// only a clock that was moved back can show.
inline constexpr absl::Duration kReplyWindow = absl::Hours(24);

enum class SendMode : uint8_t {
  // As the verdict says.
  kRefused = 0,
  // The user is asked about this very message.
  kAsk = 1,
  kSend = 2,
};

struct SendDecision {
  Verdict verdict = Verdict::kScopeMissing;
  SendMode mode = SendMode::kRefused;
  // What opened it, whose limits apply (LimitsFor); when refused, the least that would have done.
  Scope scope = Scope::kMessagesSendAsk;
};

// Returns whether and how a message may be sent now, by the strongest of messages:send,
// messages:reply (within kReplyWindow) and messages:send.ask that covers the chat.
SendDecision DecideSend(const Access& access, const SendFacts& facts, absl::Time now);

// Returns the allowance for 'scope' on 'object' (as for Decide): of each number the largest among
// the grants that open it now. Defaults are filled in (limits.h), so that zero means none: all are
// zero where Decide does not allow.
Limits LimitsFor(const Access& access, Scope scope, const ObjectFacts& object, absl::Time now);

// Returns how much of the event the principal may see now: what its grants open, but kWithheld in
// place of anything more where the writer objects, or objects to the showing of what this changes.
// An event from before the grant that opens it (or a backfilled one) also needs messages:history,
// and not to be older than its start time.
View ViewOf(const Access& access, const EventFacts& event, absl::Time now);

// Returns the moment at which one of the grants next ends by itself; InfiniteFuture when none does.
absl::Time NextExpiry(const Access& access, absl::Time now);

// An app that has not used a grant for so long has forgotten it, and so has the user.
inline constexpr absl::Duration kIdleLapse = absl::Hours(24 * 90);

// Returns the moment at which the grant lapses for not being used. 'last_use' is InfinitePast when
// it never was.
absl::Time LapseTime(const Grant& grant, absl::Time last_use);

}  // namespace postern::permissions
