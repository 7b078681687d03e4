// SPDX-License-Identifier: Apache-2.0
#include "broker/outgoing.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>
#include <vector>

#include "broker/absl_text.h"
#include "broker/app_registry.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/history.h"
#include "broker/incoming_times.h"
#include "broker/lease_table.h"
#include "broker/limits.h"
#include "broker/loop_guard.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::ContactId;
using permissions::MessageId;
using permissions::Scope;
using permissions::SendMode;

absl::Status CheckSend(const v1::SendMessageRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (request.text().empty()) return InvalidField("text", "must not be empty");
  if (request.text().size() > kTextBytesMax) return InvalidField("text", "is longer than 64 KiB");
  if (request.mentions_size() > kMentionsMax) return InvalidField("mentions", "are too many");
  if (request.spans_size() > kSpansMax) return InvalidField("spans", "are too many");
  for (const v1::FormattingSpan& span : request.spans()) {
    if (uint64_t{span.start()} + span.length() > request.text().size()) {
      return InvalidField("spans", "reach past the end of the text");
    }
    if (!v1::FormattingSpan::Style_IsValid(span.style())) {
      return InvalidField("spans", "have a style this broker does not know");
    }
  }
  for (const v1::Mention& mention : request.mentions()) {
    if (uint64_t{mention.start()} + mention.length() > request.text().size()) {
      return InvalidField("mentions", "reach past the end of the text");
    }
  }
  if (!request.attachment_ids().empty()) {
    return InvalidField("attachment_ids", "must be empty: this broker takes no uploads yet");
  }
  return absl::OkStatus();
}

absl::Status CheckCause(const Asker& asker, const std::string& caused_by_event_id) {
  if (caused_by_event_id.empty() ||
      asker.book.pseudonyms.DecodeEvent(caused_by_event_id).has_value()) {
    return absl::OkStatus();
  }
  return InvalidField("caused_by_event_id", "is not an event this app was sent");
}

// Which grant lets it happen, for the history: the first one that would alone.
permissions::GrantId GrantFor(const Asker& asker, Scope scope,
                              const permissions::ObjectFacts& object) {
  for (const permissions::Grant& grant : asker.viewer.access.grants) {
    permissions::Access one = asker.viewer.access;
    one.grants = {&grant, 1};
    if (Decide(one, scope, object, asker.viewer.now) == permissions::Verdict::kAllowed) {
      return grant.id;
    }
  }
  return {};
}

absl::Status Looped(std::string_view what) {
  return ReasonStatus(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_LOOP,
                      absl::StrCat(AbslText(what), "; do not send it on"),
                      {{"hops_max", absl::StrCat(kHopsMax)}});
}

}  // namespace

absl::StatusOr<Outgoing> PrepareSend(const Parts& parts, const Asker& asker,
                                     const v1::SendMessageRequest& request) {
  RETURN_IF_ERROR(CheckSend(request));
  const permissions::Pseudonyms& pseudonyms = asker.book.pseudonyms;
  Outgoing out;
  ASSIGN_OR_RETURN(out.chat, CheckedId("chat_id", pseudonyms.DecodeChat(request.chat_id())));
  MessageId reply_to;
  if (!request.reply_to_message_id().empty()) {
    ASSIGN_OR_RETURN(reply_to, CheckedId("reply_to_message_id",
                                         pseudonyms.DecodeMessage(request.reply_to_message_id())));
  }
  RETURN_IF_ERROR(CheckCause(asker, request.caused_by_event_id()));
  std::vector<ContactId> mentioned;
  for (const v1::Mention& mention : request.mentions()) {
    ASSIGN_OR_RETURN(const ContactId contact,
                     CheckedId("mentions", pseudonyms.DecodeContact(mention.contact_id())));
    mentioned.push_back(contact);
  }

  // The least of the scopes that send: the stronger ones open it too.
  RETURN_IF_ERROR(
      VerdictStatus(Decide(asker.viewer.access, Scope::kMessagesSendAsk, {}, asker.viewer.now),
                    Scope::kMessagesSendAsk));
  ASSIGN_OR_RETURN(out.open, FindChat(parts, out.chat, "chat_id"));
  permissions::SendFacts facts{out.open.facts};
  out.decision = DecideSend(asker.viewer.access, facts, asker.viewer.now);
  if (out.decision.mode == SendMode::kRefused) return NotFound("chat_id");
  if (out.decision.mode == SendMode::kAsk) {
    // Whether somebody wrote lately is looked up only where it makes a difference.
    ASSIGN_OR_RETURN(facts.last_incoming_time, parts.incoming.LastIncoming(out.chat));
    out.decision = DecideSend(asker.viewer.access, facts, asker.viewer.now);
  }
  out.limits = LimitsFor(asker.viewer.access, out.decision.scope, out.open.facts, asker.viewer.now);
  out.grant = GrantFor(asker, out.decision.scope, out.open.facts);
  out.text = request.text();

  v1::SendMessageCommand& send = *out.command.mutable_send_message();
  send.set_chat_id(out.open.remote_id);
  send.set_text(request.text());
  *send.mutable_spans() = request.spans();
  send.set_app_display_name(asker.app->app.display_name());
  send.set_attribution(parts.disclosures.AttributionFor(out.open.account, asker.app->principal));
  if (!reply_to.empty()) {
    const absl::StatusOr<History::Origin> answered = parts.history.Find(reply_to);
    // Missing and hidden are told in the same words.
    if (absl::IsNotFound(answered.status())) return NotFound("reply_to_message_id");
    RETURN_IF_ERROR(answered.status());
    const auto seen = ViewEvent(*answered->record, asker.viewer);
    if (answered->record->chat != out.chat || !seen.ok() || !seen->has_value()) {
      return NotFound("reply_to_message_id");
    }
    send.set_reply_to_message_id(answered->remote_message_id);
  }
  for (int i = 0; i < request.mentions_size(); ++i) {
    const ContactId contact = mentioned[static_cast<size_t>(i)];
    const std::optional<std::string> remote_id = parts.directory.RemoteContactId(contact);
    // People of another account are not this gatekeeper's business.
    if (!remote_id.has_value() || parts.ids.Contact(out.open.account, *remote_id) != contact) {
      return NotFound("mentions");
    }
    v1::Mention& told = *send.add_mentions();
    told = request.mentions(i);
    told.set_contact_id(*remote_id);
  }
  return out;
}

absl::StatusOr<Outgoing> PrepareReaction(const Parts& parts, const Asker& asker,
                                         const v1::SetReactionRequest& request) {
  if (request.emoji().empty() || request.emoji().size() > kEmojiBytesMax) {
    return InvalidField("emoji", "must have 1 to 64 bytes");
  }
  ASSIGN_OR_RETURN(
      const MessageId id,
      CheckedId("message_id", asker.book.pseudonyms.DecodeMessage(request.message_id())));
  RETURN_IF_ERROR(CheckCause(asker, request.caused_by_event_id()));
  RETURN_IF_ERROR(
      VerdictStatus(Decide(asker.viewer.access, Scope::kReactionsWrite, {}, asker.viewer.now),
                    Scope::kReactionsWrite));
  ASSIGN_OR_RETURN(const History::Origin target, parts.history.Find(id));
  // Who may not see a message cannot react to it, nor learn that it is there.
  const auto seen = ViewEvent(*target.record, asker.viewer);
  if (!seen.ok() || !seen->has_value()) return NotFound("message_id");
  Outgoing out;
  out.chat = target.record->chat;
  ASSIGN_OR_RETURN(out.open,
                   FindOpenChat(parts, asker, out.chat, Scope::kReactionsWrite, "message_id"));
  out.decision = {permissions::Verdict::kAllowed, SendMode::kSend, Scope::kReactionsWrite};
  out.limits =
      LimitsFor(asker.viewer.access, Scope::kReactionsWrite, out.open.facts, asker.viewer.now);
  out.grant = GrantFor(asker, Scope::kReactionsWrite, out.open.facts);
  out.verb = v1::ACCESS_VERB_WRITE;
  v1::SetReactionCommand& react = *out.command.mutable_set_reaction();
  react.set_chat_id(out.open.remote_id);
  react.set_message_id(target.remote_message_id);
  react.set_emoji(request.emoji());
  react.set_remove(request.remove());
  return out;
}

absl::StatusOr<Trail> TrailOf(const Parts& parts, const Asker& asker,
                              const std::string& caused_by_event_id, const Outgoing& outgoing) {
  Trail trail;
  ChatId cause_chat;
  if (!caused_by_event_id.empty()) {
    const Sequence sequence =
        asker.book.pseudonyms.DecodeEvent(caused_by_event_id).value_or(Sequence{});
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, parts.log.Read({sequence}));
    const RecordPointer cause = records.empty() ? nullptr : records.front();
    if (cause == nullptr) return NotFound("caused_by_event_id");
    cause_chat = cause->chat;
    if (cause->erased()) {
      // How far a deleted message had come can no longer be told: as far as can be, if an app sent
      // it.
      if (!cause->origin.empty()) trail.hops = kHopsMax;
    } else {
      storage::v1::StoredEvent stored;
      if (!stored.ParseFromString(cause->body)) {
        return absl::DataLossError("a stored event is unreadable");
      }
      trail.hops = stored.hops();
      for (const std::string& network : stored.networks()) trail.AddNetwork(network);
    }
  } else if (!outgoing.text.empty()) {
    const auto may_read = [&](ChatId chat) {
      const absl::StatusOr<OpenChat> open = FindChat(parts, chat, "chat_id");
      return open.ok() && Decide(asker.viewer.access, Scope::kMessagesRead, open->facts,
                                 asker.viewer.now) == permissions::Verdict::kAllowed;
    };
    std::optional<LoopGuard::Sent> cause =
        parts.loops.FindCause(asker.app->principal, outgoing.text, may_read);
    if (cause.has_value()) {
      cause_chat = cause->chat;
      trail = std::move(cause->trail);
    }
  }
  if (trail.hops >= kHopsMax) {
    return Looped(absl::StrCat("this has come through ", kHopsMax, " apps already"));
  }
  ++trail.hops;
  if (!cause_chat.empty() && cause_chat != outgoing.chat) {
    const absl::StatusOr<OpenChat> from = FindChat(parts, cause_chat, "caused_by_event_id");
    if (from.ok()) trail.AddNetwork(std::string(from->facts.network));
  }
  for (const std::string& network : parts.leases.TargetsOf(asker.app->principal, outgoing.chat)) {
    trail.AddNetwork(network);
  }
  if (!trail.networks.empty()) trail.AddNetwork(std::string(outgoing.open.facts.network));
  if (trail.networks.size() > kTrailNetworksMax) {
    return Looped("this has been on too many networks");
  }
  return trail;
}

}  // namespace postern::broker
