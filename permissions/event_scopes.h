// SPDX-License-Identifier: Apache-2.0
// The one table that says which scope shows which kind of event. A kind without a row is never
// shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "permissions/decide.h"
#include "permissions/scope.h"

namespace postern::permissions {

// Whose business an event is.
enum class EventReach : uint8_t {
  // Something in a chat, or about a person. Without a chat it is shown only to grants that cover
  // every chat of the account: else an app with one chat would watch everybody's presence.
  kChat,
  // The account as a whole, e.g. its connection: shown to each grant that covers the account. When
  // it names a chat the grant must cover that.
  kAccount,
  // Made by the broker for one app, about that app's own doings. The broker hands it to no other
  // app. No scope is needed, and no seal or objection keeps it back: it carries nobody's words.
  kAddressed,
};

struct EventScopes {
  EventKind kind;
  // The name of the field in postern.v1.Event.kind.
  std::string_view name;
  EventReach reach;
  // Shows all of it. Unset for kAddressed, and for what every grant that covers it shows.
  std::optional<Scope> whole;
  // Shows who, when, where, kind and size.
  std::optional<Scope> reduced;
  // Also needed for any view: what hangs on a message is not seen without the message.
  std::optional<Scope> also;
  // When the event is marked ephemeral, ephemeral:read is also needed for any view.
  bool ephemeral_applies;
  // When a person objects, their events of this kind are withheld: it is what they wrote, or hangs
  // on one message (README.md, "Seals and objections").
  bool objection_applies;
  // Only the broker makes it.
  bool broker_only;
};

inline constexpr EventKind kFirstEventKind = 20;
inline constexpr EventKind kLastEventKind = 53;

// Returns the row of 'kind', or null when the kind is not known.
const EventScopes* FindEventScopes(EventKind kind);
// Returns whether only the broker itself may make events of this kind; ingest refuses them from
// adapters.
bool IsBrokerOnly(EventKind kind);

}  // namespace postern::permissions
