// SPDX-License-Identifier: Apache-2.0
// Where questions to the person wait their turn: one at a time, paced so that nobody can nag, and
// followed by whoever asked. The only place that turns an answer into access.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "broker/app_registry.h"
#include "broker/consent_prompt.h"
#include "broker/directory.h"
#include "broker/store.h"
#include "permissions/consent_memory.h"
#include "permissions/consent_question.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "platform/unique_fd.h"

namespace postern::broker {

// A question and where it stands. Shared by the desk and by who follows it; guarded by the desk.
class ConsentDesk {
 public:
  // kSilenced: not put before the user, because others of the same program were refused while it
  // waited in line, or too many were asked.
  enum class State { kPending, kGranted, kDenied, kExpired, kUnavailable, kWithdrawn, kSilenced };

  struct Status {
    State state = State::kPending;
    absl::Time expire_time;
    // For kSilenced: when it may be asked again.
    absl::Duration retry_after;
    // For kGranted of an app.
    std::optional<permissions::Grant> grant;
  };

  // What is asked, without what the desk fills in: id, offered accounts and chats, warnings.
  struct Request {
    permissions::ConsentQuestion question;
    // Shown to the owner afterwards.
    v1::App app;
    platform::UniqueFd pidfd;
  };

  ConsentDesk(Store& store, AppRegistry& apps, Directory& directory, ConsentPrompt& prompt,
              const platform::Clock& clock);
  // Stops.
  ~ConsentDesk();
  ConsentDesk(const ConsentDesk&) = delete;
  ConsentDesk& operator=(const ConsentDesk&) = delete;

  // Withdraws what waits, and tells who follows it. Nothing is asked or granted any more. Calling
  // it again does nothing.
  void Stop();

  // Reads what was remembered of earlier questions. Call once, before the first Ask.
  absl::Status Open();

  // Puts a question in line and returns its id; the same principal's waiting question is joined.
  // RESOURCE_EXHAUSTED CONSENT_SILENCED, with "retry_after_seconds", when this principal or program
  // has asked too often; LIMIT_EXCEEDED when too many questions wait. UNAVAILABLE SHUTTING_DOWN
  // after Stop.
  absl::StatusOr<std::string> Ask(Request request);
  // Returns where a question of this principal stands; NOT_FOUND when there is none.
  absl::StatusOr<Status> Find(const permissions::Principal& principal, const std::string& id) const;
  // Waits until the question is no longer pending or 'timeout' passes.
  absl::StatusOr<Status> Wait(const permissions::Principal& principal, const std::string& id,
                              absl::Duration timeout) const;
  // Takes a question back: who asked is gone.
  void Withdraw(const permissions::Principal& principal, const std::string& id);

  int pending() const;

  // The refusal that goes with kSilenced.
  static absl::Status Silenced(absl::Duration wait);

 private:
  struct Ticket {
    Request request;
    Status status;
    // What refusals are remembered by, as far as the daemon itself can see.
    std::string origin;
    // Of this machine's time: the person's clock, not the tests'.
    ConsentCancellation cancellation;
  };
  using TicketPointer = std::shared_ptr<Ticket>;

  void Loop();
  // Asks about one ticket and carries the answer out. Returns the state it ends in.
  Status Resolve(Ticket& ticket);
  Status CarryOut(Ticket& ticket, const ConsentOutcome& outcome);
  void FillIn(permissions::ConsentQuestion& question) const;
  void Remember();
  TicketPointer FindTicket(const permissions::Principal& principal, const std::string& id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  AppRegistry& apps_;
  Directory& directory_;
  ConsentPrompt& prompt_;
  const platform::Clock& clock_;

  mutable platform::Mutex mutex_;
  mutable platform::ConditionVariable changed_;
  // Waiting and lately ended ones, oldest first, bounded.
  std::deque<TicketPointer> tickets_ ABSL_GUARDED_BY(mutex_);
  permissions::ConsentMemory memory_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::broker
