// SPDX-License-Identifier: Apache-2.0
// What a program holds and lacks, whether that rests or is over, and asking its user for more.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "clients/sdk/client.h"

namespace postern::sdk {

// Says whether a grant still counts: it is in force, or suspended for a while.
bool IsStanding(const v1::Grant& grant);

// Returns the scopes of all grants that stand. In which chats is for each grant to say.
std::set<v1::Scope> HeldScopes(const v1::GetSelfResponse& self);
// Returns what the manifest wants and no grant that stands has: what it requires first.
std::vector<v1::Scope> MissingScopes(const v1::Manifest& manifest, const v1::GetSelfResponse& self);

// Says whether 'status' means that an access is over: the user took it back, or its time has
// passed. A stream of events that ends so, and a Connect that fails so, speak of the whole; any
// other call of the scope that it needs.
bool AccessIsOver(const absl::Status& status);
// Says whether 'status' means that the access rests and comes back by itself: the user suspended
// it, or locked the screen, or a limit is used up and the broker says until when. Other limits, as
// of open streams, stay used up until the program does something.
bool AccessRests(const absl::Status& status);
// How long to wait before the next look at an access that rests: what the broker asks for, within
// bounds, so that what the user gives back early is seen soon.
absl::Duration RestOf(const absl::Status& status);

// For a program that finds its access over (AccessIsOver) before it has a stream of events, as when
// it was taken back while the program was not running. Asks the broker, with the program's key (see
// LoadIdentity), whether all of the access is over; if so calls 'erase_everything', on this thread,
// and tells the broker when it was done.
//
// Returns the refusal (AccessIsOver) when everything was erased, and OK when any grant stands, of
// whatever scope, and nothing was erased. Else what 'erase_everything' returned, or why the broker
// could not be asked: UNAVAILABLE or DEADLINE_EXCEEDED when it does not answer within some 10 s,
// SCOPE_REQUIRED when nothing was ever granted. Then, and when the broker went away before it was
// told, the program is to call this again at its next start.
absl::Status EraseIfOver(const std::string& app_id, const ClientOptions& options,
                         const std::function<absl::Status()>& erase_everything);

struct AskOptions {
  // Called once, when the user is being asked. May be empty.
  std::function<void()> on_asking{};
  // Waits before it looks for the answer again; false to wait no longer. Empty: sleeps.
  std::function<bool(absl::Duration)> wait{};
};

// Asks the user for more and waits for the answer, on the calling thread; that can take minutes.
// Fills in 'request_id' when it is empty. OK when they allowed it, which may be less than was asked
// for: GetSelf says what.
//
// PERMISSION_DENIED CONSENT_REFUSED when the user said no, DEADLINE_EXCEEDED CONSENT_REFUSED when
// nobody answered, CANCELLED when 'wait' said so; else why the user could not be asked, as
// CONSENT_SILENCED and CONSENT_UNAVAILABLE. A broker that goes away meanwhile is UNAVAILABLE.
absl::Status AskForGrant(Client& client, v1::RequestGrantRequest request, AskOptions options = {});

}  // namespace postern::sdk
