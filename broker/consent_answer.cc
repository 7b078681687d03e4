// SPDX-License-Identifier: Apache-2.0
// What follows from a question that was put before the person (consent_desk.h).
#include <spdlog/spdlog.h>

#include <utility>

#include "broker/consent_desk.h"
#include "broker/program_watch.h"
#include "broker/proto_time.h"
#include "broker/question_offer.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ConsentAnswer;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;
using permissions::Grant;
using permissions::GrantId;
using permissions::QuestionKind;

// One word, for the access history.
std::string_view WordFor(QuestionKind kind) {
  switch (kind) {
    case QuestionKind::kEnrollApp:
    case QuestionKind::kEnrollGatekeeper:
      return "enroll";
    case QuestionKind::kWidenGrant:
      return "widen";
    case QuestionKind::kExtendGrant:
      return "extend";
    case QuestionKind::kSendMessage:
      return "send";
    case QuestionKind::kUnseal:
      return "unseal";
    case QuestionKind::kExport:
      return "export";
    case QuestionKind::kPurge:
      return "purge";
    case QuestionKind::kView:
      return "view";
  }
  return "unknown";
}

// Whether a yes changes what an app may do.
bool ChangesAccess(QuestionKind kind) {
  return permissions::AsksForAccess(kind) || kind == QuestionKind::kEnrollGatekeeper ||
         kind == QuestionKind::kExtendGrant;
}

}  // namespace

absl::Status ConsentDesk::Record(const Ticket& ticket, v1::AccessVerb verb, GrantId grant) {
  const ConsentQuestion& question = ticket.request.question;
  AccessRow row;
  row.verb = verb;
  // The owner asking for something about an app is a row of that app; about nothing, of nobody.
  if (question.role != permissions::Role::kOwner) row.principal = question.principal;
  row.grant = grant;
  row.reason = std::string(WordFor(question.kind));
  return options_.accesses.Record(std::move(row));
}

ConsentDesk::Status ConsentDesk::NobodyAsked(const Ticket& ticket, Obstacle obstacle) {
  Status status;
  status.state = State::kUnavailable;
  status.obstacle = obstacle;
  status.expire_time = ticket.status.expire_time;
  options_.notices.Tell(v1::OwnerNotice::KIND_QUESTION_WAITING,
                        obstacle == Obstacle::kAgentFailed
                            ? "A program wanted to ask you something, and the window for it failed."
                            : "A program wanted to ask you something, and you could not be asked.");
  return status;
}

ConsentDesk::Status ConsentDesk::Resolve(Ticket& ticket) {
  Status status;
  status.expire_time = ticket.status.expire_time;
  ConsentQuestion& question = ticket.request.question;
  if (ticket.cancellation.cancelled()) {
    status.state = State::kWithdrawn;
    return status;
  }
  // They may have gone while it waited in line.
  if (const Obstacle obstacle = SessionObstacle(); obstacle != Obstacle::kNone) {
    return NobodyAsked(ticket, obstacle);
  }
  if (ticket.which == QuestionClass::kSend) {
    const absl::Duration left =
        absl::Trunc(ticket.deadline - options_.clock.Now(), absl::Seconds(1));
    if (left < absl::Seconds(1)) {
      status.state = State::kExpired;
      return status;
    }
    question.timeout = std::min(left, permissions::kSendQuestionTimeout);
  }
  FillIn(question, ticket.request.asked_chats, options_.apps, options_.directory);
  // Looked at again: what was asked since this one came counts too, so that a program with many
  // keys cannot line up many questions at once.
  if (const absl::Duration wait = pace_.Wait(ticket.which, ticket.asker, ticket.origin);
      wait > absl::Duration()) {
    pace_.TurnAway(wait).IgnoreError();
    status.state = State::kSilenced;
    status.retry_after = wait;
    return status;
  }
  pace_.Asked(ticket.which, ticket.asker);
  // Before the window too: a question counts although the daemon is killed while it stands.
  pace_.Save();
  ConsentPreviewer preview;
  if (options_.preview && permissions::AsksForAccess(question.kind)) {
    preview = [this, &question](const ConsentAnswer& draft) {
      return options_.preview(question, draft);
    };
  }
  const ConsentOutcome outcome =
      options_.prompt.Ask(question, std::move(ticket.request.pidfd), ticket.cancellation, preview);
  status = CarryOut(ticket, outcome);
  status.expire_time = ticket.status.expire_time;
  pace_.Save();
  return status;
}

ConsentDesk::Status ConsentDesk::CarryOut(Ticket& ticket, const ConsentOutcome& outcome) {
  Status status;
  const ConsentAnswer& answer = outcome.answer;
  // The agent's word and the daemon's own: a program that became another one in between is
  // remembered as both.
  const bool agent_knows = ticket.which == QuestionClass::kAccess && answer.origin != "unknown" &&
                           answer.origin != ticket.origin;
  const auto refused = [&](State state) {
    pace_.Refused(ticket.which, ticket.origin);
    if (agent_knows) pace_.Refused(ticket.which, answer.origin);
    // It is done: a row that cannot be written takes no answer back.
    Record(ticket, v1::ACCESS_VERB_DENIED).IgnoreError();
    status.state = state;
    return status;
  };
  // A row that cannot be written makes nothing unasked; a yes needs one of its own (Give).
  if (outcome.kind != ConsentOutcome::Kind::kUnavailable) {
    Record(ticket, v1::ACCESS_VERB_ASKED).IgnoreError();
  }
  switch (outcome.kind) {
    case ConsentOutcome::Kind::kUnavailable:
      // Nobody saw it, so nobody was bothered.
      pace_.TakeBackAsked(ticket.which, ticket.asker);
      return NobodyAsked(ticket, Obstacle::kNobody);
    case ConsentOutcome::Kind::kCancelled: {
      pace_.Unanswered(ticket.which, ticket.origin);
      Obstacle closed_by;
      {
        platform::MutexLock lock(mutex_);
        closed_by = ticket.closed_by;
      }
      if (closed_by != Obstacle::kNone) return NobodyAsked(ticket, closed_by);
      status.state = State::kWithdrawn;
      return status;
    }
    case ConsentOutcome::Kind::kFailed:
      // No word of the user's; but a window that was made to crash is no way to ask again at once.
      pace_.Unanswered(ticket.which, ticket.origin);
      return NobodyAsked(ticket, Obstacle::kAgentFailed);
    case ConsentOutcome::Kind::kExpired:
      return refused(State::kExpired);
    case ConsentOutcome::Kind::kAnswered:
      break;
  }
  // The prompt checked it; it is checked again where it counts.
  if (answer.decision != ConsentDecision::kAllow ||
      !permissions::CheckAnswer(ticket.request.question, answer, options_.clock.Now()).ok()) {
    return refused(answer.decision == ConsentDecision::kExpired ? State::kExpired : State::kDenied);
  }
  // The user said yes. When the disk says no, nothing was given, and asking again is no nagging.
  const absl::Status given = Give(ticket, answer, status);
  if (!given.ok()) {
    spdlog::error("event=consent_not_carried_out code={}", static_cast<int>(given.code()));
    status.grant.reset();
    // The user has thrown the program out since: that is the later word.
    const bool taken_back = absl::IsFailedPrecondition(given);
    if (taken_back) Record(ticket, v1::ACCESS_VERB_DENIED).IgnoreError();
    status.state = taken_back ? State::kWithdrawn : State::kUnavailable;
    status.obstacle = Obstacle::kStorage;
    return status;
  }
  pace_.Allowed(ticket.which, ticket.origin);
  if (agent_knows) pace_.Allowed(ticket.which, answer.origin);
  status.state = State::kGranted;
  return status;
}

absl::Status ConsentDesk::Give(Ticket& ticket, const ConsentAnswer& answer, Status& status) {
  const ConsentQuestion& question = ticket.request.question;
  const absl::Time now = options_.clock.Now();
  if (!ChangesAccess(question.kind)) {
    // The others have a row of what is done then; of looking, the yes is all that there is to tell.
    return question.kind == QuestionKind::kView ? Record(ticket, v1::ACCESS_VERB_GRANTED)
                                                : absl::OkStatus();
  }
  v1::App app = ticket.request.app;
  app.set_display_name(answer.given_name);
  app.set_executable(answer.executable);
  NoteProgram(ticket.evidence, app);
  *app.mutable_enroll_time() = ToProto(now);
  if (permissions::AsksForAccess(question.kind)) {
    ASSIGN_OR_RETURN(status.grant, permissions::GrantFrom(question, answer, now));
  }
  RETURN_IF_ERROR(Record(ticket, v1::ACCESS_VERB_GRANTED,
                         status.grant.has_value() ? status.grant->id : ticket.grant));
  switch (question.kind) {
    case QuestionKind::kEnrollGatekeeper:
      RETURN_IF_ERROR(options_.apps.Enroll(std::move(app), Standing::kGatekeeper, {}));
      break;
    case QuestionKind::kEnrollApp:
      RETURN_IF_ERROR(options_.apps.Enroll(std::move(app), Standing::kApp, {*status.grant}));
      break;
    case QuestionKind::kWidenGrant:
      RETURN_IF_ERROR(options_.apps.AddGrant(*status.grant));
      break;
    default: {
      ASSIGN_OR_RETURN(
          status.grant, options_.apps.ChangeGrant(ticket.grant, [&](Grant& held) -> absl::Status {
            ASSIGN_OR_RETURN(held, permissions::ExtendedGrant(held, question, answer, now));
            return absl::OkStatus();
          }));
      break;
    }
  }
  TellOfGrant(ticket, answer);
  return absl::OkStatus();
}

// So that a yes that the user did not give (a program can press buttons on X11) does not go unseen.
void ConsentDesk::TellOfGrant(const Ticket& ticket, const ConsentAnswer& answer) {
  const ConsentQuestion& question = ticket.request.question;
  const std::string& name = answer.given_name.empty() ? question.known_name : answer.given_name;
  options_.notices.Tell(v1::OwnerNotice::KIND_ACCESS_CHANGED,
                        "You allowed \"" + name +
                            "\". If that was not you, take it back in "
                            "Postern Settings.",
                        question.principal);
}

}  // namespace postern::broker
