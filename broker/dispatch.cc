// SPDX-License-Identifier: Apache-2.0
#include "broker/dispatch.h"

#include <absl/strings/str_cat.h>

#include <string>
#include <utility>

#include "broker/absl_text.h"
#include "broker/access_history.h"
#include "broker/adapter_table.h"
#include "broker/app_registry.h"
#include "broker/incoming_times.h"
#include "broker/limits.h"
#include "broker/loop_guard.h"
#include "broker/owner_notices.h"
#include "broker/request_check.h"
#include "broker/send_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;

absl::Status ShutOut(absl::Duration wait) {
  const std::string seconds =
      absl::StrCat(absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1))));
  return ReasonStatus(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LOOP,
      absl::StrCat("this app sends here what keeps coming back; again in ", seconds, " s"),
      {{"retry_after_seconds", seconds}});
}

}  // namespace

void Dispatch::TellLoop(const AppSnapshot& app, ChatId chat, std::string_view what) {
  parts_.notices.Tell(
      v1::OwnerNotice::KIND_LOOP_STOPPED,
      absl::StrCat("“", app.app.display_name(), "” ", AbslText(what), ", and was stopped."),
      app.principal, chat);
}

absl::Status Dispatch::Trace(const Asker& asker, Outgoing& outgoing) {
  absl::StatusOr<Trail> trail = TrailOf(parts_, asker, outgoing);
  if (trail.ok()) {
    outgoing.trail = *std::move(trail);
  } else if (ReasonOf(trail.status()) == v1::ERROR_REASON_LOOP) {
    TellLoop(*asker.app, outgoing.chat, "kept sending on what other apps had sent");
  }
  return trail.status();
}

absl::Status Dispatch::Admit(const Asker& asker, Outgoing& outgoing) {
  const Principal& app = asker.app->principal;
  RETURN_IF_ERROR(parts_.adapters.CheckServed(outgoing.open.account));
  if (outgoing.budget == Budget::kWrites) return parts_.limits.TakeWrite(app);
  if (outgoing.is_message) {
    ASSIGN_OR_RETURN(const bool spoken, parts_.incoming.HasMessages(outgoing.chat));
    outgoing.starts_chat = !spoken;
  }
  RETURN_IF_ERROR(parts_.limits.TakeSend(app, outgoing.limits.sends_per_hour));
  if (outgoing.starts_chat) {
    if (absl::Status status = parts_.limits.TakeNewChat(app, outgoing.limits.new_chats_per_day);
        !status.ok()) {
      parts_.limits.GiveBackSend(app, outgoing.limits.sends_per_hour);
      return status;
    }
  }
  outgoing.admitted = true;
  if (outgoing.words.empty()) return absl::OkStatus();
  const LoopGuard::Entry entry =
      parts_.loops.Enter(app, outgoing.chat, outgoing.words, outgoing.trail);
  outgoing.passage = entry.number;
  if (entry.opened) {
    TellLoop(*asker.app, outgoing.chat, "kept sending into a chat what keeps coming back");
  }
  return entry.wait == absl::ZeroDuration() ? absl::OkStatus() : ShutOut(entry.wait);
}

void Dispatch::TakeBack(const Principal& app, const Outgoing& outgoing) {
  if (!outgoing.admitted || outgoing.went_out) return;
  parts_.limits.GiveBackSend(app, outgoing.limits.sends_per_hour);
  if (outgoing.starts_chat) parts_.limits.GiveBackNewChat(app);
  if (outgoing.passage != 0) parts_.loops.Withdraw(app, outgoing.passage);
}

absl::StatusOr<v1::CommandResult> Dispatch::Run(const Principal& app, Outgoing& outgoing) {
  AccessRow row;
  row.verb = outgoing.verb;
  row.principal = app;
  row.chat = outgoing.chat;
  row.grant = outgoing.grant;
  RETURN_IF_ERROR(parts_.accesses.Record(std::move(row)));
  absl::StatusOr<v1::CommandResult> result = parts_.adapters.Run(
      outgoing.open.account, app, std::move(outgoing.command), kCommandTimeout, outgoing.trail);
  outgoing.went_out = !absl::IsUnavailable(result.status());
  if (outgoing.went_out && outgoing.starts_chat) parts_.incoming.NoteSent(outgoing.chat);
  if (result.ok() && result->state() == v1::CommandResult::STATE_PENDING) {
    late_.Await({{app, outgoing.request_id, outgoing.open.account, outgoing.chat},
                 result->command_id(),
                 parts_.confirmed_clock.Now()});
  }
  return result;
}

absl::Status Dispatch::RunLightly(const Principal& app, Outgoing outgoing) {
  RETURN_IF_ERROR(parts_.adapters.CheckServed(outgoing.open.account));
  RETURN_IF_ERROR(parts_.limits.TakeTyping(app));
  parts_.accesses.Count(app, outgoing.verb, outgoing.chat, {}, 1);
  return parts_.adapters
      .Run(outgoing.open.account, app, std::move(outgoing.command), kCommandTimeout)
      .status();
}

}  // namespace postern::broker
