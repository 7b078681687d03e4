// SPDX-License-Identifier: Apache-2.0
#include "broker/message_sender.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "broker/absl_text.h"
#include "broker/access_history.h"
#include "broker/adapter_table.h"
#include "broker/broker_event.h"
#include "broker/consent_desk.h"
#include "broker/door.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/incoming_times.h"
#include "broker/limits.h"
#include "broker/loop_guard.h"
#include "broker/owner_notices.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "broker/send_limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;
using permissions::SendMode;

absl::Status ShutOut(absl::Duration wait) {
  const std::string seconds =
      absl::StrCat(absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1))));
  return ReasonStatus(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LOOP,
      absl::StrCat("this app sends here what keeps coming back; again in ", seconds, " s"),
      {{"retry_after_seconds", seconds}});
}

PendingSends::Outcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return v1::RequestCompleted::OUTCOME_DONE;
    case absl::StatusCode::kUnknown:
      return v1::RequestCompleted::OUTCOME_UNKNOWN;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return v1::RequestCompleted::OUTCOME_FAILED_RETRIABLE;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kNotFound:
      // The access went while the question was open.
      return v1::RequestCompleted::OUTCOME_REFUSED;
    default:
      return v1::RequestCompleted::OUTCOME_FAILED;
  }
}

// The caller of a message that is taken up again later.
Caller LaterCaller(const Principal& app) {
  Caller caller;
  caller.principal = app;
  caller.standing = Standing::kApp;
  return caller;
}

}  // namespace

MessageSender::MessageSender(const Parts& parts) : parts_(parts), pending_(parts.store) {}

absl::StatusOr<std::unique_ptr<MessageSender>> MessageSender::Open(const Parts& parts) {
  std::unique_ptr<MessageSender> sender(new MessageSender(parts));
  ASSIGN_OR_RETURN(const std::vector<PendingSends::Ended> left, sender->pending_.LeftBehind());
  for (const PendingSends::Ended& ended : left) {
    // A full disk, say, must not keep the daemon from starting; it stays for the next start.
    if (const absl::Status told = sender->Tell(ended); !told.ok()) {
      spdlog::warn("event=outcome_untold code={}", static_cast<int>(told.code()));
    }
  }
  sender->thread_ = std::thread([raw = sender.get()] { raw->Loop(); });
  return sender;
}

MessageSender::~MessageSender() { Stop(); }

void MessageSender::Stop() {
  {
    platform::MutexLock lock(answers_->mutex);
    answers_->stopping = true;
    answers_->changed.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void MessageSender::Loop() {
  while (true) {
    Answer answer;
    {
      platform::MutexLock lock(answers_->mutex);
      while (answers_->waiting.empty() && !answers_->stopping) {
        answers_->changed.Wait(answers_->mutex);
      }
      // What is left is refused after the next start.
      if (answers_->stopping) return;
      answer = std::move(answers_->waiting.front());
      answers_->waiting.pop_front();
    }
    TakeUp(answer);
  }
}

void MessageSender::TellLoop(const AppSnapshot& app, ChatId chat, std::string_view what) {
  parts_.notices.Tell(
      v1::OwnerNotice::KIND_LOOP_STOPPED,
      absl::StrCat("“", app.app.display_name(), "” ", AbslText(what), ", and was stopped."),
      app.principal, chat);
}

absl::Status MessageSender::Trace(const Asker& asker, const std::string& caused_by_event_id,
                                  Outgoing& outgoing) {
  absl::StatusOr<Trail> trail = TrailOf(parts_, asker, caused_by_event_id, outgoing);
  if (trail.ok()) {
    outgoing.trail = *std::move(trail);
  } else if (ReasonOf(trail.status()) == v1::ERROR_REASON_LOOP) {
    TellLoop(*asker.app, outgoing.chat, "kept sending on what other apps had sent");
  }
  return trail.status();
}

absl::Status MessageSender::Admit(const Asker& asker, Outgoing& outgoing) {
  const Principal& app = asker.app->principal;
  RETURN_IF_ERROR(parts_.adapters.CheckServed(outgoing.open.account));
  if (!outgoing.text.empty()) {
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
  if (outgoing.text.empty()) return absl::OkStatus();
  const LoopGuard::Entry entry =
      parts_.loops.Enter(app, outgoing.chat, outgoing.text, outgoing.trail);
  outgoing.passage = entry.number;
  if (entry.opened) {
    TellLoop(*asker.app, outgoing.chat, "kept sending into a chat what keeps coming back");
  }
  return entry.wait == absl::ZeroDuration() ? absl::OkStatus() : ShutOut(entry.wait);
}

void MessageSender::TakeBack(const Principal& app, const Outgoing& outgoing) {
  if (!outgoing.admitted || outgoing.went_out) return;
  parts_.limits.GiveBackSend(app, outgoing.limits.sends_per_hour);
  if (outgoing.starts_chat) parts_.limits.GiveBackNewChat(app);
  if (outgoing.passage != 0) parts_.loops.Withdraw(app, outgoing.passage);
}

absl::StatusOr<v1::CommandResult> MessageSender::Deliver(const Principal& app, Outgoing& outgoing) {
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
  return result;
}

absl::Status MessageSender::SendNow(const Asker& asker, Outgoing& outgoing,
                                    v1::SendMessageResponse& response) {
  ASSIGN_OR_RETURN(const v1::CommandResult result, Deliver(asker.app->principal, outgoing));
  response.set_state(result.state() == v1::CommandResult::STATE_PENDING ? v1::SEND_STATE_PENDING
                                                                        : v1::SEND_STATE_SENT);
  response.set_end_to_end_encrypted(result.end_to_end_encrypted());
  if (!result.message_id().empty()) {
    response.set_message_id(asker.book.pseudonyms.Encode(
        parts_.ids.Message(outgoing.open.account, outgoing.chat, result.message_id())));
  }
  return absl::OkStatus();
}

absl::Status MessageSender::Send(const Caller& caller, const v1::SendMessageRequest& request,
                                 v1::SendMessageResponse& response) {
  const Asker asker(parts_, caller);
  Outgoing outgoing;
  const absl::Status status = parts_.requests.Once(
      caller.principal, "SendMessage", request.request_id(), request, response,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(outgoing, PrepareSend(parts_, asker, request));
        RETURN_IF_ERROR(Trace(asker, request.caused_by_event_id(), outgoing));
        return outgoing.decision.mode == SendMode::kAsk ? parts_.limits.TakeWrite(caller.principal)
                                                        : Admit(asker, outgoing);
      },
      [&]() -> absl::Status {
        if (outgoing.decision.mode == SendMode::kSend) return SendNow(asker, outgoing, response);
        RETURN_IF_ERROR(Ask(caller, outgoing, request));
        response.set_state(v1::SEND_STATE_PENDING);
        return absl::OkStatus();
      });
  TakeBack(caller.principal, outgoing);
  return status;
}

absl::Status MessageSender::React(const Caller& caller, const v1::SetReactionRequest& request,
                                  v1::SetReactionResponse& response) {
  const Asker asker(parts_, caller);
  Outgoing outgoing;
  const absl::Status status = parts_.requests.Once(
      caller.principal, "SetReaction", request.request_id(), request, response,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(outgoing, PrepareReaction(parts_, asker, request));
        RETURN_IF_ERROR(Trace(asker, request.caused_by_event_id(), outgoing));
        return Admit(asker, outgoing);
      },
      [&] { return Deliver(caller.principal, outgoing).status(); });
  TakeBack(caller.principal, outgoing);
  return status;
}

absl::Status MessageSender::Ask(const Caller& caller, const Outgoing& outgoing,
                                const v1::SendMessageRequest& request) {
  ASSIGN_OR_RETURN(platform::UniqueFd pidfd, parts_.door.PidfdOf(caller.connection));
  Answer answer;
  answer.ask = {caller.principal, request.request_id(), outgoing.open.account, outgoing.chat};
  answer.request = request;
  RETURN_IF_ERROR(pending_.Add(answer.ask));
  const PendingSends::Ask ask = answer.ask;
  const absl::Status asked =
      parts_.consent
          .AskToSend(caller.principal, outgoing.open.name, request.text(), std::move(pidfd),
                     [answers = answers_, answer = std::move(answer)](bool allowed) mutable {
                       answer.allowed = allowed;
                       platform::MutexLock lock(answers->mutex);
                       answers->waiting.push_back(std::move(answer));
                       answers->changed.NotifyAll();
                     })
          .status();
  if (!asked.ok()) RETURN_IF_ERROR(pending_.Remove(ask));
  return asked;
}

PendingSends::Ended MessageSender::Carry(const Answer& answer) {
  PendingSends::Ended ended;
  ended.ask = answer.ask;
  if (!answer.allowed) {
    ended.outcome = v1::RequestCompleted::OUTCOME_REFUSED;
    return ended;
  }
  // As things are now: the access may have been taken back while the question was open.
  const Asker asker(parts_, LaterCaller(answer.ask.principal));
  absl::StatusOr<Outgoing> outgoing = PrepareSend(parts_, asker, answer.request);
  absl::Status status = outgoing.status();
  if (status.ok()) status = Trace(asker, answer.request.caused_by_event_id(), *outgoing);
  if (status.ok()) status = Admit(asker, *outgoing);
  if (status.ok()) status = pending_.Begin(answer.ask);
  if (status.ok()) {
    const absl::StatusOr<v1::CommandResult> result = Deliver(answer.ask.principal, *outgoing);
    status = result.status();
    if (result.ok() && !result->message_id().empty()) {
      ended.message =
          parts_.ids.Message(outgoing->open.account, outgoing->chat, result->message_id());
    }
  }
  if (outgoing.ok()) TakeBack(answer.ask.principal, *outgoing);
  ended.outcome = OutcomeOf(status);
  return ended;
}

void MessageSender::TakeUp(const Answer& answer) {
  const PendingSends::Ended ended = Carry(answer);
  absl::Status status = pending_.End(ended);
  if (status.ok()) status = Tell(ended);
  // What could not be told now is told after the next start.
  if (!status.ok()) {
    spdlog::warn("event=outcome_untold code={}", static_cast<int>(status.code()));
  }
}

absl::Status MessageSender::Tell(const PendingSends::Ended& ended) {
  v1::Event event;
  v1::RequestCompleted& completed = *event.mutable_request_completed();
  completed.set_request_id(ended.ask.request_id);
  completed.set_outcome(ended.outcome);
  if (!ended.message.empty()) completed.set_message_id(IdText(ended.message));
  EventLog::Batch batch;
  batch.account = ended.ask.account;
  batch.records.push_back(BrokerEvent(ended.ask.account, ended.ask.chat, std::move(event),
                                      ended.ask.principal, parts_.confirmed_clock.Now()));
  RETURN_IF_ERROR(parts_.log.Append(std::move(batch)).status());
  return pending_.Remove(ended.ask);
}

}  // namespace postern::broker
