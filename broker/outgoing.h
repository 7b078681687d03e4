// SPDX-License-Identifier: Apache-2.0
// What an app writes in the user's name, decided and made into a command, before anything of it is
// counted or done. By subject: outgoing_send.cc, outgoing_change.cc (edit, delete),
// outgoing_reaction.cc (reaction, vote), outgoing_chat.cc (read, typing, draft).
//
// All of them answer in one order: what is malformed (INVALID_ARGUMENT), what the app may not
// (PERMISSION_DENIED, and NOT_FOUND for what it may not see or change), what the chat cannot carry
// (FAILED_PRECONDITION NOT_SUPPORTED_BY_CHAT, capabilities.h).
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "broker/asker.h"
#include "broker/open_chat.h"
#include "broker/parts.h"
#include "broker/recent_sent.h"
#include "broker/trail.h"
#include "permissions/decide.h"
#include "permissions/ids.h"
#include "postern/v1/gatekeeper_service.pb.h"
#include "postern/v1/message_service.pb.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::broker {

// What a write is counted against.
enum class Budget : uint8_t {
  // The grants' sends an hour: other people see it.
  kSends,
  // The broker's own changes a minute: only the user does.
  kWrites,
};

struct Outgoing {
  std::string request_id;
  // As the app names it, checked; may be empty.
  std::string caused_by_event_id;
  OpenChat open;
  permissions::ChatId chat;
  // Whether the person must be asked, and the scope that opened it.
  permissions::SendDecision decision;
  v1::Command command;
  // What the access history calls it.
  v1::AccessVerb verb = v1::ACCESS_VERB_WRITE;
  Budget budget = Budget::kSends;
  // A message, which may be the first of its chat.
  bool is_message = false;
  // What loops are looked for in; empty for what says nothing.
  std::string words;
  // What the person is shown where they are asked.
  std::string shown_text;
  // Of the grants that open it, and one of these.
  permissions::Limits limits;
  permissions::GrantId grant;
  // Where it will have been; see TrailOf.
  Trail trail;
  // What it has used up on its way (Dispatch).
  bool admitted = false;
  bool starts_chat = false;
  uint64_t passage = 0;
  // The gatekeeper has had it, as far as is known.
  bool went_out = false;
};

absl::StatusOr<Outgoing> PrepareSend(const Parts& parts, const Asker& asker,
                                     const v1::SendMessageRequest& request);
// Of a message that this very app sent: as the log says or, where it is not back yet, 'recent'.
absl::StatusOr<Outgoing> PrepareEdit(const Parts& parts, const Asker& asker,
                                     const RecentSent& recent,
                                     const v1::EditMessageRequest& request);
absl::StatusOr<Outgoing> PrepareDelete(const Parts& parts, const Asker& asker,
                                       const RecentSent& recent,
                                       const v1::DeleteMessageRequest& request);
absl::StatusOr<Outgoing> PrepareReaction(const Parts& parts, const Asker& asker,
                                         const v1::SetReactionRequest& request);
absl::StatusOr<Outgoing> PrepareVote(const Parts& parts, const Asker& asker,
                                     const v1::VotePollRequest& request);
absl::StatusOr<Outgoing> PrepareMarkRead(const Parts& parts, const Asker& asker,
                                         const v1::MarkReadRequest& request);
absl::StatusOr<Outgoing> PrepareTyping(const Parts& parts, const Asker& asker,
                                       const v1::SetTypingRequest& request);
absl::StatusOr<Outgoing> PrepareDraft(const Parts& parts, const Asker& asker,
                                      const v1::CreateDraftRequest& request);

// Where the message will have been: the broker's own reckoning, from the event the app names, or
// from what another app just sent that resembles it. FAILED_PRECONDITION LOOP when it has been
// through kHopsMax apps; NOT_FOUND for a cause that is no longer kept.
absl::StatusOr<Trail> TrailOf(const Parts& parts, const Asker& asker, const Outgoing& outgoing);

}  // namespace postern::broker
