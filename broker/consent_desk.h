// SPDX-License-Identifier: Apache-2.0
// Where questions to the person wait their turn: one at a time, paced so that nobody can nag, and
// followed by whoever asked. The only place that turns an answer into access.
//
// Three kinds of asker share the one line. A program asks for access and follows the question by
// its id. An app with messages:send.ask has a message put before the person, and is called back.
// The owner's own tools wait in their call for a yes; their questions go first, since somebody sits
// there who wants them.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/caller.h"
#include "broker/consent_prompt.h"
#include "broker/directory.h"
#include "broker/owner_notices.h"
#include "broker/question_pace.h"
#include "broker/store.h"
#include "permissions/consent_question.h"
#include "platform/clock.h"
#include "platform/linux/peer_evidence.h"
#include "platform/mutex.h"
#include "platform/session_watch.h"
#include "platform/unique_fd.h"

namespace postern::broker {

// Thread-safe.
class ConsentDesk {
 public:
  // kSilenced: not put before the user, because others of the same program were refused while it
  // waited in line, or too many were asked.
  enum class State { kPending, kGranted, kDenied, kExpired, kUnavailable, kWithdrawn, kSilenced };

  // Why nobody could be asked. Nothing is granted then, and nothing held against who asked.
  enum class Obstacle {
    kNone,
    // No display and no terminal, or no agent.
    kNobody,
    kLocked,
    // Another session is in front.
    kElsewhere,
    // The agent started, and ended without an answer.
    kAgentFailed,
    // The answer could not be written down.
    kStorage,
  };

  struct Status {
    State state = State::kPending;
    absl::Time expire_time;
    // For kSilenced: when it may be asked again.
    absl::Duration retry_after;
    // For kUnavailable.
    Obstacle obstacle = Obstacle::kNone;
    // For kGranted: the new grant of an app, or the one that lasts longer.
    std::optional<permissions::Grant> grant;
  };

  // What is asked, without what the desk fills in: id, offered accounts and chats, warnings.
  struct Request {
    permissions::ConsentQuestion question;
    // Chats that the app named, for kWidenGrant.
    std::vector<permissions::ChatId> asked_chats;
    // Shown to the owner afterwards.
    v1::App app;
    platform::UniqueFd pidfd;
  };

  // What the desk works with. The references must outlive it.
  struct Options {
    Store& store;
    AppRegistry& apps;
    Directory& directory;
    ConsentPrompt& prompt;
    AccessHistory& accesses;
    OwnerNotices& notices;
    const platform::Clock& clock;
    // Without one, the person counts as present.
    const platform::SessionWatch* session = nullptr;
    // The process behind a connection, for the evidence shown.
    std::function<absl::StatusOr<platform::UniqueFd>(ConnectionId)> pidfd_of;
    // What the asking app would see under a draft of the answer; empty: nothing is known.
    std::function<permissions::ConsentPreview(const permissions::ConsentQuestion&,
                                              const permissions::ConsentAnswer& draft)>
        preview;
  };

  // Whether the caller that waits for an answer is gone; looked at each second.
  using Gone = std::function<bool()>;
  enum class SubjectObjected { kNo, kYes };

  explicit ConsentDesk(Options options);
  // Stops.
  ~ConsentDesk();
  ConsentDesk(const ConsentDesk&) = delete;
  ConsentDesk& operator=(const ConsentDesk&) = delete;

  // Withdraws what waits, and tells who follows it. Nothing is asked or granted any more. Calling
  // it again does nothing.
  void Stop();

  // Reads what was remembered of earlier questions. Call once, before the first Ask.
  absl::Status Open() { return pace_.Load(); }

  // Puts a program's question for access in line and returns its id. The same question of the same
  // principal that still waits is joined; when it asks for something else now, the one before is
  // withdrawn, and its window closes: the person never answers a question that has changed.
  // RESOURCE_EXHAUSTED CONSENT_SILENCED, with "retry_after_seconds", when this principal or program
  // has asked too often; LIMIT_EXCEEDED when too many questions wait. UNAVAILABLE
  // CONSENT_UNAVAILABLE while nobody is there to be asked; SHUTTING_DOWN after Stop.
  absl::StatusOr<std::string> Ask(Request request);

  // Asks to let a grant last longer, and waits. The grant as it is then; PERMISSION_DENIED
  // CONSENT_REFUSED, NOT_FOUND, INVALID_ARGUMENT for one that has ended or has no end; and as Ask.
  absl::StatusOr<permissions::Grant> AskToExtend(const Caller& owner, permissions::GrantId id,
                                                 const Gone& gone = nullptr);
  // Asks about kUnseal, kExport or kPurge of 'subject', and waits. OK only when the person allowed.
  absl::Status AskToConfirm(permissions::QuestionKind kind, std::string subject,
                            const Caller& owner, const Gone& gone = nullptr,
                            SubjectObjected objected = SubjectObjected::kNo);
  // Puts the very message that 'app' would send before the person. Returns at once with the
  // question's id, and calls 'done' once, from the desk's thread and without a lock: true only when
  // the person allowed this message within kSendQuestionTimeout. Errors as Ask; then 'done' is not
  // called.
  absl::StatusOr<std::string> AskToSend(const permissions::Principal& app, std::string chat_name,
                                        std::string message_text, platform::UniqueFd pidfd,
                                        std::function<void(bool allowed)> done);

  // Returns where a question of this principal stands; NOT_FOUND when there is none.
  absl::StatusOr<Status> Find(const permissions::Principal& principal, const std::string& id) const;
  // Waits until the question is no longer pending or 'timeout' passes.
  absl::StatusOr<Status> Wait(const permissions::Principal& principal, const std::string& id,
                              absl::Duration timeout) const;
  // Takes a question back: who asked is gone.
  void Withdraw(const permissions::Principal& principal, const std::string& id);
  // Takes back all that a principal asked, or that is asked about it: the user has thrown it out.
  void WithdrawAll(const permissions::Principal& principal);

  // The person came or went: closes the open window when they went.
  void SessionChanged();

  int pending() const;
  // Whether questions can be put before the person, as far as the session goes.
  bool person_present() const { return SessionObstacle() == Obstacle::kNone; }

  // What the caller is told of an end that is no yes and no plain no; OK for the others.
  static absl::Status WhyUnanswered(const Status& status);

 private:
  struct Ticket {
    QuestionClass which = QuestionClass::kAccess;
    Request request;
    // The question as it came: what a change is known by.
    permissions::ConsentQuestion asked;
    // Who follows it.
    permissions::Principal asker;
    Status status;
    // What the daemon itself can see of who asks, and what refusals are remembered by.
    platform::PeerEvidence evidence;
    std::string origin;
    // For kExtendGrant.
    permissions::GrantId grant;
    // For kSendMessage.
    std::function<void(bool)> done;
    // Not shown after this.
    absl::Time deadline = absl::InfiniteFuture();
    // Why the desk closed its window; guarded by the desk's lock.
    Obstacle closed_by = Obstacle::kNone;
    ConsentCancellation cancellation;
  };
  using TicketPointer = std::shared_ptr<Ticket>;

  void Loop();
  // Asks about one ticket and carries the answer out. Returns the state it ends in.
  Status Resolve(Ticket& ticket);
  Status CarryOut(Ticket& ticket, const ConsentOutcome& outcome);
  // Gives what the person allowed. Not OK: nothing was given.
  absl::Status Give(Ticket& ticket, const permissions::ConsentAnswer& answer, Status& status);
  absl::Status Record(const Ticket& ticket, v1::AccessVerb verb, permissions::GrantId grant = {});
  Status NobodyAsked(const Ticket& ticket, Obstacle obstacle);
  void TellOfGrant(const Ticket& ticket, const permissions::ConsentAnswer& answer);

  Obstacle SessionObstacle() const;
  // OK, or why nothing can be put in line now.
  absl::Status CheckOpen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Finds the waiting question that 'request' repeats, and withdraws one that it changes.
  std::optional<std::string> JoinOrWithdraw(const Request& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckRoom(const Ticket& ticket) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives the ticket an id and a place in line.
  std::string Enqueue(TicketPointer ticket) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::string> AskInClass(TicketPointer ticket);
  absl::StatusOr<Status> AskOwner(TicketPointer ticket, const Caller& owner, const Gone& gone);
  TicketPointer Next() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  TicketPointer FindTicket(const permissions::Principal& principal, const std::string& id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  QuestionPace pace_;

  mutable platform::Mutex mutex_;
  mutable platform::ConditionVariable changed_;
  // Waiting and lately ended ones, oldest first, bounded.
  std::deque<TicketPointer> tickets_ ABSL_GUARDED_BY(mutex_);
  // The one that is before the person.
  TicketPointer open_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::broker
