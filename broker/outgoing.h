// SPDX-License-Identifier: Apache-2.0
// What an app writes in the user's name, decided and made into a command, before anything of it is
// counted or done.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "broker/asker.h"
#include "broker/open_chat.h"
#include "broker/parts.h"
#include "broker/trail.h"
#include "permissions/decide.h"
#include "permissions/ids.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "postern/v1/message_service.pb.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::broker {

struct Outgoing {
  OpenChat open;
  permissions::ChatId chat;
  // Whether the person must be asked, and the scope that opened it.
  permissions::SendDecision decision;
  v1::Command command;
  // What the access history calls it.
  v1::AccessVerb verb = v1::ACCESS_VERB_SEND;
  // What loops are looked for in; empty for reactions.
  std::string text;
  // Of the grants that open it, and one of these.
  permissions::Limits limits;
  permissions::GrantId grant;
  // Where it will have been; see TrailOf.
  Trail trail;
  // What it has used up on its way (MessageSender).
  bool admitted = false;
  bool starts_chat = false;
  uint64_t passage = 0;
  // The gatekeeper has had it, as far as is known.
  bool went_out = false;
};

// INVALID_ARGUMENT before any refusal; PERMISSION_DENIED and NOT_FOUND as grants say.
absl::StatusOr<Outgoing> PrepareSend(const Parts& parts, const Asker& asker,
                                     const v1::SendMessageRequest& request);
absl::StatusOr<Outgoing> PrepareReaction(const Parts& parts, const Asker& asker,
                                         const v1::SetReactionRequest& request);

// Where the message will have been: the broker's own reckoning, from the event the app names, or
// from what another app just sent that resembles it. FAILED_PRECONDITION LOOP when it has been
// through kHopsMax apps; NOT_FOUND for a cause that is no longer kept.
absl::StatusOr<Trail> TrailOf(const Parts& parts, const Asker& asker,
                              const std::string& caused_by_event_id, const Outgoing& outgoing);

}  // namespace postern::broker
