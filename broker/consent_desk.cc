// SPDX-License-Identifier: Apache-2.0
#include "broker/consent_desk.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "broker/shutdown.h"
#include "permissions/display_text.h"
#include "platform/linux/peer_evidence.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ConsentAnswer;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;
using permissions::Principal;
using permissions::QuestionKind;

constexpr std::string_view kMemoryKey = "consent_memory";
// Ended questions that can still be asked about.
constexpr size_t kTicketsMax = 64;

}  // namespace

absl::Status ConsentDesk::Silenced(absl::Duration wait) {
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)));
  return ReasonStatus(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_CONSENT_SILENCED,
      absl::StrCat("this program asked the user a short while ago; ask again in ", seconds, " s"),
      {{"retry_after_seconds", absl::StrCat(seconds)}});
}

ConsentDesk::ConsentDesk(Store& store, AppRegistry& apps, Directory& directory,
                         ConsentPrompt& prompt, const platform::Clock& clock)
    : store_(store),
      apps_(apps),
      directory_(directory),
      prompt_(prompt),
      clock_(clock),
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

absl::Status ConsentDesk::Open() {
  std::string json;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    row.BindAll(kMemoryKey);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found) json = std::string(row.Bytes(0));
    return absl::OkStatus();
  }));
  if (json.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(permissions::ConsentMemory memory, permissions::ConsentMemory::FromJson(json));
  platform::MutexLock lock(mutex_);
  memory_ = std::move(memory);
  return absl::OkStatus();
}

void ConsentDesk::Remember() {
  std::string json;
  {
    platform::MutexLock lock(mutex_);
    json = memory_.ToJson();
  }
  // What cannot be written is still held in memory: it forgets nothing while the daemon runs.
  store_
      .Write([&](Database& database) {
        return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kMemoryKey,
                            Blob{json});
      })
      .IgnoreError();
}

absl::StatusOr<std::string> ConsentDesk::Ask(Request request) {
  const Principal principal = request.question.principal;
  // What the agent will find too, where the daemon may look itself; it keeps a new key of the same
  // program from starting afresh.
  std::string origin = platform::OriginOf(platform::GatherEvidence(request.pidfd.get()));
  if (origin.empty()) origin = "unknown";
  platform::MutexLock lock(mutex_);
  if (stopping_) return Shutdown::Refusal();
  size_t waiting = 0;
  for (const TicketPointer& ticket : tickets_) {
    if (ticket->status.state != State::kPending) continue;
    if (ticket->request.question.principal == principal) {
      return ticket->request.question.question_id;
    }
    ++waiting;
  }
  const absl::Time now = clock_.Now();
  const absl::Time from = memory_.MayAskFrom(principal, origin, now);
  if (from > now) return Silenced(from - now);
  if (waiting >= kPendingQuestionsMax) {
    return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                        "too many questions wait for the user; ask again later",
                        {{"limit", absl::StrCat(kPendingQuestionsMax)}});
  }
  auto ticket = std::make_shared<Ticket>();
  ticket->request = std::move(request);
  ticket->origin = std::move(origin);
  ConsentQuestion& question = ticket->request.question;
  question.question_id = permissions::NewQuestionId();
  question.timeout = permissions::kQuestionTimeout;
  ticket->status.expire_time =
      now + permissions::kQuestionTimeout * static_cast<double>(waiting + 1);
  tickets_.push_back(ticket);
  while (tickets_.size() > kTicketsMax && tickets_.front()->status.state != State::kPending) {
    tickets_.pop_front();
  }
  changed_.NotifyAll();
  return question.question_id;
}

ConsentDesk::TicketPointer ConsentDesk::FindTicket(const Principal& principal,
                                                   const std::string& id) const {
  for (const TicketPointer& ticket : tickets_) {
    if (ticket->request.question.question_id == id &&
        ticket->request.question.principal == principal) {
      return ticket;
    }
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

int ConsentDesk::pending() const {
  platform::MutexLock lock(mutex_);
  return static_cast<int>(std::count_if(
      tickets_.begin(), tickets_.end(),
      [](const TicketPointer& ticket) { return ticket->status.state == State::kPending; }));
}

void ConsentDesk::Loop() {
  while (true) {
    TicketPointer ticket;
    {
      platform::MutexLock lock(mutex_);
      const auto next = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return std::find_if(tickets_.begin(), tickets_.end(), [](const TicketPointer& candidate) {
          return candidate->status.state == State::kPending;
        });
      };
      while (next() == tickets_.end() && !stopping_) changed_.Wait(mutex_);
      if (next() == tickets_.end()) return;
      ticket = *next();
    }
    const Status status = Resolve(*ticket);
    platform::MutexLock lock(mutex_);
    ticket->status = status;
    changed_.NotifyAll();
  }
}

void ConsentDesk::FillIn(ConsentQuestion& question) const {
  std::vector<std::string> others;
  for (const AppPointer& app : apps_.All()) {
    if (app->principal == question.principal) {
      question.known_name = app->app.display_name();
    } else if (app->standing == Standing::kApp || app->standing == Standing::kGatekeeper) {
      others.push_back(app->app.display_name());
    }
  }
  question.looks_like = permissions::LooksLike(question.claimed_name, others);
  question.mixed_script = permissions::IsMixedScript(question.claimed_name);
  if (question.kind == QuestionKind::kEnrollGatekeeper) return;
  const std::vector<v1::Account> accounts = directory_.Accounts();
  for (const v1::Account& account : accounts) {
    if (question.accounts.size() >= permissions::kOfferedAccountsMax) break;
    question.accounts.push_back({IdFromText<permissions::AccountId>(account.id()),
                                 permissions::CleanName(account.display_name()),
                                 account.network()});
  }
  for (const v1::Chat& chat : directory_.Chats()) {
    if (question.chats.size() >= permissions::kOfferedChatsMax) break;
    const auto account = IdFromText<permissions::AccountId>(chat.account_id());
    const auto place = std::find_if(
        question.accounts.begin(), question.accounts.end(),
        [&](const permissions::OfferedAccount& offered) { return offered.id == account; });
    if (place == question.accounts.end()) continue;
    question.chats.push_back({IdFromText<permissions::ChatId>(chat.id()),
                              static_cast<uint32_t>(place - question.accounts.begin()),
                              permissions::CleanName(chat.name()),
                              chat.kind() == v1::CHAT_KIND_GROUP ? permissions::ChatType::kGroup
                                                                 : permissions::ChatType::kDirect});
  }
}

ConsentDesk::Status ConsentDesk::Resolve(Ticket& ticket) {
  Status status;
  status.expire_time = ticket.status.expire_time;
  ConsentQuestion& question = ticket.request.question;
  if (ticket.cancellation.cancelled()) {
    status.state = State::kWithdrawn;
    return status;
  }
  FillIn(question);
  {
    platform::MutexLock lock(mutex_);
    // Looked at again: what was asked since this one came counts too, so that a program with many
    // keys cannot line up many questions at once.
    const absl::Time now = clock_.Now();
    const absl::Time from = memory_.MayAskFrom(question.principal, ticket.origin, now);
    if (from > now) {
      status.state = State::kSilenced;
      status.retry_after = from - now;
      return status;
    }
    memory_.RecordAsked(question.principal, now);
  }
  const ConsentOutcome outcome =
      prompt_.Ask(question, std::move(ticket.request.pidfd), ticket.cancellation, {});
  status = CarryOut(ticket, outcome);
  status.expire_time = ticket.status.expire_time;
  Remember();
  return status;
}

ConsentDesk::Status ConsentDesk::CarryOut(Ticket& ticket, const ConsentOutcome& outcome) {
  Status status;
  const ConsentQuestion& question = ticket.request.question;
  const ConsentAnswer& answer = outcome.answer;
  const std::string& origin = answer.origin == "unknown" ? ticket.origin : answer.origin;
  const absl::Time now = clock_.Now();
  const auto refused = [&](State state) {
    platform::MutexLock lock(mutex_);
    memory_.RecordRefused(origin, now);
    status.state = state;
    return status;
  };
  switch (outcome.kind) {
    case ConsentOutcome::Kind::kUnavailable:
      status.state = State::kUnavailable;
      return status;
    case ConsentOutcome::Kind::kCancelled:
      status.state = State::kWithdrawn;
      return status;
    case ConsentOutcome::Kind::kExpired:
      return refused(State::kExpired);
    case ConsentOutcome::Kind::kFailed:
      return refused(State::kDenied);
    case ConsentOutcome::Kind::kAnswered:
      break;
  }
  // The prompt checked it; it is checked again where it counts.
  if (answer.decision != ConsentDecision::kAllow ||
      !permissions::CheckAnswer(question, answer, now).ok()) {
    return refused(answer.decision == ConsentDecision::kExpired ? State::kExpired : State::kDenied);
  }
  v1::App app = ticket.request.app;
  app.set_display_name(answer.given_name);
  app.set_executable(answer.executable);
  *app.mutable_enroll_time() = ToProto(now);
  absl::Status written;
  if (question.kind == QuestionKind::kEnrollGatekeeper) {
    written = apps_.Enroll(std::move(app), Standing::kGatekeeper, {});
  } else {
    absl::StatusOr<permissions::Grant> grant = permissions::GrantFrom(question, answer, now);
    if (!grant.ok()) return refused(State::kDenied);
    status.grant = *grant;
    written = question.kind == QuestionKind::kWidenGrant
                  ? apps_.AddGrant(*grant)
                  : apps_.Enroll(std::move(app), Standing::kApp, {*std::move(grant)});
  }
  if (!written.ok()) {
    // The user said yes and the disk said no: nothing was granted, and asking again is no nagging.
    status.grant.reset();
    status.state = State::kUnavailable;
    return status;
  }
  platform::MutexLock lock(mutex_);
  memory_.RecordAllowed(origin);
  status.state = State::kGranted;
  return status;
}

}  // namespace postern::broker
