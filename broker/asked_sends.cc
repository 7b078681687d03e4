// SPDX-License-Identifier: Apache-2.0
#include "broker/asked_sends.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "broker/consent_desk.h"
#include "broker/door.h"
#include "broker/request_outcome.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// The caller of a message that is taken up again later.
Caller LaterCaller(const permissions::Principal& app) {
  Caller caller;
  caller.principal = app;
  caller.standing = Standing::kApp;
  return caller;
}

void Journal(const absl::Status& told) {
  // A full disk, say: it stays for the next start.
  if (!told.ok()) spdlog::warn("event=outcome_untold code={}", static_cast<int>(told.code()));
}

}  // namespace

absl::Status AskedSends::Open() {
  ASSIGN_OR_RETURN(const std::vector<PendingSends::Ended> left, pending_.LeftBehind());
  for (const PendingSends::Ended& ended : left) Journal(TellOutcome(parts_, pending_, ended));
  thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

AskedSends::~AskedSends() { Stop(); }

void AskedSends::Stop() {
  {
    platform::MutexLock lock(answers_->mutex);
    answers_->stopping = true;
    answers_->changed.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void AskedSends::Loop() {
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

absl::Status AskedSends::Ask(const Caller& caller, const Outgoing& outgoing,
                             const v1::SendMessageRequest& request) {
  ASSIGN_OR_RETURN(platform::UniqueFd pidfd, parts_.door.PidfdOf(caller.connection));
  Answer answer;
  answer.ask = {caller.principal, request.request_id(), outgoing.open.account, outgoing.chat};
  answer.request = request;
  RETURN_IF_ERROR(pending_.Add(answer.ask));
  const PendingSends::Ask ask = answer.ask;
  const absl::Status asked =
      parts_.consent
          .AskToSend(caller.principal, outgoing.open.name, outgoing.shown_text, std::move(pidfd),
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

std::optional<PendingSends::Ended> AskedSends::Carry(const Answer& answer) {
  if (!answer.allowed) {
    PendingSends::Ended ended;
    ended.ask = answer.ask;
    ended.outcome = v1::RequestCompleted::OUTCOME_REFUSED;
    return ended;
  }
  // As things are now: the access may have been taken back while the question was open.
  const Asker asker(parts_, LaterCaller(answer.ask.principal));
  absl::StatusOr<Outgoing> outgoing = PrepareSend(parts_, asker, answer.request);
  if (!outgoing.ok()) return EndedAs(answer.ask, outgoing.status());
  absl::Status status = dispatch_.Trace(asker, *outgoing);
  if (status.ok()) status = dispatch_.Admit(asker, *outgoing);
  if (status.ok()) status = pending_.Begin(answer.ask);
  permissions::MessageId message;
  bool waits = false;
  if (status.ok()) {
    const auto result = dispatch_.Run(answer.ask.principal, *outgoing);
    status = result.status();
    waits = result.ok() && result->state() == v1::CommandResult::STATE_PENDING;
    if (result.ok() && !result->message_id().empty()) {
      message = parts_.ids.Message(outgoing->open.account, outgoing->chat, result->message_id());
    }
  }
  dispatch_.TakeBack(answer.ask.principal, *outgoing);
  if (waits) return std::nullopt;
  PendingSends::Ended ended = EndedAs(answer.ask, status);
  ended.message = message;
  return ended;
}

void AskedSends::TakeUp(const Answer& answer) {
  const std::optional<PendingSends::Ended> ended = Carry(answer);
  if (!ended.has_value()) return;
  absl::Status status = pending_.End(*ended);
  if (status.ok()) status = TellOutcome(parts_, pending_, *ended);
  Journal(status);
}

}  // namespace postern::broker
