// SPDX-License-Identifier: Apache-2.0
#include "broker/outgoing.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>
#include <vector>

#include "broker/absl_text.h"
#include "broker/app_registry.h"
#include "broker/event_log.h"
#include "broker/lease_table.h"
#include "broker/limits.h"
#include "broker/loop_guard.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Scope;

absl::Status Looped(std::string_view what) {
  return ReasonStatus(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_LOOP,
                      absl::StrCat(AbslText(what), "; do not send it on"),
                      {{"hops_max", absl::StrCat(kHopsMax)}});
}

}  // namespace

absl::StatusOr<Trail> TrailOf(const Parts& parts, const Asker& asker, const Outgoing& outgoing) {
  const std::string& caused_by_event_id = outgoing.caused_by_event_id;
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
  } else if (!outgoing.words.empty()) {
    const auto may_read = [&](ChatId chat) {
      const absl::StatusOr<OpenChat> open = FindChat(parts, chat, "chat_id");
      return open.ok() && Decide(asker.viewer.access, Scope::kMessagesRead, open->facts,
                                 asker.viewer.now) == permissions::Verdict::kAllowed;
    };
    std::optional<LoopGuard::Sent> cause =
        parts.loops.FindCause(asker.app->principal, outgoing.words, may_read);
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
