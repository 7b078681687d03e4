// SPDX-License-Identifier: Apache-2.0
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "broker/capabilities.h"
#include "broker/directory.h"
#include "broker/event_log.h"
#include "broker/limits.h"
#include "broker/message_index.h"
#include "broker/outgoing.h"
#include "broker/outgoing_check.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::MessageId;
using permissions::Scope;
using v1::Event;

// The user's own reactions that stand on a message, whichever app or device set them.
absl::StatusOr<absl::flat_hash_set<std::string>> OwnReactions(const Parts& parts, AccountId account,
                                                              MessageId id) {
  // What the index has not come to yet counts for nothing: the network has the last word.
  parts.index.CatchUp(parts.log.last_sequence(), kIndexWait).IgnoreError();
  ASSIGN_OR_RETURN(std::vector<Sequence> about, parts.index.RefsOf(id));
  if (about.size() > kReactionRecordsMax) {
    about.erase(about.begin(), about.end() - static_cast<ptrdiff_t>(kReactionRecordsMax));
  }
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, parts.log.Read(about));
  absl::flat_hash_set<std::string> standing;
  for (const RecordPointer& record : records) {
    if (record == nullptr || record->erased() ||
        (record->kind != Event::kReactionSet && record->kind != Event::kReactionRemoved) ||
        !parts.directory.IsSelf(account, record->sender)) {
      continue;
    }
    storage::v1::StoredEvent stored;
    if (!stored.ParseFromString(record->body)) {
      return absl::DataLossError("a stored event is unreadable");
    }
    const Event& event = stored.event();
    if (event.has_reaction_set()) {
      standing.insert(event.reaction_set().emoji());
    } else if (event.reaction_removed().emoji().empty()) {
      standing.clear();
    } else {
      standing.erase(event.reaction_removed().emoji());
    }
  }
  return standing;
}

absl::Status CheckReactionCarried(const Parts& parts, const Outgoing& out, MessageId id,
                                  const v1::SetReactionRequest& request) {
  const v1::ChatCapabilities can = parts.directory.CapabilitiesOf(out.open.account, out.chat);
  // What stands can be taken back, whatever is allowed now.
  if (request.remove()) return RequireWhole(can, "reaction");
  uint32_t others = 0;
  if (can.reactions_per_person_max() > 1) {
    ASSIGN_OR_RETURN(absl::flat_hash_set<std::string> standing,
                     OwnReactions(parts, out.open.account, id));
    standing.erase(request.emoji());
    others = static_cast<uint32_t>(standing.size());
  }
  return CheckReaction(can, request.emoji(), others);
}

absl::Status CheckVote(const v1::Poll& poll, const v1::VotePollRequest& request) {
  absl::flat_hash_set<std::string> chosen;
  for (const std::string& id : request.option_ids()) {
    const bool known = std::any_of(poll.options().begin(), poll.options().end(),
                                   [&](const v1::PollOption& option) { return option.id() == id; });
    if (!known) return InvalidField("option_ids", "are none of this poll's");
    if (!chosen.insert(id).second) return InvalidField("option_ids", "must differ");
  }
  if (poll.choices_max() != 0 && chosen.size() > poll.choices_max()) {
    return InvalidField("option_ids", "are more than this poll lets one person choose");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Outgoing> PrepareReaction(const Parts& parts, const Asker& asker,
                                         const v1::SetReactionRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (request.emoji().empty() || request.emoji().size() > kEmojiBytesMax) {
    return InvalidField("emoji", "must have 1 to 64 bytes");
  }
  ASSIGN_OR_RETURN(
      const MessageId id,
      CheckedId("message_id", asker.book.pseudonyms.DecodeMessage(request.message_id())));
  RETURN_IF_ERROR(CheckCause(asker, request.caused_by_event_id()));
  RETURN_IF_ERROR(RequireScope(asker.viewer, Scope::kReactionsWrite));
  // Who may not see a message cannot react to it, nor learn that it is there.
  ASSIGN_OR_RETURN(const SeenMessage target, FindSeen(parts, asker, id, "message_id"));
  Outgoing out;
  out.request_id = request.request_id();
  out.caused_by_event_id = request.caused_by_event_id();
  RETURN_IF_ERROR(
      Open(parts, asker, target.origin.record->chat, Scope::kReactionsWrite, "message_id", out));
  RETURN_IF_ERROR(CheckReactionCarried(parts, out, id, request));
  v1::SetReactionCommand& react = *out.command.mutable_set_reaction();
  react.set_chat_id(out.open.remote_id);
  react.set_message_id(target.origin.remote_message_id);
  react.set_emoji(request.emoji());
  react.set_remove(request.remove());
  return out;
}

absl::StatusOr<Outgoing> PrepareVote(const Parts& parts, const Asker& asker,
                                     const v1::VotePollRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (request.option_ids_size() > kPollOptionsMax) {
    return InvalidField("option_ids", "are more than a poll can have");
  }
  ASSIGN_OR_RETURN(
      const MessageId id,
      CheckedId("message_id", asker.book.pseudonyms.DecodeMessage(request.message_id())));
  RETURN_IF_ERROR(RequireScope(asker.viewer, Scope::kReactionsWrite));
  ASSIGN_OR_RETURN(const SeenMessage target, FindSeen(parts, asker, id, "message_id"));
  // Its options are content: who may not read them cannot choose, nor try them out.
  if (target.event.view() != v1::EVENT_VIEW_WHOLE) return NotFound("message_id");
  Outgoing out;
  out.request_id = request.request_id();
  RETURN_IF_ERROR(
      Open(parts, asker, target.origin.record->chat, Scope::kReactionsWrite, "message_id", out));
  const v1::Message& message = target.event.message_created().message();
  if (!message.has_poll()) return InvalidField("message_id", "is not a poll");
  RETURN_IF_ERROR(CheckVote(message.poll(), request));
  RETURN_IF_ERROR(RequireWhole(parts.directory.CapabilitiesOf(out.open.account, out.chat), "poll"));
  v1::VotePollCommand& vote = *out.command.mutable_vote_poll();
  vote.set_chat_id(out.open.remote_id);
  vote.set_message_id(target.origin.remote_message_id);
  *vote.mutable_option_ids() = request.option_ids();
  return out;
}

}  // namespace postern::broker
