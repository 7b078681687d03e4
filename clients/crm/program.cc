// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/program.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "clients/sdk/errors.h"
#include "clients/sdk/grants.h"
#include "clients/sdk/silence.h"

namespace postern::crm {
namespace {

constexpr char kSubscription[] = "crm";
// Tryton is written to when nothing came for so long, or so much came, or so long after the first.
constexpr absl::Duration kQuiet = absl::Seconds(1);
constexpr int kEventsAtOnce = 500;
constexpr absl::Duration kLatest = absl::Seconds(10);
// How often people whom somebody has since matched in Tryton are looked for.
constexpr absl::Duration kIdle = absl::Minutes(1);
constexpr sdk::BackoffOptions kBackoff{absl::Seconds(1), absl::Minutes(5), 0.3};

bool CanTryAgain(const absl::Status& status) {
  if (sdk::ErrorReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED) return sdk::IsRetriable(status);
  // ABORTED is one call that Tryton refuses: somebody there may put it right.
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsAborted(status);
}

// What is said of a wait for what passes by itself.
std::string WaitingFor(const absl::Status& status) {
  if (!sdk::AccessRests(status)) return absl::StrCat(std::string(status.message()), "; waiting");
  return sdk::ErrorReasonOf(status) == v1::ERROR_REASON_GRANT_SUSPENDED
             ? "your access is suspended; waiting until it is resumed"
             : "a limit of this access is used up; waiting";
}

}  // namespace

bool CanConnectLater(const absl::Status& status) {
  return CanTryAgain(status) || PassesByItself(status);
}

bool PassesByItself(const absl::Status& status) {
  switch (sdk::ErrorReasonOf(status)) {
    case v1::ERROR_REASON_UNSPECIFIED:
      return false;
    case v1::ERROR_REASON_LIMIT_EXCEEDED:
    case v1::ERROR_REASON_SUBSCRIPTION_IN_USE:
      return true;
    default:
      return sdk::IsRetriable(status) || sdk::AccessRests(status) || sdk::CanBeAskedLater(status);
  }
}

void Say(const std::string& line) { std::fprintf(stderr, "postern-crm: %s\n", line.c_str()); }

ExitCode Fail(const absl::Status& status) {
  if (sdk::AccessIsOver(status)) {
    Say("your access was taken back or has run out; to ask for it again: postern-crm erase, then "
        "start this again");
    return ExitCode::kNotAllowed;
  }
  Say(std::string(status.message()));
  if (PassesByItself(status)) return ExitCode::kFailed;
  if (sdk::ErrorReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED) return ExitCode::kNotAllowed;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return ExitCode::kUsage;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
      return ExitCode::kTryton;
    default:
      return ExitCode::kFailed;
  }
}

Program::Program(Config config, std::string manifest_path)
    : config_(std::move(config)),
      manifest_path_(std::move(manifest_path)),
      publish_backoff_(kBackoff) {}

void Program::SayOnce(const std::string& line) {
  if (std::exchange(said_, line) != line) Say(line);
}

absl::Status Program::Again(const std::function<absl::Status()>& attempt) {
  return Again(attempt, CanTryAgain);
}

absl::Status Program::Again(const std::function<absl::Status()>& attempt, Judge helps) {
  sdk::Backoff backoff(kBackoff);
  v1::ErrorReason reason_said = v1::ERROR_REASON_UNSPECIFIED;
  for (;;) {
    const absl::Status status = attempt();
    if (stopper_.stopped()) return absl::CancelledError("stopping");
    if (status.ok() || !helps(status)) return status;
    // A refusal that says when it ends has other words each time.
    const v1::ErrorReason reason = sdk::ErrorReasonOf(status);
    if (reason == v1::ERROR_REASON_UNSPECIFIED || reason != std::exchange(reason_said, reason)) {
      SayOnce(PassesByItself(status) ? WaitingFor(status) : std::string(status.message()));
    }
    // Not longer at once: a device that slept, or a user who changed their mind, is seen soon.
    const absl::Duration wait =
        sdk::AccessRests(status)
            ? sdk::RestOf(status)
            : backoff.Next(std::min(sdk::RetryAfterOf(status), kBackoff.longest));
    if (!stopper_.Wait(wait)) return absl::CancelledError("stopping");
  }
}

absl::Status Program::PublishNow(sdk::Subscription& events) {
  if (absl::Now() < publish_after_) return absl::OkStatus();
  const absl::Status status = publisher_->Publish();
  if (!status.ok()) {
    if (absl::IsCancelled(status) || !CanTryAgain(status)) return status;
    SayOnce(std::string(status.message()));
    publish_after_ = absl::Now() + publish_backoff_.Next();
    return status;
  }
  publish_backoff_.Reset();
  publish_after_ = absl::InfinitePast();
  SayOnce("Tryton is up to date");
  if (std::exchange(waiting_, publisher_->waiting()) != waiting_ && waiting_ > 0) {
    Say(absl::StrCat(waiting_, waiting_ == 1 ? " person waits" : " people wait",
                     " to be matched with a party: postern-crm people"));
  }
  // Acknowledged, it would not come again, and never be confirmed.
  if (erasure_missed_) return absl::OkStatus();
  // What is lost of this is said again by the next.
  events.Acknowledge().IgnoreError();
  return absl::OkStatus();
}

// Reads until the subscription ends: with its reason, or OK when it is to be made anew.
absl::Status Program::Read(sdk::Subscription& events) {
  int unpublished = 0;
  absl::Time latest = absl::InfiniteFuture();
  bool behind = true;  // what an earlier run left
  for (;;) {
    const absl::Duration wait = behind ? std::max(kQuiet, publish_after_ - absl::Now()) : kIdle;
    const auto event = events.Next(wait);
    if (event.ok()) {
      if (const absl::Status status = Again([&] { return recorder_->Record(*event); });
          !status.ok()) {
        return status;
      }
      behind = true;
      if (++unpublished == 1) latest = absl::Now() + kLatest;
      if (unpublished < kEventsAtOnce && absl::Now() < latest) continue;
    } else if (!absl::IsDeadlineExceeded(event.status())) {
      return event.status();
    }
    const absl::Status status = PublishNow(events);
    if (!status.ok() && !CanTryAgain(status)) return status;
    behind = !status.ok() || absl::Now() < publish_after_;
    unpublished = 0;
    latest = absl::InfiniteFuture();
    if (!behind && std::exchange(erasure_missed_, false)) return absl::OkStatus();
  }
}

absl::Status Program::EraseAtTryton() {
  return Again([&] {
    const auto kept = publisher_->EraseEverything();
    if (!kept.ok()) return kept.status();
    erased_ = true;
    Say("everything that came through Postern was removed from Tryton");
    if (*kept > 0)
      Say(absl::StrCat(*kept, " parties that this app had made stay: others work with them now"));
    return absl::OkStatus();
  });
}

absl::Status Program::Follow() {
  const auto client = Connect(/*patient=*/true);
  if (!client.ok()) return client.status();
  people_ = std::make_unique<People>(**client, *ledger_);
  recorder_ = std::make_unique<Recorder>(config_, *people_, *ledger_);
  const absl::Status read = Again([&] { return people_->Refresh(); }, CanConnectLater);
  // Where that is all of the access, the subscription ends with it: it erases, and tells Postern.
  if (!read.ok() && !sdk::AccessIsOver(read)) return read;
  if (read.ok()) {
    TellWhatIsNotAllowed(**client);
    SayOnce("following Postern");
  }
  absl::Status over;
  while (over.ok()) {
    const auto events = (*client)->Subscribe({
        .name = kSubscription,
        // From the grant on: also what came before this was ready.
        .start = v1::SubscribeRequest::START_OLDEST,
        .on_erase =
            [this](const v1::Event& event) {
              absl::Status status = recorder_->Record(event);
              if (status.ok()) status = publisher_->Publish();
              if (!status.ok()) erasure_missed_ = true;
              return status;
            },
        .on_erase_everything = [this] { return EraseAtTryton(); },
    });
    stopper_.OnStop([&] { events->Cancel(); });
    const absl::Status ended = Read(*events);
    stopper_.OnStop({});
    if (sdk::AccessRests(ended)) {
      SayOnce(WaitingFor(ended));
      if (!stopper_.Wait(sdk::RestOf(ended))) return absl::OkStatus();
    } else if (stopper_.stopped()) {
      return absl::OkStatus();
    } else if (!ended.ok()) {
      over = ended;
    }
  }
  if (!sdk::AccessIsOver(over) || erased_) return over;
  // Another call than the stream's heard of it first.
  const absl::Status erased = EraseIfOver();
  if (!erased.ok()) return erased;
  return sdk::MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_SCOPE_REQUIRED,
                        "you took back something that this needs; to be asked: postern-crm ask");
}

void Program::TellWhatIsNotAllowed(sdk::Client& client) {
  const auto self = client.GetSelf();
  if (!self.ok()) return;
  for (const v1::Scope scope : sdk::MissingScopes(manifest_, *self)) {
    Say(absl::StrCat("the configuration wants ", std::string(sdk::ScopeName(scope)),
                     ", which you have not allowed; to be asked: postern-crm ask"));
  }
}

ExitCode Program::Run() {
  absl::Status status = Prepare();
  if (status.ok()) status = Lock();
  if (status.ok()) status = CheckDestination();
  if (status.ok()) status = Again([this] { return OpenLedger(); });
  if (status.ok()) {
    // A wrong configuration shows before the user is asked anything. A server that is away does not
    // matter: what happens meanwhile is written down.
    const absl::Status reached = parties_->Exists(0).status();
    if (absl::IsUnavailable(reached)) {
      SayOnce(std::string(reached.message()));
    } else {
      status = reached;
    }
  }
  if (status.ok()) status = Follow();
  if (stopper_.stopped() && (status.ok() || absl::IsCancelled(status))) return ExitCode::kOk;
  return Fail(status);
}

}  // namespace postern::crm
