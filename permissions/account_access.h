// SPDX-License-Identifier: Apache-2.0
// What is decided of an account rather than of a chat in it: people outside of any chat, and chats
// that are not there yet. Pure, like decide.h, and made of it.
#pragma once

#include <absl/time/time.h>

#include "permissions/decide.h"
#include "permissions/grant.h"
#include "permissions/scope.h"

namespace postern::permissions {

// As Decide, for a person whom the app need not share a chat with: only grants that cover every
// chat count. 'object' has no chat.
Verdict DecidePerson(const Access& access, Scope scope, const ObjectFacts& object, absl::Time now);

// Whether a chat may be started under chats:create. No list can name it yet, so that lists of chats
// do not count; the account, 1:1 or group, and whether the person is in the address book do.
// 'object' has no chat, but the kind and, for a 1:1 chat, the person that the new one would have.
Verdict DecideNewChat(const Access& access, ObjectFacts object, absl::Time now);
// The allowance for it, as LimitsFor.
Limits LimitsForNewChat(const Access& access, ObjectFacts object, absl::Time now);

}  // namespace postern::permissions
