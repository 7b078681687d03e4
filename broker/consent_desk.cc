// SPDX-License-Identifier: Apache-2.0
// The line: who may ask, who waits, who is told. What follows from an answer is in
// consent_answer.cc.
#include "broker/consent_desk.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "broker/limits.h"
#include "broker/question_offer.h"
#include "broker/request_check.h"
#include "broker/shutdown.h"
#include "permissions/display_text.h"
#include "platform/linux/peer_evidence.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ConsentQuestion;
using permissions::Grant;
using permissions::GrantId;
using permissions::Principal;
using permissions::QuestionKind;

// How often a waiting call looks whether its caller is still there.
constexpr absl::Duration kCallerPoll = absl::Seconds(1);

absl::Status TooMany(size_t limit) {
  return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      "too many questions wait for the user; ask again later",
                      {{"limit", absl::StrCat(limit)}});
}

absl::Status Unavailable(std::string_view cause, std::string_view what_to_do) {
  return ReasonStatus(
      absl::StatusCode::kUnavailable, v1::ERROR_REASON_CONSENT_UNAVAILABLE,
      absl::StrCat("the user cannot be asked now: ", AbslText(what_to_do), "; nothing was granted"),
      {{"cause", std::string(cause)}});
}

absl::Status UnavailableBy(ConsentDesk::Obstacle obstacle) {
  switch (obstacle) {
    case ConsentDesk::Obstacle::kLocked:
      return Unavailable("locked", "the screen is locked. Unlock it and ask again");
    case ConsentDesk::Obstacle::kElsewhere:
      return Unavailable("other_session",
                         "another session is in front. Switch to the one posternd belongs to and "
                         "ask again");
    case ConsentDesk::Obstacle::kAgentFailed:
      return Unavailable("agent_failed",
                         "the consent window ended without an answer. Ask again in some minutes; "
                         "if it stays so, run postern doctor");
    case ConsentDesk::Obstacle::kStorage:
      return Unavailable("storage",
                         "the answer could not be stored. Make room on the disk and ask "
                         "again");
    case ConsentDesk::Obstacle::kNobody:
    case ConsentDesk::Obstacle::kNone:
      break;
  }
  return Unavailable("no_display",
                     "there is no display and no terminal. Log in to a desktop, or start posternd "
                     "in a terminal, and ask again");
}

}  // namespace

absl::Status ConsentDesk::WhyUnanswered(const Status& status) {
  switch (status.state) {
    case State::kUnavailable:
      return UnavailableBy(status.obstacle);
    case State::kSilenced:
      return Silenced(status.retry_after);
    case State::kWithdrawn:
      return absl::CancelledError("the question was withdrawn, or replaced by another one");
    default:
      return absl::OkStatus();
  }
}

ConsentDesk::ConsentDesk(Options options)
    : options_(std::move(options)),
      pace_(options_.store, options_.notices, options_.clock),
      thread_([this] { Loop(); }) {}

ConsentDesk::~ConsentDesk() { Stop(); }

void ConsentDesk::Stop() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    for (const TicketPointer& ticket : tickets_) {
      if (ticket->status.state == State::kPending) ticket->cancellation.Cancel();
    }
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

ConsentDesk::Obstacle ConsentDesk::SessionObstacle() const {
  if (options_.session == nullptr) return Obstacle::kNone;
  const platform::SessionPresence presence = options_.session->presence();
  if (platform::IsPresent(presence)) return Obstacle::kNone;
  return presence == platform::SessionPresence::kLocked ? Obstacle::kLocked : Obstacle::kElsewhere;
}

absl::Status ConsentDesk::CheckOpen() {
  if (stopping_) return Shutdown::Refusal();
  const Obstacle obstacle = SessionObstacle();
  if (obstacle == Obstacle::kNone) return absl::OkStatus();
  options_.notices.Tell(v1::OwnerNotice::KIND_QUESTION_WAITING,
                        "A program wanted to ask you something while you were away. It may ask "
                        "again now.");
  return UnavailableBy(obstacle);
}

std::optional<std::string> ConsentDesk::JoinOrWithdraw(const Request& request) {
  for (const TicketPointer& ticket : tickets_) {
    if (ticket->status.state != State::kPending || ticket->which != QuestionClass::kAccess ||
        ticket->asker != request.question.principal || ticket->cancellation.cancelled()) {
      continue;
    }
    if (ticket->asked == request.question && ticket->request.asked_chats == request.asked_chats) {
      return ticket->request.question.question_id;
    }
    ticket->cancellation.Cancel();
  }
  return std::nullopt;
}

absl::Status ConsentDesk::CheckRoom(const Ticket& ticket) const {
  size_t same_class = 0;
  size_t same_asker = 0;
  for (const TicketPointer& other : tickets_) {
    if (other->status.state != State::kPending || other->which != ticket.which) continue;
    ++same_class;
    if (other->asker == ticket.asker) ++same_asker;
  }
  if (ticket.which == QuestionClass::kAccess && same_class >= kPendingQuestionsMax) {
    return TooMany(kPendingQuestionsMax);
  }
  if (ticket.which == QuestionClass::kOwner && same_class >= kPendingOwnerQuestionsMax) {
    return TooMany(kPendingOwnerQuestionsMax);
  }
  if (ticket.which == QuestionClass::kSend) {
    if (same_asker >= kPendingSendsPerAppMax) return TooMany(kPendingSendsPerAppMax);
    if (same_class >= kPendingSendsMax) return TooMany(kPendingSendsMax);
  }
  return absl::OkStatus();
}

std::string ConsentDesk::Enqueue(TicketPointer ticket) {
  const absl::Time now = options_.clock.Now();
  ConsentQuestion& question = ticket->request.question;
  question.question_id = permissions::NewQuestionId();
  if (ticket->which == QuestionClass::kSend) {
    // Its time runs while it waits in line: the app was promised an outcome.
    ticket->deadline = now + permissions::kSendQuestionTimeout;
    ticket->status.expire_time = ticket->deadline;
  } else {
    absl::Duration wait = question.timeout;
    for (const TicketPointer& other : tickets_) {
      if (other->status.state == State::kPending) wait += other->request.question.timeout;
    }
    ticket->status.expire_time = now + wait;
  }
  tickets_.push_back(ticket);
  const auto ended = [](const TicketPointer& other) {
    return other->status.state != State::kPending;
  };
  while (std::count_if(tickets_.begin(), tickets_.end(), ended) >
         static_cast<ptrdiff_t>(kEndedQuestionsMax)) {
    tickets_.erase(std::find_if(tickets_.begin(), tickets_.end(), ended));
  }
  changed_.NotifyAll();
  return question.question_id;
}

absl::StatusOr<std::string> ConsentDesk::Ask(Request request) {
  const Principal principal = request.question.principal;
  request.question.timeout = permissions::kQuestionTimeout;
  auto ticket = std::make_shared<Ticket>();
  ticket->which = QuestionClass::kAccess;
  ticket->asker = principal;
  ticket->asked = request.question;
  {
    platform::MutexLock lock(mutex_);
    RETURN_IF_ERROR(CheckOpen());
    if (auto same = JoinOrWithdraw(request)) return *std::move(same);
  }
  // Looked at before anything is read of the caller's process: whoever asks too often must not make
  // the daemon read and hash files at will.
  if (const absl::Duration wait = pace_.Wait(ticket->which, principal, "");
      wait > absl::Duration()) {
    return pace_.TurnAway(wait);
  }
  // What the agent will find too, where the daemon may look itself; it keeps a new key of the same
  // program from starting afresh.
  ticket->evidence =
      platform::GatherEvidence(request.pidfd.get(), platform::EvidenceDepth::kOrigin);
  ticket->origin = platform::OriginOf(ticket->evidence);
  if (ticket->origin.empty()) ticket->origin = "unknown";
  if (const absl::Duration wait = pace_.Wait(ticket->which, principal, ticket->origin);
      wait > absl::Duration()) {
    return pace_.TurnAway(wait);
  }
  platform::MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckOpen());
  // Again: the lock was given up meanwhile, and one principal has one question in line.
  if (auto same = JoinOrWithdraw(request)) return *std::move(same);
  RETURN_IF_ERROR(CheckRoom(*ticket));
  ticket->request = std::move(request);
  // What it was when it was asked about (AppRegistry::Enroll).
  ticket->request.app.set_role(options_.apps.Find(principal)->app.role());
  return Enqueue(std::move(ticket));
}

absl::StatusOr<std::string> ConsentDesk::AskInClass(TicketPointer ticket) {
  if (const absl::Duration wait = pace_.Wait(ticket->which, ticket->asker, ticket->origin);
      wait > absl::Duration()) {
    return pace_.TurnAway(wait);
  }
  platform::MutexLock lock(mutex_);
  RETURN_IF_ERROR(CheckOpen());
  RETURN_IF_ERROR(CheckRoom(*ticket));
  return Enqueue(std::move(ticket));
}

absl::StatusOr<std::string> ConsentDesk::AskToSend(const Principal& app, std::string chat_name,
                                                   std::string message_text,
                                                   platform::UniqueFd pidfd,
                                                   std::function<void(bool)> done) {
  if (message_text.size() > permissions::kQuestionTextBytesMax) {
    return InvalidField(
        "text", absl::StrCat("must have at most ", permissions::kQuestionTextBytesMax, " bytes"));
  }
  auto ticket = std::make_shared<Ticket>();
  ticket->which = QuestionClass::kSend;
  ticket->asker = app;
  // A key that the user allowed to ask: it cannot be changed for a new one.
  ticket->origin = app.ToHex();
  ticket->done = std::move(done);
  ConsentQuestion& question = ticket->request.question;
  question.kind = QuestionKind::kSendMessage;
  DescribeApp(options_.apps.Find(app)->app, question);
  question.principal = app;
  question.subject = permissions::CleanName(chat_name);
  question.message_text = std::move(message_text);
  question.timeout = permissions::kSendQuestionTimeout;
  ticket->request.pidfd = std::move(pidfd);
  return AskInClass(std::move(ticket));
}

absl::StatusOr<ConsentDesk::Status> ConsentDesk::AskOwner(TicketPointer ticket, const Caller& owner,
                                                          const Gone& gone) {
  ticket->which = QuestionClass::kOwner;
  ticket->asker = owner.principal;
  ticket->origin = "owner";
  ticket->request.question.timeout = permissions::kQuestionTimeout;
  if (options_.pidfd_of) {
    ASSIGN_OR_RETURN(ticket->request.pidfd, options_.pidfd_of(owner.connection));
  }
  ASSIGN_OR_RETURN(const std::string id, AskInClass(std::move(ticket)));
  ASSIGN_OR_RETURN(Status status, Find(owner.principal, id));
  while (status.state == State::kPending) {
    ASSIGN_OR_RETURN(status, Wait(owner.principal, id, kCallerPoll));
    if (gone && gone()) Withdraw(owner.principal, id);
  }
  RETURN_IF_ERROR(WhyUnanswered(status));
  if (status.state == State::kGranted) return status;
  return ReasonStatus(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_CONSENT_REFUSED,
                      status.state == State::kExpired
                          ? "nobody answered the question in time; nothing was changed"
                          : "you said no; nothing was changed");
}

absl::StatusOr<Grant> ConsentDesk::AskToExtend(const Caller& owner, GrantId id, const Gone& gone) {
  for (const AppPointer& app : options_.apps.All()) {
    for (const Grant& grant : app->grants) {
      if (grant.id != id) continue;
      const absl::Time now = options_.clock.Now();
      if (!Stands(grant) || grant.validity.expire_time <= now) {
        return InvalidField("grant_id", "names a grant that has ended; its app can ask anew");
      }
      if (grant.validity.kind == permissions::ValidityKind::kUntilRevoked &&
          grant.validity.expire_time == absl::InfiniteFuture()) {
        return InvalidField("grant_id", "names a grant that lasts until you take it back already");
      }
      auto ticket = std::make_shared<Ticket>();
      ticket->grant = id;
      ticket->request.question = ExtensionQuestion(grant, *app, options_.directory, now);
      ASSIGN_OR_RETURN(Status status, AskOwner(std::move(ticket), owner, gone));
      if (!status.grant.has_value()) return absl::InternalError("an extension without its grant");
      return *std::move(status.grant);
    }
  }
  return NotFound("grant_id");
}

absl::Status ConsentDesk::AskToConfirm(QuestionKind kind, std::string subject, const Caller& owner,
                                       const Gone& gone, SubjectObjected objected) {
  auto ticket = std::make_shared<Ticket>();
  ConsentQuestion& question = ticket->request.question;
  question.kind = kind;
  question.principal = owner.principal;
  question.role = permissions::Role::kOwner;
  // An agent reads no question that does not say where data goes.
  question.destination.kind = permissions::DestinationKind::kStaysOnDevice;
  // Nothing in particular has no name, not one that could not be read.
  if (!subject.empty()) question.subject = permissions::CleanName(subject);
  question.subject_objected = objected == SubjectObjected::kYes;
  return AskOwner(std::move(ticket), owner, gone).status();
}

ConsentDesk::TicketPointer ConsentDesk::FindTicket(const Principal& principal,
                                                   const std::string& id) const {
  for (const TicketPointer& ticket : tickets_) {
    if (ticket->request.question.question_id == id && ticket->asker == principal) return ticket;
  }
  return nullptr;
}

absl::StatusOr<ConsentDesk::Status> ConsentDesk::Find(const Principal& principal,
                                                      const std::string& id) const {
  platform::MutexLock lock(mutex_);
  const TicketPointer ticket = FindTicket(principal, id);
  if (ticket == nullptr) return NotFound("grant_request_id");
  return ticket->status;
}

absl::StatusOr<ConsentDesk::Status> ConsentDesk::Wait(const Principal& principal,
                                                      const std::string& id,
                                                      absl::Duration timeout) const {
  platform::MutexLock lock(mutex_);
  const TicketPointer ticket = FindTicket(principal, id);
  if (ticket == nullptr) return NotFound("grant_request_id");
  if (ticket->status.state == State::kPending) changed_.WaitFor(mutex_, timeout);
  return ticket->status;
}

void ConsentDesk::Withdraw(const Principal& principal, const std::string& id) {
  platform::MutexLock lock(mutex_);
  const TicketPointer ticket = FindTicket(principal, id);
  if (ticket != nullptr && ticket->status.state == State::kPending) ticket->cancellation.Cancel();
}

void ConsentDesk::WithdrawAll(const Principal& principal) {
  platform::MutexLock lock(mutex_);
  for (const TicketPointer& ticket : tickets_) {
    if (ticket->status.state == State::kPending &&
        (ticket->asker == principal || ticket->request.question.principal == principal)) {
      ticket->cancellation.Cancel();
    }
  }
}

void ConsentDesk::SessionChanged() {
  const Obstacle obstacle = SessionObstacle();
  platform::MutexLock lock(mutex_);
  if (obstacle == Obstacle::kNone || open_ == nullptr) return;
  open_->closed_by = obstacle;
  open_->cancellation.Cancel();
}

int ConsentDesk::pending() const {
  platform::MutexLock lock(mutex_);
  return static_cast<int>(std::count_if(
      tickets_.begin(), tickets_.end(),
      [](const TicketPointer& ticket) { return ticket->status.state == State::kPending; }));
}

ConsentDesk::TicketPointer ConsentDesk::Next() const {
  TicketPointer next;
  for (const TicketPointer& ticket : tickets_) {
    if (ticket->status.state != State::kPending) continue;
    if (ticket->which == QuestionClass::kOwner) return ticket;
    if (next == nullptr) next = ticket;
  }
  return next;
}

void ConsentDesk::Loop() {
  while (true) {
    TicketPointer ticket;
    {
      platform::MutexLock lock(mutex_);
      while ((ticket = Next()) == nullptr && !stopping_) changed_.Wait(mutex_);
      if (ticket == nullptr) return;
      open_ = ticket;
    }
    const Status status = Resolve(*ticket);
    std::function<void(bool)> done;
    {
      platform::MutexLock lock(mutex_);
      open_ = nullptr;
      ticket->status = status;
      // Up to 64 KiB of somebody's words, and thousands of chats: no longer needed.
      ticket->request.question.message_text.clear();
      ticket->request.question.chats.clear();
      done = std::move(ticket->done);
      ticket->done = nullptr;
      changed_.NotifyAll();
    }
    if (done) done(status.state == State::kGranted);
  }
}

}  // namespace postern::broker
